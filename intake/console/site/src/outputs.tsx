// 授受簿: what left the house on paper or in a file, and what is still to be done about it.

import { useState } from "preact/hooks";

import { ask as answerTo, get, post, where, type Which } from "./api";
import { save } from "./output";
import { Button, Failure, Field, Heading, single, useLoaded, useSending } from "./parts";
import { when, who } from "./words";

interface Output extends Which {
  number: number;
  kind: "print" | "export";
  state: "waiting" | "open" | "over" | "gone";
  asked_by: string;
  asked_at: string;
  terminal: string;
  reason: string;
  with_numbers: boolean;
  many: boolean;
  recipient: string | null;
  medium: string | null;
  approved_by: string | null;
  until: string | null;
  fetches: number;
  disposed_by: string | null;
  disposed_at: string | null;
  disposal: string | null;
}

const path = (it: Output, what: string) =>
  where(it, "/api", `/outputs/${it.number}/${what}`);

/** The day that ends at this midnight in Japan. */
function lastDay(until: string): string {
  const inside = new Date(Date.parse(until) - 1000 + 9 * 3600000).toISOString();
  return when(inside).split(" ")[0];
}

function stateOf(it: Output): string {
  if (it.state === "gone") return `${it.disposal}（${who(it.disposed_by!)}）`;
  if (it.state === "waiting") return it.many ? "管理責任者の承認待ち" : "承認待ち";
  if (it.state === "over") return it.kind === "print" ? "期限切れ：廃棄を記録してください" : "期限切れ";
  return `${lastDay(it.until!)}まで`;
}

/** What may be done about one entry. */
function Actions(props: { it: Output; me: string; changed: () => void }) {
  const { it } = props;
  const mine = it.asked_by === `staff:${props.me}`;
  const [password, setPassword] = useState<string>();
  const [how, setHow] = useState("");
  const { busy, error, send, submit } = useSending();
  const ask = (what: string, body: unknown) => post<{ password?: string }>(path(it, what), body);
  return (
    <>
      <Failure error={error} />
      {it.state === "waiting" && !mine && (
        <Button
          disabled={busy}
          onClick={single(() => send(() => ask("approve", {}).then(props.changed)))}
        >
          出力を承認する
        </Button>
      )}
      {it.kind === "export" && it.state === "open" && mine && (
        <>
          <Button
            disabled={busy}
            onClick={single(() => send(() => answerTo("GET", path(it, "file")).then(save)))}
          >
            ファイルを取り出す
          </Button>{" "}
          {password ? (
            <p>
              パスワード <span class="secret">{password}</span>
              <small>　別の方法で伝えてください。</small>
            </p>
          ) : (
            <Button
              disabled={busy}
              onClick={() =>
                send(() => ask("password", {}).then((answer) => setPassword(answer.password)))
              }
            >
              パスワードを見る
            </Button>
          )}
        </>
      )}
      {it.state !== "gone" && it.state !== "waiting" && (
        <details>
          <summary>廃棄・返却を記録する</summary>
          <form onSubmit={submit(() => ask("dispose", { how }).then(props.changed))}>
            <Field
              label="どうしたか（溶解、裁断、消去、返却など）"
              name={`how-${it.number}`}
              value={how}
              onValue={setHow}
            />
            <Button type="submit" disabled={busy}>
              記録する
            </Button>
          </form>
        </details>
      )}
    </>
  );
}

export function OutputsPage(props: { me: string }) {
  const { value, error, again } = useLoaded(
    () => get<{ items: Output[] }>("/api/outputs"),
    "outputs",
  );
  return (
    <>
      <Heading>授受簿</Heading>
      <Failure error={error} />
      {value?.items.length === 0 && <p class="empty">印刷や出力の記録はありません。</p>}
      {(value?.items.length ?? 0) > 0 && (
        <table class="list">
          <thead>
            <tr>
              <th scope="col">授受番号</th>
              <th scope="col">受付番号</th>
              <th scope="col">種類</th>
              <th scope="col">誰が・どこで</th>
              <th scope="col">理由・渡す相手</th>
              <th scope="col">状態</th>
              <th scope="col">操作</th>
            </tr>
          </thead>
          <tbody>
            {value!.items.map((it) => (
              <tr key={it.number}>
                <td>{it.number}</td>
                <td class="number">{it.receipt_number}</td>
                <td>
                  {it.kind === "print" ? "印刷" : "ファイル"}
                  {it.with_numbers && <small> 個人番号あり</small>}
                </td>
                <td>
                  {who(it.asked_by)}　{it.terminal}
                  <small> {when(it.asked_at)}</small>
                  {it.approved_by && <small>　承認 {who(it.approved_by)}</small>}
                </td>
                <td>
                  {it.reason}
                  {it.recipient && (
                    <small>
                      　{it.recipient}（媒体 {it.medium}）
                    </small>
                  )}
                </td>
                <td>{stateOf(it)}</td>
                <td>
                  <Actions it={it} me={props.me} changed={again} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

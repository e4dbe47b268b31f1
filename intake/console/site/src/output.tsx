// An application on paper or in a file: with a reason, written into the hand-over book.

import { useState } from "preact/hooks";

import { Select } from "./admin-parts";
import { type Application, get, once, where } from "./api";
import { Button, Failure, Field, Notice, useLoaded, useSending } from "./parts";

/** What the server makes is saved by the browser under the server's name for it. */
export async function save(answer: Response) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  const told = answer.headers.get("Content-Disposition") ?? "";
  link.download = /filename="([^"]+)"/.exec(told)?.[1] ?? "";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function Print(props: { it: Application }) {
  const [reason, setReason] = useState("");
  const [numbers, setNumbers] = useState(false);
  const [done, setDone] = useState(false);
  const { busy, error, submit } = useSending();
  const print = () =>
    once(where(props.it, "/api", "/print"), { reason, numbers }, save).then(() => setDone(true));
  return (
    <form onSubmit={submit(print)}>
      <Failure error={error} />
      {done && (
        <Notice kind="info">
          PDFを作りました。印刷したら、端末のファイルはすぐに消してください。紙は翌開庁日までに廃棄し、
          授受簿に記録します。
        </Notice>
      )}
      <Field label="印刷する理由（授受簿に残ります）" name="print-reason" value={reason} onValue={setReason} />
      {props.it.may.includes("number") && (
        <p>
          <label>
            <input
              type="checkbox"
              checked={numbers}
              onChange={(event) => setNumbers(event.currentTarget.checked)}
            />{" "}
            個人番号も印刷する
          </label>
        </p>
      )}
      <Button type="submit" disabled={busy}>
        印刷用のPDFを作る
      </Button>
    </form>
  );
}

function Export(props: { it: Application }) {
  const [reason, setReason] = useState("");
  const [recipient, setRecipient] = useState("");
  const [medium, setMedium] = useState("");
  const [asked, setAsked] = useState<{ number: number; many: boolean }>();
  const { value: media, error: silent } = useLoaded(
    () => get<{ items: { id: string; description: string }[] }>("/api/media"),
    "media",
  );
  const { busy, error, submit } = useSending();
  const request = () =>
    once<{ number: number; many: boolean }>(where(props.it, "/api", "/export"), {
      reason,
      recipient,
      medium,
    }).then(setAsked);
  if (asked)
    return (
      <Notice kind="info">
        授受番号 {asked.number} で申請しました。
        {asked.many ? "24時間の件数が多いため、管理責任者" : "ほかの職員"}
        が承認すると、授受簿から取り出せます。
      </Notice>
    );
  return (
    <form onSubmit={submit(request)}>
      <Failure error={error ?? silent} />
      <Field label="出力する理由（授受簿に残ります）" name="export-reason" value={reason} onValue={setReason} />
      <Field label="渡す相手" name="export-recipient" value={recipient} onValue={setRecipient} />
      <Select
        label="媒体（登録されたもの）"
        name="export-medium"
        value={medium}
        options={[
          ["", media?.items.length === 0 ? "自分の部署の媒体がありません" : "選んでください"],
          ...(media?.items ?? []).map((one): [string, string] => [
            one.id,
            `${one.id}　${one.description}`,
          ]),
        ]}
        onValue={setMedium}
      />
      <Button type="submit" disabled={busy || !medium}>
        出力を申請する
      </Button>
    </form>
  );
}

export function Output(props: { it: Application }) {
  return (
    <section class="card" aria-label="印刷と出力">
      <h2>印刷と出力</h2>
      {props.it.may.includes("print") && (
        <details>
          <summary>印刷する</summary>
          <Print it={props.it} />
        </details>
      )}
      {props.it.may.includes("export") && (
        <details>
          <summary>申請データをファイルに出力する</summary>
          <Export it={props.it} />
        </details>
      )}
    </section>
  );
}

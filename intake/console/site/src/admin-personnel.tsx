// 人事異動: a CSV of who works where and of who moves or leaves, compared with the accounts; what
// changes is proposed together, for a day, and confirmed together.

import { useState } from "preact/hooks";

import { type Account, type Change, type Value } from "./admin-api";
import { Difference, Done } from "./admin-parts";
import { post } from "./api";
import { Button, Failure, Field, Heading, Notice, single, useSending } from "./parts";
import { when, who } from "./words";

interface Planned {
  subject: string;
  before: Value;
  after: Value;
}
interface Plan {
  faults: { line: number; text: string }[];
  changes: Planned[];
  differences: { subject: string; what: string; account: string | null; data: string | null }[];
  same: number;
  batch: string | null;
}

const WHAT: Record<string, string> = {
  absent: "人事データにいない利用者",
  "no-account": "利用者登録がない職員",
  name: "氏名が違う",
  department: "部署が違う",
};

function Changes(props: { items: Planned[] }) {
  return (
    <>
      {props.items.map((one) => (
        <details class="card">
          <summary>
            {(one.before as Account).display_name}（{one.subject}）　
            {(one.after as Account).disabled
              ? "退職"
              : `${(one.before as Account).department} → ${(one.after as Account).department}`}
          </summary>
          <Difference kind="account" before={one.before} after={one.after} />
        </details>
      ))}
    </>
  );
}

function Differences(props: { plan: Plan }) {
  const { differences, same } = props.plan;
  return (
    <>
      <h2>人事データとの違い（{differences.length}件）</h2>
      <p>人事データと同じ利用者 {same}人。違いは、利用者の画面で直すか、人事データを確かめてください。</p>
      {differences.length > 0 && (
        <table class="list">
          <thead>
            <tr>
              <th scope="col">違い</th>
              <th scope="col">利用者名</th>
              <th scope="col">利用者登録</th>
              <th scope="col">人事データ</th>
            </tr>
          </thead>
          <tbody>
            {differences.map((one) => (
              <tr>
                <th scope="row">{WHAT[one.what]}</th>
                <td>{one.subject}</td>
                <td>{one.account ?? "なし"}</td>
                <td>{one.data ?? "なし"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Faults(props: { faults: Plan["faults"] }) {
  return (
    <Notice kind="error">
      次の行を直してから、もう一度読み込んでください。何も登録していません。
      <ul>
        {props.faults.map((one) => (
          <li>
            {one.line > 0 && `${one.line}行目：`}
            {one.text}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

export function PersonnelPage() {
  const [csv, setCsv] = useState("");
  const [complete, setComplete] = useState(false);
  const [plan, setPlan] = useState<Plan>();
  const [day, setDay] = useState("");
  const [reason, setReason] = useState("");
  const [message, setMessage] = useState<string>();
  const { busy, error, submit } = useSending();
  const read = (file: File | undefined) => {
    setPlan(undefined);
    setMessage(undefined);
    file?.text().then(setCsv);
  };
  const compare = () => post<Plan>("/api/admin/personnel", { csv, complete }).then(setPlan);
  const propose = () =>
    post<Plan>("/api/admin/personnel", {
      csv,
      complete,
      effective_on: day,
      reason,
      propose: true,
    }).then((answer) => {
      setPlan(answer.batch ? undefined : answer);
      if (answer.batch)
        setMessage(
          `${answer.changes.length}人の変更案を登録しました。ほかの管理者が、まとめて確認します。`,
        );
    });
  return (
    <>
      <Heading>人事異動</Heading>
      <Done message={message} />
      <form class="card" onSubmit={submit(compare)}>
        <p>
          1行目が「利用者名,氏名,部署,異動,前任者」のCSV（UTF-8）を読み込みます。「異動」は空欄・異動・退職のどれか。異動する人の権限は、
          前任者の権限と同じになり、前任者が空欄なら、なくなります。
        </p>
        <div class="field">
          <label for="personnel-file">人事データのCSV</label>
          <input
            id="personnel-file"
            type="file"
            accept=".csv,text/csv"
            required
            onChange={(event) => read(event.currentTarget.files?.[0])}
          />
        </div>
        <p>
          <label>
            <input
              type="checkbox"
              checked={complete}
              onChange={(event) => setComplete(event.currentTarget.checked)}
            />{" "}
            全職員のデータ（ここにいない利用者も調べる）
          </label>
        </p>
        <Failure error={plan ? undefined : error} />
        <Button look="main" type="submit" disabled={busy || !csv}>
          照合する
        </Button>
        <p class="help">照合だけでは、何も変わりません。</p>
      </form>
      {plan && plan.faults.length > 0 && <Faults faults={plan.faults} />}
      {plan && plan.faults.length === 0 && (
        <>
          <h2>異動・退職（{plan.changes.length}人）</h2>
          <Changes items={plan.changes} />
          {plan.changes.length > 0 && (
            <form class="card" onSubmit={submit(propose)}>
              <div class="line">
                <Field
                  label="反映する日（発令日）"
                  name="effective-on"
                  type="date"
                  value={day}
                  onValue={setDay}
                />
                <Field label="理由（記録に残ります）" name="reason" value={reason} onValue={setReason} />
              </div>
              <Failure error={error} />
              <Button look="main" type="submit" disabled={busy}>
                {plan.changes.length}人の変更案を出す
              </Button>
              <p class="help">
                ほかの管理者がまとめて確認すると、反映する日の0時過ぎに反映されます。それまでに別の変更があった人の分は、失効します。
              </p>
            </form>
          )}
          <Differences plan={plan} />
        </>
      )}
    </>
  );
}

/** What was proposed together, in the list of what waits. */
export function Batch(props: { changes: Change[]; me: string; done: (message: string) => void }) {
  const [reason, setReason] = useState("");
  const { busy, error, send } = useSending();
  const [first] = props.changes;
  const mine = first.proposed_by === `staff:${props.me}`;
  const settle = (how: "confirm" | "reject") =>
    send(() =>
      post<{ message: string }>(`/api/admin/batches/${first.batch}/${how}`, { reason }).then(
        (answer) => props.done(answer.message),
      ),
    );
  return (
    <section class="card" aria-label="人事異動の変更案">
      <h2>
        人事異動　{props.changes.length}人<span class="tag">{first.effective_on} から</span>
      </h2>
      <p>
        {when(first.proposed_at)}　{who(first.proposed_by)}
        {first.terminal && `（${first.terminal}）`}　理由：{first.reason}
      </p>
      <Changes items={props.changes as Planned[]} />
      {props.changes.some((change) => change.stale) && (
        <Notice kind="warning">
          元の内容が変わった人がいるため、まとめて確認できません。差し戻して、出し直してください。
        </Notice>
      )}
      <Field
        label={mine ? "取下げの理由" : "確認した内容・差戻しの理由（差戻しには必要です）"}
        name={`settle-${first.batch}`}
        required={false}
        value={reason}
        onValue={setReason}
      />
      <Failure error={error} />
      <p class="buttons">
        {!mine && (
          <Button look="main" disabled={busy} onClick={single(() => settle("confirm"))}>
            {props.changes.length}人をまとめて確認する
          </Button>
        )}
        <Button look="danger" disabled={busy} onClick={single(() => settle("reject"))}>
          {mine ? "まとめて取り下げる" : "まとめて差し戻す"}
        </Button>
      </p>
    </section>
  );
}

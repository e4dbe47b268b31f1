// What was confirmed for a day to come, and can be dropped until then; and what came to nothing.

import { useState } from "preact/hooks";

import type { Change } from "./admin-api";
import { KINDS, STATES } from "./admin-words";
import { post } from "./api";
import { Button, Failure, Field, Notice, useSending } from "./parts";
import { who } from "./words";

const TOLD_FOR = 14 * 86400000; // milliseconds

/** One change, or all of a batch that are left. */
function Coming(props: { changes: Change[]; done: (message: string) => void }) {
  const [reason, setReason] = useState("");
  const { busy, error, submit } = useSending();
  const [first] = props.changes;
  const many = props.changes.length > 1;
  const path = many ? `batches/${first.batch}` : `changes/${first.id}`;
  const cancel = () =>
    post<{ message: string }>(`/api/admin/${path}/cancel`, { reason }).then((answer) =>
      props.done(answer.message),
    );
  return (
    <section class="card" aria-label={`反映待ち ${first.id}`}>
      <h3>
        {KINDS[first.kind]}　{props.changes.map((change) => change.subject).join("、")}
        <span class="tag">{first.effective_on} から</span>
      </h3>
      <p>
        出した人 {who(first.proposed_by)}　確認した人 {who(first.decided_by!)}　理由：{first.reason}
      </p>
      <details>
        <summary>反映を取り消す</summary>
        <form onSubmit={submit(cancel)}>
          <Field
            label="取消しの理由（記録に残ります）"
            name={`cancel-${many ? first.batch : first.id}`}
            value={reason}
            onValue={setReason}
          />
          <Failure error={error} />
          <Button look="danger" type="submit" disabled={busy}>
            {many ? `${props.changes.length}件をまとめて取り消す` : "取り消す"}
          </Button>
        </form>
      </details>
    </section>
  );
}

/** By batch, and each of a batch by itself where one is to be dropped alone. */
export function ComingChanges(props: { items: Change[]; done: (message: string) => void }) {
  const coming = props.items.filter((change) => change.state === "confirmed");
  const key = (change: Change) => change.batch ?? String(change.id);
  const batches = [...new Set(coming.map(key))].map((one) =>
    coming.filter((change) => key(change) === one),
  );
  if (!coming.length) return null;
  return (
    <>
      <h2>反映する日を待つ変更（{coming.length}件）</h2>
      {batches.map((changes) => (
        <>
          <Coming changes={changes} done={props.done} key={changes[0].id} />
          {changes.length > 1 && (
            <details>
              <summary>一件ずつ取り消す</summary>
              {changes.map((change) => (
                <Coming changes={[change]} done={props.done} key={`one ${change.id}`} />
              ))}
            </details>
          )}
        </>
      ))}
    </>
  );
}

/** What its day has passed over, for two weeks. */
export function NotApplied(props: { items: Change[] }) {
  const missed = props.items.filter(
    ({ state, ended_at }) =>
      ended_at && /^(lapsed|stale)$/.test(state) && Date.now() - Date.parse(ended_at) < TOLD_FOR,
  );
  if (!missed.length) return null;
  return (
    <Notice kind="warning">
      反映する日に反映されなかった変更があります。必要なら、もう一度変更案を出してください。
      <ul>
        {missed.map((change) => (
          <li key={change.id}>
            {change.effective_on}　{KINDS[change.kind]}　{change.subject}　{STATES[change.state]}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

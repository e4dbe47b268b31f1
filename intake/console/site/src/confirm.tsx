// The second person about a proposal: yes, or no; and whose it is takes it back.

import { useState } from "preact/hooks";

import { act, type Application } from "./api";
import { Called, Compared } from "./compare";
import { Button, Field, Notice, Said, useSending } from "./parts";
import { who } from "./words";

/** No to a proposal: of another person, or back to one's own. */
export function Drop(props: {
  it: Application;
  name: "drop" | "deny";
  label: string;
  done: () => void;
  failed: (error: unknown) => void;
}) {
  const [reason, setReason] = useState("");
  const { busy, submit } = useSending();
  const drop = () =>
    act(props.it, props.name, { reason, version: props.it.version }).then(
      props.done,
      props.failed,
    );
  return (
    <details>
      <summary>{props.label}</summary>
      <form onSubmit={submit(drop)}>
        <Field label="理由（記録に残ります）" name="drop-reason" value={reason} onValue={setReason} />
        <Button type="submit" disabled={busy}>
          {props.label}
        </Button>
      </form>
    </details>
  );
}

export function Confirm(props: {
  it: Application;
  done: () => void;
  failed: (error: unknown) => void;
}) {
  const [reason, setReason] = useState("");
  const { busy, submit } = useSending();
  const proposal = props.it.proposal!;
  const confirm = () =>
    act(props.it, "confirm", {
      atenabango: proposal.atenabango,
      reason,
      version: props.it.version,
    }).then(props.done, props.failed);
  return (
    <section class="card" aria-label="二人目の確認">
      <form onSubmit={submit(confirm)}>
        <h2>二人目の確認</h2>
        <p>
          {who(proposal.by)} さんが、宛名番号 <strong>{proposal.atenabango}</strong> の人だと判断しました。
          申請した人と同じ人か、自分で見比べて確かめてください。
        </p>
        <p>
          理由：
          <Said {...proposal} />
        </p>
        {proposal.candidate ? (
          <div class="proposed">
            <Called person={proposal.candidate.resident} />
            <Compared candidate={proposal.candidate} facts={props.it.facts} />
          </div>
        ) : (
          <Notice kind="warning">この宛名番号の人は、いまの住民記録にいません。差し戻してください。</Notice>
        )}
        <Field
          label="確認した内容（記録に残ります）"
          name="confirm-reason"
          value={reason}
          onValue={setReason}
        />
        <Button look="main" type="submit" disabled={busy}>
          同じ人であることを確認した
        </Button>
      </form>
      <Drop {...props} name="deny" label="同じ人ではない（差し戻す）" />
    </section>
  );
}

// What all pages of the administration share: the difference of a change, and proposing one.

import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

import { type Procedure, propose, type Proposal, things, type Value } from "./admin-api";
import { difference, NONE } from "./admin-words";
import { Button, Failure, Field, Notice, useLoaded, useSending } from "./parts";

export function Difference(props: { kind: string; before: Value | null; after: Value | null }) {
  const items = difference(props.kind, props.before, props.after);
  return (
    <table class="list difference">
      <thead>
        <tr>
          <th scope="col">項目</th>
          <th scope="col">変更前</th>
          <th scope="col">変更後</th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr class={item.changed ? "changed" : ""}>
            <th scope="row">
              {item.label}
              {item.changed && <span class="tag">変更</span>}
            </th>
            <td class="text">
              {item.changed && item.before !== NONE ? <del>{item.before}</del> : item.before}
            </td>
            <td class="text">{item.changed ? <ins>{item.after}</ins> : item.after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A form that ends in a proposal: `draft` gives what is proposed when it is sent. */
export function ProposeForm(props: {
  title: string;
  draft: () => Omit<Proposal, "reason">;
  done: (message: string) => void;
  cancel: () => void;
  children?: ComponentChildren;
}) {
  const [reason, setReason] = useState("");
  const { busy, error, submit } = useSending();
  const draft = props.draft();
  const send = () => propose({ ...draft, reason }).then((answer) => props.done(answer.message));
  return (
    <form class="card" onSubmit={submit(send)}>
      <h2>{props.title}</h2>
      {props.children}
      <h3>変更の内容</h3>
      <Difference kind={draft.kind} before={draft.before} after={draft.after} />
      <Field label="変更の理由（記録に残ります）" name="reason" value={reason} onValue={setReason} />
      <Failure error={error} />
      <p class="buttons">
        <Button look="main" type="submit" disabled={busy}>
          変更案を出す
        </Button>
        <Button onClick={props.cancel}>やめる</Button>
      </p>
      <p class="help">ほかの管理者が確認すると反映されます。</p>
    </form>
  );
}

export function Done(props: { message?: string }) {
  return props.message ? <Notice kind="info">{props.message}</Notice> : null;
}

export function Select(props: {
  label: string;
  name: string;
  value: string;
  options: [string, string][];
  onValue: (value: string) => void;
}) {
  return (
    <div class="field">
      <label for={props.name}>{props.label}</label>
      <select
        id={props.name}
        value={props.value}
        onChange={(event) => props.onValue(event.currentTarget.value)}
      >
        {props.options.map(([value, text]) => (
          <option value={value}>{text}</option>
        ))}
      </select>
    </div>
  );
}

/** What the routes know: 事務 or 部署, to choose from; "*" is all. One that is gone stays. */
export function RouteSelect(props: {
  label: string;
  name: string;
  of: "business" | "department";
  value: string;
  onValue: (value: string) => void;
}) {
  const { value } = useLoaded(() => things<Procedure>("procedures"), "procedures");
  const known = (value?.items ?? []).map((one) => one.route?.[props.of] ?? "");
  const names = [...new Set([...known, props.value])].filter((one) => one && one !== "*").sort();
  return (
    <Select
      label={props.label}
      name={props.name}
      value={props.value}
      options={[["*", "すべて"], ...names.map((one): [string, string] => [one, one])]}
      onValue={props.onValue}
    />
  );
}

// What waits for staff. Keys: j and k move, Enter opens, / searches by receipt number.

import { useEffect, useRef, useState } from "preact/hooks";

import { get, type Queue, type Waiting } from "./api";
import { Failure, Heading, useKeys, useLoaded } from "./parts";
import { age, when } from "./words";

const STATES: [string, string][] = [
  ["unmatched", "申請者未特定"],
  ["review", "審査待ち"],
  ["held", "保留"],
  ["correction", "訂正待ち"],
];
const EVERY = 15000; // milliseconds

export const open = (receipt: string) => {
  location.hash = `#/applications/${encodeURIComponent(receipt)}`;
};

function Row(props: { item: Waiting; current: boolean; choose: () => void }) {
  const row = useRef<HTMLTableRowElement>(null);
  const { item } = props;
  useEffect(() => {
    if (props.current) row.current?.scrollIntoView({ block: "nearest" });
  }, [props.current]);
  return (
    <tr ref={row} class={props.current ? "current" : ""} aria-current={props.current ? "true" : undefined}>
      <td class="number">
        <a href={`#/applications/${encodeURIComponent(item.receipt_number)}`} onFocus={props.choose}>
          {item.receipt_number}
        </a>
      </td>
      <td>{item.procedure_name}</td>
      <td>{item.reason_ja ?? item.state_name}</td>
      <td>
        {when(item.applied_at)}
        {item.due_at && <span class="due">期限 {when(item.due_at).split(" ")[0]}</span>}
      </td>
      <td>{age(item.since)}</td>
      <td>{item.mine ? "自分" : (item.claimed_by ?? "")}</td>
    </tr>
  );
}

export function QueuePage() {
  const [state, setState] = useState("unmatched");
  const [at, setAt] = useState(0);
  const path = `/api/queue?limit=100&state=${state}`;
  const { value, error, again } = useLoaded((background) => get<Queue>(path, background), path);
  const items = value?.items ?? [];
  const chosen = Math.min(at, Math.max(0, items.length - 1));
  useEffect(() => {
    const timer = setInterval(() => again(true), EVERY);
    return () => clearInterval(timer);
  }, [path]);
  useKeys({
    j: () => setAt(Math.min(chosen + 1, items.length - 1)),
    k: () => setAt(Math.max(chosen - 1, 0)),
    Enter: () => items[chosen] && open(items[chosen].receipt_number),
  });
  return (
    <>
      <Heading>職員の対応を待つ申請</Heading>
      <Failure error={error} />
      <div class="tabs" role="group" aria-label="状態で絞る">
        {STATES.map(([code, name]) => (
          <button
            type="button"
            class="tab"
            aria-pressed={state === code}
            onClick={() => {
              setState(code);
              setAt(0);
            }}
          >
            {name} <span class="count">{value?.counts[code] ?? "…"}</span>
          </button>
        ))}
      </div>
      {value && items.length === 0 ? (
        <p class="empty">待っている申請はありません。</p>
      ) : (
        <table class="list">
          <caption class="visually-hidden">待っている申請。jとkで選び、Enterで開きます。</caption>
          <thead>
            <tr>
              <th scope="col">受付番号</th>
              <th scope="col">手続</th>
              <th scope="col">理由</th>
              <th scope="col">申請</th>
              <th scope="col">経過</th>
              <th scope="col">対応中</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item, i) => (
              <Row item={item} current={i === chosen} choose={() => setAt(i)} key={item.receipt_number} />
            ))}
          </tbody>
        </table>
      )}
      <p class="help">
        キー操作：<kbd>j</kbd> 次　<kbd>k</kbd> 前　<kbd>Enter</kbd> 開く
      </p>
    </>
  );
}

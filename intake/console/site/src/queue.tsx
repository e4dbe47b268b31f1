// What waits for staff, what is due first at the top. Keys: j and k move, Enter opens, x chooses
// for what is done with several at once.

import { useEffect, useRef, useState } from "preact/hooks";

import { get, type Queue, type Waiting, same, where, type Which } from "./api";
import { Failure, Heading, lazy, useKeys, useLoaded } from "./parts";
import { type Asked, Filters } from "./queue-filters";
import { age, daysLeft, left, when } from "./words";

const Bulk = lazy(() => import("./bulk").then((part) => part.Bulk));

const STATES: [string, string][] = [
  ["unmatched", "申請者未特定"],
  ["review", "審査待ち"],
  ["held", "保留"],
  ["correction", "訂正待ち"],
  ["put_off", "日付まで保留"],
];
const PAGE = 100; // items
const EVERY = 15000; // milliseconds

const open = (item: Waiting) => {
  location.hash = where(item, "#");
};

/** The day, and whether it is near: a word says so, not the colour alone. */
export function Due(props: { on: string | null; term: string | null }) {
  if (!props.on) return <span class="no-term">期限なし</span>;
  const days = daysLeft(props.on);
  return (
    <span class={days < 0 ? "due late" : days <= 3 ? "due soon" : "due"} title={props.term ?? ""}>
      {left(props.on)}
      <small>
        {" "}
        {when(`${props.on}T00:00`).split(" ")[0]} {props.term ?? ""}
      </small>
    </span>
  );
}

interface RowProps {
  item: Waiting;
  current: boolean;
  chosen: boolean;
  several: boolean; // channels: which one is said
  point: () => void;
  choose: () => void;
}

function Row({ item, current, chosen, several, point, choose }: RowProps) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <tr ref={row} class={current ? "current" : ""} aria-current={current ? "true" : undefined}>
      <td>
        <input
          type="checkbox"
          checked={chosen}
          onChange={choose}
          aria-label={`${item.receipt_number} を選ぶ`}
        />
      </td>
      <td class="number">
        <a href={where(item, "#")} onFocus={point}>
          {item.receipt_number}
        </a>
        {several && <small> {item.channel}</small>}
      </td>
      <td>
        <Due on={item.due_on} term={item.due_term} />
      </td>
      <td>{item.procedure_name}</td>
      <td>
        {item.reason_ja ?? item.state_name}
        {item.put_off_until && <small> {when(item.put_off_until)}まで</small>}
      </td>
      <td class="number">
        {when(item.applied_at)}
        <small> {age(item.since)}</small>
      </td>
      <td>{item.mine ? "自分" : (item.claimed_by ?? "")}</td>
    </tr>
  );
}

interface View {
  state: string;
  asked: Asked;
  pages: string[]; // `after` of each page behind the first, up to this one
}

/** What is asked for: an address of the API. */
function question({ state, asked, pages }: View): string {
  const after = pages[pages.length - 1];
  const query = new URLSearchParams({ limit: `${PAGE}` });
  if (state === "put_off") query.set("put_off", "yes");
  else query.set("state", state);
  for (const [name, value] of Object.entries({ ...asked, after }))
    if (value) query.set(name, value);
  return `/api/queue?${query}`;
}

export function QueuePage() {
  const [view, setView] = useState<View>({ state: "unmatched", asked: {}, pages: [] });
  const { state, asked, pages } = view;
  const [at, setAt] = useState(0);
  const [chosen, setChosen] = useState<Which[]>([]);
  const path = question(view);
  const { value, error, again } = useLoaded((background) => get<Queue>(path, background), path);
  const items = value?.items ?? [];
  const current = Math.min(at, Math.max(0, items.length - 1));
  const here = items.filter((item) => chosen.some((one) => same(one, item)));
  const several = new Set(items.map((item) => item.channel)).size > 1;
  const look = (to: Partial<View>) => {
    setView({ ...view, pages: [], ...to });
    setAt(0);
    setChosen([]);
  };
  const choose = (item: Waiting | undefined) => {
    if (!item) return;
    const others = chosen.filter((one) => !same(one, item));
    setChosen(others.length < chosen.length ? others : [...chosen, item]);
  };
  const before = () => pages.length > 0 && look({ pages: pages.slice(0, -1) });
  const behind = () => value?.next && look({ pages: [...pages, value.next] });
  useEffect(() => {
    const timer = setInterval(() => again(true), EVERY);
    return () => clearInterval(timer);
  }, [path]);
  useKeys({
    j: () => setAt(Math.min(current + 1, items.length - 1)),
    k: () => setAt(Math.max(current - 1, 0)),
    x: () => choose(items[current]),
    n: behind,
    p: before,
    Enter: () => items[current] && open(items[current]),
  });
  return (
    <>
      <Heading>職員の対応を待つ申請</Heading>
      <Failure error={error} />
      {(value?.counts.late ?? 0) > 0 && (
        <p class="late">
          <strong>期限を過ぎた申請が{value!.counts.late}件あります。</strong>
        </p>
      )}
      <div class="tabs" role="group" aria-label="状態で絞る">
        {STATES.map(([code, name]) => (
          <button
            type="button"
            class="tab"
            aria-pressed={state === code}
            onClick={() => look({ state: code, asked: { ...asked, reason: "" } })}
          >
            {name} <span class="count">{value?.counts[code] ?? "…"}</span>
          </button>
        ))}
      </div>
      <Filters
        state={state}
        waiting={value?.counts[state]}
        asked={asked}
        set={(to) => look({ asked: to })}
      />
      {here.length > 0 && (
        <Bulk items={here} done={() => (setChosen([]), again())} key={here.length} />
      )}
      {value && items.length === 0 ? (
        <p class="empty">
          {Object.values(asked).some(Boolean) || pages.length > 0
            ? "ここに当てはまる申請はありません。"
            : "待っている申請はありません。"}
        </p>
      ) : (
        <table class="list">
          <caption class="visually-hidden">
            待っている申請。jとkで動き、Enterで開き、xで選びます。
          </caption>
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">選ぶ</span>
              </th>
              <th scope="col">受付番号</th>
              <th scope="col">期限</th>
              <th scope="col">手続</th>
              <th scope="col">理由</th>
              <th scope="col">申請・経過</th>
              <th scope="col">着手</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item, i) => (
              <Row
                item={item}
                current={i === current}
                chosen={here.includes(item)}
                several={several}
                point={() => setAt(i)}
                choose={() => choose(item)}
                key={where(item, "")}
              />
            ))}
          </tbody>
        </table>
      )}
      {(pages.length > 0 || value?.next) && (
        <p class="pages">
          <button type="button" disabled={pages.length === 0} onClick={before}>
            前の{PAGE}件
          </button>
          {items.length > 0 && `${pages.length * PAGE + 1}～${pages.length * PAGE + items.length}件目`}
          <button type="button" disabled={!value?.next} onClick={behind}>
            次の{PAGE}件
          </button>
        </p>
      )}
      <p class="help">
        キー操作：<kbd>j</kbd> 次　<kbd>k</kbd> 前　<kbd>Enter</kbd> 開く　<kbd>x</kbd> 選ぶ　
        <kbd>n</kbd> 次の{PAGE}件　<kbd>p</kbd> 前の{PAGE}件
      </p>
    </>
  );
}

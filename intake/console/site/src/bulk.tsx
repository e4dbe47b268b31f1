// What may be done with several applications at once: taking them on, giving them back, putting
// them off, and accepting those that nobody has to look at. Each is asked for by itself, as it
// was seen; what could not be done is told. Nobody is identified here.

import { useState } from "preact/hooks";

import { act, ApiError, post, remove, type Waiting, where } from "./api";
import { Button, Field, Notice } from "./parts";

interface Way {
  name: string;
  label: string;
  reason?: boolean;
  until?: boolean;
  only?: (item: Waiting) => boolean;
  run: (item: Waiting, reason: string, until: string) => Promise<unknown>;
}

const claim = (item: Waiting) => where(item, "/api", "/claim");
const WAYS: Way[] = [
  { name: "claim", label: "着手する", run: (item) => post(claim(item)) },
  { name: "release", label: "着手をやめる", run: (item) => remove(claim(item)) },
  {
    name: "hold",
    label: "日付まで保留する",
    reason: true,
    until: true,
    only: (item) => item.state !== "correction",
    run: (item, reason, until) =>
      act(item, "hold", {
        reason,
        version: item.version,
        until: `${until}T08:30:00+09:00`,
      }),
  },
  {
    name: "approve",
    label: "指摘のないものを承認する",
    reason: true,
    only: (item) => item.plain,
    run: (item, reason) =>
      act(item, "approve", { reason, version: item.version, plain: true }),
  },
];

interface Outcome {
  receipt: string;
  trouble?: string;
}

/** One after another: whoever looks on sees how far it came. */
async function runAll(
  items: Waiting[],
  run: (item: Waiting) => Promise<unknown>,
  tell: (outcomes: Outcome[]) => void,
) {
  const outcomes: Outcome[] = [];
  for (const item of items) {
    const trouble = await run(item).then(
      () => undefined,
      (error) => (error instanceof ApiError ? error.message : "処理できませんでした。"),
    );
    outcomes.push({ receipt: item.receipt_number, trouble });
    tell([...outcomes]);
  }
}

export function Bulk(props: { items: Waiting[]; done: () => void }) {
  const [way, setWay] = useState<Way>();
  const [reason, setReason] = useState("");
  const [until, setUntil] = useState("");
  const [busy, setBusy] = useState(false);
  const [outcomes, setOutcomes] = useState<Outcome[]>();
  const fitting = (one: Way) => props.items.filter((item) => !one.only || one.only(item));
  const go = (one: Way) => {
    if (busy) return;
    setBusy(true);
    runAll(fitting(one), (item) => one.run(item, reason, until), setOutcomes).finally(() =>
      setBusy(false),
    );
  };
  if (outcomes && !busy) {
    const bad = outcomes.filter((one) => one.trouble);
    return (
      <Notice kind={bad.length ? "warning" : "info"}>
        {outcomes.length - bad.length}件を処理しました。
        {bad.length > 0 && (
          <ul>
            {bad.map((one) => (
              <li>
                {one.receipt}：{one.trouble}
              </li>
            ))}
          </ul>
        )}{" "}
        <Button onClick={props.done}>一覧に戻る</Button>
      </Notice>
    );
  }
  return (
    <section class="card bulk" aria-label="選んだ申請をまとめて処理する">
      <strong>{props.items.length}件を選んでいます</strong>
      <div class="tabs">
        {WAYS.map((one) => (
          <Button
            disabled={busy || fitting(one).length === 0}
            onClick={() => (one.reason ? setWay(one) : go(one))}
          >
            {one.label}（{fitting(one).length}）
          </Button>
        ))}
      </div>
      {busy && <p role="status">{outcomes?.length ?? 0}件が終わりました…</p>}
      {way && !busy && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            go(way);
          }}
        >
          {way.until && (
            <Field label="いつまで" name="bulk-until" type="date" value={until} onValue={setUntil} />
          )}
          <Field
            label="理由（それぞれの記録に残ります）"
            name="bulk-reason"
            focus
            value={reason}
            onValue={setReason}
          />
          <Button look="main" type="submit">
            {fitting(way).length}件：{way.label}
          </Button>
        </form>
      )}
    </section>
  );
}

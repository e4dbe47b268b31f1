// What of the queue is looked at: by term, by who has it, by 事務, procedure and reason. Choices
// of one are none, and are not shown.

import { useEffect } from "preact/hooks";

import { get } from "./api";
import { useLoaded } from "./parts";

export type Asked = Record<string, string>; // parameters of /api/queue

interface Choices {
  procedures: { id: string; name: string; business: string }[];
  waiting: { state: string; reason: string | null; reason_ja: string | null; count: number }[];
}
interface Choice {
  value: string;
  name: string;
}

const DUE = [
  { value: "late", name: "過ぎたもの" },
  { value: "today", name: "今日まで" },
  { value: "week", name: "7日以内" },
];
const CLAIMED = [
  { value: "none", name: "誰も着手していない" },
  { value: "mine", name: "自分が着手中" },
];

/** What of `asked` is asked no more when this changes. */
const FOLLOWERS: Record<string, Asked> = { business: { procedure: "" } };

const businesses = (choices: Choices): Choice[] =>
  [...new Set(choices.procedures.map((one) => one.business))].map((name) => ({
    value: name,
    name,
  }));

const procedures = (choices: Choices, business: string | undefined): Choice[] =>
  choices.procedures
    .filter((one) => !business || one.business === business)
    .map((one) => ({ value: one.id, name: one.name }));

const reasons = (choices: Choices, state: string): Choice[] =>
  choices.waiting
    .filter((one) => one.state === state && one.reason)
    .map((one) => ({ value: one.reason!, name: one.reason_ja ?? one.reason! }));

interface FiltersProps {
  state: string;
  waiting: number | undefined; // in this state: the reasons are looked up again when it changes
  asked: Asked;
  set: (asked: Asked) => void;
}

export function Filters({ state, waiting, asked, set }: FiltersProps) {
  const load = (background: boolean) => get<Choices>("/api/overview", background);
  const { value, again } = useLoaded(load, "choices");
  useEffect(() => {
    if (value) again(true);
  }, [waiting]);
  const choices = value ?? { procedures: [], waiting: [] };
  const filters: [string, string, Choice[]][] = [
    ["due", "期限", DUE],
    ["claimed", "着手", CLAIMED],
    ["business", "事務", businesses(choices)],
    ["procedure", "手続", procedures(choices, asked.business)],
    ["reason", "理由", reasons(choices, state)],
  ];
  return (
    <div class="filters">
      {filters.map(([name, label, all]) =>
        all.length > 1 || asked[name] ? (
          <label key={name}>
            {label}{" "}
            <select
              name={name}
              value={asked[name] ?? ""}
              onChange={(event) =>
                set({ ...asked, ...FOLLOWERS[name], [name]: event.currentTarget.value })
              }
            >
              <option value="">すべて</option>
              {all.map((one) => (
                <option value={one.value}>{one.name}</option>
              ))}
            </select>
          </label>
        ) : null,
      )}
    </div>
  );
}

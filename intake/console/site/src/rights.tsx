// 権限の比較: who might do what on one day, and on another.

import { useState } from "preact/hooks";

import type { Right } from "./admin-api";
import { PEOPLE, rightText } from "./admin-words";
import { get } from "./api";
import { Failure, Field, Heading, useLoaded } from "./parts";
import { when, who } from "./words";

interface Held {
  display_name: string;
  department: string;
  kind: string;
  in_force: boolean;
  rights: Right[];
}
interface Compared {
  person: string;
  before: Held | null;
  after: Held | null;
  changes: { id: number; at: string; proposed_by: string; decided_by: string; reason: string }[];
}

const standing = (held: Held | null) => (!held ? "登録なし" : held.in_force ? "利用可" : "利用不可");

/** What is another on the second day, but for the rights. */
function Standing(props: { it: Compared }) {
  const { before, after } = props.it;
  const lines: [string, string, string][] = [
    ["利用", standing(before), standing(after)],
    ["氏名", before?.display_name ?? "", after?.display_name ?? ""],
    ["部署", before?.department ?? "", after?.department ?? ""],
    ["区分", PEOPLE[before?.kind ?? ""] ?? "", PEOPLE[after?.kind ?? ""] ?? ""],
  ];
  const changed = lines.filter(([, was, is]) => was !== is && (was || is));
  return (
    <>
      {changed.map(([label, was, is]) => (
        <span class="right">
          {label}：{was && <del>{was}</del>} {is && <ins>{is}</ins>}
        </span>
      ))}
    </>
  );
}

function Rights(props: { rights: Right[]; not: Right[]; gone: boolean }) {
  const known = new Set(props.not.map(rightText));
  return (
    <>
      {props.rights
        .map(rightText)
        .filter((text) => !known.has(text))
        .map((text) => (
          <span class="right">{props.gone ? <del>{text}</del> : <ins>{text}</ins>}</span>
        ))}
    </>
  );
}

const day = (back: number) =>
  new Date(Date.now() + 9 * 3600000 - back * 86400000).toISOString().slice(0, 10);

export function RightsPage() {
  const [from, setFrom] = useState(day(30));
  const [to, setTo] = useState(day(0));
  const query = `from=${from}&to=${to}`;
  const { value, error } = useLoaded(
    () => get<{ items: Compared[] }>(`/api/audit/rights?${query}`),
    query,
  );
  return (
    <>
      <Heading>権限の比較</Heading>
      <p>二つの日の終わりに、誰に何ができたかを比べます。期限が過ぎた権限と、使えない利用者の権限は数えません。</p>
      <div class="line">
        <Field label="始めの日" name="from" type="date" value={from} onValue={setFrom} />
        <Field label="終わりの日" name="to" type="date" value={to} onValue={setTo} />
        <a class="button" href={`/api/audit/rights.csv?${query}`} download>
          すべての権限をCSVで保存する
        </a>
      </div>
      <Failure error={error} />
      {value?.items.length === 0 && <p class="empty">二つの日で、違いはありません。</p>}
      {(value?.items.length ?? 0) > 0 && (
        <table class="list">
          <thead>
            <tr>
              <th scope="col">利用者</th>
              <th scope="col">変わったこと</th>
              <th scope="col">なくなった権限</th>
              <th scope="col">加わった権限</th>
              <th scope="col">変更（提案・確認）</th>
            </tr>
          </thead>
          <tbody>
            {value!.items.map((it) => (
              <tr key={it.person}>
                <th scope="row">
                  {(it.after ?? it.before)?.display_name}
                  <small class="receipt">{who(it.person)}</small>
                </th>
                <td>
                  <Standing it={it} />
                </td>
                <td>
                  <Rights gone rights={it.before?.rights ?? []} not={it.after?.rights ?? []} />
                </td>
                <td>
                  <Rights
                    gone={false}
                    rights={it.after?.rights ?? []}
                    not={it.before?.rights ?? []}
                  />
                </td>
                <td>
                  {it.changes.map((change) => (
                    <small class="receipt">
                      {when(change.at)}　{who(change.proposed_by)}・{who(change.decided_by)}　
                      {change.reason}
                    </small>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

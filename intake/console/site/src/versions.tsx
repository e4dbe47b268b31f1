// An application and the one that it corrects, or that corrects it, side by side.

import { useState } from "preact/hooks";

import { type Application, application, same, where } from "./api";
import { difference } from "./difference";
import { Failure, Marked, useLoaded } from "./parts";
import { when } from "./words";

interface Line {
  path: string;
  label: string;
  before: string;
  after: string;
}

/** Under its heading a row need not say whose name it is; here it stands without. */
function rows(it: Application): Map<string, { label: string; value: string }> {
  const all = new Map<string, { label: string; value: string }>();
  for (const group of it.form?.groups ?? []) {
    let heading = group.label;
    for (const row of group.rows) {
      if (row.level) heading = row.label;
      else
        all.set(row.path || row.label, {
          label: heading && heading !== row.label ? `${heading}　${row.label}` : row.label,
          value: row.value ?? "",
        });
    }
  }
  return all;
}

function lines(before: Application, after: Application): Line[] {
  const old = rows(before);
  const now = rows(after);
  const paths = [...now.keys(), ...[...old.keys()].filter((path) => !now.has(path))];
  return paths.map((path) => ({
    path,
    label: (now.get(path) ?? old.get(path))!.label,
    before: old.get(path)?.value ?? "",
    after: now.get(path)?.value ?? "",
  }));
}

function Compared(props: { before: Application; after: Application }) {
  const [all, setAll] = useState(false);
  const found = lines(props.before, props.after);
  const shown = all ? found : found.filter((line) => line.before !== line.after);
  const head = (it: Application) => (
    <th scope="col">
      {it.receipt_number}
      <small> {when(it.applied_at)}</small>
    </th>
  );
  return (
    <>
      <label>
        <input
          type="checkbox"
          checked={all}
          onChange={(event) => setAll(event.currentTarget.checked)}
        />{" "}
        同じ項目も表示する
      </label>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">項目</th>
            {head(props.before)}
            {head(props.after)}
          </tr>
        </thead>
        <tbody>
          {shown.map((line) => (
            <tr key={line.path}>
              <th scope="row">{line.label}</th>
              <td>
                <Marked pieces={difference(line.before, line.after)} say="訂正で変わる文字" />
              </td>
              <td>
                {line.after ? (
                  <Marked pieces={difference(line.after, line.before)} say="訂正で変わった文字" />
                ) : (
                  "（なし）"
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p class="help">表示できる項目に違いはありません。</p>}
    </>
  );
}

export function Versions(props: { it: Application }) {
  const { it } = props;
  const [other, setOther] = useState(it.versions[it.versions.length - 1]);
  const { value, error } = useLoaded(() => application(other), where(other, ""));
  const after = it.versions.find((one) => same(one, other))?.which === "after";
  return (
    <section class="card" aria-label="訂正の前と後">
      <h2>訂正の前と後</h2>
      <div class="tabs">
        {it.versions.map((one) => (
          <button
            type="button"
            class="tab"
            aria-pressed={same(one, other)}
            onClick={() => setOther(one)}
          >
            {one.which === "before" ? "訂正前" : "訂正後"} {one.receipt_number}（{one.state_name}）
          </button>
        ))}
      </div>
      <Failure error={error} />
      {value && <Compared before={after ? it : value} after={after ? value : it} />}
    </section>
  );
}

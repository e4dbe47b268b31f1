// How the day goes: what came, what waits, and what is late.

import { useEffect, useState } from "preact/hooks";

import { get } from "./api";
import { Failure, Heading, Notice, useLoaded } from "./parts";
import { age } from "./words";

interface Overview {
  today: { intake: number; results: { state: string; state_name: string; count: number }[] };
  due: { late: number; today: number; three_days: number; week: number };
  waiting: {
    state: string;
    state_name: string;
    reason_ja: string | null;
    count: number;
    oldest: string | null;
  }[];
  destinations: { name: string; count: number; oldest: string | null }[];
  ocsp:
    | { responder: number; asked: string | null; answered: string | null; resting: boolean }[]
    | null;
  links: { as_of: string | null; old: boolean };
  small_cells: number;
  revocation: { lists: number; newest: string | null; late: number; unusable: number } | null;
}

const DUE: [keyof Overview["due"], string][] = [
  ["late", "過ぎている"],
  ["today", "今日まで"],
  ["three_days", "あと1～3日"],
  ["week", "あと4～7日"],
];

/** What signatures are judged by: without it they wait, and are not lost. */
function Revocation(props: { it: Overview["revocation"] }) {
  const { it } = props;
  if (!it) return null;
  const bad = it.lists === 0 || it.unusable > 0;
  return (
    <>
      <h2>証明書の失効情報</h2>
      <p>
        失効リスト {it.lists} 件{it.newest ? `、いちばん新しいものは${age(it.newest)}前に届きました` : ""}。
      </p>
      {(bad || it.late > 0) && (
        <Notice kind={bad ? "error" : "warning"}>
          {bad
            ? "使えない失効リストがあります。届くまで、署名の検証は保留になります。情報担当に知らせてください。"
            : `${it.late} 件が次の更新の予定を過ぎています。続くときは、情報担当に知らせてください。`}
        </Notice>
      )}
    </>
  );
}

/** What tells whose card it is: without it people have to say it. */
function Links(props: { it: Overview["links"] }) {
  const { as_of, old } = props.it;
  return (
    <>
      <h2>番号紐付情報</h2>
      <p>
        {as_of
          ? `いちばん新しい番号紐付情報は、${age(as_of)}前の時点のものです。`
          : "番号紐付情報は、まだ届いていません。"}
      </p>
      {old && (
        <Notice kind="warning">
          古いため、申請者は自動では特定されず、届くまで待ちます。情報担当に知らせてください。
        </Notice>
      )}
    </>
  );
}

const LATE_AFTER = 15 * 60 * 1000; // asked since, and not answered for so long

/** Who tells of one certificate whether it is revoked; what does not answer rests a while. */
function Ocsp(props: { it: Overview["ocsp"] }) {
  if (!props.it) return null;
  const silent = props.it.filter(
    (one) =>
      one.resting ||
      (one.asked &&
        (!one.answered || Date.parse(one.asked) - Date.parse(one.answered) > LATE_AFTER)),
  );
  return (
    <>
      <h2>証明書の状態の照会（OCSP）</h2>
      <ul>
        {props.it.map((one) => (
          <li>
            照会先 {one.responder}：
            {one.answered
              ? `最後の回答は${age(one.answered)}前`
              : one.asked
                ? "まだ回答がありません"
                : "まだ照会していません"}
            {one.resting && "。応答がないため、しばらく照会を止めています"}
          </li>
        ))}
      </ul>
      {silent.length > 0 && (
        <Notice kind={silent.length === props.it.length ? "error" : "warning"}>
          応答しない照会先があります。失効リストで確かめられない署名の検証は保留になります。情報担当に知らせてください。
        </Notice>
      )}
    </>
  );
}

function Bar(props: { count: number; most: number }) {
  // the width is an attribute of SVG, so that no inline style is needed
  return (
    <>
      <span class="amount">{props.count.toLocaleString()}</span>{" "}
      <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect width={props.most ? (100 * props.count) / props.most : 0} height="10" />
      </svg>
    </>
  );
}

/** What is not asked yet, or never, whose it is. */
const UNASKED = [
  "announced",
  "collected",
  "verified",
  "refused",
  "held",
  "withdrawn",
  "superseded",
];

/** What became of what was examined today, and of how much nobody knows whose it is. */
function Results(props: { it: Overview["today"]["results"] }) {
  const { it } = props;
  const sum = (of: typeof it) => of.reduce((total, one) => total + one.count, 0);
  const asked = sum(it.filter((one) => !UNASKED.includes(one.state)));
  const unmatched = sum(it.filter((one) => one.state === "unmatched"));
  return (
    <>
      <h2>今日の検証と申請者の特定</h2>
      {asked > 0 && (
        <p class="figure">
          申請者未特定の割合 <strong>{Math.round((100 * unmatched) / asked)}</strong> ％（
          {asked.toLocaleString()}
          件のうち{unmatched.toLocaleString()}件）
        </p>
      )}
      <table class="list">
        <thead>
          <tr>
            <th scope="col">今日動いた申請の、いまの状態</th>
            <th scope="col">件数</th>
          </tr>
        </thead>
        <tbody>
          {it.map((one) => (
            <tr>
              <td>{one.state_name}</td>
              <td>
                <Bar count={one.count} most={Math.max(...it.map((each) => each.count))} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {it.length === 0 && <p class="empty">今日はまだありません。</p>}
    </>
  );
}

/** How many came in a time, as a file for a spreadsheet; small numbers are hidden. */
function Counts(props: { small: number }) {
  const thisMonth = new Date(Date.now() + 9 * 3600000).toISOString().slice(0, 7);
  const [from, setFrom] = useState(thisMonth);
  const [to, setTo] = useState(thisMonth);
  const [year, month] = to.split("-").map(Number);
  const last = new Date(Date.UTC(year ?? 2000, month ?? 1, 0)).getUTCDate();
  return (
    <section class="card" aria-label="件数の集計">
      <h2>件数の集計</h2>
      <div class="filters">
        <label>
          申請月（最初）{" "}
          <input
            type="month"
            required
            value={from}
            onInput={(event) => setFrom(event.currentTarget.value)}
          />
        </label>
        <label>
          申請月（最後）{" "}
          <input
            type="month"
            required
            value={to}
            onInput={(event) => setTo(event.currentTarget.value)}
          />
        </label>
        <a class="button" href={`/api/counts?from=${from}-01&to=${to}-${last}`} download>
          CSVを保存する
        </a>
      </div>
      <p class="help">人が特定されないように、少ない件数は「{props.small}未満」と示します。</p>
    </section>
  );
}

export function OverviewPage() {
  const { value, error, again } = useLoaded(
    (background) => get<Overview>("/api/overview", background),
    "overview",
  );
  useEffect(() => {
    const timer = setInterval(() => again(true), 30000);
    return () => clearInterval(timer);
  }, []);
  const most = Math.max(1, ...(value?.waiting ?? []).map((one) => one.count));
  return (
    <>
      <Heading>今日の状況</Heading>
      <Failure error={error} />
      {value && (
        <>
          <p class="figure">
            今日届いた申請 <strong>{value.today.intake.toLocaleString()}</strong> 件
          </p>
          <Results it={value.today.results} />
          <h2>期限が近い申請</h2>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">期限</th>
                <th scope="col">件数</th>
              </tr>
            </thead>
            <tbody>
              {DUE.map(([code, name]) => (
                <tr>
                  <td>{name}</td>
                  <td>
                    <Bar count={value.due[code]} most={Math.max(1, ...Object.values(value.due))} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <h2>待っている申請</h2>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">状態</th>
                <th scope="col">理由</th>
                <th scope="col">件数</th>
                <th scope="col">いちばん古いもの</th>
              </tr>
            </thead>
            <tbody>
              {value.waiting.map((one) => (
                <tr>
                  <td>{one.state_name}</td>
                  <td>{one.reason_ja ?? ""}</td>
                  <td>
                    <Bar count={one.count} most={most} />
                  </td>
                  <td>{one.oldest ? `${age(one.oldest)}前から` : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <Links it={value.links} />
          <Revocation it={value.revocation} />
          <Ocsp it={value.ocsp} />
          <h2>業務システム・ポータルの受け取り待ち</h2>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">連携先</th>
                <th scope="col">件数</th>
                <th scope="col">いちばん古いもの</th>
              </tr>
            </thead>
            <tbody>
              {value.destinations.map((one) => (
                <tr>
                  <td>{one.name}</td>
                  <td>{one.count}</td>
                  <td>{one.oldest ? `${age(one.oldest)}前から` : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <Counts small={value.small_cells} />
        </>
      )}
    </>
  );
}

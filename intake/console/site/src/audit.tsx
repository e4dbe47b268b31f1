// 監査: the audit trail, regular checks (点検) and the state of its chains. Loaded when it is opened.

import { useEffect, useState } from "preact/hooks";

import { get, post } from "./api";
import { Done, Select } from "./admin-parts";
import type { Right } from "./admin-api";
import { PEOPLE, rightText } from "./admin-words";
import { ACTS, act, detailText, REPORTS, WHY } from "./audit-words";
import { Button, Failure, Field, Heading, Notice, useLoaded, useSending } from "./parts";
import { RightsPage } from "./rights";
import { login, when, who } from "./words";

// --- 監査記録 ---

interface Entry {
  at: string;
  chain: string;
  position: number;
  action: string;
  actor: string;
  name: string | null;
  terminal: string | null;
  receipt_number: string | null;
  channel: string | null;
  reason: string | null;
  detail: string | null;
}
interface Entries {
  items: Entry[];
  next: string | null;
}
const QUESTION = {
  person: "",
  receipt: "",
  channel: "",
  action: "",
  terminal: "",
  from: "",
  to: "",
};
type Question = typeof QUESTION;

function EntryTable(props: { items: Entry[] }) {
  return (
    <table class="list trail">
      <thead>
        <tr>
          <th scope="col">日時</th>
          <th scope="col">誰が</th>
          <th scope="col">操作</th>
          <th scope="col">受付番号</th>
          <th scope="col">理由・内容</th>
          <th scope="col">端末</th>
          <th scope="col">番号</th>
        </tr>
      </thead>
      <tbody>
        {props.items.map((entry) => (
          <tr key={`${entry.chain} ${entry.position}`}>
            <td class="number">
              <span class="number">{entry.at.slice(0, 10)}</span>{" "}
              <span class="number">{entry.at.slice(11, 19)}</span>
            </td>
            <td>
              {entry.name ?? who(entry.actor)}
              {entry.name && <small class="receipt">{login(entry.actor)}</small>}
            </td>
            <td>{act(entry.action)}</td>
            <td class="number">
              {entry.receipt_number ?? ""}
              {entry.channel && <small class="receipt">{entry.channel}</small>}
            </td>
            <td>
              {entry.reason ?? ""}
              {entry.detail && <small class="receipt">{detailText(entry.detail)}</small>}
            </td>
            <td>{entry.terminal ?? ""}</td>
            <td class="number">
              <span>{entry.chain}</span> {entry.position}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function TrailPage() {
  const [question, setQuestion] = useState<Question>(QUESTION);
  const [found, setFound] = useState<Entries>();
  const [error, setError] = useState<unknown>();
  const set = (part: Partial<Question>) => setQuestion({ ...question, ...part });
  const ask = (after = "") => {
    const query = new URLSearchParams({ ...question, after });
    get<Entries>(`/api/audit/entries?${query}`).then((answer) => {
      setError(undefined);
      setFound(after && found ? { ...answer, items: [...found.items, ...answer.items] } : answer);
    }, setError);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    ask();
  };
  const field = (label: string, name: keyof Question, type = "text") => (
    <Field
      label={label}
      name={`trail-${name}`}
      type={type}
      required={false}
      value={question[name]}
      onValue={(value) => set({ [name]: value })}
    />
  );
  return (
    <>
      <Heading>監査記録</Heading>
      <form class="card" onSubmit={submit}>
        <div class="line">
          {field("利用者名", "person")}
          {field("受付番号", "receipt")}
          {field("受付経路（同じ番号が複数あるとき）", "channel")}
          <Select
            label="操作"
            name="trail-action"
            value={question.action}
            options={[["", "すべて"], ...ACTS]}
            onValue={(action) => set({ action })}
          />
          {field("端末名", "terminal")}
          {field("期間（開始日）", "from", "date")}
          {field("期間（終了日）", "to", "date")}
          <Button look="main" type="submit">
            検索する
          </Button>
        </div>
        <p class="help">
          期間を入れないときは、利用者名か受付番号があれば全期間、なければ最近30日を探します。検索したことも記録されます。
        </p>
      </form>
      <Failure error={error} />
      {found && (
        <p role="status">
          {found.items.length}件を表示しています{found.next ? "（続きがあります）" : ""}。
        </p>
      )}
      {found && found.items.length > 0 && <EntryTable items={found.items} />}
      {found && !found.items.length && <p class="empty">当てはまる記録はありません。</p>}
      {found?.next && <Button onClick={() => ask(found.next!)}>続きを表示する</Button>}
    </>
  );
}

// --- 点検 ---

interface Line {
  person: string;
  name: string | null;
  kind: string | null;
  department?: string;
  day?: string;
  terminals?: string[];
  count?: number;
  applications?: number;
  first?: string;
  last?: string | null;
  actions?: string[];
  valid_to?: string;
  why?: string[];
  rights?: Right[]; // that end soon, or have
}
interface Report {
  report: string;
  name: string;
  rule: string;
  from: string;
  to: string;
  items: Line[];
  seen: string;
  reviews: {
    from: string;
    to: string;
    found: number;
    by: string;
    at: string;
    remark: string;
    seen: string;
  }[];
}

function Person(props: { line: Line }) {
  return (
    <>
      {props.line.name ?? who(props.line.person)}
      {props.line.kind && props.line.kind !== "staff" && (
        <span class="tag">{PEOPLE[props.line.kind]}</span>
      )}
      {props.line.name && <small class="receipt">{login(props.line.person)}</small>}
    </>
  );
}

function AccountLines(props: { items: Line[] }) {
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">利用者</th>
          <th scope="col">部署</th>
          <th scope="col">点検すること</th>
          <th scope="col">有効期間の終了日</th>
          <th scope="col">最後の利用</th>
        </tr>
      </thead>
      <tbody>
        {props.items.map((line) => (
          <tr>
            <th scope="row">
              <Person line={line} />
            </th>
            <td>{line.department}</td>
            <td>
              {line.why?.map((one) => WHY[one] ?? one).join("、")}
              {line.rights?.map((right) => (
                <small class="receipt">{rightText(right)}</small>
              ))}
            </td>
            <td>{line.valid_to}</td>
            <td>{line.last ? when(line.last) : "なし"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function DayLines(props: { items: Line[] }) {
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">日</th>
          <th scope="col">利用者</th>
          <th scope="col">操作の数</th>
          <th scope="col">申請の数</th>
          <th scope="col">時刻</th>
          <th scope="col">操作</th>
          <th scope="col">端末</th>
        </tr>
      </thead>
      <tbody>
        {props.items.map((line) => (
          <tr>
            <td class="number">{line.day}</td>
            <th scope="row">
              <Person line={line} />
            </th>
            <td class="count">{line.count}</td>
            <td class="count">{line.applications}</td>
            <td class="number">
              {line.first?.slice(11, 16)} 〜 {line.last?.slice(11, 16)}
            </td>
            <td>{line.actions?.map(act).join("、")}</td>
            <td>{line.terminals?.join("、")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SignOff(props: {
  report: Report;
  path: string;
  done: () => void;
  again: () => void;
}) {
  const [remark, setRemark] = useState("");
  const { busy, error, submit } = useSending();
  const signed = props.report.reviews.find((review) => review.seen === props.report.seen);
  if (signed)
    return (
      <Notice kind="info">
        点検済：{when(signed.at)}　{who(signed.by)}　{signed.remark}
      </Notice>
    );
  const sign = () =>
    post(props.path, { seen: props.report.seen, remark }).then(props.done, (wrong) => {
      props.again(); // it may have been done, and its answer lost: then it stands there
      throw wrong;
    });
  return (
    <form class="card" onSubmit={submit(sign)}>
      <Field label="点検の所見（記録に残ります）" name="remark" value={remark} onValue={setRemark} />
      <Failure error={error} />
      <Button look="main" type="submit" disabled={busy}>
        点検済にする
      </Button>
    </form>
  );
}

const day = (back: number) =>
  new Date(Date.now() + 9 * 3600000 - back * 86400000).toISOString().slice(0, 10);

function ReportPage(props: { report: string }) {
  const [from, setFrom] = useState(day(6));
  const [to, setTo] = useState(day(0));
  const [asked, setAsked] = useState({ from, to });
  const [message, setMessage] = useState<string>();
  const path = `/api/audit/reports/${props.report}?from=${asked.from}&to=${asked.to}`;
  const { value, error, again } = useLoaded(() => get<Report>(path), path);
  const submit = (event: Event) => {
    event.preventDefault();
    setMessage(undefined);
    setAsked({ from, to });
  };
  const accounts = props.report === "accounts";
  return (
    <>
      <Heading>{REPORTS.find(([code]) => code === props.report)?.[1]}</Heading>
      {value && <p>対象：{value.rule}</p>}
      {!accounts && (
        <form class="line" onSubmit={submit}>
          <Field label="期間（開始日）" name="from" type="date" value={from} onValue={setFrom} />
          <Field label="期間（終了日）" name="to" type="date" value={to} onValue={setTo} />
          <Button type="submit">表示する</Button>
        </form>
      )}
      <Failure error={error} />
      <Done message={message} />
      {value &&
        value.items.length > 0 &&
        (accounts ? <AccountLines items={value.items} /> : <DayLines items={value.items} />)}
      {value && !value.items.length && <p class="empty">当てはまるものはありません。</p>}
      {value && (
        <SignOff
          report={value}
          path={path}
          done={() => {
            setMessage("点検済にしました。");
            again();
          }}
          again={again}
          key={value.seen}
        />
      )}
      {value && value.reviews.length > 0 && (
        <details class="card">
          <summary>これまでの点検（{value.reviews.length}件）</summary>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">点検した日時</th>
                <th scope="col">点検した人</th>
                <th scope="col">期間</th>
                <th scope="col">行数</th>
                <th scope="col">所見</th>
              </tr>
            </thead>
            <tbody>
              {value.reviews.map((review) => (
                <tr>
                  <td>{when(review.at)}</td>
                  <td>{who(review.by)}</td>
                  <td>
                    {review.from} 〜 {review.to}
                  </td>
                  <td class="count">{review.found}</td>
                  <td>{review.remark}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </>
  );
}

// --- 改ざんの検証 ---

interface Chain {
  last: {
    at: string;
    verified_by: string;
    entries: number;
    checkpoints: number;
    intact: boolean;
    faults: { chain: string; position: number; what: string }[];
  } | null;
  entries: number;
  chains: { chain: string; entries: number }[];
  last_checkpoint: string | null;
  archived_to: string | null;
  running: { by: string; since: string; done: number; entries: number } | null;
  failed: boolean;
}

/** How far a verification is: it may take minutes, and goes on when the page is left. */
function Progress(props: { it: NonNullable<Chain["running"]> }) {
  const { it } = props;
  const done = Math.min(it.done, it.entries);
  return (
    <div class="card" role="status">
      <label>
        {who(it.by)}が検証しています：{done.toLocaleString()}件／{it.entries.toLocaleString()}件{" "}
        <progress value={done} max={Math.max(1, it.entries)} />
      </label>
    </div>
  );
}

function Verified(props: { last: NonNullable<Chain["last"]> }) {
  const { last } = props;
  return (
    <Notice kind={last.intact ? "info" : "error"}>
      {when(last.at)}に{who(last.verified_by)}が検証：記録{last.entries.toLocaleString()}件、署名点
      {last.checkpoints.toLocaleString()}件。
      {last.intact ? "改ざん・欠落はありません。" : "次のところで連鎖が切れています。"}
      {!last.intact && (
        <ul>
          {last.faults.map((fault) => (
            <li>
              {fault.chain} {fault.position}：{fault.what}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

function ChainPage() {
  const { value, error, again } = useLoaded(
    (background) => get<Chain>("/api/audit/chain", background),
    "chain",
  );
  const { error: failed, send } = useSending();
  const running = value?.running ?? null;
  useEffect(() => {
    if (!running) return;
    const timer = setTimeout(() => again(true), 1000);
    return () => clearTimeout(timer);
  }, [value, error]);
  const verify = () => send(() => post("/api/audit/chain").then(() => again()));
  return (
    <>
      <Heading>監査記録の検証</Heading>
      <Failure error={error ?? failed} />
      {running && <Progress it={running} />}
      {value?.failed && !running && (
        <Notice kind="error">検証を終えられませんでした。情報担当に知らせてください。</Notice>
      )}
      {value?.last && <Verified last={value.last} />}
      {value && !value.last && <Notice kind="warning">まだ検証していません。</Notice>}
      {value && (
        <p>
          最後の署名点：{value.last_checkpoint ? when(value.last_checkpoint) : "なし"}　記録の総数：
          {value.entries.toLocaleString()}件
          {value.archived_to && (
            <>
              　<strong>{value.archived_to}までの記録</strong>
              は保存媒体に移してあり、この画面で検索できるのはその翌月からです。
            </>
          )}
        </p>
      )}
      <p class="buttons">
        <Button look="main" disabled={running !== null} onClick={verify}>
          {running ? "検証しています…" : "いま検証する"}
        </Button>
      </p>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">連鎖</th>
            <th scope="col">記録の数</th>
          </tr>
        </thead>
        <tbody>
          {value?.chains.map((one) => (
            <tr>
              <th scope="row">{one.chain}</th>
              <td class="count">{one.entries.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

const PAGES: [string, string][] = [
  ["#/audit", "監査記録"],
  ...REPORTS.map(([code, name]): [string, string] => [`#/audit/reports/${code}`, name]),
  ["#/audit/rights", "権限の比較"],
  ["#/audit/chain", "検証"],
];

export default function AuditPage(props: { hash: string }) {
  const report = /^#\/audit\/reports\/([a-z-]+)$/.exec(props.hash)?.[1];
  return (
    <>
      <nav class="tabs" aria-label="監査の画面">
        {PAGES.map(([hash, name]) => (
          <a class="tab" href={hash} aria-current={props.hash === hash ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {report ? (
        <ReportPage report={report} key={report} />
      ) : props.hash === "#/audit/rights" ? (
        <RightsPage />
      ) : props.hash === "#/audit/chain" ? (
        <ChainPage />
      ) : (
        <TrailPage />
      )}
    </>
  );
}

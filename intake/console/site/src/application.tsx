// One application: as the resident filled it in, what was found out, and what staff may do.

import { useEffect, useRef, useState } from "preact/hooks";

import {
  type Application,
  ApiError,
  application,
  forgetUnanswered,
  type FormRow,
  post,
  type Remark,
  remove,
  where,
  type Which,
} from "./api";
import { Decide } from "./decide";
import type { Numbers } from "./numbers";
import { Button, Failure, Heading, lazy, Notice, Said, useKeys, useLoaded } from "./parts";
import { Due } from "./queue";
import { Unmatched } from "./unmatched";
import { demand, severity, when, who } from "./words";

const ShowNumbers = lazy(() => import("./numbers").then((part) => part.ShowNumbers));
const Attachments = lazy(() => import("./attachments").then((part) => part.Attachments));
const Output = lazy(() => import("./output").then((part) => part.Output));
const Contacts = lazy(() => import("./contacts").then((part) => part.Contacts));
const Versions = lazy(() => import("./versions").then((part) => part.Versions));

function Remarks(props: { remarks: Remark[] }) {
  return (
    <>
      {props.remarks.map((one) => (
        <p class="finding">
          <strong>{one.mark}</strong> {one.text}
        </p>
      ))}
    </>
  );
}

function Row(props: { row: FormRow; number?: string }) {
  const { row } = props;
  return (
    <div class={row.remarks.length ? "row noted" : "row"}>
      <dt>{row.label}</dt>
      <dd>
        <span class="text">{props.number ?? row.value ?? ""}</span>
        {row.also && props.number === undefined && <small> （{row.also}）</small>}
        <Remarks remarks={row.remarks} />
      </dd>
    </div>
  );
}

/** What stands between two headings. */
function parts(rows: FormRow[]) {
  const all: { heading?: FormRow; rows: FormRow[] }[] = [{ rows: [] }];
  for (const row of rows)
    if (row.level) all.push({ heading: row, rows: [] });
    else all[all.length - 1]!.rows.push(row);
  return all;
}

function Form(props: { it: Application; numbers?: Numbers }) {
  if (!props.it.form) return <p class="empty">様式を読めていません。</p>;
  return (
    <>
      <Remarks remarks={props.it.form.remarks} />
      {props.it.form.groups.map((group) => (
        <section class="group">
          {group.label && <h3>{group.label}</h3>}
          <Remarks remarks={group.remarks} />
          {parts(group.rows).map((part) => (
            <>
              {part.heading && <h4>{part.heading.label}</h4>}
              {part.heading && <Remarks remarks={part.heading.remarks} />}
              {part.rows.length > 0 && (
                <dl class="rows">
                  {part.rows.map((row) => (
                    <Row row={row} number={props.numbers?.[row.path]} />
                  ))}
                </dl>
              )}
            </>
          ))}
        </section>
      ))}
    </>
  );
}

function Findings(props: { it: Application }) {
  if (!props.it.findings.length) return null;
  return (
    <section class="card">
      <h2>形式審査の指摘</h2>
      <ul>
        {props.it.findings.map((finding) => (
          <li>
            <strong>{severity[finding.severity]}</strong> {finding.message}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Verification(props: { it: Application }) {
  const report = props.it.verification;
  if (!report) return null;
  return (
    <details class="card">
      <summary>電子署名と証明書の検証</summary>
      <ul class="checks">
        {report.lines.map((line) => (
          <li>
            <span class={`result result-${line.result}`}>
              {line.result === "passed" ? "○" : line.result === "failed" ? "×" : "－"}
            </span>{" "}
            {line.text}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Review(props: { it: Application }) {
  const review = props.it.review;
  if (!review) return null;
  return (
    <Notice kind="warning">
      連携の前に職員の承認が必要です（{review.demands.map((d) => demand[d] ?? d).join("、")}）。
      必要な人数 {review.persons}人{review.superior && "（最後は管理責任者）"}、承認した人 {review.approvals.length}人
      {review.approvals.length > 0 && `（${review.approvals.map((a) => who(a.by)).join("、")}）`}。
    </Notice>
  );
}

function History(props: { it: Application }) {
  return (
    <details class="card">
      <summary>経過</summary>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">日時</th>
            <th scope="col">状態</th>
            <th scope="col">理由</th>
            <th scope="col">誰が</th>
          </tr>
        </thead>
        <tbody>
          {props.it.history.map((event) => (
            <tr>
              <td>{when(event.at)}</td>
              <td>{event.to_name}</td>
              <td>
                {event.reason_ja ?? event.reason ?? ""} <Said {...event} />
              </td>
              <td>{who(event.actor)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.it.messages.map((message) => (
        <p>
          {when(message.at)}　{who(message.by)}　{message.status}：{message.text}
        </p>
      ))}
    </details>
  );
}

/** The claim is taken when the page opens and given back when it is left. */
function useClaim(which: Which) {
  const [refused, setRefused] = useState<unknown>();
  useEffect(() => {
    const path = where(which, "/api", "/claim");
    post(path).then(() => setRefused(undefined), setRefused);
    return () => {
      remove(path).catch(() => {});
    };
  }, [where(which, "")]);
  return refused;
}

interface Trouble {
  error: unknown;
  version: number; // of what was decided on
}

/** What went wrong with a decision, beside what the application is by now. Of a decision whose
 * answer was lost the history tells whether it was done. */
function Told(props: { it: Application; me: string; trouble: Trouble }) {
  const place = useRef<HTMLDivElement>(null);
  const { it } = props;
  const { error, version } = props.trouble;
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), [props.trouble]);
  const lost = !(error instanceof ApiError) || error.status === 0;
  const done = it.history.some((one) => one.version > version && one.actor === `staff:${props.me}`);
  return (
    <div ref={place}>
      {lost && done ? (
        <Notice kind="info">応答は届きませんでしたが、押した操作は済んでいます（いまは「{it.state_name}」）。</Notice>
      ) : (
        <Failure error={error} />
      )}
    </div>
  );
}

const masked = (it: Application) =>
  (it.form?.groups ?? []).some((group) => group.rows.some((row) => row.masked));

/** Another channel has the same number: one of them is to be chosen. */
function Channels(props: { which: Which; channels: string[] }) {
  return (
    <Notice kind="warning">
      同じ受付番号の申請が複数あります。受付経路を選んでください。
      {props.channels.map((channel) => (
        <a class="button button-second" href={where({ ...props.which, channel }, "#")}>
          {channel}
        </a>
      ))}
    </Notice>
  );
}

function channelsOf(error: unknown): string[] | undefined {
  if (!(error instanceof ApiError)) return undefined;
  return (error.body as { channels?: string[] } | undefined)?.channels;
}

export function ApplicationPage(props: { which: Which; me: string }) {
  const { which } = props;
  const { value: it, error, again } = useLoaded(() => application(which), where(which, ""));
  const refused = useClaim(which);
  const [numbers, setNumbers] = useState<Numbers>();
  const [trouble, setTrouble] = useState<Trouble>();
  useEffect(() => forgetUnanswered(which), [where(which, "")]);
  const back = () => {
    location.hash = "#/";
  };
  const failed = (wrong: unknown) => {
    setTrouble({ error: wrong, version: it!.version });
    again();
  };
  const dropped = () => {
    setTrouble(undefined);
    again();
  };
  useKeys({ Escape: back });
  const channels = channelsOf(error);
  if (channels) return <Channels which={which} channels={channels} />;
  if (!it) return error ? <Failure error={error} /> : <p class="empty">読み込んでいます…</p>;
  return (
    <>
      <p>
        <Button onClick={back}>一覧に戻る（Esc）</Button>
      </p>
      <Heading>
        {it.procedure.name}
        <small class="receipt">
          {it.receipt_number} {it.channel}
        </small>
      </Heading>
      <p>
        <strong class="state">{it.state_name}</strong> {it.reason_ja ?? ""}
      </p>
      <p>
        申請 {when(it.applied_at)} <span class="term">期限</span>{" "}
        <Due on={it.due_on} term={it.due_term} />
      </p>
      {it.hold && (
        <Notice kind="info">
          {who(it.hold.by)} さんが {when(it.hold.until)} まで保留にしています。
        </Notice>
      )}
      {trouble ? <Told it={it} me={props.me} trouble={trouble} /> : <Failure error={error} />}
      <Failure error={refused} />
      <Review it={it} />
      {it.state === "unmatched" && (
        <Unmatched it={it} me={props.me} done={back} dropped={dropped} failed={failed} />
      )}
      <Findings it={it} />
      <Decide it={it} done={back} failed={failed} />
      {it.versions.length > 0 && <Versions it={it} />}
      <h2>申請の内容</h2>
      {it.may.includes("number") && masked(it) && (
        <ShowNumbers it={it} shown={numbers !== undefined} show={setNumbers} />
      )}
      <Form it={it} numbers={numbers} />
      {it.attachments.length > 0 && <Attachments it={it} />}
      <Contacts it={it} changed={again} />
      {(it.may.includes("print") || it.may.includes("export")) && <Output it={it} />}
      <Verification it={it} />
      <History it={it} />
    </>
  );
}

// 管理: what administrators propose and confirm. Loaded when somebody opens it.

import { useState } from "preact/hooks";

import { type Change, settle, things } from "./admin-api";
import { ComingChanges, NotApplied } from "./admin-coming";
import { Difference, Done } from "./admin-parts";
import { Batch, PersonnelPage } from "./admin-personnel";
import { FeedsPage, ProceduresPage } from "./admin-setup";
import { HolidaysPage, MediaPage, TemplatesPage, TerminalsPage } from "./admin-things";
import { UsersPage } from "./admin-users";
import { KINDS, STATES } from "./admin-words";
import { Button, Failure, Field, Heading, Notice, single, useLoaded, useSending } from "./parts";
import { when, who } from "./words";

function Settle(props: {
  change: Change;
  mine: boolean;
  done: (message: string, code: string | null) => void;
}) {
  const [reason, setReason] = useState("");
  const { busy, error, send } = useSending();
  const { change } = props;
  const act = (how: "confirm" | "reject") =>
    send(() =>
      settle(change.id, how, reason).then((answer) => props.done(answer.message, answer.code)),
    );
  return (
    <>
      {change.stale && (
        <Notice kind="warning">この変更案が出された後に、元の内容が変わりました。確認しても反映されません。</Notice>
      )}
      <Field
        label={props.mine ? "取下げの理由" : "確認した内容・差戻しの理由（差戻しには必要です）"}
        name={`settle-${change.id}`}
        required={false}
        value={reason}
        onValue={setReason}
      />
      <Failure error={error} />
      <p class="buttons">
        {!props.mine && (
          <Button look="main" disabled={busy} onClick={single(() => act("confirm"))}>
            確認して反映する
          </Button>
        )}
        <Button look="danger" disabled={busy} onClick={single(() => act("reject"))}>
          {props.mine ? "取り下げる" : "差し戻す"}
        </Button>
      </p>
      {props.mine && <p class="help">自分が出した変更案です。ほかの管理者の確認を待っています。</p>}
    </>
  );
}

function Waiting(props: {
  change: Change;
  me: string;
  done: (message: string, code: string | null) => void;
}) {
  const { change } = props;
  return (
    <section class="card" aria-label={`変更案 ${change.id}`}>
      <h2>
        {KINDS[change.kind]}　{change.subject}
        {change.before === null && <span class="tag">新規</span>}
        {change.after === null && <span class="tag">削除</span>}
      </h2>
      <p>
        {when(change.proposed_at)}　{who(change.proposed_by)}
        {change.terminal && `（${change.terminal}）`}　理由：{change.reason}
      </p>
      <Difference kind={change.kind} before={change.before} after={change.after} />
      <Settle change={change} mine={change.proposed_by === `staff:${props.me}`} done={props.done} />
    </section>
  );
}

function Decided(props: { items: Change[] }) {
  return (
    <details class="card">
      <summary>処理した変更案（最近の{props.items.length}件）</summary>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">日時</th>
            <th scope="col">種類・対象</th>
            <th scope="col">結果</th>
            <th scope="col">出した人・理由</th>
            <th scope="col">処理した人・理由</th>
          </tr>
        </thead>
        <tbody>
          {props.items.map((change) => (
            <tr key={change.id}>
              <td>{when(change.decided_at ?? "")}</td>
              <td>
                {KINDS[change.kind]}　{change.subject}
              </td>
              <td>
                {STATES[change.state]}
                {change.effective_on && <small class="receipt">{change.effective_on} から</small>}
              </td>
              <td>
                {who(change.proposed_by)}　{change.reason}
              </td>
              <td>
                {change.decided_by === "first" ? "最初の登録" : who(change.decided_by ?? "")}　
                {change.decided_why ?? ""}
                {change.ended_by && (
                  <p>
                    取消し {when(change.ended_at!)}　{who(change.ended_by)}　{change.ended_why}
                  </p>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function ChangesPage(props: { me: string }) {
  const { value, error, again } = useLoaded(() => things<Change>("changes"), "changes");
  const [message, setMessage] = useState<string>();
  const [code, setCode] = useState<string | null>(null);
  const done = (text: string, oneTime: string | null) => {
    setMessage(text);
    setCode(oneTime);
    again();
    scrollTo(0, 0);
  };
  const waiting = value?.items.filter((change) => change.state === "waiting") ?? [];
  const alone = waiting.filter((change) => !change.batch);
  const batches = [...new Set(waiting.map(({ batch }) => batch).filter((one) => one !== null))];
  return (
    <>
      <Heading>確認待ちの変更案</Heading>
      <Failure error={error} />
      <Done message={message} />
      {value && <NotApplied items={value.items} />}
      {code && (
        <Notice kind="warning">
          ワンタイムコード <span class="secret">{code}</span>
          （24時間有効）。本人に手渡してください。この画面を閉じると、もう表示できません。
        </Notice>
      )}
      {batches.map((batch) => (
        <Batch
          changes={waiting.filter((change) => change.batch === batch)}
          me={props.me}
          done={(text) => done(text, null)}
          key={batch}
        />
      ))}
      {alone.map((change) => (
        <Waiting change={change} me={props.me} done={done} key={change.id} />
      ))}
      {value && !waiting.length && <p class="empty">確認を待っている変更案はありません。</p>}
      {value && <ComingChanges items={value.items} done={(text) => done(text, null)} />}
      {value && (
        <Decided items={value.items.filter(({ state }) => !/^(waiting|confirmed)$/.test(state))} />
      )}
    </>
  );
}

const PAGES: [string, string, (props: { me: string }) => preact.JSX.Element][] = [
  ["#/admin", "変更案", ChangesPage],
  ["#/admin/users", "利用者", UsersPage],
  ["#/admin/personnel", "人事異動", PersonnelPage],
  ["#/admin/terminals", "端末", TerminalsPage],
  ["#/admin/media", "媒体", MediaPage],
  ["#/admin/holidays", "休日", HolidaysPage],
  ["#/admin/templates", "定型文", TemplatesPage],
  ["#/admin/procedures", "手続と連携先", ProceduresPage],
  ["#/admin/feeds", "連携データ", FeedsPage],
];

export default function AdminPage(props: { hash: string; me: string }) {
  const [, , Page] = PAGES.find(([hash]) => hash === props.hash) ?? PAGES[0];
  return (
    <>
      <nav class="tabs" aria-label="管理の画面">
        {PAGES.map(([hash, name]) => (
          <a class="tab" href={hash} aria-current={props.hash === hash ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <Page me={props.me} key={props.hash} />
    </>
  );
}

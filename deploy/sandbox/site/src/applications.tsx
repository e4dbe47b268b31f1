// 申請状況: what the resident has submitted, and what became of it.

import { useState } from "preact/hooks";

import { api, type Application, type DraftSummary } from "./api";
import { Button, Confirm, Failure, Heading, Link, Loading, Notice, NotThere, useLoaded } from "./parts";
import { go, usePage } from "./router";
import { ShownFiles, ShownItems } from "./shown";
import { moment, statusWords } from "./text";

function StatusBadge(props: { application: Application }) {
  const { status, corrected_by } = props.application;
  const words = corrected_by ? "訂正済み" : (statusWords[status]?.[0] ?? status);
  const looks: { [status: string]: string } = {
    要訂正: "warning",
    受付エラー: "error",
    完了: "success",
  };
  return (
    <span class={`status status-${corrected_by ? "plain" : (looks[status] ?? "plain")}`}>{words}</span>
  );
}

function Drafts(props: { drafts: DraftSummary[]; onChange: () => void }) {
  const [asked, setAsked] = useState("");
  if (!props.drafts.length) return null;
  return (
    <section aria-labelledby="drafts-title">
      <h2 id="drafts-title">入力中の申請</h2>
      <ul class="services">
        {props.drafts.map((draft) => (
          <li>
            <Link to={`/apply/${draft.id}/1`}>{draft.name}</Link>
            <p>
              {draft.corrects && `受付番号 ${draft.corrects} の訂正　`}
              最後に保存した日時：{moment(draft.updated_at)}
            </p>
            <Button look="text" onClick={() => setAsked(draft.id)}>
              削除する<span class="visually-hidden">：{draft.name}</span>
            </Button>
          </li>
        ))}
      </ul>
      {asked && (
        <Confirm
          title="入力中の申請を削除しますか"
          yes="削除する"
          onNo={() => setAsked("")}
          onYes={async () => {
            await api.discard(asked).catch(() => {});
            setAsked("");
            props.onChange();
          }}
        >
          <p>入力した内容と、添付した書類が消えます。</p>
        </Confirm>
      )}
    </section>
  );
}

export function ApplicationsPage() {
  usePage("申請状況");
  const [turn, setTurn] = useState(0);
  const { value, error } = useLoaded(
    () => Promise.all([api.applications(), api.drafts()]),
    String(turn),
  );
  const list = [...(value?.[0] ?? [])].sort((a, b) => (a.applied_at < b.applied_at ? 1 : -1));
  return (
    <>
      <Heading>申請状況</Heading>
      <Failure error={error} />
      {!value && !error && <Loading />}
      {value && <Drafts drafts={value[1]} onChange={() => setTurn(turn + 1)} />}
      {value && (
        <section aria-labelledby="sent-title">
          <h2 id="sent-title">送信した申請</h2>
          {list.length === 0 && (
            <p>
              送信した申請はありません。<Link to="/services">手続をさがす</Link>
            </p>
          )}
          <ul class="services">
            {list.map((application) => (
              <li>
                <Link to={`/applications/${application.receipt_number}`}>{application.name}</Link>
                <p>
                  <StatusBadge application={application} />
                </p>
                <p>
                  受付番号：{application.receipt_number}
                  <br />
                  申請日時：{moment(application.applied_at)}
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Received(props: { application: Application }) {
  return (
    <Notice kind="success" title="受付番号">
      <p>
        <strong class="receipt">{props.application.receipt_number}</strong>
      </p>
      <p>
        このあと、市が申請の内容を確認します。状況が変わると、このページに表示されます。市から訂正をお願いすることがありますので、ときどきご確認ください。
      </p>
    </Notice>
  );
}

function History(props: { application: Application }) {
  return (
    <ol class="history">
      {props.application.history.map((entry) => (
        <li>
          <strong>{statusWords[entry.status]?.[0] ?? entry.status}</strong>
          <span>{moment(entry.at)}</span>
          <p>{statusWords[entry.status]?.[1]}</p>
          {entry.message && (
            <blockquote>
              <p class="from-city">市からの連絡</p>
              {entry.message.split("\n").map((line) => (
                <p>{line}</p>
              ))}
            </blockquote>
          )}
        </li>
      ))}
    </ol>
  );
}

export function ApplicationPage(props: { receipt: string; fresh: boolean }) {
  const [turn, setTurn] = useState(0);
  const [asked, setAsked] = useState(false);
  const [failed, setFailed] = useState<unknown>();
  const { value, error } = useLoaded(
    () => api.application(props.receipt),
    `${props.receipt} ${turn}`,
  );
  const title = error
    ? "申請が見つかりません"
    : props.fresh
      ? "申請を送信しました"
      : "申請の状況";
  usePage(title, !!value || !!error);
  if (!value) return error ? <NotThere error={error} title={title} /> : <Loading />;
  const { application, service } = value;
  const act = (work: () => Promise<void>) => work().catch(setFailed);
  return (
    <>
      <p class="crumbs">
        <Link to="/applications">申請状況</Link>
      </p>
      <Heading>{title}</Heading>
      {props.fresh && <Received application={application} />}
      <p class="lead">{application.name}</p>
      <p>
        <StatusBadge application={application} />
      </p>
      <p>
        受付番号：{application.receipt_number}
        <br />
        申請日時：{moment(application.applied_at)}
      </p>
      {application.corrects && (
        <p>
          受付番号{" "}
          <Link to={`/applications/${application.corrects}`}>{application.corrects}</Link>{" "}
          を訂正した申請です。
        </p>
      )}
      {application.corrected_by && (
        <p>
          訂正した申請：
          <Link to={`/applications/${application.corrected_by}`}>{application.corrected_by}</Link>
        </p>
      )}
      <Failure error={failed} />
      <h2>経過</h2>
      <History application={application} />
      <div class="actions">
        {application.may_correct && (
          <Button
            onClick={() =>
              act(async () => {
                const draft = await api.correct(application.receipt_number);
                go(`/apply/${draft.id}/1`);
              })
            }
          >
            内容を訂正する
          </Button>
        )}
        {application.may_withdraw && (
          <Button look="second" onClick={() => setAsked(true)}>
            この申請を取り下げる
          </Button>
        )}
      </div>
      {asked && (
        <Confirm
          title="この申請を取り下げますか"
          yes="取り下げる"
          onNo={() => setAsked(false)}
          onYes={() =>
            act(async () => {
              setAsked(false);
              await api.withdraw(application.receipt_number);
              setTurn(turn + 1);
            })
          }
        >
          <p>取り下げると、もとに戻せません。もう一度申請することはできます。</p>
        </Confirm>
      )}
      <details class="sent">
        <summary>送信した内容を見る</summary>
        {service.groups.map((group) => (
          <section class="review" aria-label={group.label}>
            <h2>{group.label}</h2>
            <ShownItems service={service} values={value.values} items={group.items} />
          </section>
        ))}
        {!!service.documents?.length && (
          <section class="review" aria-label="添付した書類">
            <h2>添付した書類</h2>
            <ShownFiles service={service} files={value.files} />
          </section>
        )}
      </details>
    </>
  );
}

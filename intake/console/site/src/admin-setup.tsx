// 手続・連携先 and 連携データの取込: to read, and a feed that waits for a second person.

import { useState } from "preact/hooks";

import { type Feed, type Procedure, things } from "./admin-api";
import { Done } from "./admin-parts";
import { post } from "./api";
import { Button, Failure, Field, Heading, useLoaded, useSending } from "./parts";
import { when, who } from "./words";

export function ProceduresPage() {
  const { value, error } = useLoaded(() => things<Procedure>("procedures"), "procedures");
  return (
    <>
      <Heading>手続と連携先</Heading>
      <p class="help">手続の定義と連携経路は、サーバーの設定で決まります。ここでは確認だけできます。</p>
      <Failure error={error} />
      <table class="list">
        <thead>
          <tr>
            <th scope="col">手続</th>
            <th scope="col">様式版</th>
            <th scope="col">電子署名</th>
            <th scope="col">連携先</th>
            <th scope="col">事務・部署</th>
            <th scope="col">個人番号</th>
            <th scope="col">連携前の承認</th>
            <th scope="col">根拠法令</th>
          </tr>
        </thead>
        <tbody>
          {value?.items.map((one) => (
            <tr key={`${one.id} ${one.version}`}>
              <th scope="row">
                {one.name}
                <small class="receipt">{one.id}</small>
              </th>
              <td>
                {one.version}
                {one.retired && <span class="tag">受付終了</span>}
              </td>
              <td>{one.signature_required ? "必要" : "不要"}</td>
              <td>{one.route?.destination_name ?? "連携先なし"}</td>
              <td>{one.route ? `${one.route.business}・${one.route.department}` : ""}</td>
              <td>{one.route ? (one.route.individual_number ? "渡す" : "渡さない") : ""}</td>
              <td>{one.route ? (one.route.approval ? "必要" : "不要") : ""}</td>
              <td>{one.route?.legal_basis ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

const FEED: Record<string, string> = { residents: "住民", links: "シリアル番号紐付" };
const FEED_STATE: Record<string, string> = {
  done: "反映済",
  waiting: "確認待ち",
  approved: "承認済（再取込待ち）",
};

function Approve(props: { feed: Feed; done: (message: string) => void; cancel: () => void }) {
  const [reason, setReason] = useState("");
  const { busy, error, submit } = useSending();
  const { feed } = props;
  const approve = () =>
    post<{ message: string }>(`/api/admin/feeds/${feed.id}/approve`, { reason }).then((answer) =>
      props.done(answer.message),
    );
  return (
    <form class="card" onSubmit={submit(approve)}>
      <h2>取込 {feed.id} の承認</h2>
      <p>
        {FEED[feed.kind]}（{feed.full ? "全件" : "差分"}）{feed.rows}行のうち、削除 {feed.removed}件、
        転出・死亡など {feed.ended}件、支援措置の解除 {feed.lifted}件があるため止めています。
        住民記録の担当に確かめてから承認してください。
      </p>
      <Field label="確認した内容（記録に残ります）" name="reason" focus value={reason} onValue={setReason} />
      <Failure error={error} />
      <p class="buttons">
        <Button look="main" type="submit" disabled={busy}>
          承認する
        </Button>
        <Button onClick={props.cancel}>やめる</Button>
      </p>
    </form>
  );
}

export function FeedsPage() {
  const { value, error, again } = useLoaded(() => things<Feed>("feeds"), "feeds");
  const [chosen, setChosen] = useState<Feed>();
  const [message, setMessage] = useState<string>();
  const done = (text: string) => {
    setChosen(undefined);
    setMessage(text);
    again();
  };
  return (
    <>
      <Heading>住基・宛名連携データの取込</Heading>
      <Failure error={error} />
      <Done message={message} />
      {chosen && <Approve feed={chosen} done={done} cancel={() => setChosen(undefined)} />}
      <table class="list">
        <thead>
          <tr>
            <th scope="col">取込</th>
            <th scope="col">種類</th>
            <th scope="col">時点</th>
            <th scope="col">状態</th>
            <th scope="col">行数</th>
            <th scope="col">追加</th>
            <th scope="col">変更</th>
            <th scope="col">削除</th>
            <th scope="col">転出等</th>
            <th scope="col">支援措置解除</th>
            <th scope="col">取り込んだ人・承認した人</th>
          </tr>
        </thead>
        <tbody>
          {value?.items.map((feed) => (
            <tr key={feed.id}>
              <th scope="row">
                {feed.id}
                <small class="receipt">{when(feed.at)}</small>
              </th>
              <td>
                {FEED[feed.kind]}・{feed.full ? "全件" : "差分"}
                {feed.sequence !== null && ` 第${feed.sequence}号`}
                <small class="receipt">{feed.source}</small>
              </td>
              <td>{when(feed.as_of)}</td>
              <td>
                {FEED_STATE[feed.state]}{" "}
                {feed.state === "waiting" && (
                  <Button onClick={() => setChosen(feed)} aria-label={`取込 ${feed.id} を確認する`}>
                    確認する
                  </Button>
                )}
              </td>
              <td class="count">{feed.rows.toLocaleString()}</td>
              <td class="count">{feed.added.toLocaleString()}</td>
              <td class="count">{feed.changed.toLocaleString()}</td>
              <td class="count">{feed.removed.toLocaleString()}</td>
              <td class="count">{feed.ended.toLocaleString()}</td>
              <td class="count">{feed.lifted.toLocaleString()}</td>
              <td>
                {who(feed.imported_by)}
                {feed.approved_by && `・${who(feed.approved_by)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {value && !value.items.length && <p class="empty">取込の記録がありません。</p>}
    </>
  );
}

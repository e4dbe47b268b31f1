// Who is it? The certificate's facts on the left, the candidates on the right, every difference
// marked. Keys: 1 to 9 choose a candidate, then a reason, then Enter.

import { useRef, useState } from "preact/hooks";

import { act, type Application, type Candidate, type Facts, type Person, post } from "./api";
import { difference, type Piece, substituted } from "./difference";
import { Button, Failure, Field, Marked, Notice, useKeys, useSending } from "./parts";
import { agreement, agrees, era, fact, residence, sex, who } from "./words";

const SHOWN = ["name", "kana", "birth_date", "sex", "address"] as const;
type Shown = (typeof SHOWN)[number];

const REASONS = [
  "氏名・生年月日・住所が同じ人",
  "氏名が変わった人（旧氏・通称で確認）",
  "引っ越した人（前の住所で確認）",
  "漢字の表記が違うだけの人",
];

function told(person: Person | Facts, which: Shown): string {
  const value = person[which] ?? "";
  if (which === "sex") return sex[value] ?? value;
  if (which === "birth_date" && value) return era(value);
  return value;
}

/** Names and addresses character by character; a day is another day as a whole. */
function compared(person: Person, facts: Facts | null, which: Shown): Piece[] {
  const text = told(person, which);
  const other = facts ? told(facts, which) : "";
  return which === "birth_date" || which === "sex"
    ? [{ text, same: !other || text === other }]
    : difference(text, other);
}

function Certificate(props: { facts: Facts | null }) {
  const facts = props.facts;
  if (!facts) return <p>署名用電子証明書がありません。申請書の内容で確かめてください。</p>;
  const flags = { name: facts.name_substituted, address: facts.address_substituted };
  return (
    <dl class="rows">
      {SHOWN.filter((which) => facts[which]).map((which) => (
        <div class="row">
          <dt>{fact[which]}</dt>
          <dd>
            <Marked
              pieces={substituted(told(facts, which), flags[which as "name" | "address"])}
              say="代替文字：証明書では書けない文字"
            />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A resident, each fact beside how it agrees; of who is protected, nothing but that. */
function Compared(props: { candidate: Candidate; facts: Facts | null }) {
  const person = props.candidate.resident;
  if (!person.atenabango)
    return <p>支援措置等の対象者のため、表示できません。取扱いを認められた職員に引き継いでください。</p>;
  return (
    <dl class="rows">
      {SHOWN.map((which) => {
        const { how, certificate } = props.candidate.facts[which] ?? { how: "unknown" };
        const form = agrees(how) && !!certificate && certificate !== "unknown" && !agrees(certificate);
        return (
          <div class={agrees(how) && !form ? "row" : "row noted"}>
            <dt>{fact[which]}</dt>
            <dd>
              <Marked pieces={compared(person, props.facts, which)} />
              {which === "address" && person.building && <span> {person.building}</span>}
              {which === "name" && person.former_surname && <span>（旧氏 {person.former_surname}）</span>}
              {which === "name" && person.common_name && <span>（通称 {person.common_name}）</span>}
              <small class="how">
                {form
                  ? `△ 申請書とは${agreement[how]}、証明書とは${agreement[certificate] ?? certificate}`
                  : `${agrees(how) ? "○" : "×"} ${agreement[how] ?? how}`}
              </small>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

/** Who applies, as the form has it; what the certificate says otherwise is marked. */
function Claimed(props: { claimed: Person; facts: Facts | null }) {
  return (
    <dl class="rows">
      {SHOWN.filter((which) => props.claimed[which]).map((which) => (
        <div class="row">
          <dt>{fact[which]}</dt>
          <dd>
            <Marked pieces={compared(props.claimed, props.facts, which)} say="証明書と違う文字" />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Called(props: { person: Candidate["resident"] }) {
  const { person } = props;
  return (
    <>
      {person.atenabango && (
        <>
          <strong>宛名番号 {person.atenabango}</strong> <span>{residence[person.status] ?? person.status}</span>
        </>
      )}
      {person.protected && <strong class="protected"> 支援措置対象者</strong>}
    </>
  );
}

function Card(props: {
  candidate: Candidate;
  facts: Facts | null;
  place: number;
  chosen: boolean;
  choose: () => void;
}) {
  const person = props.candidate.resident;
  return (
    <label class={props.chosen ? "candidate chosen" : "candidate"}>
      <input
        type="radio"
        name="candidate"
        checked={props.chosen}
        disabled={!person.atenabango}
        onChange={props.choose}
      />
      <kbd>{props.place}</kbd> <Called person={person} />
      <Compared candidate={props.candidate} facts={props.facts} />
    </label>
  );
}

interface Found {
  candidates: Candidate[];
  left_out: number;
}

/** At least two of name, birth date and address, always for this application. */
function Search(props: { it: Application; found: (answer: Found) => void }) {
  const [name, setName] = useState("");
  const [birth, setBirth] = useState("");
  const [address, setAddress] = useState("");
  const [reason, setReason] = useState("");
  const { busy, error, submit } = useSending();
  const search = () =>
    post<Found>(
      `/api/applications/${encodeURIComponent(props.it.receipt_number)}/search`,
      { name, birth_date: birth, address, reason },
    ).then(props.found);
  return (
    <details>
      <summary>ほかの人を探す（氏名・生年月日・住所のうち二つ以上）</summary>
      <form onSubmit={submit(search)} class="search">
        <Failure error={error} />
        <Field label="氏名" name="search-name" required={false} value={name} onValue={setName} />
        <Field label="生年月日" name="search-birth" type="date" required={false} value={birth} onValue={setBirth} />
        <Field label="住所" name="search-address" required={false} value={address} onValue={setAddress} />
        <Field label="探す理由" name="search-reason" value={reason} onValue={setReason} />
        <Button type="submit" disabled={busy}>
          探す
        </Button>
      </form>
    </details>
  );
}

/** No to a proposal: of another person, or back to one's own. */
function Drop(props: {
  it: Application;
  name: "drop" | "deny";
  label: string;
  done: () => void;
  failed: (error: unknown) => void;
}) {
  const [reason, setReason] = useState("");
  const { busy, submit } = useSending();
  const drop = () =>
    act(props.it.receipt_number, props.name, { reason, version: props.it.version }).then(
      props.done,
      props.failed,
    );
  return (
    <details>
      <summary>{props.label}</summary>
      <form onSubmit={submit(drop)}>
        <Field label="理由（記録に残ります）" name="drop-reason" value={reason} onValue={setReason} />
        <Button type="submit" disabled={busy}>
          {props.label}
        </Button>
      </form>
    </details>
  );
}

function Confirm(props: {
  it: Application;
  done: () => void;
  failed: (error: unknown) => void;
}) {
  const [reason, setReason] = useState("");
  const { busy, submit } = useSending();
  const proposal = props.it.proposal!;
  const confirm = () =>
    act(props.it.receipt_number, "confirm", {
      atenabango: proposal.atenabango,
      reason,
      version: props.it.version,
    }).then(props.done, props.failed);
  return (
    <section class="card" aria-label="二人目の確認">
      <form onSubmit={submit(confirm)}>
        <h2>二人目の確認</h2>
        <p>
          {who(proposal.by)} さんが、宛名番号 <strong>{proposal.atenabango}</strong> の人だと判断しました。
          申請した人と同じ人か、自分で見比べて確かめてください。
        </p>
        {proposal.candidate ? (
          <div class="proposed">
            <Called person={proposal.candidate.resident} />
            <Compared candidate={proposal.candidate} facts={props.it.facts} />
          </div>
        ) : (
          <Notice kind="warning">この宛名番号の人は、いまの住民記録にいません。差し戻してください。</Notice>
        )}
        <Field
          label="確認した内容（記録に残ります）"
          name="confirm-reason"
          value={reason}
          onValue={setReason}
        />
        <Button look="main" type="submit" disabled={busy}>
          同じ人であることを確認した
        </Button>
      </form>
      <Drop {...props} name="deny" label="同じ人ではない（差し戻す）" />
    </section>
  );
}

export function Unmatched(props: {
  it: Application;
  me: string;
  done: () => void;
  dropped: () => void;
  failed: (error: unknown) => void;
}) {
  const { it } = props;
  const confirms =
    it.proposal && it.proposal.by !== `staff:${props.me}` && it.may.includes("confirm");
  const [found, setFound] = useState<Found>();
  const [chosen, setChosen] = useState<string>();
  const [reason, setReason] = useState("");
  const { busy, submit } = useSending();
  const reasons = useRef<HTMLSelectElement>(null);
  const candidates = found?.candidates ?? it.decision?.candidates ?? [];
  const show = (answer?: Found) => {
    setFound(answer);
    setChosen(undefined); // who is shown no more is chosen no more
  };
  const choose = (i: number) => {
    if (!candidates[i]?.resident.atenabango) return;
    setChosen(candidates[i].resident.atenabango);
    reasons.current?.focus();
  };
  const keys: Record<string, () => void> = {};
  for (let i = 0; i < 9; i++) keys[String(i + 1)] = () => choose(i);
  useKeys(keys);
  const propose = submit(async () => {
    if (!chosen || !reason) return;
    const mark = candidates.find((one) => one.resident.atenabango === chosen)?.mark;
    await act(it.receipt_number, "identify", {
      atenabango: chosen,
      reason,
      version: it.version,
      ...(mark ? { mark } : {}),
    }).then(props.done, props.failed);
  });
  return (
    <section aria-label="申請者の特定">
      <h2>申請した人は誰ですか</h2>
      {confirms && <Confirm it={it} done={props.done} failed={props.failed} />}
      {it.proposal && !confirms && (
        <Notice kind="info">
          {who(it.proposal.by)} さんの判断（宛名番号 {it.proposal.atenabango}）を、ほかの職員が確認します。
          {it.may.includes("identify") && (
            <Drop
              it={it}
              name="drop"
              label="判断を取り消す"
              done={props.dropped}
              failed={props.failed}
            />
          )}
        </Notice>
      )}
      <div class="compare">
        <div class="card">
          <h3>電子証明書の基本4情報</h3>
          <Certificate facts={it.facts} />
          {it.claimed && <h3>申請書に書かれた申請者</h3>}
          {it.claimed && <Claimed claimed={it.claimed} facts={it.facts} />}
        </div>
        <div>
          <form onSubmit={propose}>
            <h3>
              {found ? "探した結果" : "候補者"}（{candidates.length}人）
            </h3>
            {found && <Button onClick={() => show()}>はじめの候補者に戻る</Button>}
            {found && found.left_out > 0 && (
              <Notice kind="warning">
                ほかに{found.left_out}人います。ここにいないときは、条件を足して探してください。
              </Notice>
            )}
            {candidates.map((candidate, i) => (
              <Card
                candidate={candidate}
                facts={it.facts}
                place={i + 1}
                chosen={chosen === candidate.resident.atenabango}
                choose={() => setChosen(candidate.resident.atenabango)}
                key={candidate.resident.atenabango || i}
              />
            ))}
            {candidates.length === 0 && (
              <p class="empty">{found ? "条件に合う人はいません。" : "候補者はいません。"}</p>
            )}
            {it.may.includes("identify") && candidates.length > 0 && (
              <div class="field">
                <label for="reason">判断の理由</label>
                <select
                  id="reason"
                  ref={reasons}
                  value={reason}
                  onChange={(event) => setReason(event.currentTarget.value)}
                  onKeyDown={(event) => {
                    const place = Number(event.key);
                    if (REASONS[place - 1]) setReason(REASONS[place - 1]);
                    else if (event.key === "Enter") propose(event);
                    else return;
                    event.preventDefault();
                  }}
                >
                  <option value="">理由を選んでください（1～4）</option>
                  {REASONS.map((text, i) => (
                    <option value={text}>
                      {i + 1} {text}
                    </option>
                  ))}
                </select>
                <Button look="main" type="submit" disabled={busy || !chosen || !reason}>
                  この人として、二人目の確認に回す（Enter）
                </Button>
              </div>
            )}
          </form>
          {it.may.includes("identify") && <Search it={it} found={show} />}
        </div>
      </div>
    </section>
  );
}

// Who is it? The certificate's facts on the left, the candidates on the right, every difference
// marked. Keys: 1 to 9 choose a candidate, then a reason, then Enter.

import type { Ref } from "preact";
import { useRef, useState } from "preact/hooks";

import { act, type Application, type Candidate, type Facts, post, where } from "./api";
import { Called, Certificate, Claimed, Compared } from "./compare";
import { Confirm, Drop } from "./confirm";
import { Button, Failure, Field, Notice, Said, useKeys, useSending } from "./parts";
import { who } from "./words";

const OTHER = "その他の事情がある人"; // as the server has it: says nothing without words
const REASONS = [
  "氏名・生年月日・住所が同じ人",
  "氏名が変わった人（旧氏・通称で確認）",
  "引っ越した人（前の住所で確認）",
  "漢字の表記が違うだけの人",
  OTHER,
];
const WORDS_MOST = 500; // characters

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
      where(props.it, "/api", "/search"),
      { name, birth_date: birth, address, reason },
    ).then(props.found);
  return (
    <details>
      <summary>ほかの人を探す（氏名・生年月日・住所のうち二つ以上）</summary>
      <form onSubmit={submit(search)} class="search">
        <Failure error={error} />
        <Field label="氏名" name="search-name" required={false} value={name} onValue={setName} />
        <Field
          label="生年月日"
          name="search-birth"
          type="date"
          required={false}
          value={birth}
          onValue={setBirth}
        />
        <Field
          label="住所"
          name="search-address"
          required={false}
          value={address}
          onValue={setAddress}
        />
        <Field label="探す理由" name="search-reason" value={reason} onValue={setReason} />
        <Button type="submit" disabled={busy}>
          探す
        </Button>
      </form>
    </details>
  );
}

/** One of the reasons, and words of one's own, which only the last of them needs. */
function Reason(props: {
  reason: string;
  choose: (reason: string) => void;
  words: string;
  write: (words: string) => void;
  select: Ref<HTMLSelectElement>;
  ready: boolean;
  propose: (event: Event) => void;
}) {
  const keyed = (event: KeyboardEvent) => {
    const place = Number(event.key);
    if (REASONS[place - 1]) props.choose(REASONS[place - 1]);
    else if (event.key === "Enter") props.propose(event);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div class="field">
        <label for="reason">判断の理由</label>
        <select
          id="reason"
          ref={props.select}
          value={props.reason}
          onChange={(event) => props.choose(event.currentTarget.value)}
          onKeyDown={keyed}
        >
          <option value="">理由を選んでください（1～{REASONS.length}）</option>
          {REASONS.map((text, i) => (
            <option value={text}>
              {i + 1} {text}
            </option>
          ))}
        </select>
      </div>
      <Field
        label={props.reason === OTHER ? "補足（どんな事情か）" : "補足（なくてもかまいません）"}
        name="words"
        help="二人目の画面と経過に出ます。"
        most={WORDS_MOST}
        required={props.reason === OTHER}
        value={props.words}
        onValue={props.write}
      />
      <Button look="main" type="submit" disabled={!props.ready || !props.reason}>
        この人として、二人目の確認に回す（Enter）
      </Button>
    </>
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
  const [words, setWords] = useState("");
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
    if (reason === OTHER && !words) return document.getElementById("words")?.focus();
    const mark = candidates.find((one) => one.resident.atenabango === chosen)?.mark;
    await act(it, "identify", {
      atenabango: chosen,
      reason,
      version: it.version,
      ...(mark ? { mark } : {}),
      ...(words ? { words } : {}),
    }).then(props.done, props.failed);
  });
  return (
    <section aria-label="申請者の特定">
      <h2>申請した人は誰ですか</h2>
      {confirms && <Confirm it={it} done={props.done} failed={props.failed} />}
      {it.proposal && !confirms && (
        <Notice kind="info">
          {who(it.proposal.by)} さんの判断（宛名番号 {it.proposal.atenabango}）を、ほかの職員が確認します。理由：
          <Said {...it.proposal} />
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
              <Reason
                reason={reason}
                choose={setReason}
                words={words}
                write={setWords}
                select={reasons}
                ready={!busy && !!chosen}
                propose={propose}
              />
            )}
          </form>
          {it.may.includes("identify") && <Search it={it} found={show} />}
        </div>
      </div>
    </section>
  );
}

// A resident beside what the certificate and the form say: fact by fact, every difference marked.

import type { Candidate, Facts, Person } from "./api";
import { difference, type Piece, substituted } from "./difference";
import { Marked } from "./parts";
import { agreement, agrees, era, fact, residence, sex } from "./words";

const SHOWN = ["name", "kana", "birth_date", "sex", "address"] as const;
type Shown = (typeof SHOWN)[number];

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

export function Certificate(props: { facts: Facts | null }) {
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

const Also = (props: { called: string; name: string | undefined }) =>
  props.name ? (
    <span>
      （{props.called} {props.name}）
    </span>
  ) : null;

/** A resident, each fact beside how it agrees; of who is protected, nothing but that. */
export function Compared(props: { candidate: Candidate; facts: Facts | null }) {
  const person = props.candidate.resident;
  if (!person.atenabango)
    return <p>支援措置等の対象者のため、表示できません。取扱いを認められた職員に引き継いでください。</p>;
  return (
    <dl class="rows">
      {SHOWN.map((which) => {
        const { how, certificate } = props.candidate.facts[which] ?? { how: "unknown" };
        const other = !!certificate && certificate !== "unknown" && !agrees(certificate);
        const form = agrees(how) && other;
        return (
          <div class={agrees(how) && !form ? "row" : "row noted"}>
            <dt>{fact[which]}</dt>
            <dd>
              <Marked pieces={compared(person, props.facts, which)} />
              {which === "address" && person.building && <span> {person.building}</span>}
              {which === "name" && <Also called="旧氏" name={person.former_surname} />}
              {which === "name" && <Also called="通称" name={person.common_name} />}
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
export function Claimed(props: { claimed: Person; facts: Facts | null }) {
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

export function Called(props: { person: Candidate["resident"] }) {
  const { person } = props;
  return (
    <>
      {person.atenabango && (
        <>
          <strong>宛名番号 {person.atenabango}</strong>{" "}
          <span>{residence[person.status] ?? person.status}</span>
        </>
      )}
      {person.protected && <strong class="protected"> 支援措置対象者</strong>}
    </>
  );
}

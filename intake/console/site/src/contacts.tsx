// 連絡記録: what was talked about with the applicant. Added, never changed.

import { useState } from "preact/hooks";

import { type Application, once, where } from "./api";
import { Button, Failure, useSending } from "./parts";
import { way, when, who } from "./words";

function Add(props: { it: Application; changed: () => void }) {
  const [how, setHow] = useState("phone");
  const [text, setText] = useState("");
  const { busy, error, submit } = useSending();
  const add = () =>
    once(where(props.it, "/api", "/contact"), {
      way: how,
      text,
    }).then(() => {
      setText("");
      props.changed();
    });
  return (
    <form onSubmit={submit(add)}>
      <Failure error={error} />
      <div class="field">
        <label for="contact-way">連絡の方法</label>
        <select
          id="contact-way"
          value={how}
          onChange={(event) => setHow(event.currentTarget.value)}
        >
          {Object.entries(way).map(([code, name]) => (
            <option value={code}>{name}</option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="contact-text">内容（あとから直せません）</label>
        <textarea
          id="contact-text"
          rows={3}
          required
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <Button type="submit" disabled={busy}>
        連絡記録に加える
      </Button>
    </form>
  );
}

export function Contacts(props: { it: Application; changed: () => void }) {
  const { it } = props;
  if (!it.contacts.length && !it.may.includes("contact")) return null;
  return (
    <section class="card" aria-label="連絡記録">
      <h2>連絡記録</h2>
      {it.contacts.map((one) => (
        <p class="contact">
          <strong>
            {when(one.at)}　{way[one.way] ?? one.way}　{who(one.by)}
          </strong>
          <span class="text">{one.text}</span>
        </p>
      ))}
      {it.contacts.length === 0 && <p class="help">まだありません。</p>}
      {it.may.includes("contact") && (
        <details>
          <summary>連絡記録を加える</summary>
          <Add {...props} />
        </details>
      )}
    </section>
  );
}

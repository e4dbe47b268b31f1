// What staff decide about an application, each with a reason; the resident's words beside it.

import { useEffect, useState } from "preact/hooks";

import { act, type Application, get } from "./api";
import { Button, Field, useSending } from "./parts";

interface Act {
  name: string;
  label: string;
  button: string;
  message?: string; // asked for, with this label
  until?: boolean;
  destination?: boolean;
  danger?: boolean;
}

const ACTS: Act[] = [
  { name: "approve", label: "承認する", button: "連携を承認する" },
  {
    name: "correct",
    label: "訂正を求める",
    button: "訂正を求める",
    message: "申請した人に伝えること（どの項目を、どう直すか）",
  },
  { name: "undo", label: "申請者の特定を取り消す", button: "取り消して、特定をやり直す" },
  { name: "reroute", label: "振り替える", button: "この連携先に振り替える", destination: true },
  { name: "hold", label: "保留する", button: "この日まで保留する", until: true },
  { name: "resend", label: "もう一度処理する", button: "もう一度処理する" },
  { name: "withdraw", label: "取下げにする", button: "取下げにする", danger: true },
  {
    name: "refuse",
    label: "受け付けない",
    button: "受け付けないことにする",
    message: "申請した人に伝えること（理由と、次にすること）",
    danger: true,
  },
];

interface Template {
  title: string;
  text: string;
}

/** 定型文: chosen, and then made to fit. */
function Templates(props: { business: string; choose: (text: string) => void }) {
  const [items, setItems] = useState<Template[]>([]);
  useEffect(() => {
    const business = encodeURIComponent(props.business);
    get<{ items: Template[] }>(`/api/templates?business=${business}`).then(
      (found) => setItems(found.items),
      () => {}, // without them a message is written by hand
    );
  }, []);
  if (!items.length) return null;
  return (
    <div class="field">
      <label for="template">定型文（選んでから、この申請に合わせて直してください）</label>
      <select
        id="template"
        onChange={(event) => {
          const found = items.find((one) => one.title === event.currentTarget.value);
          if (found) props.choose(found.text);
        }}
      >
        <option value="">選ばない</option>
        {items.map((one) => (
          <option value={one.title}>{one.title}</option>
        ))}
      </select>
    </div>
  );
}

function ActForm(props: {
  it: Application;
  act: Act;
  done: () => void;
  failed: (error: unknown) => void;
}) {
  const [reason, setReason] = useState("");
  const [message, setMessage] = useState("");
  const [until, setUntil] = useState("");
  const [destination, setDestination] = useState("");
  const { busy, submit } = useSending();
  const decide = () =>
    act(props.it, props.act.name, {
      reason,
      version: props.it.version,
      ...(props.act.message ? { message } : {}),
      ...(props.act.destination ? { destination } : {}),
      ...(props.act.until ? { until: `${until}T08:30:00+09:00` } : {}),
    }).then(props.done, props.failed);
  return (
    <form class="card" onSubmit={submit(decide)}>
      <h3>{props.act.label}</h3>
      {props.act.message && <Templates business={props.it.business} choose={setMessage} />}
      {props.act.message && (
        <div class="field">
          <label for="message">{props.act.message}</label>
          <textarea
            id="message"
            rows={4}
            required
            value={message}
            onInput={(event) => setMessage(event.currentTarget.value)}
          />
        </div>
      )}
      {props.act.destination && (
        <div class="field">
          <label for="destination">連携先</label>
          <select
            id="destination"
            required
            value={destination}
            onChange={(event) => setDestination(event.currentTarget.value)}
          >
            <option value="">選んでください</option>
            {props.it.destinations.map((one) => (
              <option value={one.destination}>{one.name || one.destination}</option>
            ))}
          </select>
        </div>
      )}
      {props.act.until && (
        <Field label="いつまで" name="until" type="date" value={until} onValue={setUntil} />
      )}
      <Field label="理由（記録に残ります）" name="act-reason" focus value={reason} onValue={setReason} />
      <Button look={props.act.danger ? "danger" : "main"} type="submit" disabled={busy}>
        {props.act.button}
      </Button>
    </form>
  );
}

export function Decide(props: {
  it: Application;
  done: () => void;
  failed: (error: unknown) => void;
}) {
  const [chosen, setChosen] = useState<string>();
  const possible = ACTS.filter((one) =>
    one.destination ? props.it.destinations.length > 1 : props.it.may.includes(one.name),
  );
  const current = possible.find((one) => one.name === chosen);
  if (!possible.length) return null;
  return (
    <section aria-label="対応">
      <h2>対応</h2>
      <div class="tabs" role="group" aria-label="対応を選ぶ">
        {possible.map((one) => (
          <button
            type="button"
            class="tab"
            aria-pressed={chosen === one.name}
            onClick={() => setChosen(chosen === one.name ? undefined : one.name)}
          >
            {one.label}
          </button>
        ))}
      </div>
      {current && <ActForm {...props} act={current} key={current.name} />}
    </section>
  );
}

// Logging in with a test My Number card.

import { useRef, useState } from "preact/hooks";

import { api, ApiError, type Card } from "./api";
import type { Session } from "./main";
import { Button, Heading, Notice } from "./parts";
import { go, usePage } from "./router";
import { longDay } from "./text";

function wrongPin(error: unknown): string {
  if (!(error instanceof ApiError)) return "ログインできませんでした。";
  if (error.body.code === "pin-wrong")
    return `暗証番号が違います。あと${error.body.left}回まちがえると、カードがロックされます。`;
  if (error.body.code === "pin-locked")
    return "暗証番号を続けてまちがえたため、カードがロックされています。市の窓口で再設定してください。";
  return error.message;
}

function CardChoice(props: { card: Card; chosen: boolean; onChoose: () => void }) {
  const { card } = props;
  return (
    <label class={`card${props.chosen ? " chosen" : ""}`}>
      <input type="radio" name="card" checked={props.chosen} onChange={props.onChoose} value={card.id} />
      <span>
        <strong>{card.name}</strong>
        <span class="card-facts">
          {longDay(card.birth_date)}生まれ　{card.address}
        </span>
        <span class="card-facts">
          試験用の暗証番号：ログイン用 <code>{card.login_pin}</code>　署名用{" "}
          <code>{card.sign_pin}</code>
          {(card.login_locked || card.sign_locked) && "（ロック中）"}
        </span>
      </span>
    </label>
  );
}

export function LoginPage(props: {
  session: Session;
  onSession: (session: Session) => void;
  to: string;
}) {
  usePage("ログイン");
  const [chosen, setChosen] = useState("");
  const [pin, setPin] = useState("");
  const [error, setError] = useState("");
  const pinField = useRef<HTMLInputElement>(null);
  const cards = props.session.cards;
  const card = cards.find((one) => one.id === chosen);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!card) return setError("カードを選んでください。");
    try {
      const { resident } = await api.logIn(chosen, pin);
      props.onSession({ ...props.session, resident });
      go(props.to.startsWith("/") && !props.to.startsWith("//") ? props.to : "/", true);
    } catch (e) {
      setError(wrongPin(e));
      setPin("");
      pinField.current?.focus();
      props.onSession(await api.session());
    }
  };
  const reset = async () => {
    await api.resetCard(chosen);
    setError("");
    props.onSession(await api.session());
  };
  return (
    <>
      <Heading>マイナンバーカードでログイン</Heading>
      <p>
        試験環境では、カードを読み取るかわりに、架空の住民のカードを選びます。
      </p>
      {error && <Notice kind="error" title={error} />}
      <form onSubmit={submit} noValidate>
        <fieldset class="field cards">
          <legend>カードを選ぶ</legend>
          {cards.map((one) => (
            <CardChoice
              key={one.id}
              card={one}
              chosen={one.id === chosen}
              onChoose={() => setChosen(one.id)}
            />
          ))}
        </fieldset>
        <div class="field">
          <label for="pin">利用者証明用の暗証番号（数字4桁）</label>
          <input
            id="pin"
            ref={pinField}
            type="password"
            inputMode="numeric"
            autocomplete="off"
            class="width-short"
            maxLength={4}
            value={pin}
            onInput={(e) => setPin(e.currentTarget.value)}
          />
        </div>
        <div class="actions">
          <Button type="submit">ログインする</Button>
          {card && (card.login_locked || card.sign_locked) && (
            <Button look="second" onClick={reset}>
              窓口での再設定をためす（試験用）
            </Button>
          )}
        </div>
      </form>
    </>
  );
}

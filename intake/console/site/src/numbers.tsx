// 個人番号 in the clear: for a reason, for a minute, and never while somebody else may look at the
// screen: it is masked again when the page is left or hidden.

import { useEffect, useState } from "preact/hooks";

import { type Application, post, where } from "./api";
import { Button, Failure, Field, useSending } from "./parts";

const SHOWN_FOR = 60; // seconds

export type Numbers = Record<string, string>; // by the item's path

export function ShowNumbers(props: {
  it: Application;
  shown: boolean;
  show: (numbers: Numbers | undefined) => void;
}) {
  const [asked, setAsked] = useState(false);
  const [reason, setReason] = useState("");
  const [left, setLeft] = useState(SHOWN_FOR);
  const { busy, error, submit } = useSending();
  const hide = () => {
    props.show(undefined);
    setAsked(false);
    setReason("");
  };
  useEffect(() => {
    if (!props.shown) return;
    const until = Date.now() + SHOWN_FOR * 1000;
    const timer = setInterval(() => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds <= 0) hide();
      else setLeft(seconds);
    }, 500);
    const away = () => document.hidden && hide();
    document.addEventListener("visibilitychange", away);
    addEventListener("blur", hide);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", away);
      removeEventListener("blur", hide);
    };
  }, [props.shown]);
  const ask = () =>
    post<{ numbers: { path: string; value: string }[] }>(
      where(props.it, "/api", "/numbers"),
      { reason },
    ).then((answer) => {
      setLeft(SHOWN_FOR);
      props.show(Object.fromEntries(answer.numbers.map((one) => [one.path, one.value])));
    });
  if (props.shown)
    return (
      <p class="numbers" role="status">
        個人番号を表示しています（あと{left}秒で隠します）。 <Button onClick={hide}>すぐに隠す</Button>
      </p>
    );
  if (!asked)
    return (
      <p>
        <Button onClick={() => setAsked(true)}>個人番号を表示する</Button>
      </p>
    );
  return (
    <form class="card" onSubmit={submit(ask)}>
      <Failure error={error} />
      <Field
        label="個人番号を見る理由（記録に残ります）"
        name="number-reason"
        help="1分たつか、この画面を離れると、また隠します。"
        focus
        value={reason}
        onValue={setReason}
      />
      <Button look="main" type="submit" disabled={busy}>
        表示する
      </Button>{" "}
      <Button onClick={() => setAsked(false)}>やめる</Button>
    </form>
  );
}

// Before some acts the server wants to know that it is still this person (docs/api/console.yaml,
// E0108): whatever page asked for one, this asks for the password, and the act is asked for again.

import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError, post, whenProofIsWanted } from "./api";
import { Button, Failure, Field, useSending } from "./parts";

interface Asked {
  told: () => void;
  dropped: (error: unknown) => void;
}

const dropped = () =>
  new ApiError(403, "E0108", "パスワードの確認をやめたため、何も行っていません。");

function Dialog(props: { asked: Asked; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [password, setPassword] = useState("");
  const { busy, error, submit } = useSending();
  useEffect(() => {
    const it = dialog.current!;
    it.showModal();
    return () => {
      it.close(); // the focus goes back to where it was
      props.asked.dropped(dropped()); // also when the screen is locked; once told, it is nothing
    };
  }, []);
  const tell = () =>
    post("/api/session/unlock", { password }).then(() => {
      props.asked.told();
      props.close();
    });
  return (
    <dialog class="card" ref={dialog} aria-labelledby="proof-title" onCancel={props.close}>
      <form onSubmit={submit(tell)}>
        <h2 id="proof-title">本人の確認</h2>
        <p>この操作の前に、サインインしている本人であることを確かめます。</p>
        <Failure error={error} />
        <Field
          label="パスワード"
          name="proof-password"
          type="password"
          complete="current-password"
          value={password}
          onValue={setPassword}
        />
        <Button look="main" type="submit" disabled={busy}>
          {busy ? "確認しています…" : "確認して続ける"}
        </Button>{" "}
        <Button onClick={props.close}>やめる</Button>
      </form>
    </dialog>
  );
}

export function Proof() {
  const [asked, setAsked] = useState<Asked>();
  useEffect(
    () =>
      whenProofIsWanted(
        () => new Promise<void>((told, dropped) => setAsked({ told, dropped })),
      ),
    [],
  );
  return asked ? <Dialog asked={asked} close={() => setAsked(undefined)} /> : null;
}

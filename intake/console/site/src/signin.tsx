// Signing in, the first time, the locked screen, the password that has run out.

import { useEffect, useState } from "preact/hooks";

import { ApiError, get, type Me, post } from "./api";
import { Button, Failure, Field, Heading, Notice, useSending } from "./parts";
import { when } from "./words";

const bytes = (text: string) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (data: ArrayBuffer) =>
  btoa(String.fromCharCode(...new Uint8Array(data)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

interface Challenge {
  challenge: string;
  party_id: string;
  credentials: string[];
  totp: boolean;
  common_base: string | null; // what it is called; null: there is none
}

async function assert(challenge: Challenge) {
  const found = (await navigator.credentials.get({
    publicKey: {
      challenge: bytes(challenge.challenge),
      rpId: challenge.party_id,
      allowCredentials: challenge.credentials.map((id) => ({ type: "public-key", id: bytes(id) })),
      userVerification: "required",
    },
  })) as PublicKeyCredential | null;
  if (!found) throw new ApiError(0, "", "認証器が応答しませんでした。");
  const response = found.response as AuthenticatorAssertionResponse;
  await post("/api/session/webauthn", {
    id: text(found.rawId),
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.authenticatorData),
    signature: text(response.signature),
  });
}

async function register(name: string) {
  const challenge = await post<Challenge>("/api/session/challenge");
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: bytes(challenge.challenge),
      rp: { id: challenge.party_id, name: "受付" },
      user: { id: new TextEncoder().encode(name), name, displayName: name },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { userVerification: "required", residentKey: "discouraged" },
      attestation: "none",
    },
  })) as PublicKeyCredential | null;
  if (!made) throw new ApiError(0, "", "認証器が応答しませんでした。");
  const response = made.response as AuthenticatorAttestationResponse;
  await post("/api/enrolment/webauthn", {
    label: "この端末の認証器",
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.getAuthenticatorData()),
  });
}

/** To the common base, which asks who somebody is, and sends the browser back. */
const toCommonBase = () =>
  post<{ address: string }>("/api/session/common-base").then(({ address }) => location.assign(address));

/** What the browser brought back from the common base; it stands in no address any longer. */
export function takeBroughtBack(): URLSearchParams | null {
  const query = new URLSearchParams(location.search);
  if (!query.has("state")) return null;
  history.replaceState(null, "", location.pathname + location.hash);
  return query;
}

/** Is it who the password was of? */
export function BroughtBack(props: { query: URLSearchParams; done: () => void; leave: () => void }) {
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const [state, code] = [props.query.get("state"), props.query.get("code")];
    if (code) post("/api/session/common-base/back", { state, code }).then(props.done, setError);
    else setError(new ApiError(0, "", "確認が取りやめになりました。もう一度サインインしてください。"));
  }, []);
  if (!error) return <p class="empty">確認しています…</p>;
  return (
    <div class="narrow">
      <div class="card">
        <Heading>本人の確認</Heading>
        <Failure error={error} />
        <Button look="main" onClick={props.leave}>
          サインインに戻る
        </Button>
      </div>
    </div>
  );
}

/** A form that does one thing, once at a time, and says what went wrong. */
function Step(props: {
  title: string;
  button: string;
  run: () => Promise<void>;
  children: preact.ComponentChildren;
}) {
  const { busy, error, submit } = useSending();
  return (
    <form class="card" onSubmit={submit(props.run)}>
      <Heading>{props.title}</Heading>
      <Failure error={error} />
      {props.children}
      <Button look="main" type="submit" disabled={busy}>
        {busy ? "確認しています…" : props.button}
      </Button>
    </form>
  );
}

const Password = (props: {
  label?: string;
  name?: string;
  value: string;
  onValue: (v: string) => void;
  fresh?: boolean;
  focus?: boolean;
}) => (
  <Field
    label={props.label ?? "パスワード"}
    name={props.name ?? "password"}
    type="password"
    complete={props.fresh ? "new-password" : "current-password"}
    help={props.fresh ? "12文字以上。前のパスワードと似たものは使えません。" : undefined}
    {...props}
  />
);

export function SignIn(props: { done: () => void }) {
  const [stage, setStage] = useState<"password" | "factor" | "first" | "setup">("password");
  const [name, setName] = useState("");
  const [challenge, setChallenge] = useState<Challenge>();
  const second = (found: Challenge) => {
    setChallenge(found);
    setStage("factor");
  };
  if (stage === "factor" && challenge)
    return <SecondFactor challenge={challenge} done={props.done} />;
  if (stage === "setup" && challenge)
    return <SetUp name={name} challenge={challenge} done={props.done} />;
  if (stage === "first")
    return (
      <First
        name={name}
        onName={setName}
        next={(found) => (setChallenge(found), setStage("setup"))}
        back={() => setStage("password")}
      />
    );
  const first = () => setStage("first");
  return <PasswordStep name={name} onName={setName} next={second} first={first} />;
}

function PasswordStep(props: {
  name: string;
  onName: (v: string) => void;
  next: (challenge: Challenge) => void;
  first: () => void;
}) {
  const [password, setPassword] = useState("");
  const run = async () => {
    await post("/api/session", { name: props.name, password });
    props.next(await post<Challenge>("/api/session/challenge"));
  };
  return (
    <div class="narrow">
      <Notice kind="info">
        この画面での操作は、申請を見ることも含めて、誰がいつどの端末で行ったかがすべて記録され、点検されます。
        業務以外の目的では使わないでください。
      </Notice>
      <Step title="サインイン" button="次へ" run={run}>
        <Field
          label="利用者名"
          name="name"
          complete="username"
          focus
          value={props.name}
          onValue={props.onName}
        />
        <Password value={password} onValue={setPassword} />
      </Step>
      <Button onClick={props.first}>はじめて使う</Button>
    </div>
  );
}

function SecondFactor(props: { challenge: Challenge; done: () => void }) {
  const [code, setCode] = useState("");
  const { busy, error, send } = useSending();
  const run = async () => {
    await post("/api/session/totp", { code });
    props.done();
  };
  const touch = () => post<Challenge>("/api/session/challenge").then(assert).then(props.done);
  const base = props.challenge.common_base;
  return (
    <div class="narrow">
      {base && <CommonBase name={base} />}
      {props.challenge.credentials.length > 0 && (
        <div class="card">
          <Heading>本人の確認</Heading>
          <Failure error={error} />
          <p>端末の指紋・顔認証か、セキュリティキーで確認します。</p>
          <Button look="main" disabled={busy} onClick={() => send(touch)}>
            認証器で確認する
          </Button>
        </div>
      )}
      {props.challenge.totp && (
        <Step title="確認コード" button="サインイン" run={run}>
          <Field
            label="6けたの確認コード"
            name="code"
            complete="one-time-code"
            help="認証アプリに表示されている数字を入れてください。"
            focus
            value={code}
            onValue={setCode}
          />
        </Step>
      )}
    </div>
  );
}

function CommonBase(props: { name: string }) {
  const { busy, error, send } = useSending();
  return (
    <div class="card">
      <Heading>{props.name}</Heading>
      <Failure error={error} />
      <p>{props.name}の画面に移って本人であることを確認し、ここに戻ります。</p>
      <Button look="main" disabled={busy} onClick={() => send(toCommonBase)}>
        {props.name}で確認する
      </Button>
    </div>
  );
}

function First(props: {
  name: string;
  onName: (v: string) => void;
  next: (challenge: Challenge) => void;
  back: () => void;
}) {
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const run = async () => {
    if (password !== again) throw new ApiError(0, "", "二つのパスワードが違います。");
    await post("/api/enrolment", { name: props.name, code, password });
    props.next(await post<Challenge>("/api/session/challenge"));
  };
  return (
    <div class="narrow">
      <Step title="はじめて使う" button="次へ" run={run}>
        <Field
          label="利用者名"
          name="name"
          complete="username"
          focus
          value={props.name}
          onValue={props.onName}
        />
        <Field
          label="登録コード"
          name="code"
          help="管理者から受け取ったコード。24時間だけ使えます。"
          value={code}
          onValue={setCode}
        />
        <Password fresh value={password} onValue={setPassword} />
        <Password fresh label="パスワード（確認）" name="again" value={again} onValue={setAgain} />
      </Step>
      <Button onClick={props.back}>戻る</Button>
    </div>
  );
}

interface Secret {
  secret: string;
  text: string;
}

function SetUp(props: { name: string; challenge: Challenge; done: () => void }) {
  const [secret, setSecret] = useState<Secret>();
  const [code, setCode] = useState("");
  const { busy, error, send } = useSending();
  const begin = () => send(() => get<Secret>("/api/enrolment/totp").then(setSecret));
  const run = async () => {
    await post("/api/enrolment/totp", { secret: secret?.secret, code });
    props.done();
  };
  if (secret)
    return (
      <div class="narrow">
        <Step title="認証アプリ" button="登録する" run={run}>
          <p>認証アプリで「キーを手入力」を選び、次のキーを入れてください。</p>
          <p class="secret">{secret.text.replace(/(.{4})/g, "$1 ")}</p>
          <Field
            label="6けたの確認コード"
            name="code"
            complete="one-time-code"
            value={code}
            onValue={setCode}
          />
        </Step>
      </div>
    );
  return (
    <div class="narrow">
      {props.challenge.common_base && <CommonBase name={props.challenge.common_base} />}
      <div class="card">
        <Heading>本人の確認方法</Heading>
        <Failure error={error} />
        <p>次からのサインインで使う、二つ目の確認方法を選んでください。</p>
        <Button
          look="main"
          disabled={busy}
          onClick={() => send(() => register(props.name).then(props.done))}
        >
          この端末の指紋・顔認証、またはセキュリティキー
        </Button>
        <Button disabled={busy} onClick={begin}>
          認証アプリ（確認コード）
        </Button>
      </div>
    </div>
  );
}

/** When the account was used before: who did not use it then, tells somebody. */
export function LastAccess(props: { last: Me["last"] }) {
  const { last } = props;
  if (!last) return null;
  return (
    <small class="last" title="心当たりがないときは、管理者に連絡してください。">
      前回の利用 {when(last.begun)}〜{when(last.seen)}（{last.terminal}）
      {last.failures > 0 && <strong>　そのあとサインインの失敗 {last.failures}回</strong>}
    </small>
  );
}

/** Nothing of what stood on the screen is left while it is locked. */
export function Locked(props: { done: () => void }) {
  const [password, setPassword] = useState("");
  const run = async () => {
    await post("/api/session/unlock", { password });
    props.done();
  };
  return (
    <div class="narrow">
      <Step title="画面をロックしました" button="再開する" run={run}>
        <p>操作がなかったため、画面を隠しました。パスワードを入れると、元の画面に戻ります。</p>
        <Password focus value={password} onValue={setPassword} />
      </Step>
    </div>
  );
}

export function ChangePassword(props: { why: string; done: () => void }) {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const run = async () => {
    if (fresh !== again) throw new ApiError(0, "", "二つの新しいパスワードが違います。");
    await post("/api/session/password", { old, new: fresh });
    props.done();
  };
  return (
    <div class="narrow">
      <Step title="パスワードの変更" button="変更する" run={run}>
        <p>{props.why}</p>
        <Password label="いまのパスワード" name="old" focus value={old} onValue={setOld} />
        <Password fresh label="新しいパスワード" name="new" value={fresh} onValue={setFresh} />
        <Password fresh label="新しいパスワード（確認）" name="again" value={again} onValue={setAgain} />
      </Step>
    </div>
  );
}

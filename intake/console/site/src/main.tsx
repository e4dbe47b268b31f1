// The frame of all pages: who is signed in, where one is, and what the session needs first.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { ApiError, get, type Me, post, remove } from "./api";
import { ApplicationPage } from "./application";
import { OverviewPage } from "./overview";
import { Button, Failure, lazy } from "./parts";
import { Proof } from "./proof";
import { QueuePage } from "./queue";
import { tellRare } from "./rare";
import {
  BroughtBack,
  ChangePassword,
  LastAccess,
  Locked,
  SignIn,
  takeBroughtBack,
} from "./signin";

type Gate = "asking" | "out" | "locked" | "change" | "in";

function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const listen = () => setHash(location.hash);
    addEventListener("hashchange", listen);
    return () => removeEventListener("hashchange", listen);
  }, []);
  return hash || "#/";
}

const has = (me: Me, right: string) => me.rights.some((one) => one.right === right);
/** Who administers need not see applications. */
const firstPage = (me: Me) => (has(me, "see") ? "#/" : has(me, "admin") ? "#/admin" : "#/audit");

// Pages that few people open are fetched when they do.
const AdminPage = lazy(() => import("./admin").then((part) => part.default));
const AuditPage = lazy(() => import("./audit").then((part) => part.default));
const OutputsPage = lazy(() => import("./outputs").then((part) => part.OutputsPage));

/** Of an address that somebody wrote by hand, too. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function Page(props: { hash: string; me: string }) {
  if (/^#\/admin(\/|$)/.test(props.hash)) return <AdminPage {...props} />;
  if (/^#\/audit(\/|$)/.test(props.hash)) return <AuditPage {...props} />;
  if (props.hash === "#/outputs") return <OutputsPage me={props.me} />;
  const found = /^#\/applications\/([^/?]+)(\?.*)?$/.exec(props.hash);
  if (found) {
    const channel = new URLSearchParams(found[2]).get("channel") ?? "";
    const which = { receipt_number: decoded(found[1]), channel };
    return <ApplicationPage which={which} me={props.me} key={props.hash} />;
  }
  if (props.hash === "#/password")
    return (
      <ChangePassword
        why="新しいパスワードは、次のサインインから使います。"
        done={() => {
          location.hash = "#/";
        }}
      />
    );
  return props.hash === "#/overview" ? <OverviewPage /> : <QueuePage />;
}

function Frame(props: { me: Me; hash: string; leave: () => void }) {
  const hash = props.hash === "#/" ? firstPage(props.me) : props.hash;
  const link = (to: string, name: string) => (
    <a
      href={to}
      aria-current={hash === to || (to !== "#/" && hash.startsWith(`${to}/`)) ? "page" : undefined}
    >
      {name}
    </a>
  );
  return (
    <>
      <a class="skip" href="#main">
        本文へ
      </a>
      <header class="header">
        <strong class="brand">受付</strong>
        <nav aria-label="主な画面">
          {has(props.me, "see") && link("#/", "申請一覧")}
          {has(props.me, "see") && link("#/overview", "状況")}
          {(has(props.me, "see") || has(props.me, "audit")) && link("#/outputs", "授受簿")}
          {has(props.me, "admin") && link("#/admin", "管理")}
          {has(props.me, "audit") && link("#/audit", "監査")}
        </nav>
        <span class="who">
          {props.me.display_name}（{props.me.department}・{props.me.terminal}）
          <LastAccess last={props.me.last} />
        </span>
        {link("#/password", "パスワードの変更")}
        <Button onClick={props.leave}>サインアウト</Button>
      </header>
      <main id="main">
        <Page hash={hash} me={props.me.name} />
      </main>
      <Proof />
    </>
  );
}

function gateOf(error: unknown): Gate | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 423) return "locked";
  if (error.code === "E0107") return "change";
  return error.status === 401 ? "out" : undefined;
}

function App() {
  const [gate, setGate] = useState<Gate>("asking");
  const [me, setMe] = useState<Me>();
  const [error, setError] = useState<unknown>();
  const [brought, setBrought] = useState(takeBroughtBack);
  const hash = useHash();
  const ask = () =>
    get<Me>("/api/session").then(
      (found) => {
        setMe(found);
        setError(undefined);
        setGate("in");
      },
      (failed) => {
        const next = gateOf(failed);
        if (next) setGate(next);
        else setError(failed);
      },
    );
  useEffect(() => {
    ask();
    // any answer of the API may say that the session has ended or is locked
    addEventListener("console-gate", ask);
    return () => removeEventListener("console-gate", ask);
  }, []);
  useIdle(gate === "in" ? me?.idle : undefined, () => {
    post("/api/session/lock").catch(() => {}); // it locks by itself in a moment
    setGate("locked");
  });
  const leave = () => remove("/api/session").catch(() => {}).then(() => setGate("out"));
  if (error) return <Failure error={error} />;
  if (brought) {
    const over = () => (setBrought(null), ask());
    return <BroughtBack query={brought} done={over} leave={over} />;
  }
  if (gate === "asking") return <p class="empty">確認しています…</p>;
  if (gate === "out") return <SignIn done={ask} />;
  if (gate === "locked") return <Locked done={ask} />;
  if (gate === "change") return <ChangePassword why="パスワードの有効期限が切れました。" done={ask} />;
  return me ? <Frame me={me} hash={hash} leave={leave} /> : null;
}

/** Hides the page when nobody has touched keyboard or mouse for long, a little before the server
 * locks by itself, after `idle` seconds; the server is told of it, so that the page that is loaded
 * anew is locked, too. It is told as well that somebody does touch them: a long text is written
 * without any request, and would be lost. */
function useIdle(idle: number | undefined, hide: () => void) {
  useEffect(() => {
    if (!idle) return;
    const early = Math.min(60, idle / 10) * 1000;
    const most = idle * 1000 - early;
    const every = Math.min(30000, (idle * 1000) / 4);
    let touched = Date.now();
    let told = touched;
    const touch = () => {
      touched = Date.now();
      if (touched - told < every) return;
      told = touched;
      get("/api/session").catch(() => {}); // when it failed, the next request says so
    };
    const look = () => Date.now() - touched > most && hide();
    const timer = setInterval(look, early / 2);
    for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, touch);
    return () => {
      clearInterval(timer);
      for (const kind of ["keydown", "pointerdown", "wheel"]) removeEventListener(kind, touch);
    };
  }, [idle]);
}

tellRare();
render(<App />, document.getElementById("app")!);

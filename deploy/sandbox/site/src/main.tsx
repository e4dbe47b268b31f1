// The residents' side of the sandbox portal.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { api, type Card, type Resident } from "./api";
import { ApplicationPage, ApplicationsPage } from "./applications";
import { ApplyPage } from "./apply";
import { LoginPage } from "./login";
import { Heading, Link } from "./parts";
import { go, usePage, usePath } from "./router";
import { HomePage, SearchPage, ServicePage } from "./services";

export interface Session {
  resident: Resident | null;
  cards: Card[];
}

function Header(props: { resident: Resident | null; onLogOut: () => void }) {
  return (
    <header class="header">
      <a class="skip" href="#main" onClick={skip}>
        本文へ移動
      </a>
      <div class="header-inner">
        <Link to="/" class="brand">
          <span class="brand-city">桜野市</span>
          <span class="brand-name">オンライン申請</span>
        </Link>
        <nav aria-label="メニュー">
          <Link to="/services">手続をさがす</Link>
          <Link to="/applications">申請状況</Link>
          {props.resident ? (
            <button type="button" class="nav-button" onClick={props.onLogOut}>
              ログアウト
            </button>
          ) : (
            <Link to="/login">ログイン</Link>
          )}
        </nav>
      </div>
      <p class="test-band">
        試験環境です。架空の市と住民のためのもので、実際の申請はできません。
      </p>
    </header>
  );
}

function skip(event: MouseEvent) {
  event.preventDefault();
  document.querySelector<HTMLElement>("h1")?.focus();
}

function Missing() {
  usePage("ページが見つかりません");
  return (
    <>
      <Heading>ページが見つかりません</Heading>
      <p>
        <Link to="/">トップページへ戻る</Link>
      </p>
    </>
  );
}

function Page(props: { path: string; session: Session; onSession: (s: Session) => void }) {
  const url = new URL(props.path, location.origin);
  const [first = "", second, third] = url.pathname.split("/").slice(1).map(decodeURIComponent);
  if (first === "") return <HomePage />;
  if (first === "services" && second) return <ServicePage id={second} key={second} />;
  if (first === "services")
    return (
      <SearchPage
        query={url.searchParams.get("q") ?? ""}
        event={url.searchParams.get("event") ?? ""}
      />
    );
  if (first === "login")
    return (
      <LoginPage
        session={props.session}
        onSession={props.onSession}
        to={url.searchParams.get("to") ?? "/applications"}
      />
    );
  if (first === "apply" && second && props.session.resident)
    return (
      <ApplyPage id={second} step={third ?? "1"} resident={props.session.resident} key={second} />
    );
  if (first === "applications" && second)
    return <ApplicationPage receipt={second} fresh={url.searchParams.has("new")} key={second} />;
  if (first === "applications") return <ApplicationsPage />;
  return <Missing />;
}

function App() {
  const path = usePath();
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    api.session().then(setSession, () => setSession({ resident: null, cards: [] }));
  }, []);
  const logOut = async () => {
    await api.logOut().catch(() => {});
    setSession(session && { ...session, resident: null });
    go("/");
  };
  const private_ = /^\/appl/.test(path);
  useEffect(() => {
    if (session && !session.resident && private_)
      go(`/login?to=${encodeURIComponent(path)}`, true);
  }, [session, path]);
  return (
    <>
      <Header resident={session?.resident ?? null} onLogOut={logOut} />
      <main id="main">
        {session && !(private_ && !session.resident) && (
          <Page path={path} session={session} onSession={setSession} />
        )}
      </main>
      <footer class="footer">
        <p>桜野市 オンライン申請（試験環境）</p>
        <p>このサイトの市、住民、カードはすべて架空のものです。</p>
      </footer>
    </>
  );
}

render(<App />, document.getElementById("app")!);

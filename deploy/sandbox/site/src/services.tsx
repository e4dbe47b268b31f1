// Looking for a service, and what one needs.

import { useState } from "preact/hooks";

import { api, ApiError, type ServiceSummary } from "./api";
import { Button, Failure, Heading, Link, Loading, NotThere, useLoaded } from "./parts";
import { go, usePage } from "./router";
import { lifeEvents } from "./text";

function SearchBox(props: { query: string }) {
  const [text, setText] = useState(props.query);
  return (
    <form
      role="search"
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        go(`/services?q=${encodeURIComponent(text.trim())}`);
      }}
    >
      <label for="search">ことばでさがす</label>
      <div class="search-row">
        <input
          id="search"
          type="search"
          value={text}
          aria-describedby="search-help"
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <Button type="submit">検索</Button>
      </div>
      <p class="help" id="search-help">
        例：児童手当、引越し、予防接種
      </p>
    </form>
  );
}

function Events(props: { chosen?: string }) {
  return (
    <nav aria-labelledby="events-title">
      <h2 id="events-title">くらしの場面からさがす</h2>
      <ul class="events">
        {lifeEvents.map(([event, name, words]) => (
          <li>
            <Link to={`/services?event=${event}`} class={props.chosen === event ? "chosen" : ""}>
              <strong>{name}</strong>
              <span>{words}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function ServiceList(props: { services: ServiceSummary[] }) {
  return (
    <ul class="services">
      {props.services.map((service) => (
        <li>
          <Link to={`/services/${service.id}`}>{service.name}</Link>
          {service.summary && <p>{service.summary}</p>}
        </li>
      ))}
    </ul>
  );
}

export function HomePage() {
  usePage("トップページ");
  return (
    <>
      <div class="hero">
        <Heading>市の手続を、オンラインで申請できます</Heading>
        <p>
          マイナンバーカードで本人確認をするので、窓口に行かずに、24時間いつでも申請できます。
        </p>
        <SearchBox query="" />
      </div>
      <Events />
      <h2>申請の流れ</h2>
      <ol class="flow">
        <li>
          <strong>手続をさがす</strong>
          必要なものを確認します。
        </li>
        <li>
          <strong>入力する</strong>
          画面の案内にそって入力し、書類を添付します。途中で保存されます。
        </li>
        <li>
          <strong>署名して送る</strong>
          マイナンバーカードの署名用の暗証番号を入力します。
        </li>
        <li>
          <strong>状況を確認する</strong>
          受付番号で、市からの連絡や結果を確認できます。
        </li>
      </ol>
    </>
  );
}

export function SearchPage(props: { query: string; event: string }) {
  const { value, error } = useLoaded(
    () => api.services(props.query, props.event),
    `${props.query}\n${props.event}`,
  );
  const event = lifeEvents.find(([id]) => id === props.event);
  const title = event ? `「${event[1]}」の手続` : "手続をさがす";
  usePage(title);
  return (
    <>
      <Heading>{title}</Heading>
      <SearchBox query={props.query} key={props.query} />
      <Failure error={error} />
      {value && (
        <section aria-labelledby="found">
          <h2 id="found" role="status">
            {value.length}件の手続が見つかりました
          </h2>
          {value.length === 0 && (
            <p>
              ことばを短くするか、別のことばでおためしください。くらしの場面からもさがせます。
            </p>
          )}
          <ServiceList services={value} />
        </section>
      )}
      {!value && !error && <Loading />}
      <Events chosen={props.event} />
    </>
  );
}

export function ServicePage(props: { id: string }) {
  const { value: service, error } = useLoaded(() => api.service(props.id), props.id);
  const { value: drafts } = useLoaded(() => api.drafts().catch(() => []), props.id);
  const [failed, setFailed] = useState<unknown>();
  usePage(service?.name ?? "手続が見つかりません", !!service || !!error);
  const begin = async () => {
    try {
      const draft = await api.begin(props.id);
      go(`/apply/${draft.id}/1`);
    } catch (e) {
      if (e instanceof ApiError && e.status === 401)
        go(`/login?to=${encodeURIComponent(`/services/${props.id}`)}`);
      else setFailed(e);
    }
  };
  if (!service) return error ? <NotThere error={error} title="手続が見つかりません" /> : <Loading />;
  const documents = service.documents ?? [];
  const begun = drafts?.filter((one) => one.procedure === props.id && !one.corrects).pop();
  return (
    <>
      <p class="crumbs">
        <Link to="/services">手続をさがす</Link>
      </p>
      <Heading>{service.name}</Heading>
      {service.summary && <p class="lead">{service.summary}</p>}
      <h2>申請に必要なもの</h2>
      <ul>
        {service.signature_required && (
          <li>
            マイナンバーカードと、署名用の暗証番号（英数字6文字から16文字）
          </li>
        )}
        {!service.signature_required && <li>マイナンバーカード</li>}
        {documents.map((document) => (
          <li>
            {document.label}
            {document.required && !document.conditional ? "" : "（該当する場合）"}
            {document.help && <p class="help">{document.help}</p>}
          </li>
        ))}
      </ul>
      <h2>入力すること</h2>
      <ol>
        {service.groups.map((group) => (
          <li>{group.label}</li>
        ))}
      </ol>
      {service.purpose && (
        <>
          <h2>個人情報の利用目的</h2>
          <p>{service.purpose}</p>
        </>
      )}
      {service.basis && (
        <>
          <h2>根拠となる法令</h2>
          <p>{service.basis}</p>
        </>
      )}
      <Failure error={failed} />
      <div class="actions">
        {begun && (
          <Button onClick={() => go(`/apply/${begun.id}/1`)}>入力中の申請を続ける</Button>
        )}
        <Button look={begun ? "second" : "main"} onClick={begin}>
          申請をはじめる
        </Button>
      </div>
    </>
  );
}

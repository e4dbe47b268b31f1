// 端末, 休日, 定型文: short lists, of which each line may be changed or taken away.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { type Template, type Terminal, type Thing, things } from "./admin-api";
import { Done, ProposeForm, RouteSelect } from "./admin-parts";
import { all } from "./admin-words";
import { get } from "./api";
import { Button, Failure, Field, Heading, useLoaded } from "./parts";
import { when } from "./words";

interface FormProps<V> {
  thing?: Thing<V>;
  done: (message: string) => void;
  cancel: () => void;
}

/** The list, and the form of what is being added, changed or removed. */
function ThingsPage<V, T extends Thing<V>>(props: {
  title: string;
  kind: string;
  noun: string;
  items: T[] | undefined;
  error: unknown;
  again: () => void;
  columns: string[];
  cells: (thing: T) => ComponentChildren[];
  form: (form: FormProps<V>) => ComponentChildren;
  children?: ComponentChildren;
}) {
  const [doing, setDoing] = useState<{ thing?: T; remove?: boolean }>();
  const [message, setMessage] = useState<string>();
  const done = (text: string) => {
    setDoing(undefined);
    setMessage(text);
    props.again();
  };
  const cancel = () => setDoing(undefined);
  const begin = (what: { thing?: T; remove?: boolean }) => {
    setMessage(undefined);
    setDoing(what);
    scrollTo(0, 0);
  };
  return (
    <>
      <Heading>{props.title}</Heading>
      <Failure error={props.error} />
      <Done message={message} />
      {!doing && (
        <p class="buttons">
          <Button look="main" onClick={() => begin({})}>
            {props.noun}を追加する
          </Button>
        </p>
      )}
      {doing?.remove && doing.thing && (
        <ProposeForm
          title={`${doing.thing.subject}の削除`}
          draft={() => ({
            kind: props.kind,
            subject: doing.thing!.subject,
            before: doing.thing!.value as never,
            after: null,
          })}
          done={done}
          cancel={cancel}
        />
      )}
      {doing && !doing.remove && props.form({ thing: doing.thing, done, cancel })}
      {props.children}
      <table class="list">
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th scope="col">{column}</th>
            ))}
            <th scope="col">操作</th>
          </tr>
        </thead>
        <tbody>
          {props.items?.map((thing) => (
            <tr key={thing.subject}>
              {props.cells(thing).map((cell, i) =>
                i === 0 ? <th scope="row">{cell}</th> : <td class="text">{cell}</td>,
              )}
              <td class="buttons">
                <Button onClick={() => begin({ thing })} aria-label={`${thing.subject}を変更する`}>
                  変更
                </Button>
                <Button
                  look="danger"
                  onClick={() => begin({ thing, remove: true })}
                  aria-label={`${thing.subject}を削除する`}
                >
                  削除
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.items && !props.items.length && <p class="empty">登録がありません。</p>}
    </>
  );
}

// --- 端末 ---

type Registered = Thing<Terminal> & { last_session: string | null };

function TerminalForm(props: FormProps<Terminal>) {
  const [label, setLabel] = useState(props.thing?.subject ?? "");
  const [department, setDepartment] = useState(props.thing?.value.department ?? "");
  const [mark, setMark] = useState(props.thing?.value.peer ?? props.thing?.value.address ?? "");
  const peer = /^[0-9a-fA-F]{64}$/.test(mark) ? mark.toLowerCase() : null;
  return (
    <ProposeForm
      title={props.thing ? `${label}の変更` : "端末の追加"}
      draft={() => ({
        kind: "terminal",
        subject: label,
        before: (props.thing?.value as never) ?? null,
        after: { department, peer, address: peer ? null : mark },
      })}
      done={props.done}
      cancel={props.cancel}
    >
      {!props.thing && (
        <Field label="端末名" name="label" focus value={label} onValue={setLabel} />
      )}
      <Field
        label="部署"
        name="department"
        focus={!!props.thing}
        value={department}
        onValue={setDepartment}
      />
      <Field
        label="クライアント証明書のSHA-256、またはIPアドレス"
        name="mark"
        value={mark}
        onValue={setMark}
      />
    </ProposeForm>
  );
}

export function TerminalsPage() {
  const { value, error, again } = useLoaded(() => things<Registered>("terminals"), "terminals");
  return (
    <ThingsPage<Terminal, Registered>
      title="端末"
      kind="terminal"
      noun="端末"
      items={value?.items}
      error={error}
      again={again}
      columns={["端末名", "部署", "識別", "最後の利用"]}
      cells={({ subject, value: one, last_session }) => [
        subject,
        one.department,
        one.peer ? `証明書 ${one.peer}` : `IPアドレス ${one.address}`,
        last_session ? when(last_session) : "なし",
      ]}
      form={(form) => <TerminalForm {...form} />}
    />
  );
}

// --- 休日 ---

interface Year {
  year: number;
  items: Thing<{ name: string }>[];
  legal: { day: string; name: string }[];
}

function HolidayForm(props: FormProps<{ name: string }>) {
  const [day, setDay] = useState(props.thing?.subject ?? "");
  const [name, setName] = useState(props.thing?.value.name ?? "");
  return (
    <ProposeForm
      title={props.thing ? `${day}の変更` : "休日の追加"}
      draft={() => ({
        kind: "holiday",
        subject: day,
        before: props.thing?.value ?? null,
        after: { name },
      })}
      done={props.done}
      cancel={props.cancel}
    >
      {!props.thing && (
        <Field label="日付" name="day" type="date" focus value={day} onValue={setDay} />
      )}
      <Field label="名称" name="holiday-name" focus={!!props.thing} value={name} onValue={setName} />
    </ProposeForm>
  );
}

export function HolidaysPage() {
  const [year, setYear] = useState(new Date().getFullYear());
  const path = `/api/admin/holidays?year=${year}`;
  const { value, error, again } = useLoaded(() => get<Year>(path), path);
  return (
    <ThingsPage<{ name: string }, Thing<{ name: string }>>
      title="休日"
      kind="holiday"
      noun="休日"
      items={value?.items}
      error={error}
      again={again}
      columns={["市の休日", "名称"]}
      cells={({ subject, value: one }) => [subject, one.name]}
      form={(form) => <HolidayForm {...form} />}
    >
      <p class="buttons">
        <Button onClick={() => setYear(year - 1)}>前の年</Button>
        <strong>{year}年</strong>
        <Button onClick={() => setYear(year + 1)}>次の年</Button>
      </p>
      <details class="card">
        <summary>国民の祝日（{value?.legal.length ?? 0}日。土曜日・日曜日・年末年始とともに、登録しなくても休日です）</summary>
        <ul class="columns">
          {value?.legal.map((one) => (
            <li>
              {one.day} {one.name}
            </li>
          ))}
        </ul>
      </details>
    </ThingsPage>
  );
}

// --- 定型文 ---

function TemplateForm(props: FormProps<Template>) {
  const [title, setTitle] = useState(props.thing?.subject ?? "");
  const [business, setBusiness] = useState(props.thing?.value.business ?? "*");
  const [text, setText] = useState(props.thing?.value.text ?? "");
  return (
    <ProposeForm
      title={props.thing ? `${title}の変更` : "定型文の追加"}
      draft={() => ({
        kind: "template",
        subject: title,
        before: (props.thing?.value as never) ?? null,
        after: { business, text },
      })}
      done={props.done}
      cancel={props.cancel}
    >
      {!props.thing && (
        <Field label="件名" name="template-title" focus value={title} onValue={setTitle} />
      )}
      <RouteSelect
        label="事務"
        name="template-business"
        of="business"
        value={business}
        onValue={setBusiness}
      />
      <div class="field">
        <label for="template-text">本文（申請者に届きます。2000文字まで）</label>
        <textarea
          id="template-text"
          rows={6}
          required
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
    </ProposeForm>
  );
}

export function TemplatesPage() {
  const { value, error, again } = useLoaded(() => things<Thing<Template>>("templates"), "templates");
  return (
    <ThingsPage<Template, Thing<Template>>
      title="定型文"
      kind="template"
      noun="定型文"
      items={value?.items}
      error={error}
      again={again}
      columns={["件名", "事務", "本文"]}
      cells={({ subject, value: one }) => [subject, all(one.business), one.text]}
      form={(form) => <TemplateForm {...form} />}
    />
  );
}

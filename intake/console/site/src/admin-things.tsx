// 端末, 媒体, 休日, 定型文: short lists, of which each line may be changed or taken away.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import {
  type Medium,
  type Template,
  type Terminal,
  type Thing,
  things,
  type Value,
} from "./admin-api";
import { Done, ProposeForm, RouteSelect } from "./admin-parts";
import { all } from "./admin-words";
import { get } from "./api";
import { Button, Failure, Field, Heading, useLoaded } from "./parts";
import { when } from "./words";

/** What sort of things a page lists: its words, and what of one can be filled in. */
interface Sort<V> {
  kind: string;
  noun: string;
  subject: { label: string; name: string; type?: string }; // given once, when it is added
  blank: V;
  fields: (value: V, set: (value: V) => void, focus: boolean) => ComponentChildren;
}

interface FormProps {
  done: (message: string) => void;
  cancel: () => void;
}

function ThingForm<V extends Value>(props: FormProps & { sort: Sort<V>; thing?: Thing<V> }) {
  const { sort, thing } = props;
  const [subject, setSubject] = useState(thing?.subject ?? "");
  const [after, setAfter] = useState(thing?.value ?? sort.blank);
  return (
    <ProposeForm
      title={thing ? `${subject}の変更` : `${sort.noun}の追加`}
      draft={() => ({ kind: sort.kind, subject, before: thing?.value ?? null, after })}
      done={props.done}
      cancel={props.cancel}
    >
      {!thing && <Field {...sort.subject} focus value={subject} onValue={setSubject} />}
      {sort.fields(after, setAfter, thing !== undefined)}
    </ProposeForm>
  );
}

function RemoveForm<V extends Value>(props: FormProps & { sort: Sort<V>; thing: Thing<V> }) {
  const { sort, thing, ...rest } = props;
  return (
    <ProposeForm
      title={`${thing.subject}の削除`}
      draft={() => ({ kind: sort.kind, subject: thing.subject, before: thing.value, after: null })}
      {...rest}
    />
  );
}

/** The list, and the form of what is being added, changed or removed. */
function ThingsPage<V extends Value, T extends Thing<V>>(props: {
  sort: Sort<V>;
  items: T[] | undefined;
  error: unknown;
  again: () => void;
  columns: string[];
  cells: (thing: T) => ComponentChildren[];
  children?: ComponentChildren;
}) {
  const { sort } = props;
  const [doing, setDoing] = useState<{ thing?: T; remove?: boolean }>();
  const [message, setMessage] = useState<string>();
  const form: FormProps = {
    done: (text) => {
      setDoing(undefined);
      setMessage(text);
      props.again();
    },
    cancel: () => setDoing(undefined),
  };
  const begin = (what: { thing?: T; remove?: boolean }) => {
    setMessage(undefined);
    setDoing(what);
    scrollTo(0, 0);
  };
  return (
    <>
      <Heading>{sort.noun}</Heading>
      <Failure error={props.error} />
      <Done message={message} />
      {!doing && (
        <p class="buttons">
          <Button look="main" onClick={() => begin({})}>
            {sort.noun}を追加する
          </Button>
        </p>
      )}
      {doing?.remove && doing.thing && <RemoveForm sort={sort} thing={doing.thing} {...form} />}
      {doing && !doing.remove && (
        <ThingForm sort={sort} thing={doing.thing} key={doing.thing?.subject} {...form} />
      )}
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

const isHash = (mark: string) => /^[0-9a-f]{64}$/i.test(mark);

/** As it is typed: a list is what stands between the commas. */
function Departments(props: { also: string[]; onAlso: (also: string[]) => void }) {
  const [text, setText] = useState(props.also.join("、"));
  return (
    <Field
      label="ほかに使う部署（「、」で区切る。すべての部署は「*」）"
      name="also"
      help="ここにない部署の人は、この端末ではサインインできません。"
      required={false}
      value={text}
      onValue={(typed) => {
        setText(typed);
        props.onAlso(typed.split(/[、,]/).map((one) => one.trim()).filter(Boolean));
      }}
    />
  );
}

const terminal: Sort<Terminal> = {
  kind: "terminal",
  noun: "端末",
  subject: { label: "端末名", name: "label" },
  blank: { department: "", also: [], peer: null, address: "" },
  fields: (value, set, focus) => (
    <>
      <Field
        label="部署"
        name="department"
        focus={focus}
        value={value.department}
        onValue={(department) => set({ ...value, department })}
      />
      <Departments also={value.also} onAlso={(also) => set({ ...value, also })} />
      <Field
        label="クライアント証明書のSHA-256、またはIPアドレス"
        name="mark"
        value={value.peer ?? value.address ?? ""}
        onValue={(mark) =>
          set({
            ...value,
            peer: isHash(mark) ? mark.toLowerCase() : null,
            address: isHash(mark) ? null : mark,
          })
        }
      />
    </>
  ),
};

export function TerminalsPage() {
  const { value, error, again } = useLoaded(() => things<Registered>("terminals"), "terminals");
  return (
    <ThingsPage
      sort={terminal}
      items={value?.items}
      error={error}
      again={again}
      columns={["端末名", "部署", "ほかに使う部署", "識別", "最後の利用"]}
      cells={({ subject, value: one, last_session }) => [
        subject,
        one.department,
        one.also.map(all).join("、") || "なし",
        one.peer ? `証明書 ${one.peer}` : `IPアドレス ${one.address}`,
        last_session ? when(last_session) : "なし",
      ]}
    />
  );
}

// --- 媒体 ---

const medium: Sort<Medium> = {
  kind: "medium",
  noun: "媒体",
  subject: { label: "管理番号（媒体に貼ってあるもの）", name: "medium-id" },
  blank: { department: "", description: "" },
  fields: (value, set, focus) => (
    <>
      <Field
        label="使う部署（すべての部署は「*」）"
        name="department"
        focus={focus}
        value={value.department}
        onValue={(department) => set({ ...value, department })}
      />
      <Field
        label="説明（種類、容量、保管場所など）"
        name="description"
        value={value.description}
        onValue={(description) => set({ ...value, description })}
      />
    </>
  ),
};

export function MediaPage() {
  const { value, error, again } = useLoaded(
    () => things<Thing<Medium> & { last_output: string | null }>("media"),
    "media",
  );
  return (
    <ThingsPage
      sort={medium}
      items={value?.items}
      error={error}
      again={again}
      columns={["管理番号", "部署", "説明", "最後の出力"]}
      cells={({ subject, value: one, last_output }) => [
        subject,
        all(one.department),
        one.description,
        last_output ? when(last_output) : "なし",
      ]}
    >
      <p>ファイルの出力は、ここに登録した媒体にだけ申請できます。なくした媒体は、すぐに削除の変更案を出してください。</p>
    </ThingsPage>
  );
}

// --- 休日 ---

interface Holiday {
  name: string;
}
interface Year {
  year: number;
  items: Thing<Holiday>[];
  legal: { day: string; name: string }[];
}

const holiday: Sort<Holiday> = {
  kind: "holiday",
  noun: "休日",
  subject: { label: "日付", name: "day", type: "date" },
  blank: { name: "" },
  fields: (value, set, focus) => (
    <Field
      label="名称"
      name="holiday-name"
      focus={focus}
      value={value.name}
      onValue={(name) => set({ name })}
    />
  ),
};

export function HolidaysPage() {
  const [year, setYear] = useState(new Date().getFullYear());
  const path = `/api/admin/holidays?year=${year}`;
  const { value, error, again } = useLoaded(() => get<Year>(path), path);
  return (
    <ThingsPage
      sort={holiday}
      items={value?.items}
      error={error}
      again={again}
      columns={["市の休日", "名称"]}
      cells={({ subject, value: one }) => [subject, one.name]}
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

const template: Sort<Template> = {
  kind: "template",
  noun: "定型文",
  subject: { label: "件名", name: "template-title" },
  blank: { business: "*", text: "" },
  fields: (value, set) => (
    <>
      <RouteSelect
        label="事務"
        name="template-business"
        of="business"
        value={value.business}
        onValue={(business) => set({ ...value, business })}
      />
      <div class="field">
        <label for="template-text">本文（申請者に届きます。2000文字まで）</label>
        <textarea
          id="template-text"
          rows={6}
          required
          value={value.text}
          onInput={(event) => set({ ...value, text: event.currentTarget.value })}
        />
      </div>
    </>
  ),
};

export function TemplatesPage() {
  const load = () => things<Thing<Template>>("templates");
  const { value, error, again } = useLoaded(load, "templates");
  return (
    <ThingsPage
      sort={template}
      items={value?.items}
      error={error}
      again={again}
      columns={["件名", "事務", "本文"]}
      cells={({ subject, value: one }) => [subject, all(one.business), one.text]}
    />
  );
}

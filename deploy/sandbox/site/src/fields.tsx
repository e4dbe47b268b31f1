// One item of a form as a field, a group of fields, or a list of groups.

import { useEffect, useRef, useState } from "preact/hooks";

import type { FieldError, Item, Service, Values } from "./api";
import { fieldId, isForbidden, isRequired, textAt, valueAt, wantsDigits, wantsHalfWidth, withValue } from "./form";
import { Button } from "./parts";
import { halfWidth, longDay, plainDigits } from "./text";

export interface Filling {
  service: Service;
  values: Values;
  errors: FieldError[];
  title: string; // of the step: what says the same is not shown again
  change: (values: Values) => void;
}

interface FieldProps {
  filling: Filling;
  item: Item;
  path: string;
}

function Badge(props: { required: boolean }) {
  return props.required ? (
    <span class="badge badge-required">必須</span>
  ) : (
    <span class="badge badge-optional">任意</span>
  );
}

function errorOf(filling: Filling, path: string): string | undefined {
  return filling.errors.find((e) => e.path === path)?.message;
}

function Extra(props: { id: string; help?: string; error?: string }) {
  return (
    <>
      {props.help && (
        <p class="help" id={`${props.id}-help`}>
          {props.help}
        </p>
      )}
      {props.error && (
        <p class="error" id={`${props.id}-error`}>
          <span class="visually-hidden">エラー：</span>
          {props.error}
        </p>
      )}
    </>
  );
}

function describedBy(id: string, help?: string, error?: string): string | undefined {
  const ids = [help && `${id}-help`, error && `${id}-error`].filter(Boolean);
  return ids.length ? ids.join(" ") : undefined;
}

const autocompletes: { [name: string]: string } = {
  "postal-code": "postal-code",
  phone: "tel",
};

function TextField({ filling, item, path }: FieldProps) {
  const id = fieldId(path);
  const text = textAt(filling.values, path);
  const error = errorOf(filling, path);
  const digits = wantsDigits(item);
  const put = digits ? plainDigits(text) : wantsHalfWidth(item) ? halfWidth(text) : text;
  const help = item.help || digitHelp(item);
  const set = (value: string) =>
    filling.change(withValue(filling.values, path, value === "" ? undefined : value));
  const common = {
    id,
    value: text,
    autocomplete: autocompletes[item.name] ?? "off",
    "aria-required": isRequired(filling.service, item, filling.values, path),
    "aria-invalid": error ? true : undefined,
    "aria-describedby": describedBy(id, help, error),
    onInput: (e: Event) => set((e.currentTarget as HTMLInputElement).value),
  };
  const long = !digits && (item.max_length ?? 0) > 250;
  return (
    <div class={`field${error ? " field-wrong" : ""}`}>
      <label for={id}>
        {item.label}
        <Badge required={isRequired(filling.service, item, filling.values, path)} />
      </label>
      <Extra id={id} help={help} error={error} />
      {long ? (
        <textarea rows={4} {...common} />
      ) : (
        <input
          type="text"
          class={widthOf(item, digits)}
          inputMode={digits ? "numeric" : undefined}
          {...common}
          onBlur={() => put !== text && set(put)}
        />
      )}
    </div>
  );
}

function digitHelp(item: Item): string | undefined {
  const found = /^\[0-9\]\{(\d+)(?:,(\d+))?\}$/.exec(item.patterns?.[0] ?? "");
  if (!found) return undefined;
  return found[2] ? `数字${found[1]}～${found[2]}桁` : `数字${found[1]}桁`;
}

function widthOf(item: Item, digits: boolean): string {
  return digits ? "width-short" : (item.max_length ?? 200) > 100 ? "width-long" : "width-middle";
}

/** Year, month and day; the calendar's year, with the era's shown beside it. */
function DateField({ filling, item, path }: FieldProps) {
  const id = fieldId(path);
  const text = textAt(filling.values, path);
  const error = errorOf(filling, path);
  const parts = /^(.*?)-(.*?)-(.*)$/.exec(text) ?? ["", "", "", ""];
  const [typed, setTyped] = useState<string[]>([parts[1], parts[2], parts[3]].map(unpadded));
  const joined = joinDay(typed);
  useEffect(() => {
    if (text !== joined) setTyped([parts[1], parts[2], parts[3]].map(unpadded));
  }, [text]);
  const set = (place: number, value: string) => {
    const next = typed.map((old, i) => (i === place ? plainDigits(value) : old));
    setTyped(next);
    filling.change(withValue(filling.values, path, joinDay(next) || undefined));
  };
  const shown = longDay(text);
  const help = item.help || "西暦で入力してください。例：2026年4月1日";
  const names = ["年", "月", "日"];
  return (
    <fieldset
      class={`field${error ? " field-wrong" : ""}`}
      aria-describedby={describedBy(id, help, error)}
    >
      <legend>
        {item.label}
        <Badge required={isRequired(filling.service, item, filling.values, path)} />
      </legend>
      <Extra id={id} help={help} error={error} />
      <div class="date">
        {names.map((name, place) => (
          <span class="date-part">
            <input
              id={place === 0 ? id : `${id}-${place}`}
              type="text"
              inputMode="numeric"
              autocomplete="off"
              class={place === 0 ? "width-year" : "width-two"}
              aria-label={`${item.label}の${name}`}
              aria-invalid={error ? true : undefined}
              value={typed[place]}
              onInput={(e) => set(place, e.currentTarget.value)}
            />
            <span aria-hidden="true">{name}</span>
          </span>
        ))}
      </div>
      <p class="era" aria-live="polite">
        {shown !== text && shown}
      </p>
    </fieldset>
  );
}

function unpadded(text: string): string {
  return text.replace(/^0+(?=\d)/, "");
}

function joinDay(typed: string[]): string {
  if (typed.every((part) => part === "")) return "";
  const [year, month, day] = typed;
  return `${year.padStart(4, "0")}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
}

function ChoiceField({ filling, item, path }: FieldProps) {
  const id = fieldId(path);
  const value = textAt(filling.values, path);
  const error = errorOf(filling, path);
  const required = isRequired(filling.service, item, filling.values, path);
  const choices = item.choices ?? [];
  const set = (next: string | undefined) => filling.change(withValue(filling.values, path, next));
  if (choices.length > 6)
    return (
      <div class={`field${error ? " field-wrong" : ""}`}>
        <label for={id}>
          {item.label}
          <Badge required={required} />
        </label>
        <Extra id={id} help={item.help} error={error} />
        <select
          id={id}
          value={value}
          aria-required={required}
          aria-invalid={error ? true : undefined}
          aria-describedby={describedBy(id, item.help, error)}
          onChange={(e) => set(e.currentTarget.value || undefined)}
        >
          <option value="">選択してください</option>
          {choices.map((choice) => (
            <option value={choice.value}>{choice.label}</option>
          ))}
        </select>
      </div>
    );
  const single = choices.length === 1;
  return (
    <fieldset
      class={`field${error ? " field-wrong" : ""}`}
      aria-describedby={describedBy(id, item.help, error)}
    >
      <legend>
        {item.label}
        <Badge required={required} />
      </legend>
      <Extra id={id} help={item.help} error={error} />
      {choices.map((choice, i) => (
        <label class="choice">
          <input
            id={i === 0 ? id : `${id}-${i}`}
            type={single ? "checkbox" : "radio"}
            name={id}
            value={choice.value}
            checked={value === choice.value}
            onChange={(e) => set(e.currentTarget.checked ? choice.value : undefined)}
          />
          <span>{choice.label}</span>
        </label>
      ))}
      {!single && !required && value && (
        <Button look="text" onClick={() => set(undefined)}>
          選択を取り消す
        </Button>
      )}
    </fieldset>
  );
}

function ListField({ filling, item, path }: FieldProps) {
  const value = valueAt(filling.values, path);
  const entries = Array.isArray(value) ? value : [];
  const error = errorOf(filling, path);
  const added = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const set = (next: Values[]) => filling.change(withValue(filling.values, path, next));
  const required = isRequired(filling.service, item, filling.values, path);
  useEffect(() => {
    if (entries.length === 0 && required) set([{}]);
  }, []);
  useEffect(() => {
    if (!added.current) return;
    added.current = false;
    const headings = box.current?.querySelectorAll<HTMLElement>(":scope > .entry > .entry-title");
    headings?.[headings.length - 1]?.focus();
  }, [entries.length]);
  return (
    <div class="list" ref={box} id={fieldId(path)} tabIndex={-1}>
      <Extra id={fieldId(path)} help={item.help} error={error} />
      {entries.map((_, i) => (
        <section class="entry" aria-label={`${item.label} ${i + 1}件目`}>
          <h3 class="entry-title" tabIndex={-1}>
            {item.label} {i + 1}件目
          </h3>
          <Fields filling={filling} items={item.parts ?? []} around={`${path}[${i + 1}]/`} />
          {(entries.length > 1 || !required) && (
            <Button look="text" onClick={() => set(entries.filter((_e, k) => k !== i))}>
              {item.label} {i + 1}件目を削除する
            </Button>
          )}
        </section>
      ))}
      {entries.length < item.most && (
        <Button
          look="second"
          onClick={() => {
            added.current = true;
            set([...entries, {}]);
          }}
        >
          {item.label}を追加する
        </Button>
      )}
    </div>
  );
}

/** Parts under a heading; those that need not be there are asked for by a check box first. */
function GroupField({ filling, item, path }: FieldProps) {
  const there = valueAt(filling.values, path) !== undefined;
  const required = isRequired(filling.service, item, filling.values, path);
  const id = fieldId(path);
  const parts = <Fields filling={filling} items={item.parts ?? []} around={`${path}/`} />;
  return (
    <fieldset class="group">
      {item.label && (
        <legend class={item.label === filling.title ? "visually-hidden" : "group-title"}>
          {item.label}
        </legend>
      )}
      {item.help && <p class="help">{item.help}</p>}
      {!required && (
        <label class="choice">
          <input
            id={id}
            type="checkbox"
            checked={there}
            onChange={(e) =>
              filling.change(
                withValue(filling.values, path, e.currentTarget.checked ? {} : undefined),
              )
            }
          />
          <span>{item.label}について入力する（該当する場合だけ）</span>
        </label>
      )}
      {(required || there) && parts}
    </fieldset>
  );
}

function Field(props: FieldProps) {
  switch (props.item.kind) {
    case "list":
      return <ListField {...props} />;
    case "group":
      return <GroupField {...props} />;
    case "date":
      return <DateField {...props} />;
    case "choice":
    case "boolean":
      return <ChoiceField {...props} />;
    default:
      return <TextField {...props} />;
  }
}

export function Fields(props: { filling: Filling; items: Item[]; around: string }) {
  const { filling, items, around } = props;
  return (
    <>
      {items
        .filter((item) => !isForbidden(filling.service, item, filling.values, around + item.name))
        .map((item) => (
          <Field key={around + item.name} filling={filling} item={item} path={around + item.name} />
        ))}
    </>
  );
}

export function ErrorSummary(props: { errors: FieldError[]; onGo?: (error: FieldError) => void }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (props.errors.length) box.current?.focus();
  }, [props.errors]);
  if (!props.errors.length) return null;
  return (
    <div class="notice notice-error" role="alert" tabIndex={-1} ref={box}>
      <p class="notice-title">
        <span class="notice-kind">エラー</span>
        入力内容をご確認ください（{props.errors.length}件）
      </p>
      <ul>
        {props.errors.map((error) => (
          <li>
            <a
              href={`#${fieldId(error.path)}`}
              onClick={(event) => {
                event.preventDefault();
                if (props.onGo) props.onGo(error);
                else document.getElementById(fieldId(error.path))?.focus();
              }}
            >
              {error.message}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

// Small parts that all pages use.

import type { ComponentChildren, ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "./api";
import type { Piece } from "./difference";

export function Heading(props: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h1 tabIndex={-1} ref={heading}>
      {props.children}
    </h1>
  );
}

type ButtonProps = JSX.HTMLAttributes<HTMLButtonElement> & {
  look?: "main" | "second" | "danger";
  type?: "button" | "submit";
  disabled?: boolean;
};

export function Button({ look = "second", type = "button", ...rest }: ButtonProps) {
  return <button type={type} {...rest} class={`button button-${look}`} />;
}

export function Notice(props: { kind: "error" | "warning" | "info"; children: ComponentChildren }) {
  const names = { error: "エラー", warning: "注意", info: "お知らせ" };
  return (
    <div class={`notice notice-${props.kind}`} role={props.kind === "error" ? "alert" : "status"}>
      <strong>{names[props.kind]}</strong> {props.children}
    </div>
  );
}

export function Failure(props: { error: unknown }) {
  if (!props.error) return null;
  const known = props.error instanceof ApiError;
  return (
    <Notice kind="error">
      {known ? (props.error as ApiError).message : "処理できませんでした。画面を読み込み直してください。"}
    </Notice>
  );
}

export function Field(props: {
  label: string;
  name: string;
  type?: string;
  value: string;
  onValue: (value: string) => void;
  help?: string;
  complete?: string;
  focus?: boolean;
  required?: boolean;
  most?: number;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.focus) input.current?.focus();
  }, []);
  return (
    <div class="field">
      <label for={props.name}>{props.label}</label>
      {props.help && (
        <p class="help" id={`${props.name}-help`}>
          {props.help}
        </p>
      )}
      <input
        id={props.name}
        ref={input}
        type={props.type ?? "text"}
        value={props.value}
        required={props.required ?? true}
        maxLength={props.most}
        autocomplete={props.complete ?? "off"}
        aria-describedby={props.help ? `${props.name}-help` : undefined}
        onInput={(event) => props.onValue(event.currentTarget.value)}
      />
    </div>
  );
}

/** Why somebody was proposed: the page's reason and the person's own words. */
export function Said(props: { said: string | null; words: string | null }) {
  return (
    <>
      {props.said}
      {props.words && `「${props.words}」`}
    </>
  );
}

/** What differs is marked and said: colour is never the only sign. */
export function Marked(props: { pieces: Piece[]; say?: string }) {
  return (
    <span class="text">
      {props.pieces.map((piece) => {
        const { text, same } = piece;
        return same ? text : <mark title={props.say ?? "違う文字"}>{text}</mark>;
      })}
    </span>
  );
}

export interface Loaded<T> {
  value?: T;
  error?: unknown;
  again: (background?: boolean) => void;
}

/** What a page needs from the API, and how to ask again; the old value stays while it comes. */
export function useLoaded<T>(
  load: (background: boolean) => Promise<T>,
  key: string,
): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key });
  const [turn, setTurn] = useState({ background: false });
  useEffect(() => {
    let wanted = true;
    load(turn.background).then(
      (value) => wanted && setState({ key, value }),
      (error) => wanted && setState((old) => ({ key, value: old.value, error })),
    );
    return () => {
      wanted = false;
    };
  }, [key, turn]);
  const here = state.key === key ? state : { value: undefined, error: undefined };
  const next = (background = false) => setTurn({ background });
  return { value: here.value, error: here.error, again: next };
}

/** The second click of a double click may fall on what has come in the place of the first. */
export const single = (run: () => void) => (event: MouseEvent) => {
  if (event.detail < 2) run();
};

/** Something that is sent: once at a time, however often it is pressed, and what went wrong. */
export function useSending() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const under = useRef(false); // at once: a second click may come before the page is drawn anew
  const send = (work: () => Promise<unknown>) => {
    if (under.current) return;
    under.current = true;
    setBusy(true);
    setError(undefined); // the same words again are news to who only hears them
    work()
      .catch(setError)
      .finally(() => {
        under.current = false;
        setBusy(false);
      });
  };
  /** As the onSubmit of a form. */
  const submit = (work: () => Promise<unknown>) => (event: Event) => {
    event.preventDefault();
    send(work);
  };
  return { busy, error, send, submit };
}

/** A part that is loaded when it is first shown. */
export function lazy<P extends object>(
  load: () => Promise<ComponentType<P>>,
): (props: P) => JSX.Element {
  let found: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [Part, setPart] = useState<ComponentType<P> | undefined>(() => found);
    const [error, setError] = useState<unknown>();
    useEffect(() => {
      if (!Part)
        load().then((loaded) => {
          found = loaded;
          setPart(() => loaded);
        }, setError);
    }, []);
    if (Part) return <Part {...props} />;
    return error ? <Failure error={error} /> : <p class="empty">読み込んでいます…</p>;
  };
}

/** A key of the keyboard, wherever the focus is, but not while somebody types. */
export function useKeys(keys: Record<string, () => void>) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (document.querySelector("dialog[open]")) return; // it stands before the page
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && event.key !== "Escape") return;
      if (event.key === "Enter" && target.closest("a, button, summary")) return; // it is theirs
      const run = latest.current[event.key];
      if (!run) return;
      event.preventDefault();
      run();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}

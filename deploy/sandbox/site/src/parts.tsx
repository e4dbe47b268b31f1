// Small parts that all pages use.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "./api";
import { go } from "./router";

export function Link(props: { to: string; class?: string; children: ComponentChildren }) {
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(props.to);
  };
  return (
    <a href={props.to} class={props.class} onClick={follow}>
      {props.children}
    </a>
  );
}

export function Heading(props: { children: ComponentChildren }) {
  return <h1 tabIndex={-1}>{props.children}</h1>;
}

type ButtonProps = JSX.HTMLAttributes<HTMLButtonElement> & {
  look?: "main" | "second" | "text" | "danger";
  type?: "button" | "submit";
  disabled?: boolean;
};

export function Button({ look = "main", type = "button", ...rest }: ButtonProps) {
  return <button type={type} {...rest} class={`button button-${look}`} />;
}

export function Notice(props: {
  kind: "error" | "warning" | "info" | "success";
  title?: string;
  children?: ComponentChildren;
}) {
  const names = { error: "エラー", warning: "注意", info: "お知らせ", success: "完了" };
  return (
    <div class={`notice notice-${props.kind}`} role={props.kind === "error" ? "alert" : undefined}>
      <p class="notice-title">
        <span class="notice-kind">{names[props.kind]}</span>
        {props.title}
      </p>
      {props.children}
    </div>
  );
}

export function Failure(props: { error: unknown }) {
  if (!props.error) return null;
  const words =
    props.error instanceof ApiError
      ? props.error.message
      : "処理できませんでした。画面を読み込み直してください。";
  return <Notice kind="error" title={words} />;
}

/** A page that could not be had. */
export function NotThere(props: { error: unknown; title: string }) {
  return (
    <>
      <Heading>{props.title}</Heading>
      <Failure error={props.error} />
      <p>
        <Link to="/">トップページへ戻る</Link>
      </p>
    </>
  );
}

/** What a page needs from the API; `undefined` until it is there. */
export function useLoaded<T>(load: () => Promise<T>, key: string) {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key });
  useEffect(() => {
    let wanted = true;
    load().then(
      (value) => wanted && setState({ key, value }),
      (error) => {
        if (!wanted) return;
        if (error instanceof ApiError && error.status === 401)
          go(`/login?to=${encodeURIComponent(location.pathname)}`, true);
        else setState({ key, error });
      },
    );
    return () => {
      wanted = false;
    };
  }, [key]);
  return state.key === key ? state : { key };
}

export function Loading() {
  return (
    <p class="loading" role="status">
      読み込んでいます…
    </p>
  );
}

/** Asks before what can't be undone. The browser keeps the focus inside and gives it back. */
export function Confirm(props: {
  title: string;
  yes: string;
  onYes: () => void;
  onNo: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onCancel={props.onNo}>
      <h2 id="confirm-title">{props.title}</h2>
      {props.children}
      <div class="actions">
        <Button look="danger" onClick={props.onYes}>
          {props.yes}
        </Button>
        <Button look="second" onClick={props.onNo}>
          やめる
        </Button>
      </div>
    </dialog>
  );
}

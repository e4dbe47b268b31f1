// Pages by path, with the browser's own history. A new page begins at its heading, which is what a
// screen reader reads first.

import { useEffect, useState } from "preact/hooks";

let tell: (path: string) => void = () => {};

export function go(path: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  tell(location.pathname + location.search);
}

export function usePath(): string {
  const [path, setPath] = useState(location.pathname + location.search);
  useEffect(() => {
    tell = setPath;
    const back = () => setPath(location.pathname + location.search);
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  return path;
}

/** Title of the window, top of the page, and focus on the heading. */
export function usePage(title: string, ready = true): void {
  useEffect(() => {
    if (!ready) return;
    document.title = `${title}｜桜野市 オンライン申請（試験環境）`;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [title, ready]);
}

// Attached files as pictures: a page at a time, drawn by the server, so that nothing of a file runs
// here. The file itself never reaches the browser.

import { useEffect, useState } from "preact/hooks";

import { type Application, ApiError, ask, where } from "./api";
import { Button, Failure } from "./parts";

interface Picture {
  url: string;
  pages: number;
}

const BUSY_TRIES = 30; // a second apart: one page takes 20 seconds at the most

/** Few pages are drawn at once: what finds no place asks again, as long as somebody waits. */
async function fetchPage(
  path: string,
  wanted: () => boolean,
  tries = BUSY_TRIES,
): Promise<Picture> {
  try {
    const answer = await ask("GET", path);
    const pages = Number(answer.headers.get("Uketsuke-Pages") ?? "1");
    return { url: URL.createObjectURL(await answer.blob()), pages };
  } catch (error) {
    const busy = error instanceof ApiError && error.status === 429;
    if (!busy || tries === 0 || !wanted()) throw error;
  }
  await new Promise((done) => setTimeout(done, 1000));
  return fetchPage(path, wanted, tries - 1);
}

function Viewer(props: { it: Application; index: number; name: string; close: () => void }) {
  const [page, setPage] = useState(1);
  const [turn, setTurn] = useState(0);
  const [large, setLarge] = useState(false);
  const [picture, setPicture] = useState<Picture>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    let wanted = true;
    let url = "";
    setError(undefined);
    fetchPage(
      where(props.it, "/api", `/attachments/${props.index}/pages/${page}`, {
        width: large ? "2000" : "1100",
      }),
      () => wanted,
    ).then(
      (found) => {
        url = found.url;
        if (wanted) setPicture(found);
        else URL.revokeObjectURL(url);
      },
      (failed) => wanted && setError(failed),
    );
    return () => {
      wanted = false;
      if (url) URL.revokeObjectURL(url);
    };
  }, [props.index, page, large]);
  const pages = picture?.pages ?? 1;
  return (
    <div class="viewer">
      <div class="tabs">
        <Button disabled={page <= 1} onClick={() => setPage(page - 1)}>
          前のページ
        </Button>
        <span class="page">
          {page}／{pages}ページ
        </span>
        <Button disabled={page >= pages} onClick={() => setPage(page + 1)}>
          次のページ
        </Button>
        <Button onClick={() => setTurn((turn + 1) % 4)}>回転する</Button>
        <Button onClick={() => setLarge(!large)}>{large ? "縮小する" : "拡大する"}</Button>
        <Button onClick={props.close}>閉じる</Button>
      </div>
      <Failure error={error} />
      {picture && !error && (
        <div
          class={large ? "paper large" : "paper"}
          tabIndex={0}
          role="region"
          aria-label={props.name}
        >
          <img
            class={`turn-${turn}`}
            src={picture.url}
            alt={`${props.name}　${page}ページ`}
          />
        </div>
      )}
    </div>
  );
}

const TYPES: Record<string, string> = {
  "application/pdf": "PDF",
  "image/jpeg": "JPEG画像",
  "image/png": "PNG画像",
};

export function Attachments(props: { it: Application }) {
  const [shown, setShown] = useState<number>();
  return (
    <section class="card" aria-label="添付書類">
      <h2>添付書類</h2>
      <ol class="files">
        {props.it.attachments.map((file, place) => (
          <li key={file.index}>
            {file.name}{" "}
            <small>
              {TYPES[file.type] ?? "表示できない形式"}、{Math.ceil(file.size / 1024)} KB
            </small>{" "}
            <Button
              aria-expanded={shown === file.index}
              aria-label={`${place + 1} ${file.name} を表示する`}
              onClick={() => setShown(shown === file.index ? undefined : file.index)}
            >
              表示する
            </Button>
            {shown === file.index && (
              <Viewer
                it={props.it}
                index={file.index}
                name={file.name}
                close={() => setShown(undefined)}
              />
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

// The site's JSON API. Every failure is an ApiError with words for the resident.

export interface Choice {
  value: string;
  label: string;
}

export interface Item {
  path: string;
  name: string;
  at: number;
  label: string;
  help?: string;
  required: boolean;
  most: number;
  kind: "text" | "integer" | "boolean" | "date" | "choice" | "group" | "list";
  choices?: Choice[];
  min_length?: number;
  max_length?: number;
  least?: number;
  largest?: number;
  patterns?: string[];
  check?: string;
  parts?: Item[];
}

export interface Condition {
  item: string;
  when: string;
  is: string;
  forbid: boolean;
}

export interface Document_ {
  id: string;
  label: string;
  help?: string;
  required: boolean;
  conditional: boolean;
  formats: string;
  most: number;
  size_most: number;
}

export interface ServiceSummary {
  id: string;
  version: string;
  name: string;
  summary?: string;
  life_events?: string[];
  signature_required: boolean;
}

export interface Service extends ServiceSummary {
  groups: { label: string; items: Item[] }[];
  conditions: Condition[];
  documents?: Document_[];
  purpose?: string;
  basis?: string;
}

export type Values = { [name: string]: string | Values | Values[] };

export interface File_ {
  id: string;
  document: string;
  name: string;
  type: string;
  size: number;
}

export interface Draft {
  id: string;
  procedure: string;
  values: Values;
  files: File_[];
  corrects?: string;
}

export interface DraftSummary {
  id: string;
  name: string;
  procedure: string;
  updated_at: string;
  corrects?: string;
}

export interface FieldError {
  path: string;
  code: string;
  message: string;
}

export interface Resident {
  id: string;
  name: string;
  birth_date: string;
  sex: string;
  address: string;
  sign_pin: string;
}

export interface Card {
  id: string;
  name: string;
  birth_date: string;
  address: string;
  login_pin: string;
  sign_pin: string;
  login_locked: boolean;
  sign_locked: boolean;
}

export interface Application {
  receipt_number: string;
  procedure: string;
  name: string;
  applied_at: string;
  status: string;
  history: { status: string; at: string; message?: string }[];
  corrects?: string;
  corrected_by?: string;
  may_correct: boolean;
  may_withdraw: boolean;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: { [name: string]: unknown },
  ) {
    super(wordsFor(status, body));
  }
}

function wordsFor(status: number, body: { [name: string]: unknown }): string {
  if (typeof body.message === "string") return body.message;
  if (status === 0)
    return "通信できませんでした。電波の状態をご確認のうえ、もう一度お試しください。";
  if (status === 401) return "ログインの有効時間が過ぎました。もう一度ログインしてください。";
  if (status === 404) return "お探しのものが見つかりませんでした。";
  if (status === 413) return "ファイルが大きすぎます。10MB以下にしてください。";
  return "処理できませんでした。しばらくしてから、もう一度お試しください。";
}

async function call<T>(method: string, path: string, body?: unknown, raw?: File): Promise<T> {
  const headers: { [name: string]: string } = { "X-Requested-By": "portal" };
  let content: BodyInit | undefined;
  if (raw) {
    headers["Content-Type"] = "application/octet-stream";
    headers["X-File-Name"] = encodeURIComponent(raw.name.slice(-30));
    content = raw;
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    content = JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body: content, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, {});
  }
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, json);
  return json as T;
}

const id = encodeURIComponent;

export const api = {
  session: () => call<{ resident: Resident | null; cards: Card[] }>("GET", "/api/session"),
  logIn: (card: string, pin: string) =>
    call<{ resident: Resident }>("POST", "/api/session", { card, pin }),
  logOut: () => call("DELETE", "/api/session"),
  resetCard: (card: string) => call<Card>("POST", `/api/cards/${id(card)}/reset`, {}),
  services: (q: string, event: string) =>
    call<{ services: ServiceSummary[] }>(
      "GET",
      `/api/services?q=${id(q)}&event=${id(event)}`,
    ).then((a) => a.services),
  service: (service: string) => call<Service>("GET", `/api/services/${id(service)}`),
  drafts: () => call<{ drafts: DraftSummary[] }>("GET", "/api/drafts").then((a) => a.drafts),
  begin: (procedure: string) => call<Draft>("POST", "/api/drafts", { procedure }),
  correct: (corrects: string) => call<Draft>("POST", "/api/drafts", { corrects }),
  draft: (draft: string) =>
    call<{ draft: Draft; service: Service }>("GET", `/api/drafts/${id(draft)}`),
  save: (draft: string, values: Values) => call("PUT", `/api/drafts/${id(draft)}`, { values }),
  discard: (draft: string) => call("DELETE", `/api/drafts/${id(draft)}`),
  check: (draft: string) =>
    call<{ errors: FieldError[] }>("POST", `/api/drafts/${id(draft)}/check`, {}).then(
      (a) => a.errors,
    ),
  attach: (draft: string, document: string, file: File) =>
    call<File_>("POST", `/api/drafts/${id(draft)}/files/${id(document)}`, undefined, file),
  detach: (draft: string, file: string) =>
    call("DELETE", `/api/drafts/${id(draft)}/files/${id(file)}`),
  submit: (draft: string, pin: string) =>
    call<{ receipt_number: string }>("POST", `/api/drafts/${id(draft)}/submit`, { pin }),
  applications: () =>
    call<{ applications: Application[] }>("GET", "/api/applications").then((a) => a.applications),
  application: (receipt: string) =>
    call<{ application: Application; values: Values; files: File_[]; service: Service }>(
      "GET",
      `/api/applications/${id(receipt)}`,
    ),
  withdraw: (receipt: string) =>
    call<Application>("POST", `/api/applications/${id(receipt)}/withdrawal`, {}),
};

// The console's JSON API (docs/api/console.yaml).

import { learnNames } from "./words";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: unknown = undefined,
  ) {
    super(message);
  }
}

async function askOnce(
  method: string,
  path: string,
  body?: unknown,
  more: Record<string, string> = {},
): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...more,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new ApiError(0, "", "サーバーにつながりません。通信を確かめて、もう一度お試しください。");
  }
  if (answer.ok) return answer;
  const parsed = await answer.json().catch(() => undefined);
  const error = parsed?.errors?.[0];
  const gone = answer.status === 401 || answer.status === 423 || error?.code === "E0107";
  if (gone && !path.startsWith("/api/session")) dispatchEvent(new Event("console-gate"));
  throw new ApiError(
    answer.status,
    error?.code ?? "",
    error?.message ?? "処理できませんでした。もう一度お試しください。",
    parsed,
  );
}

let proof: (() => Promise<void>) | undefined;
let proving: Promise<void> | undefined; // several acts may want it at the same time

/** Who asks the person to show who they are: a promise that is kept when they did. */
export function whenProofIsWanted(prove: () => Promise<void>): () => void {
  proof = prove;
  return () => {
    proof = undefined;
  };
}

/** The answer when it is a good one; else what the API says is wrong. What takes a proof of who
 * sits here is asked for once more when there was one. */
export async function ask(...question: Parameters<typeof askOnce>): Promise<Response> {
  try {
    return await askOnce(...question);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "E0108" || !proof) throw error;
    proving ??= proof().finally(() => {
      proving = undefined;
    });
    await proving;
    return askOnce(...question);
  }
}

async function told<T>(answer: Response): Promise<T> {
  const found = await answer.json().catch(() => undefined);
  learnNames(found?.names);
  return found;
}

const call = async <T>(...question: Parameters<typeof ask>) => told<T>(await ask(...question));

/** `background`: asked by a clock, not by a person; to the server it is no sign of life. */
export const get = <T>(path: string, background = false) =>
  call<T>("GET", path, undefined, background ? { "X-Uketsuke-Background": "1" } : {});
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);
export const remove = <T>(path: string) => call<T>("DELETE", path);

export interface Me {
  name: string;
  display_name: string;
  department: string;
  terminal: string;
  idle: number; // seconds without a request, after which the server locks
  last: { begun: string; seen: string; terminal: string; failures: number } | null;
  rights: { right: string; business: string; department: string }[];
}

/** Receipt numbers are unique in their channel (受付経路) only. */
export interface Which {
  receipt_number: string;
  channel: string; // "": the only one that has the number
}

export interface Waiting extends Which {
  version: number;
  procedure_id: string;
  procedure_name: string;
  state: string;
  state_name: string;
  reason: string | null;
  reason_ja: string | null;
  since: string;
  applied_at: string;
  due_on: string | null;
  due_term: string | null;
  department: string;
  claimed_by: string | null;
  mine: boolean;
  plain: boolean;
  put_off_until: string | null;
}

export interface Queue {
  counts: Record<string, number>;
  items: Waiting[];
  next: string | null;
}

export interface Person {
  name?: string;
  kana?: string;
  birth_date?: string;
  sex?: string;
  address?: string;
  building?: string;
  common_name?: string;
  former_surname?: string;
}

export interface Candidate {
  resident: { atenabango: string; status: string; protected: boolean } & Person;
  score: number;
  all_four: boolean;
  facts: Record<string, { how: string; points: number; certificate?: string }>;
  mark?: string; // of a search: sent back with whom one proposes
}

export interface Facts extends Person {
  name_substituted?: string;
  address_substituted?: string;
}

/** 相違, 不備, 要確認, …: beside what it is about. */
export interface Remark {
  mark: string;
  text: string;
}
/** With a level: a heading of what follows. */
export interface FormRow {
  path: string;
  label: string;
  level?: number;
  value?: string;
  also?: string | null;
  masked?: boolean;
  remarks: Remark[];
}
export interface FormGroup {
  label: string;
  remarks: Remark[];
  rows: FormRow[];
}

/** Why somebody was proposed for the applicant, and in the person's own words. */
export interface SaidWhy {
  said: string | null;
  words: string | null;
}

export interface Application extends Which {
  version: number;
  state: string;
  state_name: string;
  reason: string | null;
  reason_ja: string | null;
  applied_at: string;
  due_on: string | null;
  due_term: string | null;
  business: string;
  department: string;
  claim: { by: string; since: string } | null;
  procedure: { id: string; version: string; name: string };
  form: { groups: FormGroup[]; remarks: Remark[] } | null;
  findings: { rule: string; severity: string; item: string; message: string }[];
  facts: Facts | null;
  claimed: Person | null;
  verification: {
    indication: string;
    sub_indication: string;
    lines: { check: string; result: string; text: string }[];
  } | null;
  decision: { reason: string; candidates: Candidate[] } | null;
  proposal:
    | ({ atenabango: string; by: string; at: string; candidate: Candidate | null } & SaidWhy)
    | null;
  review: {
    demands: string[];
    persons: number;
    superior: boolean;
    approvals: { by: string; at: string }[];
  } | null;
  attachments: { index: number; name: string; type: string; size: number }[];
  destinations: { destination: string; name: string }[];
  hold: { until: string; by: string } | null;
  versions: (Which & { applied_at: string; state_name: string; which: string })[];
  contacts: { at: string; by: string; way: string; text: string }[];
  messages: { at: string; by: string; status: string; text: string }[];
  history: ({
    version: number;
    at: string;
    from: string | null;
    to: string;
    to_name: string;
    reason: string | null;
    reason_ja: string | null;
    actor: string;
  } & SaidWhy)[];
  may: string[];
}

/** Where it is: `of` a path of the API, or of the pages. */
export function where(it: Which, of: string, what = "", more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...(it.channel ? { channel: it.channel } : {}), ...more });
  const asked = query.size ? `?${query}` : "";
  return `${of}/applications/${encodeURIComponent(it.receipt_number)}${what}${asked}`;
}
export const same = (one: Which, other: Which) =>
  one.receipt_number === other.receipt_number && one.channel === other.channel;

export const application = (it: Which) => get<Application>(where(it, "/api"));

// What was asked for and never answered, with its key: asked again, the server does nothing twice.
// The version may be another by then: by that very act, perhaps.
const unanswered = new Map<string, string>();

/** Whoever opens an application sees what became of it: what they ask for from now on is new. */
export function forgetUnanswered(it: Which) {
  const start = where({ ...it, channel: "" }, "/api", "/");
  for (const what of unanswered.keys()) if (what.startsWith(start)) unanswered.delete(what);
}

/** Something that happens once, even when the answer is lost and a person asks for it again. */
export async function once<T>(
  path: string,
  body: unknown,
  read: (answer: Response) => Promise<T> = told,
): Promise<T> {
  const but = (name: string, value: unknown) => (name === "version" ? undefined : value);
  const what = path + JSON.stringify(body, but);
  const key = unanswered.get(what) ?? crypto.randomUUID();
  unanswered.set(what, key);
  try {
    const answer = await read(await ask("POST", path, body, { "Idempotency-Key": key }));
    unanswered.delete(what);
    return answer;
  } catch (error) {
    const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    if (refused) unanswered.delete(what);
    throw error;
  }
}

export const act = (it: Which, name: string, body: unknown) =>
  once<{ version: number; state: string }>(where(it, "/api", `/${name}`), body);

// What the administration asks of the API (docs/api/console.yaml, /api/admin/…).

import { get, post } from "./api";

export interface Right {
  business: string;
  department: string;
  right: string;
  until?: string; // its last day; without one it ends with the account
}
export interface Account {
  display_name: string;
  department: string;
  kind: string;
  valid_from: string;
  valid_to: string;
  disabled: boolean;
  rights: Right[];
}
export interface Terminal {
  department: string;
  also: string[]; // departments that share it; "*": all
  peer: string | null;
  address: string | null;
}
export interface Medium {
  department: string; // "*": all
  description: string;
}
export interface Template {
  business: string;
  text: string;
}
export type Value =
  | Account
  | Terminal
  | Medium
  | Template
  | { name: string }
  | Record<string, unknown>;

export interface Thing<V> {
  subject: string;
  value: V;
}
export interface User extends Thing<Account> {
  enrolled: boolean;
  code_until: string | null;
  locked_until: string | null;
  factors: number;
  last_session: string | null;
  created_by: string;
  approved_by: string;
}

export interface Change {
  id: number;
  kind: string;
  subject: string;
  before: Value | null;
  after: Value | null;
  reason: string;
  proposed_by: string;
  proposed_at: string;
  terminal: string | null;
  state: string;
  stale: boolean;
  decided_by: string | null;
  decided_at: string | null;
  decided_why: string | null;
  ended_by: string | null; // who cancelled it
  ended_at: string | null; // when it was cancelled, or not applied
  ended_why: string | null;
  batch: string | null; // what is confirmed together
  effective_on: string | null;
}

export interface Proposal {
  kind: string;
  subject: string;
  before: Value | null;
  after: Value | null;
  reason: string;
}

export interface Route {
  destination_name: string;
  legal_basis: string;
  business: string;
  department: string;
  individual_number: boolean;
  approval: boolean;
}
export interface Procedure {
  id: string;
  version: string;
  name: string;
  retired: boolean;
  signature_required: boolean;
  sha256: string;
  route: Route | null;
}
export interface Feed {
  id: number;
  kind: string;
  source: string;
  full: boolean;
  sequence: number | null;
  as_of: string;
  at: string;
  state: string;
  rows: number;
  added: number;
  changed: number;
  removed: number;
  ended: number;
  lifted: number;
  imported_by: string;
  approved_by: string | null;
}

export const things = <T>(what: string) => get<{ items: T[] }>(`/api/admin/${what}`);
export const propose = (proposal: Proposal) =>
  post<{ id: number; message: string }>("/api/admin/changes", proposal);
export const settle = (id: number, how: "confirm" | "reject", reason: string) =>
  post<{ message: string; code: string | null }>(
    `/api/admin/changes/${id}/${how}`,
    reason ? { reason } : {},
  );

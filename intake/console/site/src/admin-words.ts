// A change in words: each item of what is changed, before and after.

import type { Account, Medium, Right, Terminal, Template, Value } from "./admin-api";

export const KINDS: Record<string, string> = {
  account: "利用者",
  enrolment: "再登録",
  unlock: "ロック解除",
  terminal: "端末",
  medium: "媒体",
  holiday: "休日",
  template: "定型文",
};
export const STATES: Record<string, string> = {
  waiting: "確認待ち",
  confirmed: "確認済（反映待ち）",
  effective: "反映済",
  rejected: "差戻し",
  withdrawn: "取下げ",
  stale: "失効（元の内容が変わった）",
  cancelled: "取消し",
  lapsed: "失効（出した人か確認した人が、管理者でなくなった）",
};
export const RIGHTS: [string, string][] = [
  ["see", "閲覧"],
  ["identify", "宛名番号入力"],
  ["confirm", "確認（二人目）"],
  ["examine", "形式審査"],
  ["approve", "承認"],
  ["reroute", "振替"],
  ["number", "個人番号の表示"],
  ["protected", "支援措置対象者の取扱い"],
  ["print", "印刷"],
  ["export", "出力"],
  ["superior", "管理責任者（大量の出力の承認）"],
  ["audit", "監査"],
  ["admin", "管理"],
];
export const PEOPLE: Record<string, string> = {
  staff: "職員",
  contractor: "委託先",
  "break-glass": "緊急用",
};
export const all = (text: string) => (text === "*" ? "すべて" : text);
export const rightText = (right: Right) =>
  `${RIGHTS.find(([code]) => code === right.right)?.[1] ?? right.right}` +
  `（事務：${all(right.business)}、部署：${all(right.department)}` +
  `${right.until ? `、${right.until}まで` : ""}）`;

export const NONE = "―"; // where there was, or will be, nothing

type Line = [string, string];

function account(value: Account): Line[] {
  return [
    ["氏名", value.display_name],
    ["部署", value.department],
    ["区分", PEOPLE[value.kind] ?? value.kind],
    ["有効期間", `${value.valid_from} 〜 ${value.valid_to}`],
    ["利用", value.disabled ? "停止" : "可"],
  ];
}

function terminal(value: Terminal): Line[] {
  return [
    ["部署", value.department],
    ["ほかに使う部署", value.also.map(all).join("、") || NONE],
    ["識別", value.peer ? `証明書 ${value.peer}` : `IPアドレス ${value.address}`],
  ];
}

function lines(kind: string, value: Value | null): Line[] {
  if (!value) return [];
  if (kind === "account") return account(value as Account);
  if (kind === "terminal") return terminal(value as Terminal);
  if (kind === "medium")
    return [
      ["部署", all((value as Medium).department)],
      ["説明", (value as Medium).description],
    ];
  if (kind === "holiday") return [["名称", (value as { name: string }).name]];
  if (kind === "template")
    return [
      ["事務", all((value as Template).business)],
      ["本文", (value as Template).text],
    ];
  if (kind === "enrolment")
    return [["登録", (value as { enrolled: boolean }).enrolled ? "登録済" : "ワンタイムコードを発行"]];
  return [["サインイン", (value as { locked: boolean }).locked ? "ロック中" : "可"]];
}

export interface Item {
  label: string;
  before: string;
  after: string;
  changed: boolean;
}

function rights(before: Value | null, after: Value | null): Item[] {
  const was = ((before as Account | null)?.rights ?? []).map(rightText);
  const will = ((after as Account | null)?.rights ?? []).map(rightText);
  const gone = was.filter((one) => !will.includes(one));
  const come = will.filter((one) => !was.includes(one));
  const kept = was.filter((one) => will.includes(one));
  return [
    ...kept.map((one) => ({ label: "権限", before: one, after: one, changed: false })),
    ...gone.map((one) => ({ label: "権限（削除）", before: one, after: NONE, changed: true })),
    ...come.map((one) => ({ label: "権限（追加）", before: NONE, after: one, changed: true })),
  ];
}

export function difference(kind: string, before: Value | null, after: Value | null): Item[] {
  const was = new Map(lines(kind, before));
  const will = new Map(lines(kind, after));
  const labels = [...new Set([...was.keys(), ...will.keys()])];
  const items = labels.map((label) => {
    const one = was.get(label) ?? NONE;
    const other = will.get(label) ?? NONE;
    return { label, before: one, after: other, changed: one !== other };
  });
  return kind === "account" ? [...items, ...rights(before, after)] : items;
}

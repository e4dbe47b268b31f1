// Codes of the API as staff read them.

export const agreement: Record<string, string> = {
  same: "一致",
  notation: "表記の違いだけ",
  substituted: "代替文字を除き一致",
  "other-name": "通称・旧氏で一致",
  "no-building": "方書なしで一致",
  like: "似た漢字",
  near: "一か所違い",
  "surname-differs": "氏が違う",
  "given-name-differs": "名が違う",
  "building-differs": "方書が違う",
  differs: "違う",
  unknown: "不明",
};
export const agrees = (how: string) =>
  ["same", "notation", "substituted", "other-name", "no-building"].includes(how);

export const fact: Record<string, string> = {
  name: "氏名",
  kana: "フリガナ",
  birth_date: "生年月日",
  sex: "性別",
  address: "住所",
  number: "個人番号",
};

export const residence: Record<string, string> = {
  present: "現存",
  leaving: "転出予定",
  "moved-out": "転出",
  dead: "死亡",
  "struck-off": "職権消除",
  "non-resident": "住登外",
};

export const sex: Record<string, string> = { "1": "男", "2": "女", "3": "不明", "0": "不明" };
export const severity: Record<string, string> = { review: "要確認", note: "参考", refuse: "不備" };
export const demand: Record<string, string> = {
  finding: "形式審査の指摘",
  route: "承認してから連携する手続",
  protected: "支援措置対象者（二人の承認）",
  rejected: "業務システムが受け取らなかった",
};

const ERAS: [string, string][] = [
  ["2019-05-01", "令和"],
  ["1989-01-08", "平成"],
  ["1926-12-25", "昭和"],
  ["1912-07-30", "大正"],
  ["1868-01-25", "明治"],
];

/** 2026-11-28 → 令和8年11月28日 */
export function era(day: string): string {
  const found = ERAS.find(([from]) => day >= from);
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(day);
  if (!found || !parts) return day;
  const year = Number(parts[1]) - Number(found[0].slice(0, 4)) + 1;
  return `${found[1]}${year === 1 ? "元" : year}年${Number(parts[2])}月${Number(parts[3])}日`;
}

/** 2026-11-28T09:05:00+09:00 → 11月28日 9:05, in the time that the server wrote (JST) */
export function when(at: string): string {
  const parts = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/.exec(at);
  return parts ? `${Number(parts[2])}月${Number(parts[3])}日 ${Number(parts[4])}:${parts[5]}` : at;
}

export function age(at: string, now = Date.now()): string {
  const minutes = Math.max(0, Math.floor((now - Date.parse(at)) / 60000));
  if (minutes < 60) return `${minutes}分`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}時間`;
  return `${Math.floor(minutes / 1440)}日`;
}

const DAY = 86400000;

/** How many days are left to the end of a day, in Japan; negative: it is over. */
export function daysLeft(day: string, now = Date.now()): number {
  const today = Math.floor((now + 9 * 3600000) / DAY);
  return Math.floor(Date.parse(`${day}T00:00:00Z`) / DAY) - today;
}

export function left(day: string, now = Date.now()): string {
  const days = daysLeft(day, now);
  return days < 0 ? `${-days}日過ぎています` : days === 0 ? "今日まで" : `あと${days}日`;
}

export const way: Record<string, string> = {
  phone: "電話",
  counter: "窓口",
  letter: "郵便",
  mail: "メール",
  inside: "庁内",
  other: "その他",
};

// 氏名 by actor, of all that any answer told.
const names = new Map<string, string>();

export function learnNames(told: Record<string, string> | undefined) {
  for (const [actor, name] of Object.entries(told ?? {})) names.set(actor, name);
}

/** "staff:hanako" → hanako */
export const login = (actor: string) => actor.replace(/^staff:/, "");
const roles: Record<string, string> = {
  collect: "取込",
  examine: "検証",
  identify: "本人特定",
  routing: "連携",
  report: "状況の報告",
  registry: "住民記録の取込",
  console: "受付画面",
};
const kinds: Record<string, (name: string) => string> = {
  role: (name) => `システム（${roles[name] ?? name}）`,
  operator: (name) => `運用担当者（${name}）`,
  business: (name) => `業務システム（${name}）`,
};

/** "staff:hanako" → 桜野花子; "operator:root" → 運用担当者（root）; "role:identify" → システム（本人特定） */
export function who(actor: string): string {
  const [, kind, name] = /^(\w+):(.*)$/s.exec(actor) ?? [];
  return names.get(actor) ?? kinds[kind]?.(name) ?? login(actor);
}

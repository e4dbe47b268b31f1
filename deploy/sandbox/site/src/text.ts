// Dates and words as the resident reads them.

const eras: [string, string][] = [
  ["2019-05-01", "令和"],
  ["1989-01-08", "平成"],
  ["1926-12-25", "昭和"],
  ["1912-07-30", "大正"],
  ["1873-01-01", "明治"],
];
const firstYear: { [era: string]: number } = {
  令和: 2019,
  平成: 1989,
  昭和: 1926,
  大正: 1912,
  明治: 1868,
};

/** 令和8年11月28日; "" when the text is no day that exists. */
export function eraDay(iso: string): string {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso);
  if (!found) return "";
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return "";
  const era = eras.find(([from]) => iso >= from)?.[1];
  if (!era) return `${year}年${month}月${day}日`;
  const number = year - firstYear[era] + 1;
  return `${era}${number === 1 ? "元" : number}年${month}月${day}日`;
}

/** 2026年11月28日（令和8年）: both ways of counting years. */
export function longDay(iso: string): string {
  const era = eraDay(iso);
  if (!era) return iso;
  const [year, month, day] = iso.split("-").map(Number);
  return `${year}年${month}月${day}日（${era.slice(0, era.indexOf("年") + 1)}）`;
}

/** 2026年11月28日 9時5分 */
export function moment(iso: string): string {
  const found = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/.exec(iso);
  if (!found) return iso;
  const [, year, month, day, hour, minute] = found.map(Number);
  return `${year}年${month}月${day}日 ${hour}時${String(minute).padStart(2, "0")}分`;
}

/** Digits and hyphens of any width in half width. */
export function halfWidth(text: string): string {
  return text
    .replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/[‐‑–—―−ー－]/g, "-");
}

/** Digits as they must be sent: in half width, without hyphens and blanks. */
export function plainDigits(text: string): string {
  return halfWidth(text).replace(/[-\s　]/g, "");
}

export function fileSize(bytes: number): string {
  return bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(1).replace(".0", "")}MB` : `${Math.ceil(bytes / 1024)}KB`;
}

export const lifeEvents: [string, string, string][] = [
  ["birth", "出産", "生まれたあとの手続"],
  ["child-care", "子育て", "児童手当、お子さまの健康"],
  ["moving", "引越し", "転出、転入、転居"],
  ["pregnancy", "妊娠", "妊娠の届出など"],
  ["health", "健康・予防接種", "予防接種、検診"],
  ["marriage", "結婚", "氏名や世帯が変わるとき"],
  ["divorce", "離婚", "ひとり親になるとき"],
  ["bereavement", "おくやみ", "ご家族が亡くなったとき"],
  ["other", "その他", "口座の変更など"],
];

export const statusWords: { [status: string]: [string, string] } = {
  未取得: ["送信済み", "市が申請を受け取るのを待っています。"],
  取得済: ["市が受け取りました", "市が内容の確認をはじめました。"],
  処理中: ["処理中", "担当の部署で審査しています。"],
  受付エラー: ["受け付けできませんでした", "内容をご確認のうえ、もう一度申請してください。"],
  要訂正: ["訂正が必要です", "市からの連絡を読み、内容を訂正してもう一度送ってください。"],
  完了: ["完了", "手続は終わりました。"],
  取下げ: ["取下げ", "この申請は取り下げられました。"],
};

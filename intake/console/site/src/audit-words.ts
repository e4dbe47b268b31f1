// Acts of the audit trail as people read them.

import { KINDS } from "./admin-words";
import { who } from "./words";

export const ACTS: [string, string][] = [
  ["session.begun", "サインイン"],
  ["session.ended", "サインアウト"],
  ["session.unlocked", "画面のロック解除"],
  ["session.proven", "操作前の本人の確認"],
  ["session.wrong-password", "パスワードの誤り"],
  ["session.wrong-code", "認証コードの誤り"],
  ["session.wrong-assertion", "認証器の誤り"],
  ["session.unknown-name", "存在しない利用者名"],
  ["session.not-in-force", "使えない利用者"],
  ["session.no-second-factor", "認証器が未登録"],
  ["session.other-department", "ほかの部署の端末（拒否）"],
  ["session.second-refused", "二重のサインイン（拒否）"],
  ["account.break-glass", "緊急用の利用"],
  ["account.password-set", "パスワードの変更"],
  ["account.totp-set", "認証アプリの登録"],
  ["account.credential-added", "認証器の登録"],
  ["account.wrong-enrolment", "登録コードの誤り"],
  ["account.issue-code", "ワンタイムコードの発行"],
  ["account.disable", "利用停止"],
  ["application.view", "申請の閲覧"],
  ["application.hidden", "支援措置対象者の閲覧（拒否）"],
  ["application.attachment", "添付書類の閲覧"],
  ["application.numbers", "個人番号の表示"],
  ["application.claim", "着手"],
  ["application.release", "着手の解除"],
  ["application.move", "状態の変更"],
  ["registry.search", "住民の検索"],
  ["staff.identify-propose", "宛名番号の提案"],
  ["staff.identify-confirm", "宛名番号の確認"],
  ["staff.identify-drop", "宛名番号の提案の取消し"],
  ["staff.approve", "承認"],
  ["staff.correction", "訂正依頼"],
  ["staff.refuse", "受付不可"],
  ["staff.hold", "保留"],
  ["staff.withdraw", "取下げ"],
  ["staff.resend", "再処理"],
  ["staff.reroute", "振替"],
  ["staff.identify-undo", "宛名番号の特定の取消し"],
  ["staff.contact", "連絡の記録"],
  ["output.ask", "出力の申請"],
  ["output.approve", "出力の承認"],
  ["output.fetch", "出力したものの受取り"],
  ["output.password", "出力ファイルのパスワードの表示"],
  ["output.print", "印刷"],
  ["output.dispose", "出力物の廃棄"],
  ["change.propose", "変更案の登録"],
  ["change.confirm", "変更案の確認"],
  ["change.reject", "変更案の差戻し"],
  ["change.withdraw", "変更案の取下げ"],
  ["change.stale", "変更案の失効"],
  ["change.lapsed", "変更案の失効（管理者でなくなった人の変更案）"],
  ["change.cancel", "確認した変更の取消し"],
  ["change.refused", "変更案の確認（拒否）"],
  ["change.first", "最初の登録"],
  ["registry.import", "連携データの取込"],
  ["registry.wait", "連携データの取込（確認待ち）"],
  ["change.effective", "変更案の反映（反映する日）"],
  ["personnel.compare", "人事データとの照合"],
  ["personnel.propose", "人事異動の変更案"],
  ["registry.approve", "連携データの承認"],
  ["audit.search", "監査記録の検索"],
  ["audit.report", "点検の表示"],
  ["audit.review", "点検済の記録"],
  ["audit.rights", "権限の比較"],
  ["audit.verify", "監査記録の検証"],
  ["audit.annual", "年次報告の作成"],
  ["audit.export", "監査記録の保存媒体への書き出し"],
  ["audit.archive", "監査記録の保存媒体への移し替え"],
  ["audit.look", "保存媒体の監査記録の閲覧"],
  ["backup.asked", "バックアップの持ち出しの申請"],
  ["backup.approved", "バックアップの持ち出しの承認"],
  ["backup.ended", "バックアップの返却・廃棄"],
  ["application.forgotten", "保存期間を過ぎた申請の消去"],
];
const names = new Map(ACTS);
export const act = (code: string) => names.get(code) ?? code;

export const REPORTS: [string, string][] = [
  ["after-hours", "業務時間外の操作"],
  ["holiday", "休業日の操作"],
  ["failed-sign-in", "サインインの失敗"],
  ["mass-view", "大量閲覧"],
  ["accounts", "利用者点検"],
];

export const WHY: Record<string, string> = {
  ended: "期限切れ",
  "not-enrolled": "未登録",
  "no-rights": "権限なし",
  unused: "長期間未使用",
  "rights-end": "権限の終了（見直し）",
  admin: "管理者",
  contractor: "委託先",
  "break-glass": "緊急用",
};

const DETAILS: Record<string, string> = {
  about: "対象",
  kind: "種類",
  change: "変更案",
  report: "点検",
  from: "期間の始め",
  to: "期間の終わり",
  until: "期間の終わり",
  found: "行数",
  person: "利用者",
  terminal: "端末",
  action: "操作",
  receipt_number: "受付番号",
  entries: "記録の数",
  intact: "異常なし",
  import: "取込",
};
const KIND_WORDS = new Map([...Object.entries(KINDS), ...ACTS, ...REPORTS]);

const valueText = (value: string) => KIND_WORDS.get(value) ?? who(value);

/** What an entry says besides, a JSON object, in words where there are some. */
export function detailText(detail: string): string {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(detail);
  } catch {
    return detail;
  }
  return Object.entries(parsed)
    .map(([key, value]) => `${DETAILS[key] ?? key}：${valueText(String(value))}`)
    .join("、");
}

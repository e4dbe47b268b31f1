#include "intake/explain/explain.h"

#include <string.h>

#include "base/clock.h"
#include "base/era.h"
#include "intake/explain/words.h"

#define MOMENT_TEXT (ERA_TEXT + 16)

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "令和8年11月21日 9時00分05秒"; what is no instant stays as it is. */
static const char *moment_text(const char *rfc3339, char text[MOMENT_TEXT])
{
    instant at;
    char day[ERA_TEXT];
    if (!instant_parse(rfc3339, &at)) {
        snprintf(text, MOMENT_TEXT, "%s", *rfc3339 ? rfc3339 : "不明");
        return text;
    }
    int second = (int)((at - day_start(day_of_instant(at))) / INSTANT_SECOND);
    snprintf(text, MOMENT_TEXT, "%s %d時%02d分%02d秒", era_day_text(day_of_instant(at), day),
             second / 3600, second / 60 % 60, second % 60);
    return text;
}

static void print_moment(FILE *out, const char *label, const char *rfc3339)
{
    char text[MOMENT_TEXT];
    fprintf(out, "%s%s\n", label, moment_text(rfc3339, text));
}

static const char *conclusion_of(const char *verdict)
{
    if (strcmp(verdict, "accepted") == 0)
        return "○ 適合（受け付けられます）";
    if (strcmp(verdict, "refused") == 0)
        return "× 不適合（受け付けられません）";
    return "△ 保留（まだ判定できません）";
}

static void print_reason(FILE *out, const char *reason, const char *indent)
{
    const struct reason_words *words = reason_words_find(reason);
    fprintf(out, "%s理由　　　%s\n", indent, words ? words->imi : "この版の説明書にない理由です。");
    fprintf(out, "%s対応　　　%s\n", indent,
            words ? words->taiou : "管理者へ、下の理由コードを添えて連絡してください。");
    fprintf(out, "%s理由コード　%s\n", indent, reason);
}

static void print_application(FILE *out, const json_t *application)
{
    if (!json_is_object(application)) {
        fputs("申請の内容　構成管理情報を読み取れないため不明\n", out);
        return;
    }
    fprintf(out, "受付番号　　%s\n", text_of(application, "receipt_number"));
    fprintf(out, "手続　　　　%s（様式 第%s版）\n", text_of(application, "procedure"),
            text_of(application, "form_version"));
    print_moment(out, "申請日時　　", text_of(application, "applied_at"));
    bool by_agent = strcmp(text_of(application, "applicant_role"), "agent") == 0;
    fprintf(out, "申請した人　%s\n", by_agent ? "代理人" : "本人");
}

/* What a rule of the procedure says in its own words, and of which item. */
static void print_message(FILE *out, const json_t *told)
{
    if (*text_of(told, "message"))
        fprintf(out, "      %s\n      （項目 %s）\n", text_of(told, "message"),
                text_of(told, "item"));
}

static void print_check(FILE *out, const json_t *check)
{
    const char *result = text_of(check, "result"), *name = text_of(check, "check");
    const char *mark = strcmp(result, "passed") == 0   ? "○"
                       : strcmp(result, "failed") == 0 ? "×"
                                                       : "△";
    const struct check_words *words = check_words_find(name);
    fprintf(out, "  %s %s\n", mark, words ? words->kensa : name);
    if (strcmp(result, "passed") == 0)
        return;
    const struct reason_words *reason = reason_words_find(text_of(check, "reason"));
    fprintf(out, "      %s（%s）\n", reason ? reason->imi : "", text_of(check, "reason"));
    print_message(out, json_object_get(check, "inputs"));
}

/* One of a row of passed checks that have the same words is enough. */
static bool as_the_one_before(const json_t *checks, size_t index)
{
    if (index == 0)
        return false;
    const json_t *before = json_array_get(checks, index - 1),
                 *check = json_array_get(checks, index);
    const char *name = text_of(check, "check"), *name_before = text_of(before, "check");
    const void *words = check_words_find(name);
    return strcmp(text_of(check, "result"), "passed") == 0 &&
           strcmp(text_of(before, "result"), "passed") == 0 &&
           (strcmp(name, name_before) == 0 || (words && words == check_words_find(name_before)));
}

static void print_checks(FILE *out, const json_t *checks)
{
    size_t index;
    json_t *check;
    fputs("\n検査した項目（○ 適合　× 不適合　△ 判定できず）\n", out);
    json_array_foreach ((json_t *)checks, index, check)
        if (!as_the_one_before(checks, index))
            print_check(out, check);
}

static void print_findings(FILE *out, const json_t *findings)
{
    size_t index;
    json_t *finding;
    if (json_array_size(findings) > 0)
        fputs("\n職員が確かめること（◇ 審査が必要　・ 参考）\n", out);
    json_array_foreach ((json_t *)findings, index, finding) {
        bool review = strcmp(text_of(finding, "severity"), "review") == 0;
        fprintf(out, "  %s 規則 %s\n", review ? "◇" : "・", text_of(finding, "rule"));
        print_message(out, finding);
    }
}

static void print_revocation(FILE *out, const json_t *revocation)
{
    if (!json_is_object(revocation)) {
        fputs("  失効情報　　　使っていません\n", out);
        return;
    }
    if (strcmp(text_of(revocation, "kind"), "ocsp") == 0) {
        fputs("  失効情報　　　OCSP 応答\n", out);
        print_moment(out, "    応答の作成　", text_of(revocation, "produced_at"));
    } else {
        fprintf(out, "  失効情報　　　失効リスト（CRL）番号 %s\n", text_of(revocation, "number"));
    }
    print_moment(out, "    発行　　　　", text_of(revocation, "this_update"));
    if (*text_of(revocation, "next_update"))
        print_moment(out, "    次回予定　　", text_of(revocation, "next_update"));
}

static void print_evidence(FILE *out, const json_t *report)
{
    const json_t *evidence = json_object_get(report, "evidence");
    fputs("\n判定に使ったもの\n", out);
    print_moment(out, "  判定の基準日時　", text_of(report, "judged_at"));
    if (*text_of(report, "judged_at_source"))
        fprintf(out, "    （%s）\n",
                strcmp(text_of(report, "judged_at_source"), "promise") == 0
                    ? "ポータルの一覧などで別に示された申請日時で、申請データの記載と一致"
                    : "申請データ自身の記載による。ほかに確かめるものはありません");
    print_moment(out, "  検査を行った日時　", text_of(report, "examined_at"));
    fprintf(out, "  署名の方式　　%s\n",
            *text_of(evidence, "algorithm") ? text_of(evidence, "algorithm")
                                            : "確かめられた署名はありません");
    print_revocation(out, json_object_get(evidence, "revocation"));
    fprintf(out, "  申請データの指紋（SHA-256）\n    %s\n", text_of(evidence, "package_sha256"));
    if (*text_of(evidence, "certificate_sha256"))
        fprintf(out, "  証明書の指紋（SHA-256）\n    %s\n",
                text_of(evidence, "certificate_sha256"));
    fprintf(out, "  検査したプログラム　%s\n", text_of(report, "software"));
}

/* Only where a signature holds: else nothing is covered, and the checks say why. */
static void print_uncovered(FILE *out, const json_t *report)
{
    const json_t *coverage = json_object_get(report, "coverage");
    if (!*text_of(json_object_get(report, "evidence"), "algorithm"))
        return;
    size_t index;
    json_t *member;
    json_array_foreach ((json_t *)coverage, index, member)
        if (strcmp(text_of(member, "coverage"), "none") == 0)
            fprintf(out, "  ！ %s は署名の対象ではありません。内容を判断に使わないでください。\n",
                    text_of(member, "member"));
}

/* Attachments that the applicant signed, but not as belonging to this form. */
static void print_apart(FILE *out, const json_t *report)
{
    size_t index;
    json_t *member;
    json_array_foreach (json_object_get(report, "coverage"), index, member) {
        const char *coverage = text_of(member, "coverage");
        bool is_signed = strcmp(coverage, "bytes") == 0 || strcmp(coverage, "tree") == 0;
        if (is_signed && json_is_false(json_object_get(member, "together")) &&
            strcmp(text_of(member, "member"), "application.xml") != 0)
            fprintf(out,
                    "  ・ %s は単独で署名されています。この申請書に添付されたこととファイル名は、"
                    "署名ではなくポータルの記載によります。\n",
                    text_of(member, "member"));
    }
}

void explain_page(FILE *out, const char *title, const json_t *report)
{
    const char *reason = text_of(report, "reason");
    fprintf(out, "申請データの検査結果　%s\n", title);
    fputs("────────────────────────────────\n", out);
    print_application(out, json_object_get(report, "application"));
    fprintf(out, "\n結論　　　%s\n", conclusion_of(text_of(report, "verdict")));
    if (*reason)
        print_reason(out, reason, "");
    print_checks(out, json_object_get(report, "checks"));
    print_findings(out, json_object_get(report, "findings"));
    print_uncovered(out, report);
    print_apart(out, report);
    print_evidence(out, report);
    fputc('\n', out);
}

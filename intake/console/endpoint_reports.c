/* /api/audit/reports/{report}?from=&to=: a report and who signed it off (GET); sign it off (POST,
 * with the `seen` that the GET told: whoever signs has seen what is there). Each is in the audit
 * trail. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/admin.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"
#include "intake/console/report.h"

#define REMARK_MOST 500 /* characters */

static const struct db_statement select_reviews = {
    "report_reviews",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('from', to_char(from_day, 'FM0000-00-00'), 'to',"
    " to_char(to_day, 'FM0000-00-00'), 'found', found, 'by', reviewed_by, 'at',"
    " moment_in_japan(reviewed_at), 'terminal', terminal, 'remark', remark, 'seen',"
    " encode(sha256, 'hex')) ORDER BY review_id DESC), '[]')::text FROM (SELECT * FROM audit_review"
    " WHERE city_code = $1 AND report = $2 ORDER BY review_id DESC LIMIT 50) AS latest"};
/* One after the other, so that who presses twice is seen the second time. */
static const struct db_statement review_turn = {
    "report_review_turn", "SELECT pg_advisory_xact_lock(hashtext('audit_review'), hashtext($1))"};
/* The same words of the same person about exactly the same are one review. */
static const struct db_statement insert_review = {
    "report_review",
    "INSERT INTO audit_review (city_code, report, from_day, to_day, found, sha256,"
    " reviewed_by, terminal, remark) SELECT $1, $2, $3::integer, $4::integer, $5::integer,"
    " $6::bytea, $7, $8, $9 WHERE NOT EXISTS"
    " (SELECT FROM audit_review r WHERE (r.city_code, r.report, r.from_day, r.to_day, r.sha256,"
    "  r.reviewed_by, r.remark) = ($1, $2, $3, $4, $6, $7, $9))"};

struct reading {
    struct admin_call call;
    enum report report;
    struct report_period period;
    const char *remark; /* NULL: only looked at */
    const char *seen;
    bool same, own; /* as it was seen; who signs stands in it */
    json_t *lines, *reviews;
    uint8_t sha256[32];
};

static void reading_end(struct reading *r)
{
    json_decref(r->lines);
    json_decref(r->reviews);
    admin_end(&r->call);
}

static json_t *detail_json(const struct reading *r)
{
    char from[DAY_TEXT], to[DAY_TEXT];
    return json_pack("{s:s, s:s, s:s, s:I}", "report", report_code(r->report), "from",
                     day_text(r->period.from, from), "to", day_text(r->period.to, to), "found",
                     (json_int_t)json_array_size(r->lines));
}

static int64_t number_of(struct day day)
{
    return day.year * 10000 + day.month * 100 + day.day;
}

/* Nobody looks after themselves. */
static bool stands_in(const json_t *lines, const char *person)
{
    size_t i;
    const json_t *line;
    json_array_foreach (lines, i, line)
        if (strcmp(json_string_value(json_object_get(line, "person")), person) == 0)
            return true;
    return false;
}

static bool sign_off(struct db_tx *tx, struct reading *r, struct failure *f)
{
    char seen[65];
    int64_t written;
    const struct administrator *who = &r->call.who;
    r->same = strcmp(r->seen, hex_encode(r->sha256, 32, seen)) == 0;
    r->own = stands_in(r->lines, who->by);
    if (!r->same || r->own)
        return true;
    if (!db_send(tx, &review_turn, DB_VALUES(db_text(who->by)), -1, f) ||
        !db_execute(tx, &insert_review,
                    DB_VALUES(db_text(who->city_code), db_text(report_code(r->report)),
                              db_number(number_of(r->period.from)),
                              db_number(number_of(r->period.to)),
                              db_number((int64_t)json_array_size(r->lines)),
                              db_bytes(bytes_of(r->sha256, 32)), db_text(who->by),
                              db_text(who->terminal), db_text(r->remark)),
                    &written, f))
        return false;
    return !written || administer_note(tx, who, "audit.review", detail_json(r), r->remark, f);
}

static bool report_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct reading *r = context;
    const struct administrator *who = &r->call.who;
    json_decref(TAKE(r->lines));
    json_decref(TAKE(r->reviews));
    if (!report_make(tx, who->city_code, who->by, r->report, &r->call.context->report_rules,
                     &r->period, &r->lines, r->sha256, f))
        return false;
    if (r->remark ? !sign_off(tx, r, f)
                  : !administer_note(tx, who, "audit.report", detail_json(r), NULL, f))
        return false;
    return admin_json(tx, &r->call, &select_reviews, report_code(r->report), &r->reviews, f);
}

/* --- the question ----------------------------------------------------------------------------- */

static bool day_argument(struct http_request *request, const char *name, struct day *ret_day)
{
    const char *text = http_request_query(request, name);
    if (!text || !*text) {
        *ret_day = day_of_instant(clock_now());
        return true;
    }
    if (day_parse(text, ret_day))
        return true;
    http_reply_error(request, 400, "E0002", "%s must be a day, YYYY-MM-DD", name);
    return false;
}

static bool question_read(struct http_request *request, struct reading *r)
{
    if (!report_from_code(http_request_parameter(request, "report"), &r->report)) {
        http_reply_error(request, 404, "E0100", "そのような点検はありません。");
        return false;
    }
    if (!day_argument(request, "from", &r->period.from) ||
        !day_argument(request, "to", &r->period.to))
        return false;
    int64_t days = day_number(r->period.to) - day_number(r->period.from) + 1;
    if (days >= 1 && days <= REPORT_DAYS_MOST)
        return true;
    http_reply_error(request, 400, "E0004", "期間は1日から%d日までにしてください。",
                     REPORT_DAYS_MOST);
    return false;
}

static enum http_flow reply(const struct reading *r)
{
    char from[DAY_TEXT], to[DAY_TEXT], seen[65];
    _cleanup_(cleanup_text) char *rule = report_rule_ja(r->report, &r->call.context->report_rules);
    return names_reply(r->call.context, r->call.request, 200,
                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:s, s:O}", "report",
                                 report_code(r->report), "name", report_name_ja(r->report), "rule",
                                 rule, "from", day_text(r->period.from, from), "to",
                                 day_text(r->period.to, to), "items", r->lines, "seen",
                                 hex_encode(r->sha256, 32, seen), "reviews", r->reviews));
}

enum http_flow endpoint_report(struct http_request *request, void *context)
{
    _cleanup_(reading_end) struct reading r = {0};
    if (admin_begin(context, request, RIGHT_AUDIT, &r.call) && question_read(request, &r) &&
        admin_do(&r.call, report_work, &r))
        reply(&r);
    return HTTP_DONE;
}

enum http_flow endpoint_report_post(struct http_request *request, void *context)
{
    _cleanup_(reading_end) struct reading r = {0};
    if (!admin_begin(context, request, RIGHT_AUDIT, &r.call) || !question_read(request, &r))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    r.seen = body ? console_text(request, body, "seen", 64) : NULL;
    r.remark = r.seen ? console_text(request, body, "remark", REMARK_MOST) : NULL;
    if (!r.remark || !admin_do(&r.call, report_work, &r))
        return HTTP_DONE;
    if (!r.same)
        return console_reply_conflict(request, json_object(),
                                      "表示した後に記録が増えました。もう一度表示して、確かめてから"
                                      "点検済にしてください。");
    if (r.own)
        return console_reply_conflict(
            request, json_object(),
            "あなた自身の操作が含まれています。ほかの監査担当者が点検してく"
            "ださい。");
    return reply(&r);
}

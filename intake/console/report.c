#include "intake/console/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "intake/console/holiday.h"

/* $1 city, $2 from, $3 until, $4 closed days of the period, $5 and $6 the office hours in minutes,
 * $7 how many views are many, $8 used since, $9 who reads: that they look at a report is none of
 * what they look at, or it would never stay as it was seen; $10 rights that end by then. A
 * statement needs them all. */
#define ACTS                                                                                       \
    "WITH acts AS (SELECT e.actor, e.terminal, e.action, e.application_id, e.at,"                  \
    " day_in_japan(e.at) AS day, (extract(hour FROM e.at AT TIME ZONE 'Asia/Tokyo') * 60"          \
    "  + extract(minute FROM e.at AT TIME ZONE 'Asia/Tokyo'))::integer AS minute"                  \
    " FROM audit_entry e WHERE e.chain = 'console' AND e.city_code = $1"                           \
    " AND e.at >= $2 AND e.at < $3 AND e.actor LIKE 'staff:%'"                                     \
    " AND NOT (e.actor = $9 AND e.action LIKE 'audit.%')), bounds AS (SELECT"                      \
    " $4::text[] AS closed, $5::integer AS begins, $6::integer AS ends, $7::integer AS many,"      \
    " $8::timestamptz AS used_since, $10::timestamptz AS rights_due) "
#define LINES(wanted)                                                                              \
    "SELECT coalesce(jsonb_agg(jsonb_build_object('person', person, 'name', (SELECT display_name"  \
    "  FROM account a WHERE a.city_code = $1 AND a.name = substring(person FROM 7)), 'kind',"      \
    "  (SELECT kind FROM account a WHERE a.city_code = $1 AND a.name = substring(person FROM 7))," \
    " 'day', day, 'terminals', terminals, 'count', found, 'applications', applications, 'first',"  \
    " moment_in_japan(first), 'last', moment_in_japan(last), 'actions', actions)"                  \
    " ORDER BY day, person), '[]')::text FROM (SELECT actor AS person, day, count(*) AS found,"    \
    " count(DISTINCT application_id) AS applications, min(at) AS first, max(at) AS last,"          \
    " array_agg(DISTINCT terminal) AS terminals, array_agg(DISTINCT action) AS actions"            \
    " FROM acts, bounds WHERE " wanted ") AS lines"
#define BY_DAY " GROUP BY actor, day"

static const struct db_statement statements[REPORT_COUNT] = {
    [REPORT_AFTER_HOURS] =
        {"report_after_hours",
         ACTS LINES("day <> ALL(closed) AND (minute < begins OR minute >= ends)" BY_DAY)},
    [REPORT_HOLIDAY] = {"report_holiday", ACTS LINES("day = ANY(closed)" BY_DAY)},
    [REPORT_FAILED_SIGN_IN] =
        {"report_failed_sign_in",
         ACTS LINES("action IN ('session.wrong-password', 'session.wrong-code',"
                    " 'session.wrong-assertion', 'session.unknown-name', 'session.not-in-force',"
                    " 'session.no-second-factor', 'session.second-refused',"
                    " 'session.other-department',"
                    " 'account.wrong-enrolment')" BY_DAY)},
    [REPORT_MASS_VIEW] = {"report_mass_view",
                          ACTS LINES("application_id IS NOT NULL" BY_DAY
                                     ", many HAVING count(DISTINCT application_id) > many")},
    [REPORT_ACCOUNTS] =
        {"report_accounts", ACTS
         ", found AS (SELECT a.name, a.display_name, a.department, a.kind, a.valid_to,"
         " (SELECT max(s.created_at) FROM session s WHERE s.complete"
         "  AND (s.city_code, s.account_id) = (a.city_code, a.account_id)) AS last,"
         " array_remove(ARRAY[CASE WHEN a.valid_to <= now() THEN 'ended' END,"
         "  CASE WHEN a.password IS NULL THEN 'not-enrolled' END,"
         "  CASE WHEN NOT EXISTS (SELECT FROM account_right r WHERE right_in_force(r, now())"
         "   AND (r.city_code, r.account_id) = (a.city_code, a.account_id)) THEN 'no-rights'"
         "  END, CASE WHEN a.valid_from < used_since AND NOT EXISTS (SELECT FROM session s"
         "   WHERE s.complete AND s.created_at >= used_since AND (s.city_code, s.account_id)"
         "   = (a.city_code, a.account_id)) THEN 'unused' END,"
         "  CASE WHEN EXISTS (SELECT FROM account_right r WHERE r.\"right\" = 'admin'"
         "   AND (r.city_code, r.account_id) = (a.city_code, a.account_id)) THEN 'admin' END,"
         "  CASE WHEN due.rights IS NOT NULL THEN 'rights-end' END,"
         "  CASE WHEN a.kind <> 'staff' THEN a.kind END], NULL) AS why, due.rights"
         " FROM account a CROSS JOIN bounds CROSS JOIN LATERAL (SELECT jsonb_agg(right_value(r)"
         "  ORDER BY r.until, r.business, r.department, r.\"right\") AS rights"
         "  FROM account_right r WHERE (r.city_code, r.account_id) = (a.city_code, a.account_id)"
         "  AND r.approved_by IS NOT NULL AND r.until <= rights_due) AS due"
         " WHERE a.city_code = $1 AND a.disabled_at IS NULL"
         "  AND (a.first OR a.approved_by IS NOT NULL))"
         " SELECT coalesce(jsonb_agg(jsonb_build_object('person', 'staff:' || name, 'name',"
         " display_name, 'department', department, 'kind', kind, 'valid_to',"
         " day_in_japan(valid_to - interval '1 microsecond'), 'last', moment_in_japan(last),"
         " 'why', why, 'rights', coalesce(rights, '[]')) ORDER BY name), '[]')::text FROM found "
         "WHERE cardinality(why) > 0"},
};

static const struct {
    const char *code, *name_ja;
} reports[REPORT_COUNT] = {
    [REPORT_AFTER_HOURS] = {"after-hours", "業務時間外の操作"},
    [REPORT_HOLIDAY] = {"holiday", "休業日の操作"},
    [REPORT_FAILED_SIGN_IN] = {"failed-sign-in", "サインインの失敗"},
    [REPORT_MASS_VIEW] = {"mass-view", "大量閲覧"},
    [REPORT_ACCOUNTS] = {"accounts", "利用者点検"},
};

const char *report_code(enum report report)
{
    return reports[report].code;
}

const char *report_name_ja(enum report report)
{
    return reports[report].name_ja;
}

bool report_from_code(const char *code, enum report *ret_report)
{
    for (enum report report = 0; report < REPORT_COUNT; report++)
        if (strcmp(reports[report].code, code) == 0) {
            *ret_report = report;
            return true;
        }
    return false;
}

/* --- the rules -------------------------------------------------------------------------------- */

/* "08:30" */
static bool minute_read(const char *text, int64_t *ret_minute)
{
    int64_t hour, minute;
    _cleanup_(cleanup_text) char *hours = text_copy_n(text, 2);
    _cleanup_(cleanup_text) char *minutes = text_copy_n(text + 3, 2);
    if (text[2] != ':' || !digits_only(hours, 2) || !digits_only(minutes, 2) ||
        !number_parse(hours, 0, 24, &hour) || !number_parse(minutes, 0, 59, &minute))
        return false;
    *ret_minute = hour * 60 + minute;
    return *ret_minute <= 24 * 60;
}

bool report_rules_read(const struct config_group *group, struct report_rules *ret_rules,
                       struct failure *f)
{
    const char *hours = config_text(group, "hours");
    struct report_rules rules = {.views_most = config_number(group, "mass-view"),
                                 .unused_for = config_duration(group, "unused"),
                                 .rights_due = config_duration(group, "rights-due")};
    if (strlen(hours) != 11 || hours[5] != '-' || !minute_read(hours, &rules.hours_begin) ||
        !minute_read(hours + 6, &rules.hours_end) || rules.hours_begin >= rules.hours_end)
        return failure_set(f, FAILURE_USAGE, "[console] hours must be like 08:30-17:15");
    *ret_rules = rules;
    return true;
}

char *report_rule_ja(enum report report, const struct report_rules *rules)
{
    switch (report) {
    case REPORT_AFTER_HOURS:
        return text_format("開庁日の%d時%02d分〜%d時%02d分以外の操作", (int)rules->hours_begin / 60,
                           (int)rules->hours_begin % 60, (int)rules->hours_end / 60,
                           (int)rules->hours_end % 60);
    case REPORT_HOLIDAY:
        return text_copy("土曜日・日曜日・祝日・年末年始・市の休日の操作");
    case REPORT_FAILED_SIGN_IN:
        return text_copy(
            "パスワードや認証器の誤り、使えない利用者、二重のサインイン、ほかの部署の端末");
    case REPORT_MASS_VIEW:
        return text_format("1日に%d件を超える申請を扱った利用者", (int)rules->views_most);
    default:
        return text_format(
            "%d日以上使っていない、期限切れ、未登録、権限なし、%d日以内に終わる（終わっ"
            "た）権限、管理者、委託先など",
            (int)(rules->unused_for / INSTANT_DAY), (int)(rules->rights_due / INSTANT_DAY));
    }
}

/* --- making one ------------------------------------------------------------------------------- */

struct closed { /* the closed days of a period, as texts */
    char texts[REPORT_DAYS_MOST][DAY_TEXT];
    const char *list[REPORT_DAYS_MOST];
    size_t count;
};

static bool closed_read(struct db_tx *tx, const char *city_code, const struct report_period *period,
                        struct closed *ret, struct failure *f)
{
    struct holidays holidays;
    if (!holidays_load(tx, city_code, &holidays, f))
        return false;
    ret->count = 0;
    for (struct day day = period->from;
         day_compare(day, period->to) <= 0 && ret->count < REPORT_DAYS_MOST; day = day_add(day, 1))
        if (holiday_closed(&holidays, day)) {
            ret->list[ret->count] = day_text(day, ret->texts[ret->count]);
            ret->count++;
        }
    holidays_free(&holidays);
    return true;
}

bool report_make(struct db_tx *tx, const char *city_code, const char *reader, enum report report,
                 const struct report_rules *rules, const struct report_period *period,
                 json_t **ret_lines, uint8_t ret_sha256[32], struct failure *f)
{
    struct closed closed;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!closed_read(tx, city_code, period, &closed, f) ||
        !db_query(tx, &statements[report],
                  DB_VALUES(db_text(city_code), db_instant(day_start(period->from)),
                            db_instant(day_start(day_add(period->to, 1))),
                            db_texts(closed.list, closed.count), db_number(rules->hours_begin),
                            db_number(rules->hours_end), db_number(rules->views_most),
                            db_instant(clock_now() - rules->unused_for), db_text(reader),
                            db_instant(clock_now() + rules->rights_due)),
                  &rows, f))
        return false;
    const char *text = db_get_text(rows, 0, 0);
    sha256(bytes_of_text(text), ret_sha256);
    *ret_lines = json_read(bytes_of_text(text));
    return *ret_lines || failure_set(f, FAILURE_DATABASE, "a report that is no JSON");
}

/* GET /api/admin/{users, terminals, media, holidays, templates}: as it is, in the form of a change
 * (intake/console/change.h) with what else is good to know. POST /api/admin/users/{name}/stop: at
 * once, by one person. */
#include <string.h>

#include "base/cleanup.h"
#include "forms/days.h"
#include "intake/console/admin.h"
#include "intake/console/change.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"

static const struct db_statement select_users = {
    "admin_users",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('subject', name, 'value',"
    " change_current(city_code, 'account', name), 'enrolled', password IS NOT NULL,"
    " 'code_until', moment_in_japan(CASE WHEN enrolment IS NOT NULL THEN enrolment_until END),"
    " 'locked_until', moment_in_japan(CASE WHEN locked_until > now() THEN locked_until END),"
    " 'failures', failures, 'factors', (SELECT count(*) FROM account_credential c"
    "  WHERE (c.city_code, c.account_id) = (a.city_code, a.account_id)) + (totp IS NOT NULL)::int,"
    " 'last_session', (SELECT moment_in_japan(max(created_at)) FROM session s WHERE complete"
    "  AND (s.city_code, s.account_id) = (a.city_code, a.account_id)), 'created_by', created_by,"
    " 'approved_by', CASE WHEN first THEN 'first' ELSE approved_by END) ORDER BY name), '[]')::text"
    " FROM account a WHERE city_code = $1 AND (first OR approved_by IS NOT NULL)"};
static const struct db_statement select_terminals = {
    "admin_terminals",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('subject', label, 'value',"
    " change_current(city_code, 'terminal', label), 'proposed_by', proposed_by, 'approved_by',"
    " approved_by, 'last_session', (SELECT moment_in_japan(max(created_at)) FROM session s"
    "  WHERE (s.city_code, s.terminal_id) = (t.city_code, t.terminal_id))) ORDER BY label), '[]')"
    "::text FROM terminal t WHERE city_code = $1 AND retired_at IS NULL"
    " AND approved_by IS NOT NULL"};
static const struct db_statement select_media = {
    "admin_media",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('subject', medium_id, 'value',"
    " jsonb_build_object('department', department, 'description', description), 'last_output',"
    " (SELECT moment_in_japan(max(asked_at)) FROM output o WHERE o.city_code = m.city_code"
    "  AND o.medium = m.medium_id)) ORDER BY medium_id), '[]')::text FROM medium m"
    " WHERE city_code = $1"};
static const struct db_statement select_holidays = {
    "admin_holidays",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('subject', to_char(day, 'FM0000-00-00'), 'value',"
    " jsonb_build_object('name', name)) ORDER BY day), '[]')::text FROM holiday"
    " WHERE city_code = $1 AND day / 10000 = $2::text::integer"};
static const struct db_statement select_templates = {
    "admin_templates",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('subject', title, 'value',"
    " jsonb_build_object('business', business, 'text', text)) ORDER BY title), '[]')::text"
    " FROM message_template WHERE city_code = $1"};

struct listing {
    struct admin_call call;
    const struct db_statement *statement;
    const char *argument;
    json_t *items;
};

static void listing_end(struct listing *l)
{
    json_decref(l->items);
    admin_end(&l->call);
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct listing *l = context;
    json_decref(TAKE(l->items));
    return admin_json(tx, &l->call, l->statement, l->argument, &l->items, f);
}

static enum http_flow list_reply(struct http_request *request, void *context,
                                 const struct db_statement *statement)
{
    _cleanup_(listing_end) struct listing l = {.statement = statement};
    if (admin_begin(context, request, RIGHT_ADMIN, &l.call) && admin_do(&l.call, list_work, &l))
        names_reply(context, request, 200, json_pack("{s:O}", "items", l.items));
    return HTTP_DONE;
}

enum http_flow endpoint_users(struct http_request *request, void *context)
{
    return list_reply(request, context, &select_users);
}

enum http_flow endpoint_terminals(struct http_request *request, void *context)
{
    return list_reply(request, context, &select_terminals);
}

enum http_flow endpoint_admin_media(struct http_request *request, void *context)
{
    return list_reply(request, context, &select_media);
}

enum http_flow endpoint_admin_templates(struct http_request *request, void *context)
{
    return list_reply(request, context, &select_templates);
}

/* --- holidays --------------------------------------------------------------------------------- */

/* Those that the law names; Saturdays, Sundays and the turn of the year go without saying. */
static json_t *legal_json(int year)
{
    json_t *list = json_array();
    char text[DAY_TEXT];
    for (struct day day = {year, 1, 1}; day.year == year; day = day_add(day, 1)) {
        const char *name = holiday_name(day);
        if (name)
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "day", day_text(day, text), "name", name));
    }
    return list;
}

enum http_flow endpoint_holidays(struct http_request *request, void *context)
{
    int64_t year;
    _cleanup_(listing_end) struct listing l = {.statement = &select_holidays};
    if (!admin_begin(context, request, RIGHT_ADMIN, &l.call) ||
        !http_request_query_number(request, "year", HOLIDAYS_FIRST, HOLIDAYS_LAST,
                                   day_of_instant(clock_now()).year, &year))
        return HTTP_DONE;
    _cleanup_(cleanup_text) char *text = text_format("%d", (int)year);
    l.argument = text;
    if (admin_do(&l.call, list_work, &l))
        http_reply_json(request, 200,
                        json_pack("{s:I, s:O, s:o}", "year", (json_int_t)year, "items", l.items,
                                  "legal", legal_json((int)year)));
    return HTTP_DONE;
}

/* --- at once ---------------------------------------------------------------------------------- */

struct stopping {
    struct admin_call call;
    const char *name, *reason;
    enum account_stop stop;
};

static void stopping_end(struct stopping *s)
{
    admin_end(&s->call);
}

static bool stop_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct stopping *s = context;
    return account_disable(tx, &s->call.who, s->name, s->reason, &s->stop, f);
}

enum http_flow endpoint_users_stop(struct http_request *request, void *context)
{
    _cleanup_(stopping_end) struct stopping s = {.name = http_request_parameter(request, "name")};
    if (!admin_begin(context, request, RIGHT_ADMIN, &s.call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    s.reason = body ? console_text(request, body, "reason", CHANGE_REASON_MOST) : NULL;
    if (!s.reason || !admin_do(&s.call, stop_work, &s))
        return HTTP_DONE;
    if (s.stop == ACCOUNT_LAST_ADMINISTRATORS)
        return console_reply_conflict(
            request, json_object(),
            "管理者が2人以下のときは、1人では停止できません。変更案を出し、ほかの人が確認してくださ"
            "い。");
    if (s.stop != ACCOUNT_STOPPED)
        return http_reply_error(request, 404, "E0100", "使えるそのような利用者はいません。");
    return http_reply_json(request, 200, json_pack("{s:s}", "message", "利用を停止しました。"));
}

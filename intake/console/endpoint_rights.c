/* GET /api/audit/rights?from=&to=: whose rights are others at the end of one day than at that of
 * another, and the changes in between. GET /api/audit/rights.csv: all rights of all accounts on
 * both days, each with what became of it. */
#include <string.h>

#include "base/cleanup.h"
#include "base/csv.h"
#include "base/json.h"
#include "intake/console/admin.h"
#include "intake/console/change.h"
#include "intake/console/endpoints.h"

/* $2, $3 the moments; $4 also those that are the same. */
static const struct db_statement select_rights = {
    "rights_between",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('person', 'staff:' || name, 'before', before,"
    " 'after', after, 'changes', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.change_id,"
    "  'at', moment_in_japan(coalesce(c.effective_at, c.decided_at)), 'proposed_by',"
    "  c.proposed_by, 'decided_by', c.decided_by, 'reason', c.reason)"
    "  ORDER BY coalesce(c.effective_at, c.decided_at), c.change_id), '[]') FROM change c"
    "  WHERE c.city_code = $1 AND c.kind = 'account' AND c.subject = name AND c.state = 'effective'"
    "  AND coalesce(c.effective_at, c.decided_at) > $2"
    "  AND coalesce(c.effective_at, c.decided_at) <= $3)) ORDER BY name), '[]')::text "
    "FROM (SELECT a.name, account_as_of($1, a.name, $2) AS before,"
    " account_as_of($1, a.name, $3) AS after FROM account a"
    " WHERE a.city_code = $1 AND (a.first OR a.approved_by IS NOT NULL)) AS both_days"
    " WHERE before IS DISTINCT FROM after OR ($4::boolean AND after IS NOT NULL)"};

struct comparing {
    struct admin_call call;
    struct day from, to;
    bool all;
    json_t *items;
    struct buffer csv;
};

static void comparing_end(struct comparing *c)
{
    json_decref(c->items);
    buffer_free(&c->csv);
    admin_end(&c->call);
}

static bool compare_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct comparing *c = context;
    char from[DAY_TEXT], to[DAY_TEXT];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    json_decref(TAKE(c->items));
    if (!db_query(tx, &select_rights,
                  DB_VALUES(db_text(c->call.who.city_code),
                            db_instant(day_start(day_add(c->from, 1))),
                            db_instant(day_start(day_add(c->to, 1))), db_boolean(c->all)),
                  &rows, f))
        return false;
    c->items = json_read(bytes_of_text(db_get_text(rows, 0, 0)));
    if (!c->items)
        return failure_set(f, FAILURE_DATABASE, "rights that are no JSON");
    return administer_note(tx, &c->call.who, "audit.rights",
                           json_pack("{s:s, s:s, s:I}", "from", day_text(c->from, from), "to",
                                     day_text(c->to, to), "found",
                                     (json_int_t)json_array_size(c->items)),
                           NULL, f);
}

/* Two days, the earlier first, none to come. False after replying. */
static bool days_read(struct http_request *request, struct comparing *c)
{
    const char *from = http_request_query(request, "from"), *to = http_request_query(request, "to");
    struct day today = day_of_instant(clock_now());
    if (from && to && day_parse(from, &c->from) && day_parse(to, &c->to) &&
        day_compare(c->from, c->to) < 0 && day_compare(c->to, today) <= 0)
        return true;
    http_reply_error(request, 400, "E0002",
                     "from and to are days until today, YYYY-MM-DD, the earlier first");
    return false;
}

static bool compare(struct http_request *request, void *context, struct comparing *c)
{
    return admin_begin(context, request, RIGHT_AUDIT, &c->call) && days_read(request, c) &&
           admin_do(&c->call, compare_work, c);
}

enum http_flow endpoint_rights(struct http_request *request, void *context)
{
    _cleanup_(comparing_end) struct comparing c = {0};
    char from[DAY_TEXT], to[DAY_TEXT];
    if (compare(request, context, &c))
        http_reply_json(request, 200,
                        json_pack("{s:s, s:s, s:O}", "from", day_text(c.from, from), "to",
                                  day_text(c.to, to), "items", c.items));
    return HTTP_DONE;
}

/* --- as CSV -----------------------------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const char *standing(const json_t *account)
{
    if (!json_is_object(account))
        return "登録なし";
    return json_is_true(json_object_get(account, "in_force")) ? "利用可" : "利用不可";
}

/* The right of the account that is the same but for its end; NULL: it has none. */
static const json_t *same_right(const json_t *account, const json_t *wanted)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(account, "rights"), i, one)
        if (change_same_right(one, wanted))
            return one;
    return NULL;
}

static const char *had(const json_t *right)
{
    const char *until = text_of(right, "until");
    return !right ? "" : *until ? until : "あり";
}

static const char *became(const json_t *before, const json_t *after)
{
    if (!before || !after)
        return before ? "なくなった" : after ? "加わった" : "";
    return strcmp(text_of(before, "until"), text_of(after, "until")) ? "終了日が変わった" : "";
}

/* `before` and `after`: the same right on both days; both NULL for an account without any. */
static void row_write(struct comparing *c, const json_t *item, const json_t *before,
                      const json_t *after)
{
    const json_t *first = json_object_get(item, "before"), *second = json_object_get(item, "after"),
                 *right = after ? after : before;
    const json_t *person = json_is_object(second) ? second : first;
    enum right code;
    const char *name = right_from_code(text_of(right, "right"), &code) ? right_name_ja(code)
                                                                       : text_of(right, "right");
    const char *const fields[] = {
        text_of(item, "person") + strlen("staff:"),
        text_of(person, "display_name"),
        text_of(first, "department"),
        text_of(second, "department"),
        standing(first),
        standing(second),
        text_of(right, "business"),
        text_of(right, "department"),
        name,
        had(before),
        had(after),
        became(before, after),
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buffer_append_text(&c->csv, i ? "," : "");
        csv_quote(fields[i], &c->csv);
    }
    buffer_append_text(&c->csv, "\r\n");
}

static void account_write(struct comparing *c, const json_t *item)
{
    size_t i;
    const json_t *one, *first = json_object_get(item, "before"),
                       *second = json_object_get(item, "after");
    const json_t *was = json_object_get(first, "rights"), *is = json_object_get(second, "rights");
    json_array_foreach (was, i, one)
        row_write(c, item, one, same_right(second, one));
    json_array_foreach (is, i, one)
        if (!same_right(first, one))
            row_write(c, item, NULL, one);
    if (!json_array_size(was) && !json_array_size(is))
        row_write(c, item, NULL, NULL);
}

static void csv_write(struct comparing *c)
{
    size_t i;
    const json_t *item;
    char from[DAY_TEXT], to[DAY_TEXT];
    day_text(c->from, from);
    day_text(c->to, to);
    buffer_format(&c->csv,
                  "\xef\xbb\xbf"
                  "利用者名,氏名,部署（%s）,部署（%s）,利用（%s）,利用（%s）,事務,権限の部署,権限,"
                  "権限（%s）,権限（%s）,変わったこと\r\n",
                  from, to, from, to, from, to);
    json_array_foreach (c->items, i, item)
        account_write(c, item);
}

enum http_flow endpoint_rights_csv(struct http_request *request, void *context)
{
    _cleanup_(comparing_end) struct comparing c = {.all = true};
    if (!compare(request, context, &c))
        return HTTP_DONE;
    csv_write(&c);
    http_reply_header(request, "Content-Disposition", "attachment; filename=\"rights.csv\"");
    return http_reply_bytes(request, 200, "text/csv; charset=utf-8", buffer_bytes(&c.csv));
}

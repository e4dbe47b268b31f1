/* GET /api/queue: what waits for people, of what the caller may see; what is due first comes
 * first, then who applied first. What somebody put off is away until then. No names: whoever is
 * protected is not told apart here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/endpoints.h"
#include "intake/console/subject.h"
#include "intake/explain/lines.h"
#include "routing/route.h"

#define QUEUE_MOST 200 /* items of one answer */

/* The list of states is that of the index application_waiting. */
#define WAITING "a.state IN ('review', 'unmatched', 'held', 'correction')"

static const struct db_statement queue_counts = {
    "queue_counts",
    "SELECT a.state, count(*) FILTER (WHERE h.until IS NULL),"
    " count(*) FILTER (WHERE h.until IS NULL AND a.due_on < $4::date), count(h.until) "
    "FROM application a LEFT JOIN staff_hold h ON (h.city_code, h.application_id)"
    " = (a.city_code, a.application_id) AND h.until > $5::timestamptz "
    "WHERE a.city_code = $1 AND " WAITING " AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"
    " GROUP BY a.state"};
static const struct db_statement queue_list = {
    "queue_list",
    "SELECT a.receipt_number, a.procedure_id, a.form_version, a.state, a.reason, a.changed_at,"
    " a.applied_at, a.application_id, c.display_name, c.account_id, a.due_on::text, a.due_term,"
    " a.version, r.demands, h.until "
    "FROM application a LEFT JOIN claim_in_force c USING (city_code, application_id)"
    " LEFT JOIN review r USING (city_code, application_id)"
    " LEFT JOIN staff_hold h USING (city_code, application_id) "
    "WHERE a.city_code = $1 AND " WAITING " AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"
    " AND ($4::text IS NULL OR a.state = $4) AND ($5::text IS NULL OR a.reason = $5)"
    " AND (a.due_on, a.applied_at, a.application_id) > ($6::date, $7::timestamptz, $8::uuid)"
    " AND ($9::text IS NULL OR a.procedure_id = $9) AND a.due_on <= $10::date"
    " AND CASE $11 WHEN 'mine' THEN c.account_id = $12::uuid WHEN 'none' THEN c.account_id IS NULL"
    " ELSE true END AND coalesce(h.until > $13::timestamptz, false) = $14::boolean "
    "ORDER BY a.due_on, a.applied_at, a.application_id LIMIT $15"};

struct queue {
    const struct console_context *context;
    const struct console_caller *caller;
    struct visible visible, filtered;
    const char *state, *reason, *procedure; /* NULL: any */
    const char *claimed;                    /* "mine", "none"; "": whoever's */
    bool put_off;                           /* those instead */
    char due_by[DAY_TEXT];
    char after_due[DAY_TEXT];
    instant after_at;
    char after_id[37];
    int64_t limit;
    json_t *counts, *items, *next;
};

static void answer_free(struct queue *q)
{
    json_decref(q->counts);
    json_decref(q->items);
    json_decref(q->next);
    q->counts = q->items = q->next = NULL;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

static const char *due_text(const char *due_on)
{
    return strcmp(due_on, "infinity") == 0 ? NULL : due_on;
}

/* Nothing about it has to be looked at: it may be accepted with others. */
static bool plain(enum state state, const char *demands)
{
    return state == STATE_REVIEW && demands && strcmp(demands, "route") == 0;
}

static json_t *item_json(const struct queue *q, const struct db_rows *rows, size_t row)
{
    const struct role *role = q->context->role;
    const char *id = db_get_text(rows, row, 1), *reason = db_get_text(rows, row, 4);
    const char *claimer = db_get_text(rows, row, 9), *term = db_get_text(rows, row, 11);
    const struct procedure *procedure =
        procedures_find(role->procedures, id, db_get_text(rows, row, 2));
    struct route route;
    bool routed = route_find(role->config, id, &route);
    enum state state = STATE_HELD;
    state_from_code(db_get_text(rows, row, 3), &state);
    return json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:s?, s:s?, s:o, s:o, s:s?, s:s?, s:s, s:s,"
        " s:s?, s:b, s:b, s:o}",
        "receipt_number", db_get_text(rows, row, 0), "version", (int)db_get_number(rows, row, 12),
        "procedure_id", id, "procedure_name", procedure ? procedure_name(procedure) : id, "state",
        state_code(state), "state_name", state_name_ja(state), "reason", reason, "reason_ja",
        explain_reason(reason), "since", console_time(db_get_instant(rows, row, 5)), "applied_at",
        console_time(db_get_instant(rows, row, 6)), "due_on", due_text(db_get_text(rows, row, 10)),
        "due_term", procedure && term ? procedure_term_label(procedure, term) : NULL, "business",
        routed ? route.business : "", "department", routed ? route.department : "", "claimed_by",
        db_get_text(rows, row, 8), "mine",
        claimer && strcmp(claimer, q->caller->session.account.id) == 0, "plain",
        plain(state, db_get_text(rows, row, 13)), "put_off_until",
        db_is_null(rows, row, 14) ? json_null() : console_time(db_get_instant(rows, row, 14)));
}

static json_t *counts_json(const struct db_rows *rows)
{
    json_t *counts =
        json_pack("{s:i, s:i, s:i, s:i}", "review", 0, "unmatched", 0, "held", 0, "correction", 0);
    json_int_t late = 0, put_off = 0;
    for (size_t row = 0; row < db_row_count(rows); row++) {
        json_object_set_new(counts, db_get_text(rows, row, 0),
                            json_integer(db_get_number(rows, row, 1)));
        late += db_get_number(rows, row, 2);
        put_off += db_get_number(rows, row, 3);
    }
    json_object_set_new(counts, "late", json_integer(late));
    json_object_set_new(counts, "put_off", json_integer(put_off));
    return counts;
}

/* One row more than is shown tells that there is more. */
static void list_take(struct queue *q, const struct db_rows *rows)
{
    size_t count = db_row_count(rows), most = (size_t)q->limit;
    q->items = json_array();
    for (size_t row = 0; row < count && row < most; row++)
        json_array_append_new(q->items, item_json(q, rows, row));
    if (count <= most)
        return;
    _cleanup_(cleanup_text) char *next =
        text_format("%s.%" PRId64 ".%s", db_get_text(rows, most - 1, 10),
                    db_get_instant(rows, most - 1, 6), db_get_text(rows, most - 1, 7));
    q->next = json_string(next);
}

static bool queue_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct queue *q = context;
    const struct db_value city = db_text(q->context->role->city_code);
    const struct db_value now = db_instant(clock_now());
    char today[DAY_TEXT];
    day_text(day_of_instant(clock_now()), today);
    _cleanup_(cleanup_db_rows) struct db_rows *counts = NULL, *list = NULL;
    answer_free(q);
    if (!db_query(tx, &queue_counts,
                  DB_VALUES(city, db_boolean(q->visible.all),
                            db_texts(q->visible.procedures, q->visible.count), db_text(today), now),
                  &counts, f) ||
        !db_query(tx, &queue_list,
                  DB_VALUES(city, db_boolean(q->filtered.all),
                            db_texts(q->filtered.procedures, q->filtered.count), db_text(q->state),
                            db_text(q->reason), db_text(q->after_due), db_instant(q->after_at),
                            db_text(q->after_id), db_text(q->procedure), db_text(q->due_by),
                            db_text(q->claimed), db_text(q->caller->session.account.id), now,
                            db_boolean(q->put_off), db_number(q->limit + 1)),
                  &list, f))
        return false;
    q->counts = counts_json(counts);
    list_take(q, list);
    return true;
}

/* --- the question -------------------------------------------------------------------------------
 */

static const char *argument(const struct http_request *request, const char *name)
{
    const char *text = http_request_query(request, name);
    return text && *text ? text : NULL;
}

/* "<due>.<microseconds>.<id>", as the answer before told it. */
static bool after_read(const char *text, struct queue *q)
{
    struct day day;
    snprintf(q->after_due, sizeof q->after_due, "-infinity");
    q->after_at = INT64_MIN;
    snprintf(q->after_id, sizeof q->after_id, "00000000-0000-0000-0000-000000000000");
    if (!text)
        return true;
    const char *dot = strchr(text, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
    if (!second || dot - text >= DAY_TEXT)
        return false;
    snprintf(q->after_due, sizeof q->after_due, "%.*s", (int)(dot - text), text);
    _cleanup_(cleanup_text) char *at = text_copy_n(dot + 1, (size_t)(second - dot - 1));
    if ((!day_parse(q->after_due, &day) && strcmp(q->after_due, "infinity") != 0) ||
        !uuid_valid(second + 1) || !number_parse(at, INT64_MIN, INT64_MAX, &q->after_at))
        return false;
    snprintf(q->after_id, sizeof q->after_id, "%s", second + 1);
    return true;
}

/* late: its day is over; today, week: it ends by then. */
static bool due_read(const char *text, char ret_by[DAY_TEXT])
{
    static const struct {
        const char *name;
        int days;
    } names[] = {{"late", -1}, {"today", 0}, {"week", 7}};
    snprintf(ret_by, DAY_TEXT, "infinity");
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, text) == 0) {
            day_text(day_add(day_of_instant(clock_now()), names[i].days), ret_by);
            return true;
        }
    return !text;
}

static bool none_or(const char *text, const char *one, const char *other)
{
    return !text || strcmp(text, one) == 0 || strcmp(text, other) == 0;
}

static bool question_read(struct http_request *request, struct queue *q)
{
    if (!http_request_query_number(request, "limit", 1, QUEUE_MOST, 50, &q->limit))
        return false;
    if (!after_read(argument(request, "after"), q)) {
        http_reply_error(request, 400, "E0002", "after is none of ours");
        return false;
    }
    const char *claimed = argument(request, "claimed"), *put_off = argument(request, "put_off");
    if (!due_read(argument(request, "due"), q->due_by) || !none_or(claimed, "mine", "none") ||
        !none_or(put_off, "no", "yes")) {
        http_reply_error(request, 400, "E0002", "due, claimed or put_off is none of ours");
        return false;
    }
    q->claimed = claimed ? claimed : "";
    q->put_off = put_off && strcmp(put_off, "yes") == 0;
    q->state = argument(request, "state");
    q->reason = argument(request, "reason");
    q->procedure = argument(request, "procedure");
    return true;
}

enum http_flow endpoint_queue(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    struct queue q = {.context = context, .caller = &caller};
    if (!console_admit(context, request, NEED_SESSION, &caller))
        return HTTP_DONE;
    bool asked = console_may(request, &caller, RIGHT_SEE) && question_read(request, &q);
    if (asked) {
        const struct config *config = q.context->role->config;
        visible_read(config, &caller.permissions, NULL, &q.visible);
        visible_read(config, &caller.permissions, argument(request, "business"), &q.filtered);
        if (db_transaction(q.context->role->db, queue_work, &q, &f))
            http_reply_json(request, 200,
                            json_pack("{s:O, s:O, s:O?}", "counts", q.counts, "items", q.items,
                                      "next", q.next));
        else
            console_reply_failure(request, &f);
    }
    answer_free(&q);
    visible_free(&q.visible);
    visible_free(&q.filtered);
    console_caller_free(&caller);
    return HTTP_DONE;
}

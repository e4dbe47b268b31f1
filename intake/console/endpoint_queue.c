/* GET /api/queue: what waits for people, of what the caller may see; who applied first comes
 * first. No names: whoever is protected is not told apart here. */
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
    "queue_counts", "SELECT a.state, count(*) FROM application a WHERE a.city_code = $1"
                    " AND " WAITING " AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"
                    " GROUP BY a.state"};
static const struct db_statement queue_list = {
    "queue_list",
    "SELECT a.receipt_number, a.procedure_id, a.form_version, a.state, a.reason, a.changed_at,"
    " a.applied_at, a.application_id, c.display_name, c.account_id "
    "FROM application a LEFT JOIN claim_in_force c USING (city_code, application_id) "
    "WHERE a.city_code = $1 AND " WAITING " AND ($2::boolean OR a.procedure_id = ANY($3::text[]))"
    " AND ($4::text IS NULL OR a.state = $4) AND ($5::text IS NULL OR a.reason = $5)"
    " AND (a.applied_at, a.application_id) > ($6::timestamptz, $7::uuid) "
    "ORDER BY a.applied_at, a.application_id LIMIT $8"};

struct queue {
    const struct console_context *context;
    const struct console_caller *caller;
    struct visible visible, filtered;
    const char *state, *reason; /* NULL: any */
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

static json_t *item_json(const struct queue *q, const struct db_rows *rows, size_t row)
{
    const struct role *role = q->context->role;
    const char *id = db_get_text(rows, row, 1), *reason = db_get_text(rows, row, 4);
    const char *claimer = db_get_text(rows, row, 9);
    const struct procedure *procedure =
        procedures_find(role->procedures, id, db_get_text(rows, row, 2));
    struct route route;
    bool routed = route_find(role->config, id, &route);
    enum state state = STATE_HELD;
    state_from_code(db_get_text(rows, row, 3), &state);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:o, s:o, s:n, s:s, s:s, s:s?, s:b}",
                     "receipt_number", db_get_text(rows, row, 0), "procedure_id", id,
                     "procedure_name", procedure ? procedure_name(procedure) : id, "state",
                     state_code(state), "state_name", state_name_ja(state), "reason", reason,
                     "reason_ja", explain_reason(reason), "since",
                     console_time(db_get_instant(rows, row, 5)), "applied_at",
                     console_time(db_get_instant(rows, row, 6)), "due_at", "business",
                     routed ? route.business : "", "department", routed ? route.department : "",
                     "claimed_by", db_get_text(rows, row, 8), "mine",
                     claimer && strcmp(claimer, q->caller->session.account.id) == 0);
}

static json_t *counts_json(const struct db_rows *rows)
{
    json_t *counts =
        json_pack("{s:i, s:i, s:i, s:i}", "review", 0, "unmatched", 0, "held", 0, "correction", 0);
    for (size_t row = 0; row < db_row_count(rows); row++)
        json_object_set_new(counts, db_get_text(rows, row, 0),
                            json_integer(db_get_number(rows, row, 1)));
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
    _cleanup_(cleanup_text) char *next = text_format(
        "%" PRId64 ".%s", db_get_instant(rows, most - 1, 6), db_get_text(rows, most - 1, 7));
    q->next = json_string(next);
}

static bool queue_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct queue *q = context;
    const struct db_value city = db_text(q->context->role->city_code);
    _cleanup_(cleanup_db_rows) struct db_rows *counts = NULL, *list = NULL;
    answer_free(q);
    if (!db_query(tx, &queue_counts,
                  DB_VALUES(city, db_boolean(q->visible.all),
                            db_texts(q->visible.procedures, q->visible.count)),
                  &counts, f) ||
        !db_query(tx, &queue_list,
                  DB_VALUES(city, db_boolean(q->filtered.all),
                            db_texts(q->filtered.procedures, q->filtered.count), db_text(q->state),
                            db_text(q->reason), db_instant(q->after_at), db_text(q->after_id),
                            db_number(q->limit + 1)),
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

/* "<microseconds>.<id>", as the answer before told it. */
static bool after_read(const char *text, struct queue *q)
{
    const char *dot = text ? strchr(text, '.') : NULL;
    q->after_at = INT64_MIN;
    snprintf(q->after_id, sizeof q->after_id, "00000000-0000-0000-0000-000000000000");
    if (!text)
        return true;
    _cleanup_(cleanup_text) char *at = dot ? text_copy_n(text, (size_t)(dot - text)) : NULL;
    if (!dot || !uuid_valid(dot + 1) || !number_parse(at, INT64_MIN, INT64_MAX, &q->after_at))
        return false;
    snprintf(q->after_id, sizeof q->after_id, "%s", dot + 1);
    return true;
}

static bool question_read(struct http_request *request, struct queue *q)
{
    if (!http_request_query_number(request, "limit", 1, QUEUE_MOST, 50, &q->limit))
        return false;
    if (!after_read(argument(request, "after"), q)) {
        http_reply_error(request, 400, "E0002", "after is none of ours");
        return false;
    }
    q->state = argument(request, "state");
    q->reason = argument(request, "reason");
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

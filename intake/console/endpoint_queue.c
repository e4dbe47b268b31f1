/* GET /api/queue: what waits for people, of what the caller may see; what is due first comes
 * first, then who applied first. What somebody put off is away until then. No names: whoever is
 * protected is not told apart here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/closed.h"
#include "intake/console/endpoints.h"
#include "intake/console/subject.h"
#include "intake/explain/lines.h"
#include "routing/route.h"

#define QUEUE_MOST 200 /* items of one answer */

/* The list of states is that of the index application_waiting, which holds them apart, each in the
 * order of the list: however many wait, only those that are shown are read. */
#define WAITING "a.state IN ('review', 'unmatched', 'held', 'correction')"
#define SEEN    "($2::boolean OR a.procedure_id = ANY($3::text[]))"

#define STAYS TERM_STAYS("$6")

/* How many wait, and how many are late, in parts to be summed up: by the index alone; then those
 * few that are late because no closed day moves their term. $4 moving, $5 the day itself. */
static const struct db_statement queue_counts = {
    "queue_counts",
    "SELECT a.state, count(*), count(*) FILTER (WHERE a.due_on <= $4::date)"
    " FROM application a WHERE a.city_code = $1 AND " WAITING " AND " SEEN " GROUP BY a.state "
    "UNION ALL SELECT a.state, 0, count(*) FROM application a WHERE a.city_code = $1"
    " AND " WAITING " AND " SEEN " AND a.due_on > $4::date AND a.due_on <= $5::date"
    " AND $4::date < $5::date AND " STAYS " GROUP BY a.state"};
/* They are among the others, too. */
static const struct db_statement queue_counts_put_off = {
    "queue_counts_put_off",
    "SELECT a.state, count(*), count(*) FILTER (WHERE a.due_on <= $4::date"
    "  OR (a.due_on <= $5::date AND " STAYS "))"
    " FROM staff_hold h JOIN application a USING (city_code, application_id) "
    "WHERE h.city_code = $1 AND h.until > $7::timestamptz AND " WAITING " AND " SEEN
    " GROUP BY a.state"};

/* $4 the states; of one, those in order behind ($7, $8, $9). */
#define ORDER "a.due_on, a.applied_at, a.application_id"
#define ASKED                                                                                      \
    "a.city_code = $1 AND " WAITING " AND " SEEN " AND ($5::text IS NULL OR a.reason = $5)"        \
    " AND ($6::text IS NULL OR a.procedure_id = $6)"                                               \
    " AND (" ORDER ") > ($7::date, $8::timestamptz, $9::uuid) AND a.due_on <= $10::date"           \
    " AND (a.due_on <= $11::date OR " TERM_STAYS("$12") ")"
#define PUT_OFF                                                                                    \
    "EXISTS (SELECT FROM staff_hold h WHERE (h.city_code, h.application_id)"                       \
    " = (a.city_code, a.application_id) AND h.until > $14::timestamptz)"
#define CLAIMED "EXISTS (SELECT FROM claimed c WHERE c.application_id = a.application_id)"
/* The few claims that are in force are found once, not once for each row. */
#define LIST(FOUND)                                                                                \
    "WITH claimed AS MATERIALIZED (SELECT application_id, account_id, display_name"                \
    " FROM claim_in_force WHERE city_code = $1) "                                                  \
    "SELECT a.receipt_number, a.procedure_id, a.form_version, a.state, a.reason, a.changed_at,"    \
    " a.applied_at, a.application_id, c.display_name, c.account_id, a.due_on::text, a.due_term,"   \
    " a.version, r.demands, h.until, a.channel "                                                   \
    "FROM (" FOUND " ORDER BY " ORDER " LIMIT $13) AS a"                                           \
    " LEFT JOIN claimed c USING (application_id)"                                                  \
    " LEFT JOIN review r USING (city_code, application_id)"                                        \
    " LEFT JOIN staff_hold h USING (city_code, application_id) ORDER BY " ORDER

/* $15: whoever has it, or only whom nobody has. */
static const struct db_statement queue_waiting = {
    "queue_waiting", LIST("SELECT a.* FROM unnest($4::text[]) AS wanted (state) CROSS JOIN LATERAL"
                          " (SELECT a.* FROM application a WHERE a.state = wanted.state AND " ASKED
                          "  AND NOT " PUT_OFF " AND ($15::boolean OR NOT " CLAIMED ")"
                          "  ORDER BY " ORDER " LIMIT $13) AS a")};
/* What one person has claimed, and what was put off, is little. */
static const struct db_statement queue_mine = {
    "queue_mine", LIST("SELECT a.* FROM claimed mine JOIN application a"
                       " USING (application_id) WHERE mine.account_id = $15::uuid"
                       " AND a.state = ANY($4::text[]) AND " ASKED " AND NOT " PUT_OFF)};
/* $15: claimed by, $16: by nobody. */
static const struct db_statement queue_put_off = {
    "queue_put_off",
    LIST("SELECT a.* FROM staff_hold off JOIN application a USING (city_code, application_id)"
         " WHERE off.until > $14::timestamptz AND a.state = ANY($4::text[]) AND " ASKED
         " AND ($15::uuid IS NULL OR EXISTS (SELECT FROM claimed c WHERE c.account_id = $15"
         "  AND c.application_id = a.application_id))"
         " AND ($16::boolean IS FALSE OR NOT " CLAIMED ")")};

struct queue {
    const struct console_context *context;
    const struct console_caller *caller;
    struct visible visible, filtered;
    const char *states[4]; /* the one that was asked for, or all that wait */
    size_t state_count;
    const char *reason, *procedure;     /* NULL: any */
    bool claimed_mine, claimed_by_none; /* neither: whoever has it */
    bool put_off;                       /* those instead */
    struct holidays holidays;
    struct term_bound due_by;
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
}

/* --- the answer ---------------------------------------------------------------------------------
 */

static const char *due_text(const struct queue *q, const struct procedure *procedure,
                            const char *term, const char *due_on, char moved[DAY_TEXT])
{
    return strcmp(due_on, "infinity") == 0
               ? NULL
               : term_shown(&q->holidays, procedure, term, due_on, moved);
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
    char moved[DAY_TEXT];
    bool routed = route_find(role->config, id, &route);
    enum state state = STATE_HELD;
    state_from_code(db_get_text(rows, row, 3), &state);
    return json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:s?, s:s?, s:o, s:o, s:s?, s:s?, s:s, s:s,"
        " s:s?, s:b, s:b, s:o, s:s}",
        "receipt_number", db_get_text(rows, row, 0), "version", (int)db_get_number(rows, row, 12),
        "procedure_id", id, "procedure_name", procedure ? procedure_name(procedure) : id, "state",
        state_code(state), "state_name", state_name_ja(state), "reason", reason, "reason_ja",
        explain_reason(reason), "since", console_time(db_get_instant(rows, row, 5)), "applied_at",
        console_time(db_get_instant(rows, row, 6)), "due_on",
        due_text(q, procedure, term, db_get_text(rows, row, 10), moved), "due_term",
        procedure && term ? procedure_term_label(procedure, term) : NULL, "business",
        routed ? route.business : "", "department", routed ? route.department : "", "claimed_by",
        db_get_text(rows, row, 8), "mine",
        claimer && strcmp(claimer, q->caller->session.account.id) == 0, "plain",
        plain(state, db_get_text(rows, row, 13)), "put_off_until",
        db_is_null(rows, row, 14) ? json_null() : console_time(db_get_instant(rows, row, 14)),
        "channel", db_get_text(rows, row, 15));
}

static void counts_add(json_t *counts, const char *name, json_int_t more)
{
    json_object_set_new(counts, name,
                        json_integer(json_integer_value(json_object_get(counts, name)) + more));
}

static json_t *counts_json(const struct db_rows *all, const struct db_rows *put_off)
{
    json_t *counts = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "review", 0, "unmatched", 0,
                               "held", 0, "correction", 0, "late", 0, "put_off", 0);
    for (size_t row = 0; row < db_row_count(all); row++) {
        counts_add(counts, db_get_text(all, row, 0), db_get_number(all, row, 1));
        counts_add(counts, "late", db_get_number(all, row, 2));
    }
    for (size_t row = 0; row < db_row_count(put_off); row++) {
        counts_add(counts, db_get_text(put_off, row, 0), -db_get_number(put_off, row, 1));
        counts_add(counts, "late", -db_get_number(put_off, row, 2));
        counts_add(counts, "put_off", db_get_number(put_off, row, 1));
    }
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

static bool queue_read(struct queue *q, struct failure *f)
{
    const struct db_value city = db_text(q->context->role->city_code);
    const struct db_value now = db_instant(clock_now()),
                          me = db_text(q->caller->session.account.id);
    const struct db_value moving =
        db_texts((const char *const *)q->context->moving.keys, q->context->moving.count);
    /* late is what ended yesterday: its last day is over */
    const struct term_bound late =
        term_bound(&q->holidays, day_add(day_of_instant(clock_now()), -1));
    _cleanup_(cleanup_db_rows) struct db_rows *all = NULL, *put_off = NULL, *list = NULL;
    const struct db_value seen[] = {city,
                                    db_boolean(q->visible.all),
                                    db_texts(q->visible.procedures, q->visible.count),
                                    db_text(late.moving),
                                    db_text(late.day),
                                    moving,
                                    now};
    const struct db_value asked[] = {city,
                                     db_boolean(q->filtered.all),
                                     db_texts(q->filtered.procedures, q->filtered.count),
                                     db_texts(q->states, q->state_count),
                                     db_text(q->reason),
                                     db_text(q->procedure),
                                     db_text(q->after_due),
                                     db_instant(q->after_at),
                                     db_text(q->after_id),
                                     db_text(q->due_by.day),
                                     db_text(q->due_by.moving),
                                     moving,
                                     db_number(q->limit + 1),
                                     now,
                                     q->put_off
                                         ? (q->claimed_mine ? me : db_null())
                                         : (q->claimed_mine ? me : db_boolean(!q->claimed_by_none)),
                                     db_boolean(q->claimed_by_none)};
    const struct db_question questions[] = {
        {&queue_counts, seen, 6, &all},
        {&queue_counts_put_off, seen, 7, &put_off},
        q->put_off        ? (struct db_question){&queue_put_off, asked, 16, &list}
        : q->claimed_mine ? (struct db_question){&queue_mine, asked, 15, &list}
                          : (struct db_question){&queue_waiting, asked, 15, &list}};
    if (!db_look(q->context->role->db, questions, 3, f))
        return false;
    q->counts = counts_json(all, put_off);
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
static bool due_read(const char *text, const struct holidays *holidays, struct term_bound *ret_by)
{
    static const struct {
        const char *name;
        int days;
    } names[] = {{"late", -1}, {"today", 0}, {"week", 7}};
    *ret_by = (struct term_bound){"infinity", "infinity"};
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, text) == 0) {
            *ret_by = term_bound(holidays, day_add(day_of_instant(clock_now()), names[i].days));
            return true;
        }
    return !text;
}

static bool none_or(const char *text, const char *one, const char *other)
{
    return !text || strcmp(text, one) == 0 || strcmp(text, other) == 0;
}

static void states_read(const char *asked, struct queue *q)
{
    static const char *const waiting[] = {"review", "unmatched", "held", "correction"};
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
        if (!asked || strcmp(asked, waiting[i]) == 0)
            q->states[q->state_count++] = waiting[i];
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
    if (!due_read(argument(request, "due"), &q->holidays, &q->due_by) ||
        !none_or(claimed, "mine", "none") || !none_or(put_off, "no", "yes")) {
        http_reply_error(request, 400, "E0002", "due, claimed or put_off is none of ours");
        return false;
    }
    q->claimed_mine = claimed && strcmp(claimed, "mine") == 0;
    q->claimed_by_none = claimed && !q->claimed_mine;
    q->put_off = put_off && strcmp(put_off, "yes") == 0;
    states_read(argument(request, "state"), q);
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
    bool known = closed_read(q.context->closed, &q.holidays, &f);
    if (!known)
        console_reply_failure(request, &f);
    if (known && console_may(request, &caller, RIGHT_SEE) && question_read(request, &q)) {
        const struct config *config = q.context->role->config;
        visible_read(config, &caller.permissions, NULL, &q.visible);
        visible_read(config, &caller.permissions, argument(request, "business"), &q.filtered);
        if (queue_read(&q, &f))
            http_reply_json(request, 200,
                            json_pack("{s:O, s:O, s:O?}", "counts", q.counts, "items", q.items,
                                      "next", q.next));
        else
            console_reply_failure(request, &f);
    }
    answer_free(&q);
    holidays_free(&q.holidays);
    visible_free(&q.visible);
    visible_free(&q.filtered);
    console_caller_free(&caller);
    return HTTP_DONE;
}

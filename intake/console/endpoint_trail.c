/* GET /api/audit/entries: the audit trail by person, application, terminal, act or time; the look
 * itself is an entry. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/admin.h"
#include "intake/console/endpoints.h"

#define TRAIL_MOST    200 /* entries of one answer */
#define TRAIL_DEFAULT (30 * INSTANT_DAY)
#define NOBODY        "00000000-0000-0000-0000-000000000000" /* no application's id */

/* $1 city, $2 until, $3 chain and $4 position of the last that was shown, $5 from, $6 person,
 * $7 terminal, $8 act, $9 how many, $10 application. Where a column is what an index begins with, a
 * statement has it as its key; so none reads more than it shows, but for those that filter it
 * further. */
#define COLUMNS                                                                                    \
    "SELECT e.at, e.chain, e.position, e.action, e.actor, e.terminal, e.reason, e.detail,"         \
    " (SELECT a.display_name FROM account a WHERE a.city_code = $1"                                \
    "   AND 'staff:' || a.name = e.actor AND a.name = substring(e.actor FROM 7)),"                 \
    " p.receipt_number, p.channel "
/* Of an entry about an application, which; others have one, too, that is none of ours. */
#define WHICH                                                                                      \
    " LEFT JOIN LATERAL (SELECT p.receipt_number, p.channel FROM application p"                    \
    "  WHERE p.city_code = $1 AND p.application_id = CASE WHEN length(e.application_id) = 36"      \
    "   THEN e.application_id::uuid END) p ON true"
#define UNTIL                                                                                      \
    " WHERE (e.city_code IS NULL OR e.city_code = $1)"                                             \
    " AND e.at <= $2 AND (e.at, e.position, e.chain) < ($2, $4, $3) AND e.at >= $5"
#define TRAIL          COLUMNS "FROM audit_entry e" WHICH UNTIL
#define BY_PEOPLE      " AND e.chain IN ('administrator', 'console', 'operator', 'registry')"
#define THAT_PERSON    " AND e.actor = $6"
#define THAT_TERMINAL  " AND audit_terminal(e.terminal) = $7"
#define THAT_ACT       " AND e.action = $8"
#define MAYBE_PERSON   " AND ($6::text IS NULL OR e.actor = $6)"
#define MAYBE_TERMINAL " AND ($7::text IS NULL OR audit_terminal(e.terminal) = $7)"
#define MAYBE_ACT      " AND ($8::text IS NULL OR e.action = $8)"
#define NO_APPLICATION " AND $10::text IS NULL"
#define NEWEST         " ORDER BY e.at DESC, e.position DESC, e.chain DESC LIMIT $9"

static const struct db_statement by_application = {
    "trail_by_application", COLUMNS "FROM audit_of_application($1, $10::text::uuid) e" WHICH UNTIL
                                MAYBE_PERSON MAYBE_TERMINAL MAYBE_ACT NEWEST};
static const struct db_statement by_person = {
    "trail_by_person", TRAIL BY_PEOPLE THAT_PERSON MAYBE_TERMINAL MAYBE_ACT NO_APPLICATION NEWEST};
static const struct db_statement by_terminal = {
    "trail_by_terminal",
    TRAIL BY_PEOPLE THAT_TERMINAL MAYBE_PERSON MAYBE_ACT NO_APPLICATION NEWEST};
static const struct db_statement by_act = {
    "trail_by_act", TRAIL BY_PEOPLE THAT_ACT MAYBE_PERSON MAYBE_TERMINAL NO_APPLICATION NEWEST};
static const struct db_statement by_time = {
    "trail_by_time", TRAIL BY_PEOPLE MAYBE_PERSON MAYBE_TERMINAL MAYBE_ACT NO_APPLICATION NEWEST};
static const struct db_statement find_application = {
    "trail_application", "SELECT application_id FROM application WHERE city_code = $1"
                         " AND receipt_number = $2 AND ($3::text IS NULL OR channel = $3)"};

struct trail {
    struct admin_call call;
    char *person; /* "staff:hanako"; NULL: any */
    const char *terminal, *act, *receipt, *channel;
    bool several; /* applications have this receipt number */
    instant from, until;
    char chain[64];
    int64_t position, limit;
    json_t *items, *next;
};

static void trail_end(struct trail *t)
{
    free(t->person);
    json_decref(t->items);
    json_decref(t->next);
    admin_end(&t->call);
}

/* --- the answer ------------------------------------------------------------------------------- */

static json_t *item_json(const struct db_rows *rows, size_t row)
{
    return json_pack("{s:o, s:s, s:I, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "at",
                     console_time(db_get_instant(rows, row, 0)), "chain", db_get_text(rows, row, 1),
                     "position", (json_int_t)db_get_number(rows, row, 2), "action",
                     db_get_text(rows, row, 3), "actor", db_get_text(rows, row, 4), "terminal",
                     db_get_text(rows, row, 5), "reason", db_get_text(rows, row, 6), "detail",
                     db_get_text(rows, row, 7), "name", db_get_text(rows, row, 8), "receipt_number",
                     db_get_text(rows, row, 9), "channel", db_get_text(rows, row, 10));
}

static void answer_take(struct trail *t, const struct db_rows *rows)
{
    size_t count = db_row_count(rows), most = (size_t)t->limit;
    json_decref(t->items);
    json_decref(TAKE(t->next));
    t->items = json_array();
    for (size_t row = 0; row < count && row < most; row++)
        json_array_append_new(t->items, item_json(rows, row));
    if (count <= most)
        return;
    _cleanup_(cleanup_text) char *next =
        text_format("%" PRId64 ".%" PRId64 ".%s", db_get_instant(rows, most - 1, 0),
                    db_get_number(rows, most - 1, 2), db_get_text(rows, most - 1, 1));
    t->next = json_string(next);
}

static const struct db_statement *statement_of(const struct trail *t)
{
    return t->receipt    ? &by_application
           : t->person   ? &by_person
           : t->terminal ? &by_terminal
           : t->act      ? &by_act
                         : &by_time;
}

/* A receipt number that nobody has finds nothing. */
static bool application_find(struct db_tx *tx, struct trail *t, char ret_id[37], struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    *ret_id = '\0';
    if (!t->receipt)
        return true;
    if (!db_query(
            tx, &find_application,
            DB_VALUES(db_text(t->call.who.city_code), db_text(t->receipt), db_text(t->channel)),
            &rows, f))
        return false;
    t->several = db_row_count(rows) > 1;
    snprintf(ret_id, 37, "%s", db_row_count(rows) ? db_get_text(rows, 0, 0) : NOBODY);
    return true;
}

static json_t *question_json(const struct trail *t)
{
    char from[INSTANT_TEXT], until[INSTANT_TEXT];
    bool all = t->from == INT64_MIN;
    return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s}", "person", t->person, "terminal",
                     t->terminal, "action", t->act, "receipt_number", t->receipt, "from",
                     all ? NULL : instant_text_jst(t->from, from), "until",
                     instant_text_jst(t->until, until));
}

static bool trail_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct trail *t = context;
    char application[37];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!application_find(tx, t, application, f))
        return false;
    if (t->several)
        return true;
    if (!db_query(tx, statement_of(t),
                  DB_VALUES(db_text(t->call.who.city_code), db_instant(t->until), db_text(t->chain),
                            db_number(t->position), db_instant(t->from), db_text(t->person),
                            db_text(t->terminal), db_text(t->act), db_number(t->limit + 1),
                            db_text(*application ? application : NULL)),
                  &rows, f))
        return false;
    answer_take(t, rows);
    return administer_note(tx, &t->call.who, "audit.search", question_json(t), NULL, f);
}

/* --- the question ----------------------------------------------------------------------------- */

static const char *argument(const struct http_request *request, const char *name)
{
    const char *text = http_request_query(request, name);
    return text && *text ? text : NULL;
}

/* "<microseconds>.<position>.<chain>", as the answer before told it. */
static bool after_read(const char *text, struct trail *t)
{
    const char *one = strchr(text, '.'), *two = one ? strchr(one + 1, '.') : NULL;
    if (!two || strlen(two + 1) >= sizeof t->chain)
        return false;
    _cleanup_(cleanup_text) char *at = text_copy_n(text, (size_t)(one - text));
    _cleanup_(cleanup_text) char *position = text_copy_n(one + 1, (size_t)(two - one - 1));
    snprintf(t->chain, sizeof t->chain, "%s", two + 1);
    return number_parse(at, 0, INT64_MAX, &t->until) &&
           number_parse(position, 0, INT64_MAX, &t->position);
}

static bool days_read(struct http_request *request, struct trail *t)
{
    struct day from, to;
    const char *first = argument(request, "from"), *last = argument(request, "to");
    if ((first && !day_parse(first, &from)) || (last && !day_parse(last, &to))) {
        http_reply_error(request, 400, "E0002", "from and to are days, YYYY-MM-DD");
        return false;
    }
    bool any = !t->person && !t->receipt;
    t->until = last ? day_start(day_add(to, 1)) - 1 : clock_now();
    t->from = first ? day_start(from) : any ? t->until - TRAIL_DEFAULT : INT64_MIN;
    return true;
}

static bool question_read(struct http_request *request, struct trail *t)
{
    const char *person = argument(request, "person"), *after = argument(request, "after");
    if (!http_request_query_number(request, "limit", 1, TRAIL_MOST, 50, &t->limit))
        return false;
    t->terminal = argument(request, "terminal");
    t->act = argument(request, "action");
    t->receipt = argument(request, "receipt");
    t->channel = argument(request, "channel");
    if (person)
        t->person = strchr(person, ':') ? text_copy(person) : text_format("staff:%s", person);
    t->position = INT64_MAX;
    if (!days_read(request, t))
        return false;
    if (after && !after_read(after, t)) {
        http_reply_error(request, 400, "E0002", "after is none of ours");
        return false;
    }
    return true;
}

enum http_flow endpoint_trail(struct http_request *request, void *context)
{
    _cleanup_(trail_end) struct trail t = {0};
    if (!admin_begin(context, request, RIGHT_AUDIT, &t.call) || !question_read(request, &t) ||
        !admin_do(&t.call, trail_work, &t))
        return HTTP_DONE;
    if (t.several)
        return http_reply_error(request, 409, "E0105",
                                "同じ受付番号の申請が複数あります。受付経路を指定してください。");
    return http_reply_json(request, 200,
                           json_pack("{s:O, s:O?}", "items", t.items, "next", t.next));
}

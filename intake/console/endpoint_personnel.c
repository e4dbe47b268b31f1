/* POST /api/admin/personnel: 人事データ against the accounts (intake/console/personnel.h), and,
 * with "propose", what moves or leaves as changes of one batch, of a day. POST
 * /api/admin/batches/{batch}/confirm, …/reject and …/cancel: of all of them or none. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "intake/console/admin.h"
#include "intake/console/change.h"
#include "intake/console/endpoints.h"
#include "intake/console/personnel.h"

static const struct db_statement select_accounts = {
    "personnel_accounts",
    "SELECT coalesce(jsonb_object_agg(name, account_value(a)), '{}')::text, gen_random_uuid()"
    " FROM account a WHERE city_code = $1 AND (first OR approved_by IS NOT NULL)"};

struct personnel {
    struct admin_call call;
    const char *csv, *reason, *effective_on;
    size_t csv_length;
    bool complete, propose;
    char batch[37];
    enum change_outcome outcome; /* of the first that could not be proposed */
    const char *subject;         /* whose that is; NULL: all wait */
    json_t *plan;
};

static void personnel_end(struct personnel *p)
{
    json_decref(p->plan);
    admin_end(&p->call);
}

static bool plan_make(struct db_tx *tx, struct personnel *p, struct failure *f)
{
    char today[DAY_TEXT];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_accounts, DB_VALUES(db_text(p->call.who.city_code)), &rows, f))
        return false;
    _cleanup_(cleanup_json) json_t *accounts = json_read(bytes_of_text(db_get_text(rows, 0, 0)));
    if (!accounts)
        return failure_set(f, FAILURE_DATABASE, "accounts that are no JSON");
    snprintf(p->batch, sizeof p->batch, "%s", db_get_text(rows, 0, 1));
    json_decref(p->plan);
    p->plan = personnel_plan(bytes_of(p->csv, p->csv_length), accounts,
                             day_text(day_of_instant(clock_now()), today), p->complete);
    return true;
}

/* False, with a failure of no kind, when one of them cannot wait: nothing is to be written. */
static bool propose_all(struct db_tx *tx, struct personnel *p, struct failure *f)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(p->plan, "changes"), i, one) {
        int64_t id;
        p->subject = json_string_value(json_object_get(one, "subject"));
        const struct change_draft draft = {.kind = CHANGE_ACCOUNT,
                                           .subject = p->subject,
                                           .seen = json_object_get(one, "before"),
                                           .after = json_object_get(one, "after"),
                                           .reason = p->reason,
                                           .batch = p->batch,
                                           .effective_on = p->effective_on};
        if (!change_propose(tx, &p->call.who, &draft, &p->outcome, &id, f) ||
            p->outcome != CHANGE_WAITS)
            return false;
    }
    p->subject = NULL;
    return true;
}

static bool personnel_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct personnel *p = context;
    p->subject = NULL;
    if (!plan_make(tx, p, f))
        return false;
    size_t changes = json_array_size(json_object_get(p->plan, "changes"));
    bool good = json_array_size(json_object_get(p->plan, "faults")) == 0;
    p->propose &= good && changes > 0;
    return (!p->propose || propose_all(tx, p, f)) &&
           administer_note(
               tx, &p->call.who, p->propose ? "personnel.propose" : "personnel.compare",
               json_pack("{s:I, s:I}", "changes", (json_int_t)changes, "differences",
                         (json_int_t)json_array_size(json_object_get(p->plan, "differences"))),
               p->reason, f);
}

/* False after replying. */
static bool question_read(struct http_request *request, const json_t *body, struct personnel *p)
{
    struct day day;
    const json_t *csv = json_object_get(body, "csv");
    p->csv = json_string_value(csv);
    p->csv_length = json_string_length(csv);
    p->complete = json_is_true(json_object_get(body, "complete"));
    p->propose = json_is_true(json_object_get(body, "propose"));
    if (!p->csv)
        return http_reply_error(request, 400, csv ? "E0002" : "E0001", "csv must be a text"), false;
    if (!p->propose)
        return true;
    p->effective_on = console_text(request, body, "effective_on", DAY_TEXT);
    p->reason = p->effective_on ? console_text(request, body, "reason", CHANGE_REASON_MOST) : NULL;
    if (p->reason && !day_parse(p->effective_on, &day))
        return http_reply_error(request, 400, "E0002", "effective_on must be a day, YYYY-MM-DD"),
               false;
    return p->reason != NULL;
}

static enum http_flow personnel_reply(struct http_request *request, const struct personnel *p)
{
    if (p->subject)
        return console_reply_conflict(request, json_object(), "%s：%s何も登録していません。",
                                      p->subject, change_outcome_ja(p->outcome));
    json_object_set_new(p->plan, "batch", p->propose ? json_string(p->batch) : json_null());
    return http_reply_json(request, 200, json_incref(p->plan));
}

enum http_flow endpoint_personnel(struct http_request *request, void *context)
{
    struct failure f = {0};
    _cleanup_(personnel_end) struct personnel p = {0};
    if (!admin_begin(context, request, RIGHT_ADMIN, &p.call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !question_read(request, body, &p))
        return HTTP_DONE;
    if (!db_transaction(p.call.context->role->db, personnel_work, &p, &f) && !p.subject)
        return console_reply_failure(request, &f);
    return personnel_reply(request, &p);
}

/* --- the second person ------------------------------------------------------------------------ */

struct settling {
    struct admin_call call;
    const char *batch, *why;
    enum change_answer answer;
    enum change_outcome outcome;
    char subject[4 * CHANGE_SUBJECT_MOST + 1]; /* whose outcome that is; "": of all */
};

static void settling_end(struct settling *s)
{
    admin_end(&s->call);
}

static bool settle_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct settling *s = context;
    return change_settle_batch(tx, &s->call.who, s->batch, s->answer, s->why, &s->outcome,
                               s->subject, f);
}

static enum http_flow settled_reply(struct http_request *request, const struct settling *s)
{
    if (s->outcome == CHANGE_GONE)
        return http_reply_error(request, 404, "E0100", "%s", change_outcome_ja(CHANGE_GONE));
    if (*s->subject)
        return console_reply_conflict(request, json_object(), "%s：%s何も反映していません。",
                                      s->subject, change_outcome_ja(s->outcome));
    return http_reply_json(request, 200,
                           json_pack("{s:s}", "message", change_outcome_ja(s->outcome)));
}

static enum http_flow settle(struct http_request *request, void *context, enum change_answer answer)
{
    struct failure f = {0};
    _cleanup_(settling_end) struct settling s = {.answer = answer,
                                                 .batch = http_request_parameter(request, "batch")};
    if (!admin_begin(context, request, RIGHT_ADMIN, &s.call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body)
        return HTTP_DONE;
    if (!uuid_valid(s.batch))
        return http_reply_error(request, 404, "E0100", "%s", change_outcome_ja(CHANGE_GONE));
    bool read = answer == CHANGE_AGREE
                    ? console_text_maybe(request, body, "reason", CHANGE_REASON_MOST, &s.why)
                    : (s.why = console_text(request, body, "reason", CHANGE_REASON_MOST)) != NULL;
    if (!read)
        return HTTP_DONE;
    if (!db_transaction(s.call.context->role->db, settle_work, &s, &f) && !*s.subject)
        return console_reply_failure(request, &f);
    return settled_reply(request, &s);
}

enum http_flow endpoint_batches_confirm(struct http_request *request, void *context)
{
    return settle(request, context, CHANGE_AGREE);
}

enum http_flow endpoint_batches_reject(struct http_request *request, void *context)
{
    return settle(request, context, CHANGE_REJECT);
}

enum http_flow endpoint_batches_cancel(struct http_request *request, void *context)
{
    return settle(request, context, CHANGE_CANCEL);
}

/* /api/admin/changes: what is proposed and was decided (GET), a proposal (POST), and
 * …/{id}/confirm, …/{id}/reject and …/{id}/cancel (intake/console/change.h). */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/admin.h"
#include "intake/console/change.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"

/* All that wait, for people or their day, oldest first; then the latest that are over. */
static const struct db_statement select_changes = {
    "admin_changes",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('id', change_id, 'kind', kind, 'subject', "
    "subject,"
    " 'before', before, 'after', after, 'reason', reason, 'proposed_by', proposed_by,"
    " 'proposed_at', moment_in_japan(proposed_at), 'terminal', terminal, 'state', state,"
    " 'batch', batch, 'effective_on', effective_on, 'effective_at', moment_in_japan(effective_at),"
    " 'decided_by', decided_by, 'decided_at', moment_in_japan(decided_at), 'decided_terminal',"
    " decided_terminal, 'decided_why', decided_why, 'ended_by', ended_by, 'ended_at',"
    " moment_in_japan(ended_at), 'ended_why', ended_why, 'stale', state = 'waiting'"
    "  AND change_current(city_code, kind, subject) IS DISTINCT FROM before)"
    " ORDER BY state <> 'waiting', CASE WHEN state = 'waiting' THEN change_id ELSE -change_id END),"
    " '[]')::text FROM ("
    " (SELECT * FROM change WHERE city_code = $1 AND state = 'waiting' ORDER BY change_id LIMIT "
    "5000)"
    " UNION ALL (SELECT * FROM change WHERE city_code = $1 AND state = 'confirmed'"
    "  ORDER BY change_id DESC LIMIT 5000)"
    " UNION ALL (SELECT * FROM change WHERE city_code = $1 AND state NOT IN ('waiting', "
    "'confirmed')"
    "  ORDER BY change_id DESC LIMIT 100)) AS listed"};

struct changes {
    struct admin_call call;
    struct change_draft draft;
    int64_t id;
    enum change_answer answer;
    const char *why;
    enum change_outcome outcome;
    char code[ENROLMENT_CODE];
    json_t *json; /* the list, or what is there now */
};

static void changes_end(struct changes *c)
{
    json_decref(c->json);
    admin_end(&c->call);
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changes *c = context;
    json_decref(TAKE(c->json));
    return admin_json(tx, &c->call, &select_changes, NULL, &c->json, f);
}

enum http_flow endpoint_changes(struct http_request *request, void *context)
{
    _cleanup_(changes_end) struct changes c = {0};
    if (admin_begin(context, request, RIGHT_ADMIN, &c.call) && admin_do(&c.call, list_work, &c))
        names_reply(context, request, 200, json_pack("{s:O}", "items", c.json));
    return HTTP_DONE;
}

/* --- the first person ------------------------------------------------------------------------- */

static bool propose_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changes *c = context;
    json_decref(TAKE(c->json));
    return change_propose(tx, &c->call.who, &c->draft, &c->outcome, &c->id, f) &&
           change_current(tx, c->call.who.city_code, c->draft.kind, c->draft.subject, &c->json, f);
}

static const json_t *object_or_null(const json_t *body, const char *key)
{
    const json_t *value = json_object_get(body, key);
    return json_is_null(value) ? NULL : value;
}

static bool draft_read(struct http_request *request, const json_t *body, struct change_draft *ret)
{
    const char *kind = console_text(request, body, "kind", 20);
    const char *subject = kind ? console_text(request, body, "subject", CHANGE_SUBJECT_MOST) : NULL;
    const char *reason = subject ? console_text(request, body, "reason", CHANGE_REASON_MOST) : NULL;
    struct change_draft draft = {.subject = subject,
                                 .seen = object_or_null(body, "before"),
                                 .after = object_or_null(body, "after"),
                                 .reason = reason};
    if (!reason)
        return false;
    if (!change_kind_from_code(kind, &draft.kind)) {
        http_reply_error(request, 400, "E0002", "kind is none of ours");
        return false;
    }
    const char *fault = change_fault(draft.kind, subject, draft.after);
    if (!fault && draft.seen && !json_is_object(draft.seen))
        fault = "before must be an object";
    if (fault)
        http_reply_error(request, 400, "E0004", "%s", fault);
    else
        *ret = draft;
    return !fault;
}

enum http_flow endpoint_changes_post(struct http_request *request, void *context)
{
    _cleanup_(changes_end) struct changes c = {0};
    if (!admin_begin(context, request, RIGHT_ADMIN, &c.call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !draft_read(request, body, &c.draft) || !admin_do(&c.call, propose_work, &c))
        return HTTP_DONE;
    if (c.outcome != CHANGE_WAITS)
        return console_reply_conflict(request, json_pack("{s:O?}", "current", c.json), "%s",
                                      change_outcome_ja(c.outcome));
    return http_reply_json(
        request, 200,
        json_pack("{s:I, s:s}", "id", (json_int_t)c.id, "message", change_outcome_ja(c.outcome)));
}

/* --- the second person ------------------------------------------------------------------------ */

static bool settle_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changes *c = context;
    return change_settle(tx, &c->call.who, c->id, c->answer, c->why, &c->outcome, c->code, f);
}

static enum http_flow settled_reply(struct changes *c)
{
    const char *sentence = change_outcome_ja(c->outcome);
    if (c->outcome == CHANGE_GONE)
        return http_reply_error(c->call.request, 404, "E0100", "%s", sentence);
    if (!change_settled(c->outcome))
        return console_reply_conflict(c->call.request, json_object(), "%s", sentence);
    return http_reply_json(
        c->call.request, 200,
        json_pack("{s:s, s:s?}", "message", sentence, "code", *c->code ? c->code : NULL));
}

static enum http_flow endpoint_settle(struct http_request *request, void *context,
                                      enum change_answer answer)
{
    _cleanup_(changes_end) struct changes c = {.answer = answer};
    if (!admin_begin(context, request, RIGHT_ADMIN, &c.call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body)
        return HTTP_DONE;
    if (!number_parse(http_request_parameter(request, "id"), 1, INT64_MAX, &c.id))
        return http_reply_error(request, 404, "E0100", "%s", change_outcome_ja(CHANGE_GONE));
    bool read = answer == CHANGE_AGREE
                    ? console_text_maybe(request, body, "reason", CHANGE_REASON_MOST, &c.why)
                    : (c.why = console_text(request, body, "reason", CHANGE_REASON_MOST)) != NULL;
    if (!read || !admin_do(&c.call, settle_work, &c))
        return HTTP_DONE;
    return settled_reply(&c);
}

enum http_flow endpoint_changes_confirm(struct http_request *request, void *context)
{
    return endpoint_settle(request, context, CHANGE_AGREE);
}

enum http_flow endpoint_changes_reject(struct http_request *request, void *context)
{
    return endpoint_settle(request, context, CHANGE_REJECT);
}

enum http_flow endpoint_changes_cancel(struct http_request *request, void *context)
{
    return endpoint_settle(request, context, CHANGE_CANCEL);
}

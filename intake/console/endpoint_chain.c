/* /api/audit/chain: the state of the audit trail: when it was last proven, what came out, and how
 * far a proof is that is under way (GET); prove it now (POST). */
#include "base/cleanup.h"
#include "intake/console/admin.h"
#include "intake/console/endpoints.h"
#include "intake/console/names.h"
#include "intake/console/proving.h"

static const struct db_statement select_state = {
    "audit_chain_state",
    "SELECT jsonb_build_object('last', (SELECT to_jsonb(v) - 'verification_id'"
    "  || jsonb_build_object('at', moment_in_japan(at), 'last_checkpoint',"
    "  moment_in_japan(last_checkpoint)) FROM audit_verification v"
    "  ORDER BY verification_id DESC LIMIT 1), 'entries', (SELECT coalesce(sum(position), 0)"
    " FROM audit_chain), 'chains', (SELECT coalesce(jsonb_agg(jsonb_build_object('chain', chain,"
    " 'entries', position) ORDER BY chain), '[]') FROM audit_chain), 'last_checkpoint',"
    " (SELECT moment_in_japan(max(at)) FROM audit_checkpoint), 'archived_to',"
    " (SELECT max(month) FROM audit_archive), 'city', $1::text)::text"};

struct chain {
    struct admin_call call;
    json_t *state;
};

static void chain_end(struct chain *c)
{
    json_decref(c->state);
    admin_end(&c->call);
}

static bool state_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct chain *c = context;
    json_decref(TAKE(c->state));
    return admin_json(tx, &c->call, &select_state, NULL, &c->state, f);
}

/* What is under way is looked at first: what has ended by then is in the database. */
static enum http_flow chain_reply(struct chain *c, unsigned status)
{
    struct proving *proving = c->call.context->proving;
    json_t *now = proving_now(proving);
    bool failed = proving_failed(proving);
    if (!admin_do(&c->call, state_work, c)) {
        json_decref(now);
        return HTTP_DONE;
    }
    json_object_set_new(c->state, "running", now);
    json_object_set_new(c->state, "failed", json_boolean(failed));
    return names_reply(c->call.context, c->call.request, status, json_incref(c->state));
}

enum http_flow endpoint_chain(struct http_request *request, void *context)
{
    _cleanup_(chain_end) struct chain c = {0};
    if (admin_begin(context, request, RIGHT_AUDIT, &c.call))
        chain_reply(&c, 200);
    return HTTP_DONE;
}

enum http_flow endpoint_chain_post(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct failure f = {0};
    bool begun;
    _cleanup_(chain_end) struct chain c = {0};
    if (!admin_begin(context, request, RIGHT_AUDIT, &c.call) || !admin_do(&c.call, state_work, &c))
        return HTTP_DONE;
    int64_t entries = json_integer_value(json_object_get(c.state, "entries"));
    if (!proving_begin(console->proving, &c.call.who, entries, &begun, &f))
        return console_reply_failure(request, &f);
    return chain_reply(&c, 202);
}

/* /api/audit/chain: the state of the audit trail: when it was last proven, and what came out (GET);
 * prove it now (POST). */
#include <inttypes.h>

#include "base/cleanup.h"
#include "intake/audit_check.h"
#include "intake/console/admin.h"
#include "intake/console/endpoints.h"
#include "intake/console/slow.h"

/* While somebody waits: some seconds. What is longer is for `uketsuke audit verify`. */
#define ENTRIES_MOST 1000000

static const struct db_statement select_state = {
    "audit_chain_state",
    "SELECT jsonb_build_object('last', (SELECT to_jsonb(v) - 'verification_id'"
    "  || jsonb_build_object('at', moment_in_japan(at), 'last_checkpoint',"
    "  moment_in_japan(last_checkpoint)) FROM audit_verification v"
    "  ORDER BY verification_id DESC LIMIT 1), 'entries', (SELECT coalesce(sum(position), 0)"
    " FROM audit_chain), 'chains', (SELECT coalesce(jsonb_agg(jsonb_build_object('chain', chain,"
    " 'entries', position) ORDER BY chain), '[]') FROM audit_chain), 'last_checkpoint',"
    " (SELECT moment_in_japan(max(at)) FROM audit_checkpoint), 'city', $1::text)::text"};

struct chain {
    struct admin_call call;
    json_t *state;
    struct audit_check check;
};

static void chain_end(struct chain *c)
{
    json_decref(c->state);
    audit_check_free(&c->check);
    admin_end(&c->call);
}

static bool state_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct chain *c = context;
    json_decref(TAKE(c->state));
    return admin_json(tx, &c->call, &select_state, NULL, &c->state, f);
}

enum http_flow endpoint_chain(struct http_request *request, void *context)
{
    _cleanup_(chain_end) struct chain c = {0};
    if (admin_begin(context, request, RIGHT_AUDIT, &c.call) && admin_do(&c.call, state_work, &c))
        http_reply_json(request, 200, json_incref(c.state));
    return HTTP_DONE;
}

static bool note_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct chain *c = context;
    return administer_note(tx, &c->call.who, "audit.verify",
                           json_pack("{s:b, s:I}", "intact", c->check.intact, "entries",
                                     (json_int_t)c->check.summary.entries),
                           NULL, f);
}

enum http_flow endpoint_chain_post(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct failure f = {0};
    _cleanup_(chain_end) struct chain c = {0};
    if (!admin_begin(context, request, RIGHT_AUDIT, &c.call) || !admin_do(&c.call, state_work, &c))
        return HTTP_DONE;
    if (json_integer_value(json_object_get(c.state, "entries")) > ENTRIES_MOST)
        return console_reply_conflict(
            request, json_object(),
            "記録が%d件を超えるため、画面からは検証できません。サーバーで "
            "uketsuke audit verify を実行してください。",
            ENTRIES_MOST);
    unsigned place;
    if (!slow_begin(console->slow, c.call.caller.session.token, &place))
        return slow_reply_busy(request);
    bool checked =
        audit_check(console->role->db, console->role->config, NULL, NULL, NULL, &c.check, &f) &&
        audit_check_keep(console->role->db, &c.check, c.call.who.by, &f);
    slow_end(console->slow, place);
    if (!checked)
        return console_reply_failure(request, &f);
    if (admin_do(&c.call, note_work, &c) && admin_do(&c.call, state_work, &c))
        http_reply_json(request, 200, json_incref(c.state));
    return HTTP_DONE;
}

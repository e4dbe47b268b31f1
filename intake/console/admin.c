#include "intake/console/admin.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "intake/console/sign_in_internal.h"

bool admin_begin(const struct console_context *context, struct http_request *request,
                 enum right right, struct admin_call *ret_call)
{
    *ret_call = (struct admin_call){.context = context, .request = request};
    if (!console_admit(context, request, NEED_SESSION, &ret_call->caller))
        return false;
    if (!console_may(request, &ret_call->caller, right)) {
        console_caller_free(&ret_call->caller);
        return false;
    }
    ret_call->who = (struct administrator){.city_code = context->role->city_code,
                                           .by = ret_call->caller.actor,
                                           .terminal = ret_call->caller.terminal_text,
                                           .chain = CONSOLE_CHAIN};
    return true;
}

bool admin_do(struct admin_call *call, db_work *work, void *context)
{
    struct failure f = {0};
    if (db_transaction(call->context->role->db, work, context, &f))
        return true;
    console_reply_failure(call->request, &f);
    return false;
}

void admin_end(struct admin_call *call)
{
    console_caller_free(&call->caller);
}

bool admin_json(struct db_tx *tx, const struct admin_call *call,
                const struct db_statement *statement, const char *argument, json_t **ret_json,
                struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const struct db_value values[] = {db_text(call->who.city_code), db_text(argument)};
    if (!db_query(tx, statement, values, argument ? 2 : 1, &rows, f))
        return false;
    json_t *json = json_read(bytes_of_text(db_get_text(rows, 0, 0)));
    if (!json)
        return failure_set(f, FAILURE_DATABASE, "%s: not the JSON that was asked for",
                           statement->name);
    *ret_json = json;
    return true;
}

/* POST /routing/v1/items/{id}/redeliver: what was accepted waits again, under the same id. */
#include "routing/endpoints.h"
#include "routing/redelivery.h"

struct asking {
    const struct routing_context *context;
    struct routing_caller caller;
    int64_t id;
    enum redelivery result;
    size_t taken_back; /* staff have to release it first */
};

static bool ask_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct asking *a = context;
    char application_id[37], detail[ROUTING_DETAIL];
    if (!redelivery_ask(tx, a->context->options.city_code, a->caller.destination, a->id, &a->result,
                        application_id, f))
        return false;
    if (a->result != REDELIVERY_DONE)
        return true;
    if (!routing_recheck(a->context, &a->caller, tx, &a->id, 1, &a->taken_back, f))
        return false;
    if (a->taken_back)
        return true;
    struct audit_entry entry = routing_audit_entry(a->context, &a->caller, "item.redelivered",
                                                   application_id, a->id, detail);
    return audit_append(tx, ROUTING_CHAIN, &entry, 1, f);
}

enum http_flow endpoint_redeliver(struct http_request *request, void *context)
{
    struct asking a = {.context = context};
    if (!routing_identify(context, request, SCOPE_REDELIVERIES_CREATE, &a.caller) ||
        !routing_item_id(context, request, &a.id))
        return HTTP_DONE;
    struct failure f = {0};
    if (!db_transaction(a.context->options.db, ask_work, &a, &f))
        return routing_reply_failure(request, &f);
    if (a.result == REDELIVERY_UNKNOWN)
        return routing_reply_not_found(a.context, request);
    if (a.result == REDELIVERY_GONE)
        return http_reply_error(request, 409, "E0105", "The item is kept no longer.");
    if (a.result == REDELIVERY_NEWER)
        return http_reply_error(request, 409, "E0105",
                                "Another item of this application waits: take that one.");
    if (a.result == REDELIVERY_WITHDRAWN)
        return http_reply_error(request, 409, "E0105", "The application was withdrawn.");
    if (a.taken_back)
        return http_reply_error(request, 409, "E0105",
                                "The city's staff have to release it first; ask them.");
    floor_reset(
        a.caller.client->floor); /* at once; other processes are told (redelivery_channel) */
    return http_reply_json(request, 200, json_pack("{s:s}", "result", "waits"));
}

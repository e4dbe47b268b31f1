/* GET /routing/v1/items/{id}: the exact bytes of one item, with ETag. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/endpoints.h"

struct fetch {
    const struct routing_context *context;
    struct routing_caller caller;
    int64_t id;
    bool found;
    struct buffer plain;
};

static bool fetch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetch *x = context;
    _cleanup_(cleanup_buffer) struct buffer sealed = {0}, key = {0};
    char application_id[37], detail[ROUTING_DETAIL];
    buffer_clear(&x->plain);
    if (x->caller.head)
        db_undo(tx);
    if (!routing_recheck(x->context, &x->caller, tx, &x->id, 1, NULL, f) ||
        !outbox_fetch(tx, x->context->options.city_code, x->caller.destination, x->id, &x->found,
                      application_id, &sealed, &key, f))
        return false;
    if (!x->found)
        return true;
    struct audit_entry entry = routing_audit_entry(x->context, &x->caller, "item.delivered",
                                                   application_id, x->id, detail);
    return routing_unseal(x->context, "item", application_id, buffer_bytes(&key),
                          buffer_bytes(&sealed), &x->plain, f) &&
           audit_append(tx, ROUTING_CHAIN, &entry, 1, f);
}

static enum http_flow reply(struct http_request *request, const struct fetch *x)
{
    struct bytes item = buffer_bytes(&x->plain);
    char hash[65];
    sha256_hex(item, hash);
    if (http_reply_unchanged(request, hash))
        return HTTP_DONE;
    metric_add(&routing_delivered_metric, "item", !x->caller.head);
    return http_reply_bytes(request, 200, "application/json", item);
}

static enum http_flow fetch_and_reply(struct http_request *request, struct fetch *x)
{
    struct failure f = {0};
    if (!db_transaction(x->context->options.db, fetch_work, x, &f))
        return routing_reply_failure(request, &f);
    return x->found ? reply(request, x) : routing_reply_not_found(x->context, request);
}

enum http_flow endpoint_item(struct http_request *request, void *context)
{
    struct fetch x = {.context = context};
    if (!routing_identify(context, request, SCOPE_CONTENT_READ, &x.caller) ||
        !routing_item_id(context, request, &x.id))
        return HTTP_DONE;
    enum http_flow flow = fetch_and_reply(request, &x);
    buffer_erase_free(&x.plain);
    return flow;
}

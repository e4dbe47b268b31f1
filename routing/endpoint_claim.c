/* POST /routing/v1/claims/{claim}/renew {"seconds"} and DELETE /routing/v1/claims/{claim}. */
#include "base/cleanup.h"
#include "routing/claim.h"
#include "routing/endpoints.h"

struct holding {
    const struct routing_context *context;
    struct claim_place place;
    struct claim claim;
    int64_t seconds; /* 0: release */
    int64_t count;
};

static bool hold_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct holding *h = context;
    return h->seconds ? claim_renew(tx, &h->place, &h->claim, h->seconds, &h->count, f)
                      : claim_release(tx, &h->place, &h->claim, &h->count, f);
}

static bool read_claim(struct holding *h, struct http_request *request)
{
    if (claim_read(http_request_parameter(request, "claim"), &h->claim))
        return true;
    routing_refuse(h->context, request, "claim-unknown", 404, "E0100", "There is no such claim.");
    return false;
}

/* *ret_flow is the answer unless the items were held; a claim that has run out holds none. */
static bool hold(struct holding *h, struct http_request *request, const char *destination,
                 enum http_flow *ret_flow)
{
    struct failure f = {0};
    h->place = (struct claim_place){.city_code = h->context->options.city_code,
                                    .destination = destination};
    if (!db_transaction(h->context->options.db, hold_work, h, &f)) {
        *ret_flow = routing_reply_failure(request, &f);
        return false;
    }
    if (h->count > 0)
        return true;
    *ret_flow = http_reply_error(request, 409, "E0105",
                                 "Nothing is held under this claim: all received, or time over.");
    return false;
}

enum http_flow endpoint_claim_renew(struct http_request *request, void *context)
{
    struct holding h = {.context = context};
    struct routing_caller caller;
    struct body_fault fault = {0};
    enum http_flow flow = HTTP_DONE;
    if (!routing_identify(context, request, SCOPE_CLAIMS_UPDATE, &caller) ||
        !read_claim(&h, request))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body)
        return HTTP_DONE;
    if (!claim_read_seconds(body, &h.seconds, &fault))
        return http_reply_error(request, 400, fault.code, "%s.", fault.text);
    if (!hold(&h, request, caller.destination, &flow))
        return flow;
    char until[INSTANT_TEXT];
    return http_reply_json(request, 200,
                           json_pack("{s:I, s:s}", "held", (json_int_t)h.count, "until",
                                     instant_text_jst(h.claim.until, until)));
}

enum http_flow endpoint_claim_release(struct http_request *request, void *context)
{
    struct holding h = {.context = context};
    struct routing_caller caller;
    enum http_flow flow = HTTP_DONE;
    if (!routing_identify(context, request, SCOPE_CLAIMS_DELETE, &caller) ||
        !read_claim(&h, request) || !hold(&h, request, caller.destination, &flow))
        return flow;
    claim_end_note(caller.client->claim_end, 0);
    return http_reply_json(request, 200, json_pack("{s:I}", "released", (json_int_t)h.count));
}

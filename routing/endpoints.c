#include "routing/endpoints.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "routing/route.h"

struct metric routing_delivered_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_routing_delivered_total",
    .help = "Items and packages that business systems fetched.",
    .label_name = "kind",
};

bool routing_identify(const struct routing_context *context, struct http_request *request,
                      struct routing_caller *ret_caller)
{
    const char *peer = http_request_peer(request);
    if (!peer) {
        http_reply_error(request, 401, "E0103", "A client certificate is required.");
        return false;
    }
    const char *destination = destination_of_peer(context->options.config, peer);
    if (!destination) {
        http_reply_error(request, 403, "E0104",
                         "This client certificate belongs to no destination.");
        return false;
    }
    ret_caller->destination = destination;
    snprintf(ret_caller->actor, sizeof ret_caller->actor, "business:%s", destination);
    snprintf(ret_caller->terminal, sizeof ret_caller->terminal, "%s %s",
             http_request_address(request), peer);
    return true;
}

enum http_flow routing_reply_not_found(struct http_request *request)
{
    return http_reply_error(request, 404, "E0100", "No such item waits for this destination.");
}

bool routing_item_id(struct http_request *request, int64_t *ret_id)
{
    const char *text = http_request_parameter(request, "id");
    if (text && number_parse(text, 1, INT64_MAX, ret_id))
        return true;
    routing_reply_not_found(request);
    return false;
}

enum http_flow routing_reply_failure(struct http_request *request, const struct failure *f)
{
    log_warning("routing.request", log_text("request", http_request_id(request)),
                log_text("kind", failure_kind_name(f->kind)), log_text("text", f->text));
    if (f->kind == FAILURE_DATABASE || f->kind == FAILURE_CONFLICT || f->kind == FAILURE_NETWORK) {
        http_reply_header(request, "Retry-After", "5");
        return http_reply_error(request, 503, "E0190", "Temporarily unavailable. Try again.");
    }
    return http_reply_error(request, 500, "E0199", "Internal error. Nothing was changed.");
}

bool routing_unseal(const struct routing_context *context, const char *purpose,
                    const char *application_id, struct bytes wrapped_key, struct bytes sealed,
                    struct buffer *ret_plain, struct failure *f)
{
    char binding[64];
    snprintf(binding, sizeof binding, "%s/%s", context->options.city_code, application_id);
    struct application_key key;
    if (!application_key_unwrap(context->options.city_key, binding, wrapped_key, &key, f))
        return false;
    bool done = unseal(&key, purpose, binding, sealed, ret_plain, f);
    application_key_erase(&key);
    return done;
}

struct audit_entry routing_audit_entry(const struct routing_context *context,
                                       const struct routing_caller *caller, const char *action,
                                       const char *application_id, int64_t outbox_id,
                                       char detail[ROUTING_DETAIL])
{
    snprintf(detail, ROUTING_DETAIL, "{\"id\":\"%" PRId64 "\"}", outbox_id);
    return (struct audit_entry){.action = action,
                                .actor = caller->actor,
                                .terminal = caller->terminal,
                                .city_code = context->options.city_code,
                                .application_id = application_id,
                                .detail = detail};
}

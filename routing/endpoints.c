#include "routing/endpoints.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

struct metric routing_delivered_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_routing_delivered_total",
    .help = "Items and packages that business systems fetched.",
    .label_name = "kind",
};

enum http_flow routing_reply_not_found(const struct routing_context *context,
                                       struct http_request *request)
{
    return routing_refuse(context, request, "item-unknown", 404, "E0100",
                          "No such item waits for this destination.");
}

bool routing_item_id(const struct routing_context *context, struct http_request *request,
                     int64_t *ret_id)
{
    const char *text = http_request_parameter(request, "id");
    if (text && number_parse_exact(text, 1, INT64_MAX, ret_id))
        return true;
    routing_reply_not_found(context, request);
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

static struct metric waiting_metric = {
    .kind = METRIC_GAUGE,
    .name = "uketsuke_routing_waiting",
    .help = "Long polls that wait for an item.",
};

static void waiting_ended(void *metric)
{
    metric_add(metric, NULL, -1);
}

enum http_flow routing_wait(struct http_request *request, const char *destination, int64_t seconds)
{
    if (!http_request_kept(request)) {
        metric_add(&waiting_metric, NULL, 1);
        http_request_keep(request, &waiting_metric, waiting_ended);
    }
    return http_request_wait_for(request, seconds * INSTANT_SECOND, destination);
}

bool routing_recheck(const struct routing_context *context, const struct routing_caller *caller,
                     struct db_tx *tx, const int64_t *ids, size_t count, size_t *ret_taken_back,
                     struct failure *f)
{
    const struct recheck recheck = {.city_code = context->options.city_code,
                                    .destination = caller->destination,
                                    .ask = context->options.on_recheck,
                                    .context = context->options.context};
    return recheck_items(tx, &recheck, ids, count, ret_taken_back, f);
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

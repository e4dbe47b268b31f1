/* GET /routing/v1/items?after=ID&limit=N&wait=SECONDS: what waits, oldest first; long poll. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "routing/endpoints.h"

static struct metric waiting_metric = {
    .kind = METRIC_GAUGE,
    .name = "uketsuke_routing_waiting",
    .help = "Long polls that wait for an item.",
};

DEFINE_CLEANUP(cleanup_rows, struct outbox_row *, free)

struct listing {
    const struct routing_context *context;
    const char *destination;
    int64_t after, limit;
    struct outbox_row *rows;
    size_t count;
};

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct listing *l = context;
    return outbox_list(tx, l->context->options.city_code, l->destination, NULL, l->after, l->rows,
                       (size_t)l->limit, &l->count, f);
}

static json_t *row_json(const struct outbox_row *row)
{
    char id[24], created_at[INSTANT_TEXT];
    snprintf(id, sizeof id, "%" PRId64, row->outbox_id);
    instant_text_jst(row->created_at, created_at);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s}", "id", id, "receipt_number",
                     row->receipt_number, "procedure_id", row->procedure_id, "created_at",
                     created_at, "attempts", row->attempts, "sha256", row->sha256);
}

/* "next" is what to give as `after` for the page that follows. */
static enum http_flow reply(struct http_request *request, const struct listing *l)
{
    json_t *items = json_array();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(items, row_json(&l->rows[i]));
    char next[24];
    snprintf(next, sizeof next, "%" PRId64, l->count ? l->rows[l->count - 1].outbox_id : l->after);
    return http_reply_json(request, 200, json_pack("{s:o, s:s}", "items", items, "next", next));
}

static void waiting_ended(void *metric)
{
    metric_add(metric, NULL, -1);
}

static enum http_flow wait_for_more(struct http_request *request, int64_t seconds)
{
    if (!http_request_kept(request)) {
        metric_add(&waiting_metric, NULL, 1);
        http_request_keep(request, &waiting_metric, waiting_ended);
    }
    return http_request_wait(request, seconds * INSTANT_SECOND);
}

enum http_flow endpoint_items(struct http_request *request, void *context)
{
    struct listing l = {.context = context};
    struct routing_caller caller;
    int64_t wait;
    if (!routing_identify(context, request, &caller) ||
        !http_request_query_number(request, "after", 0, INT64_MAX, 0, &l.after) ||
        !http_request_query_number(request, "limit", 1, ROUTING_LIST_MOST, 100, &l.limit) ||
        !http_request_query_number(request, "wait", 0, l.context->wait_most / INSTANT_SECOND, 0,
                                   &wait))
        return HTTP_DONE;
    l.destination = caller.destination;
    _cleanup_(cleanup_rows) struct outbox_row *rows = l.rows =
        memory_allocate((size_t)l.limit * sizeof *rows);
    struct failure f = {0};
    if (!db_transaction(l.context->options.db, list_work, &l, &f))
        return routing_reply_failure(request, &f);
    if (l.count == 0 && wait > 0 && !http_request_expired(request))
        return wait_for_more(request, wait);
    return reply(request, &l);
}

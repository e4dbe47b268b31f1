/* GET /routing/v1/items?after=CURSOR&limit=N&wait=SECONDS&procedure=ID&since=INSTANT: what waits,
 * oldest first; long poll. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "routing/cursor.h"

DEFINE_CLEANUP(cleanup_rows, struct outbox_row *, free)

struct listing {
    const struct routing_context *context;
    struct outbox_query query;
    int64_t limit, wait;
    struct outbox_row *rows;
    size_t count;
};

static json_t *row_json(const struct outbox_row *row)
{
    char id[24], created_at[INSTANT_TEXT], claimed_until[INSTANT_TEXT] = "";
    snprintf(id, sizeof id, "%" PRId64, row->outbox_id);
    instant_text_jst(row->created_at, created_at);
    if (row->claimed_until)
        instant_text_jst(row->claimed_until, claimed_until);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s*}", "id", id, "receipt_number",
                     row->receipt_number, "procedure_id", row->procedure_id, "created_at",
                     created_at, "attempts", row->attempts, "sha256", row->sha256, "claimed_until",
                     row->claimed_until ? claimed_until : NULL);
}

/* "next" is what to give as `after` for the page that follows. */
static enum http_flow reply(struct http_request *request, const struct listing *l)
{
    json_t *items = json_array();
    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(items, row_json(&l->rows[i]));
    char next[CURSOR_TEXT];
    int64_t last = l->count ? l->rows[l->count - 1].outbox_id : l->query.after;
    cursor_text(l->context, l->query.destination, last, next);
    http_reply_compress(request);
    return http_reply_json(request, 200, json_pack("{s:o, s:s}", "items", items, "next", next));
}

static bool read_since(struct http_request *request, instant *ret_since)
{
    const char *text = http_request_query(request, "since");
    if (!text || instant_parse(text, ret_since))
        return true;
    http_reply_error(request, 400, "E0002", "since must be a time, as 2026-11-21T09:00:00+09:00.");
    return false;
}

static bool read_query(struct listing *l, struct http_request *request)
{
    l->query.procedure_id = http_request_query(request, "procedure");
    return cursor_read(l->context, request, l->query.destination, &l->query.after) &&
           read_since(request, &l->query.since) &&
           http_request_query_number(request, "limit", 1, ROUTING_LIST_MOST, 100, &l->limit) &&
           http_request_query_number(request, "wait", 0, l->context->wait_most / INSTANT_SECOND, 0,
                                     &l->wait);
}

enum http_flow endpoint_items(struct http_request *request, void *context)
{
    struct listing l = {.context = context};
    struct routing_caller caller;
    if (!routing_identify(context, request, SCOPE_ITEMS_READ, &caller))
        return HTTP_DONE;
    l.query.city_code = l.context->options.city_code;
    l.query.destination = caller.destination;
    if (!read_query(&l, request))
        return HTTP_DONE;
    _cleanup_(cleanup_rows) struct outbox_row *rows = l.rows =
        memory_allocate((size_t)l.limit * sizeof *rows);
    struct failure f = {0};
    if (!outbox_look(l.context->options.db, caller.client->floor, &l.query, l.rows, (size_t)l.limit,
                     &l.count, &f))
        return routing_reply_failure(request, &f);
    if (l.count == 0 && l.wait > 0 && !http_request_expired(request))
        return routing_wait(request, caller.destination, l.wait);
    return reply(request, &l);
}

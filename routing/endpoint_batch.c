/* GET /routing/v1/batch?after=CURSOR&limit=N: many items with their content in one answer, so that
 * a consumer with a long queue pays one round trip, and we one commit, for all of them. */
#include "base/cleanup.h"
#include "routing/content.h"
#include "routing/cursor.h"

struct batch {
    struct content content;
    struct routing_caller caller;
    int64_t after, limit, seen; /* the last that was looked at, readable or not */
};

/* Locked until they are counted as fetched: who takes one back meanwhile waits, and sees that. */
static const struct db_statement batch_list = {
    "routing_batch_list", "SELECT outbox_id FROM outbox WHERE city_code = $1 AND destination = $2"
                          " AND outbox_id > $3::bigint AND due_at <= now() "
                          "ORDER BY outbox_id LIMIT $4::bigint FOR NO KEY UPDATE"};

static const struct db_statement batch_count = {
    "routing_batch_count", "UPDATE outbox SET attempts = attempts + 1, last_attempt_at = now() "
                           "WHERE city_code = $1 AND destination = $2"
                           " AND outbox_id > $3::bigint AND outbox_id <= $4::bigint"
                           " AND due_at <= now()"};

static bool list(struct batch *b, struct db_tx *tx, int64_t after, int64_t *ret_ids,
                 size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &batch_list,
                  DB_VALUES(db_text(b->content.context->options.city_code),
                            db_text(b->caller.destination), db_number(after), db_number(b->limit)),
                  &rows, f))
        return false;
    *ret_count = db_row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        ret_ids[i] = db_get_number(rows, i, 0);
    return true;
}

static bool count_attempts(struct db_tx *tx, const struct batch *b, int64_t after,
                           struct failure *f)
{
    return db_send(tx, &batch_count,
                   DB_VALUES(db_text(b->content.context->options.city_code),
                             db_text(b->caller.destination), db_number(after), db_number(b->seen)),
                   -1, f);
}

static bool batch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct batch *b = context;
    int64_t ids[ROUTING_BATCH_MOST], oldest = 0, seen = 0;
    size_t count = 0;
    content_clear(&b->content);
    b->seen = b->after;
    if (b->caller.head)
        db_undo(tx);
    if (!floor_oldest(b->caller.client->floor, tx, b->content.context->options.city_code,
                      b->caller.destination, &oldest, f))
        return false;
    int64_t after = oldest > b->after ? oldest - 1 : b->after;
    if (oldest == 0)
        return true;
    if (!list(b, tx, after, ids, &count, f) || !content_add(&b->content, tx, ids, count, &seen, f))
        return false;
    if (seen > 0)
        b->seen = seen;
    return seen == 0 || (count_attempts(tx, b, after, f) && content_audit(&b->content, tx, f));
}

static enum http_flow answer(struct http_request *request, struct batch *b)
{
    struct failure f = {0};
    char next[CURSOR_TEXT];
    if (!db_transaction(b->content.context->options.db, batch_work, b, &f))
        return routing_reply_failure(request, &f);
    cursor_text(b->content.context, b->caller.destination, b->seen, next);
    return content_reply(request, &b->content, json_pack("{s:s}", "next", next));
}

enum http_flow endpoint_batch(struct http_request *request, void *context)
{
    struct batch b = {.content = {.context = context}};
    b.content.caller = &b.caller;
    if (!routing_identify(context, request, SCOPE_BATCHES_READ, &b.caller) ||
        !cursor_read(context, request, b.caller.destination, &b.after) ||
        !http_request_query_number(request, "limit", 1, ROUTING_BATCH_MOST, 100, &b.limit))
        return HTTP_DONE;
    enum http_flow flow = answer(request, &b);
    content_free(&b.content);
    return flow;
}

/* GET /routing/v1/batch?after=ID&limit=N: many items with their content in one answer, so that a
 * consumer with a long queue pays one round trip, and we one commit, for all of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/endpoints.h"

#define BATCH_BYTES (8 << 20) /* no further item is added beyond this; one always goes */

struct entry {
    int64_t id;
    char application_id[37];
    char detail[ROUTING_DETAIL];
};

struct batch {
    const struct routing_context *context;
    struct routing_caller caller;
    int64_t after, limit, seen; /* the last that was looked at, readable or not */
    struct entry entries[ROUTING_BATCH_MOST];
    size_t count, bytes;
    json_t *items;
};

static const struct db_statement batch_fetch = {
    "routing_batch_fetch",
    "WITH waiting AS MATERIALIZED ("
    " SELECT outbox_id FROM outbox WHERE city_code = $1 AND destination = $2"
    "  AND outbox_id > $3::bigint AND due_at <= now() ORDER BY outbox_id LIMIT $4::bigint)"
    "SELECT o.outbox_id, o.application_id, i.sealed, k.wrapped FROM waiting"
    " JOIN outbox o ON o.city_code = $1 AND o.destination = $2 AND o.outbox_id = waiting.outbox_id"
    " JOIN outbox_item i ON i.city_code = $1 AND i.destination = $2"
    "  AND i.outbox_id = waiting.outbox_id"
    " JOIN application_key k ON k.city_code = $1 AND k.application_id = o.application_id "
    "ORDER BY o.outbox_id"};

static const struct db_statement batch_count = {
    "routing_batch_count", "UPDATE outbox SET attempts = attempts + 1, last_attempt_at = now() "
                           "WHERE city_code = $1 AND destination = $2"
                           " AND outbox_id > $3::bigint AND outbox_id <= $4::bigint"
                           " AND due_at <= now()"};

/* The item's exact bytes as a JSON string: UTF-8 in, UTF-8 out, so the hash still holds. One that
 * does not open is left out, and must not keep back the others: asked for alone, it is an error. */
static void add_item(struct batch *b, const struct db_rows *rows, size_t i)
{
    struct failure why = {0};
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    struct entry *entry = &b->entries[b->count];
    entry->id = db_get_number(rows, i, 0);
    snprintf(entry->application_id, sizeof entry->application_id, "%s", db_get_text(rows, i, 1));
    if (!routing_unseal(b->context, "item", entry->application_id, db_get_bytes(rows, i, 3),
                        db_get_bytes(rows, i, 2), &plain, &why)) {
        log_failure("item.unreadable", &why);
        return;
    }
    char id[24], hash[65];
    snprintf(id, sizeof id, "%" PRId64, entry->id);
    sha256_hex(buffer_bytes(&plain), hash);
    json_array_append_new(b->items, json_pack("{s:s, s:s, s:s%}", "id", id, "sha256", hash, "item",
                                              (const char *)plain.data, plain.length));
    b->bytes += plain.length;
    b->count++;
}

static bool audit(struct db_tx *tx, struct batch *b, struct failure *f)
{
    struct audit_entry entries[ROUTING_BATCH_MOST];
    for (size_t i = 0; i < b->count; i++)
        entries[i] = routing_audit_entry(b->context, &b->caller, "item.delivered",
                                         b->entries[i].application_id, b->entries[i].id,
                                         b->entries[i].detail);
    return b->count == 0 || audit_append(tx, ROUTING_CHAIN, entries, b->count, f);
}

static bool count_attempts(struct db_tx *tx, const struct batch *b, struct failure *f)
{
    if (b->seen == b->after)
        return true;
    return db_execute(tx, &batch_count,
                      DB_VALUES(db_text(b->context->options.city_code),
                                db_text(b->caller.destination), db_number(b->after),
                                db_number(b->seen)),
                      NULL, f);
}

static bool batch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct batch *b = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    json_array_clear(b->items);
    b->count = b->bytes = 0;
    b->seen = b->after;
    if (!db_query(tx, &batch_fetch,
                  DB_VALUES(db_text(b->context->options.city_code), db_text(b->caller.destination),
                            db_number(b->after), db_number(b->limit)),
                  &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows) && b->bytes < BATCH_BYTES; i++) {
        add_item(b, rows, i);
        b->seen = db_get_number(rows, i, 0);
    }
    return count_attempts(tx, b, f) && audit(tx, b, f);
}

static enum http_flow reply(struct http_request *request, struct batch *b)
{
    char next[24];
    snprintf(next, sizeof next, "%" PRId64, b->seen);
    metric_add(&routing_delivered_metric, "item", (int64_t)b->count);
    http_reply_header(request, "Cache-Control", "no-store");
    return http_reply_json(request, 200, json_pack("{s:O, s:s}", "items", b->items, "next", next));
}

enum http_flow endpoint_batch(struct http_request *request, void *context)
{
    _cleanup_(cleanup_json) json_t *items = json_array();
    struct batch b = {.context = context, .items = items};
    if (!routing_identify(context, request, &b.caller) ||
        !http_request_query_number(request, "after", 0, INT64_MAX, 0, &b.after) ||
        !http_request_query_number(request, "limit", 1, ROUTING_BATCH_MOST, ROUTING_BATCH_MOST,
                                   &b.limit))
        return HTTP_DONE;
    struct failure f = {0};
    if (!db_transaction(b.context->options.db, batch_work, &b, &f))
        return routing_reply_failure(request, &f);
    return reply(request, &b);
}

/* GET /routing/v1/items/{id}/package: the original 申請ZIP, untouched; resumable by Range. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/endpoints.h"

/* Only while the item waits for this destination; a try of it, as fetching the item is. */
static const struct db_statement package_of_item = {
    "routing_package_of_item",
    "WITH waiting AS ("
    " UPDATE outbox SET attempts = attempts + 1, last_attempt_at = now()"
    " WHERE city_code = $1 AND destination = $2 AND outbox_id = $3::bigint"
    " RETURNING city_code, application_id)"
    "SELECT w.application_id, k.wrapped, p.sealed, p.sha256 FROM waiting w"
    " JOIN application_key k USING (city_code, application_id)"
    " JOIN package p USING (city_code, application_id)"};

struct fetch {
    const struct routing_context *context;
    struct routing_caller caller;
    int64_t id;
    bool found;
    char sha256[65];
    struct buffer plain;
};

static bool open_row(struct db_tx *tx, struct fetch *x, const struct db_rows *rows,
                     struct failure *f)
{
    char detail[ROUTING_DETAIL];
    const char *application_id = db_get_text(rows, 0, 0);
    struct bytes hash = db_get_bytes(rows, 0, 3);
    struct audit_entry entry = routing_audit_entry(x->context, &x->caller, "package.delivered",
                                                   application_id, x->id, detail);
    if (hash.length != 32)
        return failure_set(f, FAILURE_DATABASE, "a stored package has no SHA-256");
    hex_encode(hash.data, hash.length, x->sha256);
    return routing_unseal(x->context, "package", application_id, db_get_bytes(rows, 0, 1),
                          db_get_bytes(rows, 0, 2), &x->plain, f) &&
           audit_append(tx, ROUTING_CHAIN, &entry, 1, f);
}

static bool fetch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetch *x = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    buffer_clear(&x->plain);
    if (x->caller.head)
        db_undo(tx);
    if (!routing_recheck(x->context, &x->caller, tx, &x->id, 1, NULL, f) ||
        !db_query(tx, &package_of_item,
                  DB_VALUES(db_text(x->context->options.city_code), db_text(x->caller.destination),
                            db_number(x->id)),
                  &rows, f))
        return false;
    x->found = db_row_count(rows) == 1;
    return !x->found || open_row(tx, x, rows, f);
}

static enum http_flow fetch_and_reply(struct http_request *request, struct fetch *x)
{
    struct failure f = {0};
    if (!db_transaction(x->context->options.db, fetch_work, x, &f))
        return routing_reply_failure(request, &f);
    if (!x->found)
        return routing_reply_not_found(x->context, request);
    metric_add(&routing_delivered_metric, "package", !x->caller.head);
    return http_reply_range(request, "application/zip", x->sha256, buffer_bytes(&x->plain));
}

enum http_flow endpoint_package(struct http_request *request, void *context)
{
    struct fetch x = {.context = context};
    if (!routing_identify(context, request, SCOPE_PACKAGES_READ, &x.caller) ||
        !routing_item_id(context, request, &x.id))
        return HTTP_DONE;
    if (!x.caller.client->package)
        return routing_refuse(context, request, "package-refused", 403, "E0104",
                              "This destination may have items, not packages.");
    enum http_flow flow = fetch_and_reply(request, &x);
    buffer_erase_free(&x.plain);
    return flow;
}

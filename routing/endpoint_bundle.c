/* GET /routing/v1/items/{id}/bundle: the item, the verification report and the 申請ZIP in one ZIP;
 * resumable by Range. */
#include "base/cleanup.h"
#include "base/text.h"
#include "routing/bundle.h"
#include "routing/endpoints.h"

/* Only while the item waits for this destination; a try of it, as fetching the item is. */
static const struct db_statement bundle_of_item = {
    "routing_bundle_of_item",
    "WITH waiting AS ("
    " UPDATE outbox SET attempts = attempts + 1, last_attempt_at = now()"
    " WHERE city_code = $1 AND destination = $2 AND outbox_id = $3::bigint"
    " RETURNING city_code, destination, outbox_id, application_id)"
    "SELECT w.application_id, k.wrapped, i.sealed, e.report, p.sealed FROM waiting w"
    " JOIN outbox_item i USING (city_code, destination, outbox_id)"
    " JOIN application_key k USING (city_code, application_id)"
    " JOIN examination e USING (city_code, application_id)"
    " JOIN package p USING (city_code, application_id)"};

struct fetch {
    const struct routing_context *context;
    struct routing_caller caller;
    int64_t id;
    bool found;
    struct buffer item, report, package, zip;
};

static void fetch_free(struct fetch *x)
{
    buffer_erase_free(&x->item);
    buffer_erase_free(&x->report);
    buffer_erase_free(&x->package);
    buffer_erase_free(&x->zip);
}

static bool open_row(struct fetch *x, const struct db_rows *rows, struct failure *f)
{
    const char *application_id = db_get_text(rows, 0, 0);
    struct bytes key = db_get_bytes(rows, 0, 1);
    const struct {
        const char *purpose;
        struct buffer *plain;
    } parts[] = {{"item", &x->item}, {"report", &x->report}, {"package", &x->package}};
    for (int i = 0; i < 3; i++) {
        buffer_clear(parts[i].plain);
        if (!routing_unseal(x->context, parts[i].purpose, application_id, key,
                            db_get_bytes(rows, 0, i + 2), parts[i].plain, f))
            return false;
    }
    const struct bundle bundle = {buffer_bytes(&x->item), buffer_bytes(&x->report),
                                  buffer_bytes(&x->package)};
    buffer_clear(&x->zip);
    return bundle_write(&bundle, &x->zip, f);
}

static bool fetch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetch *x = context;
    char detail[ROUTING_DETAIL];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (x->caller.head)
        db_undo(tx);
    if (!routing_recheck(x->context, &x->caller, tx, &x->id, 1, NULL, f) ||
        !db_query(tx, &bundle_of_item,
                  DB_VALUES(db_text(x->context->options.city_code), db_text(x->caller.destination),
                            db_number(x->id)),
                  &rows, f))
        return false;
    x->found = db_row_count(rows) == 1;
    if (!x->found)
        return true;
    struct audit_entry entry = routing_audit_entry(x->context, &x->caller, "bundle.delivered",
                                                   db_get_text(rows, 0, 0), x->id, detail);
    return open_row(x, rows, f) && audit_append(tx, ROUTING_CHAIN, &entry, 1, f);
}

static enum http_flow fetch_and_reply(struct http_request *request, struct fetch *x)
{
    char hash[65];
    struct failure f = {0};
    if (!db_transaction(x->context->options.db, fetch_work, x, &f))
        return routing_reply_failure(request, &f);
    if (!x->found)
        return routing_reply_not_found(x->context, request);
    metric_add(&routing_delivered_metric, "bundle", !x->caller.head);
    sha256_hex(buffer_bytes(&x->zip), hash);
    return http_reply_range(request, "application/zip", hash, buffer_bytes(&x->zip));
}

enum http_flow endpoint_bundle(struct http_request *request, void *context)
{
    struct fetch x = {.context = context};
    if (!routing_identify(context, request, SCOPE_BUNDLES_READ, &x.caller) ||
        !routing_item_id(context, request, &x.id))
        return HTTP_DONE;
    if (!x.caller.client->package)
        return routing_refuse(context, request, "package-refused", 403, "E0104",
                              "This destination may have items, not packages.");
    enum http_flow flow = fetch_and_reply(request, &x);
    fetch_free(&x);
    return flow;
}

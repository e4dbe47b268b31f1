/* POST /routing/v1/receipts: what the business system stored, or rejected; all in one transaction.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "routing/endpoints.h"
#include "routing/problems.h"
#include "routing/receipts_parse.h"
#include "routing/trail.h"

static struct metric receipts_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_routing_receipts_total",
    .help = "Receipts from business systems, by what became of them.",
    .label_name = "result",
};

struct receiving {
    const struct routing_context *context;
    struct routing_caller caller;
    struct receipts receipts;
};

static bool tell(struct db_tx *tx, const struct receiving *r, struct failure *f)
{
    const struct routing_options *options = &r->context->options;
    struct outbox_receipt **taken = memory_allocate(r->receipts.count * sizeof(*taken));
    size_t count = 0;
    for (size_t i = 0; i < r->receipts.count; i++)
        if (r->receipts.list[i].result == RECEIPT_TAKEN && !r->receipts.list[i].again)
            taken[count++] = &r->receipts.list[i];
    bool done = !options->on_receipts || count == 0 ||
                options->on_receipts(tx, r->caller.destination, taken, count, r->caller.terminal,
                                     options->context, f);
    free(taken);
    return done;
}

/* --- the audit trail: what was taken is one entry; each refusal its own -------------------------
 */

static bool audit_taken(struct db_tx *tx, const struct receiving *r, struct failure *f)
{
    struct trail_item *items = memory_allocate(r->receipts.count * sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < r->receipts.count; i++) {
        const struct outbox_receipt *receipt = &r->receipts.list[i];
        if (receipt->result == RECEIPT_TAKEN)
            items[count++] =
                (struct trail_item){receipt->outbox_id, receipt->application_id,
                                    receipt->accepted ? "accepted" : "rejected", receipt->moved_to};
    }
    bool done = trail_append(tx, r->context, &r->caller, "items.received", NULL, items, count, f);
    free(items);
    return done;
}

/* One that quotes a wrong hash, contradicts what was taken, or comes in another's claim. A repeated
 * or unknown one changes nothing and is only counted. */
static bool refused(const struct outbox_receipt *receipt)
{
    return receipt->result != RECEIPT_TAKEN && receipt->result != RECEIPT_REPEATED &&
           receipt->result != RECEIPT_UNKNOWN;
}

static bool audit_refused(struct db_tx *tx, const struct receiving *r, struct failure *f)
{
    struct audit_entry *entries = memory_allocate(r->receipts.count * sizeof *entries);
    char(*details)[ROUTING_DETAIL] = memory_allocate(r->receipts.count * sizeof *details);
    size_t count = 0;
    for (size_t i = 0; i < r->receipts.count; i++) {
        const struct outbox_receipt *receipt = &r->receipts.list[i];
        if (!refused(receipt))
            continue;
        entries[count] = routing_audit_entry(r->context, &r->caller, "receipt.refused", NULL,
                                             receipt->outbox_id, details[count]);
        entries[count++].reason = receipt_result_name(receipt->result);
    }
    bool done = audit_append(tx, ROUTING_CHAIN, entries, count, f);
    free(entries);
    free(details);
    return done;
}

bool routing_receive(struct db_tx *tx, const struct routing_context *context,
                     const struct routing_caller *caller, struct receipts *receipts,
                     struct failure *f)
{
    const struct routing_options *options = &context->options;
    const struct receiving r = {.context = context, .caller = *caller, .receipts = *receipts};
    return outbox_receive(tx, options->city_code, caller->destination, receipts->list,
                          receipts->count, f) &&
           problems_keep(tx, options->city_key, options->city_code, caller->destination,
                         receipts->list, receipts->count, f) &&
           tell(tx, &r, f) && audit_taken(tx, &r, f) && audit_refused(tx, &r, f);
}

static bool receive_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct receiving *r = context;
    return routing_receive(tx, r->context, &r->caller, &r->receipts, f);
}

static enum http_flow reply(struct http_request *request, const struct receiving *r)
{
    json_t *results = json_array();
    for (size_t i = 0; i < r->receipts.count; i++) {
        const struct outbox_receipt *receipt = &r->receipts.list[i];
        const char *result = receipt_result_name(receipt->result);
        char id[24];
        snprintf(id, sizeof id, "%" PRId64, receipt->outbox_id);
        json_array_append_new(results, json_pack("{s:s, s:s}", "id", id, "result", result));
        metric_add(&receipts_metric, result, 1);
    }
    return http_reply_json(request, 200, json_pack("{s:o}", "results", results));
}

enum http_flow endpoint_receipts(struct http_request *request, void *context)
{
    struct receiving r = {.context = context};
    if (!routing_identify(context, request, SCOPE_RECEIPTS_CREATE, &r.caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    struct body_fault fault = {0};
    if (!body)
        return HTTP_DONE;
    if (!receipts_parse(body, &r.receipts, &fault))
        return http_reply_error(request, 400, fault.code, "%s", fault.text);
    struct failure f = {0};
    bool done = db_transaction(r.context->options.db, receive_work, &r, &f);
    enum http_flow flow = done ? reply(request, &r) : routing_reply_failure(request, &f);
    receipts_free(&r.receipts);
    return flow;
}

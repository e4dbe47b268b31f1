/* POST /routing/v1/outcomes: what the business system decided; all in one transaction. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "routing/endpoints.h"
#include "routing/outcomes_parse.h"

static struct metric outcomes_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_routing_outcomes_total",
    .help = "Outcomes from business systems, by what became of them.",
    .label_name = "result",
};

struct taking {
    const struct routing_context *context;
    struct routing_caller caller;
    struct outcomes outcomes;
};

/* What was taken, and what contradicts; repetitions are only counted. */
static bool audit(struct db_tx *tx, const struct taking *t, struct failure *f)
{
    struct audit_entry *entries = memory_allocate(t->outcomes.count * sizeof *entries);
    char(*details)[ROUTING_DETAIL] = memory_allocate(t->outcomes.count * sizeof *details);
    size_t count = 0;
    for (size_t i = 0; i < t->outcomes.count; i++) {
        const struct outcome *o = &t->outcomes.list[i];
        if (o->result != OUTCOME_TAKEN && o->result != OUTCOME_CONFLICT)
            continue;
        bool taken = o->result == OUTCOME_TAKEN;
        entries[count] =
            routing_audit_entry(t->context, &t->caller, taken ? "outcome.taken" : "outcome.refused",
                                o->application_id, o->outbox_id, details[count]);
        entries[count++].reason = outcome_kind_name(o->kind);
    }
    bool done = count == 0 || audit_append(tx, ROUTING_CHAIN, entries, count, f);
    free(entries);
    free(details);
    return done;
}

static bool take_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct taking *t = context;
    const struct routing_options *options = &t->context->options;
    const struct outcome_taker taker = {
        .city_key = options->city_key,
        .city_code = options->city_code,
        .destination = t->caller.destination,
        .terminal = t->caller.terminal,
        .tell = options->on_outcomes,
        .context = options->context,
    };
    return outcomes_take(tx, &taker, t->outcomes.list, t->outcomes.count, f) && audit(tx, t, f);
}

static json_t *result_json(const struct outcome *o)
{
    char id[24];
    const char *result = outcome_result_name(o->result);
    metric_add(&outcomes_metric, result, 1);
    snprintf(id, sizeof id, "%" PRId64, o->outbox_id);
    return json_pack("{s:s*, s:s*, s:s}", "id", o->outbox_id ? id : NULL, "receipt_number",
                     *o->receipt_number ? o->receipt_number : NULL, "result", result);
}

static enum http_flow reply(struct http_request *request, const struct taking *t)
{
    json_t *results = json_array();
    for (size_t i = 0; i < t->outcomes.count; i++)
        json_array_append_new(results, result_json(&t->outcomes.list[i]));
    return http_reply_json(request, 200, json_pack("{s:o}", "results", results));
}

enum http_flow endpoint_outcomes(struct http_request *request, void *context)
{
    struct taking t = {.context = context};
    if (!routing_identify(context, request, SCOPE_OUTCOMES_CREATE, &t.caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    struct body_fault fault = {0};
    if (!body)
        return HTTP_DONE;
    if (!outcomes_parse(body, &t.outcomes, &fault))
        return http_reply_error(request, 400, fault.code, "%s", fault.text);
    struct failure f = {0};
    bool done = db_transaction(t.context->options.db, take_work, &t, &f);
    enum http_flow flow = done ? reply(request, &t) : routing_reply_failure(request, &f);
    outcomes_free(&t.outcomes);
    return flow;
}

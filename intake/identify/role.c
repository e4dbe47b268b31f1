#include "intake/identify/role.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/application.h"
#include "intake/decide.h"
#include "intake/identify/identify.h"
#include "intake/lease.h"
#include "intake/registry/links.h"

#define ACTOR "role:identify"

static struct metric identifications_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_identifications_total",
    .help = "Identifications, by result: how it was found, or why not.",
    .label_name = "result",
};

static const struct db_statement reason_find = {
    "identify_reason", "SELECT coalesce(reason, '') FROM application"
                       " WHERE city_code = $1 AND application_id = $2::uuid"};

struct batch {
    struct role *role;
    struct pace pace;
    struct work_item items[WORK_BATCH_MOST];
    size_t count;
    struct stored_examination stored[WORK_BATCH_MOST];
    bool opened[WORK_BATCH_MOST];
    struct registry_lookup lookups[WORK_BATCH_MOST]; /* of those opened */
    const char *results[WORK_BATCH_MOST];            /* for log and metrics; literals */
    char found[WORK_BATCH_MOST][16];                 /* 宛名番号 of what is to be identified */
    struct decision *decided[WORK_BATCH_MOST];
    struct decision decisions[WORK_BATCH_MOST];
    size_t decision_count;
};

/* --- one application -------------------------------------------------------------------------- */

static struct decision *decision_add(struct batch *batch, const struct work_item *item,
                                     enum state to)
{
    struct decision *decision = &batch->decisions[batch->decision_count++];
    *decision = (struct decision){
        .city_code = item->city_code,
        .application_id = item->application_id,
        .from = item->state,
        .to = to,
        .actor = ACTOR,
    };
    return decision;
}

/* Unmatched as before, and for the same reason: that is no event, only the next try. */
static bool unmatched_already(struct db_tx *tx, const struct work_item *item, const char *reason,
                              bool *ret_already, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    *ret_already = false;
    if (item->state != STATE_UNMATCHED)
        return true;
    if (!db_query(tx, &reason_find,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    *ret_already = db_row_count(rows) == 1 && !strcmp(db_get_text(rows, 0, 0), reason);
    return true;
}

static bool leave_unmatched(struct batch *batch, struct db_tx *tx, const struct work_item *item,
                            const char *reason, struct failure *f)
{
    instant due_at = clock_now() + batch->pace.retry_unmatched;
    bool already;
    if (!unmatched_already(tx, item, reason, &already, f))
        return false;
    if (already)
        return lease_defer(tx, STAGE_IDENTIFY, item, true, due_at, reason, NULL, f);
    struct decision *decision = decision_add(batch, item, STATE_UNMATCHED);
    decision->reason = reason;
    decision->next = STAGE_IDENTIFY;
    decision->due_at = due_at;
    return true;
}

static bool by_agent(const json_t *report)
{
    const char *role = json_string_value(
        json_object_get(json_object_get(report, "application"), "applicant_role"));
    return !role || strcmp(role, "self") != 0;
}

static bool identify_opened(struct batch *batch, struct db_tx *tx, size_t index, struct failure *f)
{
    const struct work_item *item = &batch->items[index];
    const struct stored_examination *stored = &batch->stored[index];
    const struct registry_lookup *found_links = &batch->lookups[index];
    const char *links[REGISTRY_LINKS_MOST];
    for (size_t i = 0; i < found_links->count; i++)
        links[i] = found_links->atenabango[i];
    const struct identification_input input = {
        .ca = stored->ca,
        .serial = stored->serial,
        .facts = stored->facts,
        .claimant = json_object_get(stored->record, "claimant"),
        .by_agent = by_agent(stored->report),
        .links = links,
        .link_count = found_links->count,
    };
    struct identification found;
    identify(&input, &found);
    batch->results[index] = found.identified ? "serial" : found.reason;
    if (!found.identified)
        return leave_unmatched(batch, tx, item, found.reason, f);
    batch->decided[index] = decision_add(batch, item, STATE_IDENTIFIED);
    batch->decided[index]->next = STAGE_ROUTE;
    snprintf(batch->found[index], sizeof batch->found[index], "%s", found.atenabango);
    return true;
}

/* Only the worker whose decision stands may write whose application it is: another may have handed
 * it over already. */
static bool found_store(struct batch *batch, struct db_tx *tx, size_t index, struct failure *f)
{
    const struct decision *decision = batch->decided[index];
    return !decision || !decision->moved ||
           application_store_atenabango(tx, &batch->items[index], batch->found[index], "serial", f);
}

/* What can't be read is our trouble, not the application's: it stays, and the others go on. */
static bool set_aside(struct batch *batch, struct db_tx *tx, size_t index,
                      const struct failure *why, struct failure *f)
{
    const struct work_item *item = &batch->items[index];
    log_error("application.unreadable", log_text("receipt_number", item->receipt_number),
              log_text("text", why->text));
    batch->results[index] = "unreadable";
    return lease_defer(tx, STAGE_IDENTIFY, item, false, pace_retry_at(&batch->pace, item->attempts),
                       "unreadable", NULL, f);
}

/* --- the batch -------------------------------------------------------------------------------- */

static void batch_close(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->opened[i])
            stored_examination_free(&batch->stored[i]);
    memset(batch->opened, 0, sizeof batch->opened);
}

/* Opens what can be opened, sets aside what can't. */
static bool batch_open(struct batch *batch, struct db_tx *tx, size_t first, size_t count,
                       struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    batch_close(batch);
    if (!application_fetch_examinations(tx, &batch->items[first], count, &rows, f))
        return false;
    for (size_t row = 0; row < count; row++) {
        size_t i = first + row;
        struct failure why = {0};
        batch->opened[i] = application_open_examination(rows, row, batch->role->city_key,
                                                        &batch->items[i], &batch->stored[i], &why);
        if (!batch->opened[i] && !set_aside(batch, tx, i, &why, f))
            return false;
        const struct stored_examination *stored = &batch->stored[i];
        batch->lookups[i] = (struct registry_lookup){batch->opened[i] ? stored->ca : "",
                                                     batch->opened[i] ? stored->serial : "",
                                                     stored->applied_at, .count = 0};
    }
    return true;
}

static bool batch_work(struct db_tx *tx, void *context, size_t first, size_t count,
                       struct failure *f)
{
    struct batch *batch = context;
    const struct role *role = batch->role;
    batch->decision_count = 0;
    if (!registry_hold(tx, role->city_code, f) || !batch_open(batch, tx, first, count, f) ||
        !registry_links(tx, role->city_code, &batch->lookups[first], count, f))
        return false;
    for (size_t i = first; i < first + count; i++) {
        batch->decided[i] = NULL;
        if (batch->opened[i] && !identify_opened(batch, tx, i, f))
            return false;
    }
    if (!decide(tx, role->config, role->name, batch->decisions, batch->decision_count, f))
        return false;
    for (size_t i = first; i < first + count; i++)
        if (!found_store(batch, tx, i, f))
            return false;
    return true;
}

static void batch_log(const struct batch *batch)
{
    int64_t identified = 0;
    for (size_t i = 0; i < batch->count; i++) {
        metric_add(&identifications_total, batch->results[i], 1);
        identified += !strcmp(batch->results[i], "serial");
        log_debug("application.identified",
                  log_text("receipt_number", batch->items[i].receipt_number),
                  log_text("result", batch->results[i]));
    }
    log_info("applications.identified", log_number("identified", identified),
             log_number("unmatched", (int64_t)batch->count - identified));
}

enum work_result identify_step(void *context, struct failure *f)
{
    struct role *role = context;
    _cleanup_(batch_close) struct batch batch = {.role = role, .pace = pace_read(role->config)};
    if (!work_claim(role->db, role->config, STAGE_IDENTIFY, batch.pace.batch, batch.items,
                    &batch.count, f))
        return WORK_FAILED;
    if (batch.count == 0)
        return WORK_IDLE;
    if (!lease_settle(role->db, STAGE_IDENTIFY, &batch.pace, batch.items, batch.count, batch_work,
                      &batch, f))
        return WORK_FAILED;
    batch_log(&batch);
    return WORK_DONE;
}

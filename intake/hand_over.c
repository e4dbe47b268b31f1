#include "intake/hand_over.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "forms/procedure.h"
#include "intake/application.h"
#include "intake/decide.h"
#include "intake/lease.h"
#include "routing/item.h"

#define ACTOR "role:routing"

static struct metric hand_overs_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_hand_overs_total",
    .help = "Applications put into the outbox of a destination, or held.",
    .label_name = "result",
};

static const struct db_statement packages_find = {
    "hand_over_packages",
    "SELECT encode(found.sha256, 'hex') FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY"
    "  AS wanted (city_code, application_id, position)"
    " LEFT JOIN LATERAL (SELECT sha256 FROM package p"
    "  WHERE p.city_code = wanted.city_code AND p.application_id = wanted.application_id OFFSET 0)"
    "  AS found ON true "
    "ORDER BY wanted.position"};

enum result { RESULT_FAILED, RESULT_HELD, RESULT_ROUTED, RESULT_COUNT };

struct parcel_out { /* one application on its way out */
    enum result result;
    struct buffer sealed;
    uint8_t sha256[32];
    struct outbox_entry entry;
};

struct hand_over {
    struct role *role;
    struct pace pace;
    struct work_item items[WORK_BATCH_MOST];
    size_t count;
    struct db_rows *examinations, *packages; /* of the range that is handed over */
    size_t first;                            /* their row 0 */
    struct parcel_out parcels[WORK_BATCH_MOST];
    struct decision decisions[WORK_BATCH_MOST];
    size_t decision_count;
};

static void hand_over_free(struct hand_over *all)
{
    for (size_t i = 0; i < all->count; i++)
        buffer_free(&all->parcels[i].sealed);
    cleanup_db_rows(&all->examinations);
    cleanup_db_rows(&all->packages);
}

static struct decision *decision_add(struct hand_over *all, const struct work_item *item,
                                     enum state to)
{
    struct decision *decision = &all->decisions[all->decision_count++];
    *decision = (struct decision){
        .city_code = item->city_code,
        .application_id = item->application_id,
        .from = item->state,
        .to = to,
        .version = item->version,
        .actor = ACTOR,
    };
    return decision;
}

/* --- building the item ------------------------------------------------------------------------ */

/* Builds and seals in one go: the plain item, which may hold 個人番号, does not outlive it. */
static bool item_seal(struct role *role, const struct item_source *source,
                      const char *application_id, const struct wrapped_key *wrapped,
                      struct parcel_out *parcel, struct failure *f)
{
    char binding[64];
    struct application_key key;
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    snprintf(binding, sizeof(binding), "%s/%s", source->city_code, application_id);
    if (!application_key_unwrap(role->city_key, binding,
                                bytes_of(wrapped->data, sizeof wrapped->data), &key, f))
        return false;
    item_build(source, &plain, parcel->sha256);
    buffer_clear(&parcel->sealed);
    bool done = seal(&key, "item", binding, buffer_bytes(&plain), &parcel->sealed, f);
    application_key_erase(&key);
    return done;
}

static bool item_make(struct role *role, const struct work_item *item,
                      const struct stored_examination *examination, const char *package_sha256,
                      const struct route *route, const struct procedure *procedure,
                      struct parcel_out *parcel, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *record =
        record_for(procedure, examination->record, route->destination);
    if (!record || !package_sha256)
        return failure_set(f, FAILURE_INPUT,
                           "an application that was identified has no package or record any more");
    const struct item_source source = {
        .city_code = item->city_code,
        .receipt_number = item->receipt_number,
        .procedure_id = examination->procedure_id,
        .form_version = examination->form_version,
        .atenabango = examination->atenabango,
        .applied_at = examination->applied_at,
        .route = route,
        .record = record,
        .report = examination->report,
        .package_sha256 = package_sha256,
    };
    return item_seal(role, &source, item->application_id, &examination->key, parcel, f);
}

/* --- one application -------------------------------------------------------------------------- */

/* Held with a reason; what is held already waits for its next turn without a new event. */
static bool hold(struct hand_over *all, struct db_tx *tx, const struct work_item *item,
                 const char *reason, struct failure *f)
{
    instant due_at = clock_now() + all->pace.retry_held;
    all->parcels[item - all->items].result = RESULT_HELD;
    if (item->state == STATE_HELD)
        return lease_defer(tx, STAGE_ROUTE, item, true, due_at, reason, NULL, f);
    struct decision *decision = decision_add(all, item, STATE_HELD);
    decision->reason = reason;
    decision->next = STAGE_ROUTE;
    decision->due_at = due_at;
    return true;
}

static bool hand_over_examined(struct hand_over *all, struct db_tx *tx, size_t index,
                               const struct stored_examination *examination, struct failure *f)
{
    const struct work_item *item = &all->items[index];
    struct parcel_out *parcel = &all->parcels[index];
    struct route route;
    if (!route_find(all->role->config, examination->procedure_id, &route))
        return hold(all, tx, item, "route-missing", f);
    const struct procedure *procedure = procedures_find(
        all->role->procedures, examination->procedure_id, examination->form_version);
    if (!procedure)
        return hold(all, tx, item, "procedure-unknown", f);
    const char *package_sha256 = db_get_text(all->packages, index - all->first, 0);
    if (!item_make(all->role, item, examination, package_sha256, &route, procedure, parcel, f))
        return false;
    parcel->entry = (struct outbox_entry){
        .city_code = item->city_code,
        .destination = route.destination,
        .application_id = item->application_id,
        .sealed = buffer_bytes(&parcel->sealed),
        .sha256 = parcel->sha256,
    };
    decision_add(all, item, STATE_ROUTED)->outbox = &parcel->entry;
    parcel->result = RESULT_ROUTED;
    return true;
}

static bool hand_over_one(struct hand_over *all, struct db_tx *tx, size_t index, struct failure *f)
{
    struct stored_examination examination = {0};
    if (!application_open_examination(all->examinations, index - all->first, all->role->city_key,
                                      &all->items[index], &examination, f))
        return false;
    bool done = hand_over_examined(all, tx, index, &examination, f);
    stored_examination_free(&examination);
    return done;
}

/* What can't be read is our trouble, not the application's: it stays, and the others go on. */
static bool set_aside(struct hand_over *all, struct db_tx *tx, const struct work_item *item,
                      const struct failure *why, struct failure *f)
{
    log_error("application.unreadable", log_text("receipt_number", item->receipt_number),
              log_text("text", why->text));
    all->parcels[item - all->items].result = RESULT_FAILED;
    return lease_defer(tx, STAGE_ROUTE, item, false, pace_retry_at(&all->pace, item->attempts),
                       "unreadable", NULL, f);
}

static bool fetch(struct hand_over *all, struct db_tx *tx, size_t first, size_t count,
                  struct failure *f)
{
    struct work_columns columns;
    work_columns_fill(&columns, &all->items[first], count);
    cleanup_db_rows(&all->examinations);
    cleanup_db_rows(&all->packages);
    all->examinations = all->packages = NULL;
    all->first = first;
    return application_fetch_examinations(tx, &all->items[first], count, &all->examinations, f) &&
           db_query(tx, &packages_find, DB_VALUES(WORK_COLUMNS(columns)), &all->packages, f);
}

static bool batch_work(struct db_tx *tx, void *context, size_t first, size_t count,
                       struct failure *f)
{
    struct hand_over *all = context;
    all->decision_count = 0;
    if (!fetch(all, tx, first, count, f))
        return false;
    for (size_t i = first; i < first + count; i++) {
        struct failure why = {0};
        if (hand_over_one(all, tx, i, &why))
            continue;
        if (lease_transaction_broken(&why)) {
            *f = why;
            return false;
        }
        if (!set_aside(all, tx, &all->items[i], &why, f))
            return false;
    }
    return all->decision_count == 0 ||
           decide(tx, all->role->config, all->role->name, all->decisions, all->decision_count, f);
}

/* --- the step --------------------------------------------------------------------------------- */

static bool procedures_ready(struct role *role, struct failure *f)
{
    const struct config_group *forms = config_group(role->config, "forms");
    return role->procedures ||
           procedures_load(config_text(forms, "procedures"), &role->procedures, f);
}

static void batch_log(const struct hand_over *all)
{
    int64_t counts[RESULT_COUNT] = {0};
    for (size_t i = 0; i < all->count; i++)
        counts[all->parcels[i].result]++;
    metric_add(&hand_overs_total, "routed", counts[RESULT_ROUTED]);
    metric_add(&hand_overs_total, "held", counts[RESULT_HELD]);
    metric_add(&hand_overs_total, "failed", counts[RESULT_FAILED]);
    log_info("applications.routed", log_number("routed", counts[RESULT_ROUTED]),
             log_number("held", counts[RESULT_HELD]), log_number("failed", counts[RESULT_FAILED]));
}

enum work_result hand_over_step(void *context, struct failure *f)
{
    struct role *role = context;
    _cleanup_(hand_over_free) struct hand_over all = {.role = role,
                                                      .pace = pace_read(role->config)};
    if (!procedures_ready(role, f) ||
        !work_claim(role->db, role->config, STAGE_ROUTE, all.pace.batch, all.items, &all.count, f))
        return WORK_FAILED;
    if (all.count == 0)
        return WORK_IDLE;
    if (!lease_settle(role->db, STAGE_ROUTE, &all.pace, all.items, all.count, batch_work, &all, f))
        return WORK_FAILED;
    batch_log(&all);
    return WORK_DONE;
}

#include "intake/hand_over.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "forms/fields.h"
#include "forms/procedure.h"
#include "intake/application.h"
#include "intake/correction.h"
#include "intake/decide.h"
#include "intake/identify/protection.h"
#include "intake/lease.h"
#include "intake/release.h"
#include "intake/withdrawal.h"
#include "routing/item.h"
#include "routing/recheck.h"

#define ACTOR "role:routing"

static struct metric hand_overs_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_hand_overs_total",
    .help = "Applications put into the outbox of a destination, held, or put before staff.",
    .label_name = "result",
};

/* With what staff and the portal say about each: another destination, what it corrects, how often
 * who it is was taken back. */
static const struct db_statement packages_find = {
    "hand_over_packages",
    "SELECT encode(found.sha256, 'hex'), found.destination, found.corrects, found.undone"
    " FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY"
    "  AS wanted (city_code, application_id, position)"
    " LEFT JOIN LATERAL (SELECT p.sha256, r.destination, a.corrects,"
    "   (SELECT count(i.back_id) FROM identification_back i"
    "    WHERE i.city_code = a.city_code AND i.application_id = a.application_id) AS undone"
    "  FROM application a JOIN package p USING (city_code, application_id)"
    "   LEFT JOIN reroute r USING (city_code, application_id)"
    "  WHERE a.city_code = wanted.city_code AND a.application_id = wanted.application_id OFFSET 0)"
    "  AS found ON true "
    "ORDER BY wanted.position"};
/* Asked for again after it was received, or taken back and free again: the state stays as it is. */
static const struct db_statement work_end = {
    "hand_over_work_end", "DELETE FROM work WHERE city_code = $1 AND application_id = $2::uuid"
                          " AND stage = 'route' AND attempts = $3"};

enum result { RESULT_FAILED, RESULT_HELD, RESULT_REVIEW, RESULT_ROUTED, RESULT_COUNT };

struct parcel_out { /* one application on its way out */
    enum result result;
    struct buffer sealed;
    uint8_t sha256[32];
    struct outbox_entry entry;
    struct correction correction; /* decisions point into it */
};

struct hand_over {
    struct role *role;
    struct pace pace;
    struct work_item items[WORK_BATCH_MOST];
    size_t count;
    int64_t epoch;                           /* of who is protected: read before it is asked */
    struct db_rows *examinations, *packages; /* of the range that is handed over */
    size_t first;                            /* their row 0 */
    struct parcel_out parcels[WORK_BATCH_MOST];
    struct decision decisions[2 * WORK_BATCH_MOST]; /* what is corrected moves with it */
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

/* What is handed over, and where to. */
struct leaving {
    const struct work_item *item;
    const struct stored_examination *examination;
    struct route route; /* its destination is the one that staff chose, where they did */
    bool elsewhere;     /* they chose another than the route's own */
    const struct procedure *procedure;
    json_t *record; /* as cut for the destination; owned */
    int64_t undone;
    const char *package_sha256;
    const struct correction *correction;
};

static bool item_make(struct role *role, const struct leaving *leaving, struct parcel_out *parcel,
                      struct failure *f)
{
    const struct stored_examination *examination = leaving->examination;
    const struct item_source source = {
        .city_code = leaving->item->city_code,
        .receipt_number = leaving->item->receipt_number,
        .procedure_id = examination->procedure_id,
        .form_version = examination->form_version,
        .atenabango = examination->atenabango,
        .applied_at = examination->applied_at,
        .corrects = leaving->correction->possible ? leaving->correction->receipt_number : NULL,
        .route = &leaving->route,
        .record = leaving->record,
        .report = examination->report,
        .package_sha256 = leaving->package_sha256,
    };
    return item_seal(role, &source, leaving->item->application_id, &examination->key, parcel, f);
}

/* --- one application -------------------------------------------------------------------------- */

/* It was in an outbox before, and is put there again. */
static bool went_out(const struct work_item *item)
{
    return item->state == STATE_ROUTED || item->state == STATE_RECEIVED;
}

/* Held with a reason; what is held already waits for its next turn without a new event. */
static bool hold(struct hand_over *all, struct db_tx *tx, const struct work_item *item,
                 const char *reason, struct failure *f)
{
    instant due_at = clock_now() + all->pace.retry_held;
    all->parcels[item - all->items].result = RESULT_HELD;
    if (item->state == STATE_HELD || went_out(item))
        return lease_defer(tx, STAGE_ROUTE, item, true, due_at, reason, NULL, f);
    struct decision *decision = decision_add(all, item, STATE_HELD);
    decision->reason = reason;
    decision->next = STAGE_ROUTE;
    decision->due_at = due_at;
    return true;
}

/* Who must agree is asked. */
static bool ask(struct hand_over *all, struct db_tx *tx, const struct leaving *leaving,
                const struct release *release, struct failure *f)
{
    const struct work_item *item = leaving->item;
    struct decision *decision = decision_add(all, item, STATE_REVIEW);
    decision->reason = release_reason(release);
    all->parcels[item - all->items].result = RESULT_REVIEW;
    return release_ask(tx, item, release, leaving->route.destination, f);
}

/* Asked anew each time: a feed may have brought the protection since.
 * Everybody who must agree does, or is asked: *ret_free says whether it may go now. */
static bool free_to_leave(struct hand_over *all, struct db_tx *tx, const struct leaving *leaving,
                          bool *ret_free, struct failure *f)
{
    const struct work_item *item = leaving->item;
    const struct stored_examination *examination = leaving->examination;
    struct release release;
    bool protected;
    const struct protection_question question = {.atenabango = examination->atenabango,
                                                 .record = examination->record,
                                                 .facts = examination->facts};
    if (!protection_check(tx, item->city_code, all->role->city_key, &question, 1, &protected, f))
        return false;
    unsigned demands =
        (release_has_finding(examination->report) ? RELEASE_FINDING : 0) |
        /* what one person sends elsewhere takes another's word, whatever the route demands */
        (leaving->route.approval || leaving->elsewhere ? RELEASE_ROUTE : 0) |
        (protected ? RELEASE_PROTECTED : 0) |
        (leaving->correction->claimed && !leaving->correction->possible ? RELEASE_CORRECTION : 0);
    if (item->state == STATE_REVIEW && !demands)
        demands = RELEASE_ROUTE; /* sent back to where it came from: only people end a review */
    release_make(leaving->record, examination->atenabango, leaving->undone, &leaving->route,
                 demands, &release);
    if (!release_approved(tx, item, &release, ret_free, f))
        return false;
    *ret_free &= item->state != STATE_REVIEW;
    return *ret_free || ask(all, tx, leaving, &release, f);
}

static bool put_again(struct hand_over *all, struct db_tx *tx, const struct work_item *item,
                      struct failure *f)
{
    const struct parcel_out *parcel = &all->parcels[item - all->items];
    return outbox_put(tx, &parcel->entry, 1, f) &&
           db_send(tx, &work_end,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_number(item->attempts)),
                   -1, f);
}

static bool hand_over_leaving(struct hand_over *all, struct db_tx *tx,
                              const struct leaving *leaving, struct failure *f)
{
    const struct work_item *item = leaving->item;
    struct parcel_out *parcel = &all->parcels[item - all->items];
    bool free;
    if (!free_to_leave(all, tx, leaving, &free, f) || !free)
        return !free;
    if (!item_make(all->role, leaving, parcel, f))
        return false;
    parcel->entry = (struct outbox_entry){
        .city_code = item->city_code,
        .destination = leaving->route.destination,
        .application_id = item->application_id,
        .sealed = buffer_bytes(&parcel->sealed),
        .sha256 = parcel->sha256,
        .checked = all->epoch,
    };
    parcel->result = RESULT_ROUTED;
    if (went_out(item))
        return put_again(all, tx, item, f);
    decision_add(all, item, STATE_ROUTED)->outbox = &parcel->entry;
    if (!leaving->correction->possible || leaving->correction->settled)
        return true;
    correction_supersede(leaving->correction, item, &all->decisions[all->decision_count++]);
    return correction_note(tx, item, leaving->correction, f);
}

/* The destination that staff chose counts only while the route table still allows it. */
static bool route_of(struct hand_over *all, const char *procedure_id, const char *chosen,
                     struct leaving *leaving)
{
    const struct config *config = all->role->config;
    struct route *route = &leaving->route;
    if (!route_find(config, procedure_id, route))
        return false;
    leaving->elsewhere = chosen && strcmp(chosen, route->destination) != 0;
    if (chosen)
        route->destination = route_alternative(config, route, chosen);
    return route->destination != NULL;
}

/* As the package itself says; NULL for what corrects nothing. */
static const char *corrects_of(const json_t *report)
{
    return json_string_value(json_object_get(json_object_get(report, "application"), "corrects"));
}

static bool hand_over_examined(struct hand_over *all, struct db_tx *tx, size_t index,
                               const struct stored_examination *examination, struct failure *f)
{
    size_t row = index - all->first;
    struct correction *correction = &all->parcels[index].correction;
    struct leaving leaving = {
        .item = &all->items[index], .examination = examination, .correction = correction};
    if (!route_of(all, examination->procedure_id, db_get_text(all->packages, row, 1), &leaving))
        return hold(all, tx, leaving.item, "route-missing", f);
    leaving.procedure = procedures_find(all->role->procedures, examination->procedure_id,
                                        examination->form_version);
    if (!leaving.procedure)
        return hold(all, tx, leaving.item, "procedure-unknown", f);
    if (!leaving.route.individual_number &&
        procedure_sends_numbers(leaving.procedure, leaving.route.destination))
        return hold(all, tx, leaving.item, "route-number-forbidden", f);
    leaving.package_sha256 = db_get_text(all->packages, row, 0);
    if (!examination->record || !leaving.package_sha256)
        return failure_set(f, FAILURE_INPUT,
                           "an application that was identified has no package or record any more");
    if (!correction_find(tx, leaving.item, db_get_text(all->packages, row, 2),
                         corrects_of(examination->report), correction, f))
        return false;
    leaving.undone = db_get_number(all->packages, row, 3);
    leaving.record = record_for(leaving.procedure, examination->record, leaving.route.destination);
    bool done = hand_over_leaving(all, tx, &leaving, f);
    json_decref(leaving.record);
    return done;
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
    return recheck_epoch(tx, all->role->city_code, &all->epoch, f) &&
           application_fetch_examinations(tx, &all->items[first], count, &all->examinations, f) &&
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
           (decide(tx, all->role->config, all->role->name, all->decisions, all->decision_count,
                   f) &&
            withdrawals_given_back(tx, all->decisions, all->decision_count, f));
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
    metric_add(&hand_overs_total, "review", counts[RESULT_REVIEW]);
    metric_add(&hand_overs_total, "failed", counts[RESULT_FAILED]);
    log_info("applications.routed", log_number("routed", counts[RESULT_ROUTED]),
             log_number("held", counts[RESULT_HELD]), log_number("review", counts[RESULT_REVIEW]),
             log_number("failed", counts[RESULT_FAILED]));
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

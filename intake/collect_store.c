#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/application.h"
#include "intake/collect_internal.h"
#include "intake/decide.h"

#define ACTOR "role:collect"

static struct metric downloads_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_downloads_total",
    .help = "Downloads from the portal, by how they ended.",
    .label_name = "outcome",
};
static struct metric downloaded_bytes_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_downloaded_bytes_total",
    .help = "Bytes of packages that came as promised.",
};

static const struct db_statement promises = {
    "collect_promises", "SELECT a.application_id, a.promised_size, encode(a.promised_sha256, 'hex')"
                        " FROM unnest($2::uuid[]) AS wanted (application_id) JOIN application a"
                        " ON a.city_code = $1 AND a.application_id = wanted.application_id"};

/* --- the promises ----------------------------------------------------------------------------- */

struct load {
    const char *city_code;
    const char *ids[WORK_BATCH_MOST];
    size_t count;
    struct parcel *parcels;
};

static void promise_note(struct load *load, const struct db_rows *rows, size_t row)
{
    for (size_t i = 0; i < load->count; i++) {
        struct parcel *parcel = &load->parcels[i];
        if (strcmp(parcel->item->application_id, db_get_text(rows, row, 0)) != 0)
            continue;
        parcel->promised_size = db_get_number(rows, row, 1);
        snprintf(parcel->promised_sha256, sizeof(parcel->promised_sha256), "%s",
                 db_get_text(rows, row, 2));
        parcel->promise_known = true;
    }
}

static bool load_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct load *load = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &promises,
                  DB_VALUES(db_text(load->city_code), db_texts(load->ids, load->count)), &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++)
        promise_note(load, rows, i);
    return true;
}

bool parcels_load(struct role *role, const struct work_item *items, size_t count,
                  struct parcel *parcels, struct failure *f)
{
    struct load load = {.city_code = role->city_code, .count = count, .parcels = parcels};
    for (size_t i = 0; i < count; i++) {
        parcels[i] = (struct parcel){.item = &items[i]};
        load.ids[i] = items[i].application_id;
    }
    return db_transaction(role->db, load_work, &load, f);
}

/* --- storing and deciding --------------------------------------------------------------------- */

struct settlement {
    struct role *role;
    const struct pace *pace;
    const struct parcel *parcels;
    size_t count;
    struct wrapped_key keys[WORK_BATCH_MOST]; /* where bytes came; by parcel */
    struct decision decisions[WORK_BATCH_MOST];
    size_t decision_count;
};

static bool has_bytes(const struct parcel *parcel)
{
    return parcel->outcome == OUTCOME_PROMISED || parcel->outcome == OUTCOME_MISMATCH;
}

static const struct wrapped_key *key_of(const struct settlement *all, const struct parcel *parcel)
{
    return &all->keys[parcel - all->parcels];
}

static bool keys_load(struct settlement *all, struct db_tx *tx, size_t first, size_t count,
                      struct failure *f)
{
    struct work_item items[WORK_BATCH_MOST];
    struct wrapped_key keys[WORK_BATCH_MOST];
    size_t n = 0, next = 0;
    for (size_t i = first; i < first + count; i++)
        if (has_bytes(&all->parcels[i]))
            items[n++] = *all->parcels[i].item;
    if (n && !application_keys(tx, all->role->city_key, items, n, keys, f))
        return false;
    for (size_t i = first; i < first + count; i++)
        if (has_bytes(&all->parcels[i]))
            all->keys[i] = keys[next++];
    return true;
}

static void decision_add(struct settlement *all, const struct parcel *parcel, enum state to,
                         const char *reason, instant due_at)
{
    const struct work_item *item = parcel->item;
    all->decisions[all->decision_count++] = (struct decision){
        .city_code = item->city_code,
        .application_id = item->application_id,
        .from = item->state,
        .to = to,
        .version = item->version,
        .reason = reason,
        .next = to == STATE_HELD ? STAGE_COLLECT : STAGE_EXAMINE,
        .due_at = due_at,
        .actor = ACTOR,
    };
}

/* Held with a reason; what is held already just waits for its next turn, without a new event. */
static bool hold(struct settlement *all, struct db_tx *tx, const struct parcel *parcel,
                 struct failure *f)
{
    const char *reason = outcome_name(parcel->outcome);
    instant due_at = clock_now() + all->pace->retry_held;
    if (parcel->item->state == STATE_HELD)
        return lease_defer(tx, STAGE_COLLECT, parcel->item, false, due_at, reason, NULL, f);
    decision_add(all, parcel, STATE_HELD, reason, due_at);
    return true;
}

static bool settle_mismatch(struct settlement *all, struct db_tx *tx, const struct parcel *parcel,
                            struct failure *f)
{
    const struct work_item *item = parcel->item;
    /* the evidence of a held one is there already: a portal can't fill our disk with it */
    if (item->state == STATE_ANNOUNCED &&
        !application_store_package(tx, all->role->city_key, item, key_of(all, parcel),
                                   buffer_bytes(&parcel->body), true, f))
        return false;
    if (item->state == STATE_HELD || item->attempts >= all->pace->download_tries)
        return hold(all, tx, parcel, f);
    return lease_defer(tx, STAGE_COLLECT, item, false, pace_retry_at(all->pace, item->attempts),
                       outcome_name(parcel->outcome), NULL, f);
}

static bool settle_one(struct settlement *all, struct db_tx *tx, const struct parcel *parcel,
                       struct failure *f)
{
    const struct work_item *item = parcel->item;
    switch (parcel->outcome) {
    case OUTCOME_PROMISED:
        decision_add(all, parcel, STATE_COLLECTED, NULL, 0);
        return application_store_package(tx, all->role->city_key, item, key_of(all, parcel),
                                         buffer_bytes(&parcel->body), false, f);
    case OUTCOME_MISMATCH:
        return settle_mismatch(all, tx, parcel, f);
    case OUTCOME_TOO_LARGE:
        return hold(all, tx, parcel, f);
    default:
        return lease_defer(tx, STAGE_COLLECT, item, false, pace_retry_at(all->pace, item->attempts),
                           outcome_name(parcel->outcome), NULL, f);
    }
}

static bool settle_work(struct db_tx *tx, void *context, size_t first, size_t count,
                        struct failure *f)
{
    struct settlement *all = context;
    all->decision_count = 0;
    if (!keys_load(all, tx, first, count, f))
        return false;
    for (size_t i = first; i < first + count; i++)
        if (!settle_one(all, tx, &all->parcels[i], f))
            return false;
    return all->decision_count == 0 ||
           decide(tx, all->role->config, all->role->name, all->decisions, all->decision_count, f);
}

static void settlement_log(const struct settlement *all)
{
    int64_t by_outcome[OUTCOME_COUNT] = {0}, bytes = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct parcel *parcel = &all->parcels[i];
        by_outcome[parcel->outcome]++;
        metric_add(&downloads_total, outcome_name(parcel->outcome), 1);
        if (parcel->outcome == OUTCOME_PROMISED)
            bytes += (int64_t)parcel->body.length;
        else
            log_debug("package.missed", log_text("receipt_number", parcel->item->receipt_number),
                      log_text("why", outcome_name(parcel->outcome)),
                      log_number("attempts", parcel->item->attempts));
    }
    metric_add(&downloaded_bytes_total, NULL, bytes);
    log_info("packages.stored", log_number("stored", by_outcome[OUTCOME_PROMISED]),
             log_number("bytes", bytes), log_number("mismatched", by_outcome[OUTCOME_MISMATCH]),
             log_number("too_large", by_outcome[OUTCOME_TOO_LARGE]),
             log_number("failed", by_outcome[OUTCOME_BROKEN] + by_outcome[OUTCOME_PEER]));
}

bool parcels_settle(struct role *role, const struct pace *pace, const struct parcel *parcels,
                    size_t count, struct failure *f)
{
    struct settlement all = {.role = role, .pace = pace, .parcels = parcels, .count = count};
    if (count == 0)
        return true;
    if (!lease_settle(role->db, STAGE_COLLECT, pace, parcels->item, count, settle_work, &all, f))
        return false;
    settlement_log(&all);
    return true;
}

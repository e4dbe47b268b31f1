#include "intake/work.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const struct config_key keys[] = {
    {"lease", CONFIG_DURATION, "2min", INSTANT_SECOND, 3600 * INSTANT_SECOND, NULL,
     "How long a worker has for a batch; then another may take it. Longer than the slowest batch."},
    {"batch", CONFIG_NUMBER, "64", 1, WORK_BATCH_MOST, NULL,
     "How many applications a worker takes at once."},
    {"download-tries", CONFIG_NUMBER, "3", 1, 1000, NULL,
     "How often an application that differs from the portal's promise is asked for, until it is "
     "held."},
    {"retry-least", CONFIG_DURATION, "2s", INSTANT_SECOND / 100, 3600 * INSTANT_SECOND, NULL,
     "The first wait of an application whose try failed; it doubles with each try."},
    {"retry-most", CONFIG_DURATION, "10min", INSTANT_SECOND / 100, INSTANT_DAY, NULL,
     "The longest wait between two tries."},
    {"retry-held", CONFIG_DURATION, "10min", INSTANT_SECOND / 100, 31 * INSTANT_DAY, NULL,
     "When a held application is tried again."},
    {"retry-unmatched", CONFIG_DURATION, "1d", INSTANT_SECOND / 100, 31 * INSTANT_DAY, NULL,
     "When an unmatched application is tried again; a registry feed wakes it before."},
};

const struct config_section work_config_section = {
    .name = "work",
    .help = "The queue that the workers share: how much, how long, how often.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

/* MATERIALIZED, so that the rows are locked once, whatever the planner makes of the joins. */
static const struct db_statement work_claim_due = {
    "work_claim_due",
    "WITH due AS MATERIALIZED ("
    " SELECT city_code, application_id, due_at FROM work"
    " WHERE stage = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3::bigint"
    " FOR UPDATE SKIP LOCKED), "
    "claimed AS ("
    " UPDATE work w SET due_at = $4, attempts = attempts + 1 FROM due d"
    " WHERE w.city_code = d.city_code AND w.application_id = d.application_id"
    " RETURNING w.city_code, w.application_id, w.attempts, d.due_at) "
    "SELECT c.city_code, c.application_id, a.receipt_number, a.channel, a.state, c.attempts,"
    " a.version "
    "FROM claimed c JOIN application a USING (city_code, application_id) "
    "ORDER BY c.due_at, c.application_id"};

/* What waits longer than any wait there is was put off by a clock that stood wrong: it would lie
 * there until that time comes. Looked for when nothing else is due. */
static const struct db_statement work_find_lost = {
    "work_find_lost", "UPDATE work SET due_at = $2 WHERE stage = $1 AND due_at > $3"};

/* A later claim counts on: who claimed before it gives nothing back. */
static const struct db_statement work_return_claimed = {
    "work_return_claimed", "UPDATE work SET due_at = $4, note = $5 WHERE city_code = $1"
                           " AND application_id = $2::uuid AND attempts = $3"};

struct claim {
    enum stage stage;
    instant lease, wait_most;
    size_t most;
    struct work_item *items;
    size_t count;
};

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static bool item_read(const struct db_rows *rows, size_t row, struct work_item *ret_item,
                      struct failure *f)
{
    struct work_item item = {.attempts = (int)db_get_number(rows, row, 5),
                             .version = (int)db_get_number(rows, row, 6)};
    copy_text(item.city_code, sizeof item.city_code, db_get_text(rows, row, 0));
    copy_text(item.application_id, sizeof item.application_id, db_get_text(rows, row, 1));
    copy_text(item.receipt_number, sizeof item.receipt_number, db_get_text(rows, row, 2));
    copy_text(item.channel, sizeof item.channel, db_get_text(rows, row, 3));
    if (!state_from_code(db_get_text(rows, row, 4), &item.state))
        return failure_set(f, FAILURE_DATABASE,
                           "application %s is in a state that this program "
                           "does not know: use the newer one",
                           item.application_id);
    *ret_item = item;
    return true;
}

static bool claim_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct claim *claim = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    instant now = clock_now();
    if (!db_query(tx, &work_claim_due,
                  DB_VALUES(db_text(stage_code(claim->stage)), db_instant(now),
                            db_number((int64_t)claim->most), db_instant(now + claim->lease)),
                  &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++)
        if (!item_read(rows, i, &claim->items[i], f))
            return false;
    claim->count = db_row_count(rows);
    return claim->count > 0 ||
           db_execute(tx, &work_find_lost,
                      DB_VALUES(db_text(stage_code(claim->stage)), db_instant(now),
                                db_instant(now + claim->wait_most)),
                      NULL, f);
}

/* Twice the longest of [work], and a day for what other sections set. */
static instant wait_most(const struct config *config)
{
    static const char *const waits[] = {"lease", "retry-most", "retry-held", "retry-unmatched"};
    instant most = 0;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        instant wait = config_duration(config_group(config, "work"), waits[i]);
        most = wait > most ? wait : most;
    }
    return 2 * most + INSTANT_DAY;
}

bool work_claim(struct db *db, const struct config *config, enum stage stage, size_t most,
                struct work_item *ret_items, size_t *ret_count, struct failure *f)
{
    struct claim claim = {
        .stage = stage,
        .lease = config_duration(config_group(config, "work"), "lease"),
        .wait_most = wait_most(config),
        .most = most,
        .items = ret_items,
    };
    /* A lease that a crash forgets is just claimed again. */
    if (!db_transaction_relaxed(db, claim_work, &claim, f))
        return false;
    *ret_count = claim.count;
    return true;
}

bool work_return(struct db_tx *tx, const struct work_item *item, instant due_at, const char *note,
                 struct failure *f)
{
    return db_send(tx, &work_return_claimed,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_number(item->attempts), db_instant(due_at), db_text(note)),
                   -1, f);
}

void work_columns_fill(struct work_columns *ret_columns, const struct work_item *items,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ret_columns->city_codes[i] = items[i].city_code;
        ret_columns->application_ids[i] = items[i].application_id;
    }
    ret_columns->count = count;
}

const char *work_channel(enum stage stage)
{
    static const char *const channels[] = {
        [STAGE_NONE] = "",
        [STAGE_COLLECT] = "work_collect",
        [STAGE_EXAMINE] = "work_examine",
        [STAGE_IDENTIFY] = "work_identify",
        [STAGE_ROUTE] = "work_route",
    };
    return channels[stage];
}

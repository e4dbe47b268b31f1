#include "intake/lease.h"

#include "base/log.h"
#include "base/process.h"

static const struct db_statement release = {
    "lease_release",
    "UPDATE work SET attempts = attempts - 1, due_at = now()"
    " WHERE city_code = $1 AND application_id = $2::uuid AND stage = $3 AND attempts = $4"};
static const struct db_statement defer = {
    "lease_defer",
    "UPDATE work SET due_at = $5, note = $6, attempts = CASE WHEN $7 THEN 0 ELSE attempts END"
    " WHERE city_code = $1 AND application_id = $2::uuid AND stage = $3 AND attempts = $4"};

struct pace pace_read(const struct config *config)
{
    const struct config_group *work = config_group(config, "work");
    return (struct pace){
        .batch = (size_t)config_number(work, "batch"),
        .lease = config_duration(work, "lease"),
        .download_tries = config_number(work, "download-tries"),
        .retry_least = config_duration(work, "retry-least"),
        .retry_most = config_duration(work, "retry-most"),
        .retry_held = config_duration(work, "retry-held"),
        .retry_unmatched = config_duration(work, "retry-unmatched"),
    };
}

instant pace_retry_at(const struct pace *pace, int attempts)
{
    /* never at once: half of the shortest wait, and jitter above it */
    return clock_now() + pace->retry_least / 2 +
           backoff((unsigned)attempts, pace->retry_least, pace->retry_most);
}

struct release_context {
    enum stage stage;
    const struct work_item *items;
    size_t count;
};

static bool release_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct release_context *all = context;
    for (size_t i = 0; i < all->count; i++) {
        const struct work_item *item = &all->items[i];
        if (!db_send(tx, &release,
                     DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                               db_text(stage_code(all->stage)), db_number(item->attempts)),
                     -1, f))
            return false;
    }
    return true;
}

bool lease_release(struct db *db, enum stage stage, const struct work_item *items, size_t count,
                   struct failure *f)
{
    struct release_context context = {stage, items, count};
    return count == 0 || db_transaction_relaxed(db, release_work, &context, f);
}

bool lease_defer(struct db_tx *tx, enum stage stage, const struct work_item *item, bool settled,
                 instant due_at, const char *note, bool *ret_mine, struct failure *f)
{
    int64_t affected;
    if (!db_execute(tx, &defer,
                    DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                              db_text(stage_code(stage)), db_number(item->attempts),
                              db_instant(due_at), db_text(note), db_boolean(settled)),
                    &affected, f))
        return false;
    if (ret_mine)
        *ret_mine = affected == 1;
    return true;
}

bool lease_transaction_broken(const struct failure *f)
{
    return f->kind == FAILURE_DATABASE || f->kind == FAILURE_CONFLICT || f->kind == FAILURE_NETWORK;
}

/* --- a batch, and one by one where that fails ------------------------------------------------- */

struct settle {
    enum stage stage;
    const struct pace *pace;
    const struct work_item *items;
    lease_work *work;
    void *context;
    size_t first, count;
};

static bool settle_range(struct db_tx *tx, void *context, struct failure *f)
{
    const struct settle *settle = context;
    return settle->work(tx, settle->context, settle->first, settle->count, f);
}

static bool settle_later(struct db_tx *tx, void *context, struct failure *f)
{
    const struct settle *settle = context;
    const struct work_item *item = &settle->items[settle->first];
    return lease_defer(tx, settle->stage, item, false, pace_retry_at(settle->pace, item->attempts),
                       "not-stored", NULL, f);
}

static bool settle_single(struct db *db, struct settle *settle, struct failure *f)
{
    struct failure why = {0};
    settle->count = 1;
    if (db_transaction(db, settle_range, settle, &why))
        return true;
    log_error("application.not-stored",
              log_text("receipt_number", settle->items[settle->first].receipt_number),
              log_text("text", why.text));
    return db_transaction(db, settle_later, settle, f);
}

bool lease_settle(struct db *db, enum stage stage, const struct pace *pace,
                  const struct work_item *items, size_t count, lease_work *work, void *context,
                  struct failure *f)
{
    struct settle settle = {stage, pace, items, work, context, 0, count};
    struct failure why = {0};
    if (count == 0 || db_transaction(db, settle_range, &settle, &why))
        return true;
    if (why.kind != FAILURE_DATABASE || process_stopping()) {
        *f = why;
        return false;
    }
    log_failure("batch.split", &why);
    for (settle.first = 0; settle.first < count; settle.first++)
        if (!settle_single(db, &settle, f))
            return false;
    return true;
}

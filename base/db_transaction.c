/* BEGIN, work, COMMIT, and again where that is safe. */
#include <stdlib.h>

#include "base/db_internal.h"
#include "base/process.h"

#define CONFLICTS_MOST 8
#define CONFLICT_FIRST (INSTANT_SECOND / 200)
#define LOST_FIRST     (INSTANT_SECOND / 20)
#define RETRY_MOST     INSTANT_SECOND

/* A transaction of its own, which writes something, so that its commit flushes (and replicates) all
 * that was written before it. */
#define FLUSH "SELECT pg_logical_emit_message(true, 'uketsuke', '')"

static bool tx_commit(struct db_tx *tx, struct failure *f)
{
    if (tx->failed)
        return failure_set(f, FAILURE_DATABASE,
                           "database: the transaction had failed when it was to be committed");
    if (!tx->begun)
        return true;
    pipeline_forget(tx);
    if (tx->expecting && !pipeline_drain(tx, NULL, f))
        return false; /* what is not as expected must not be committed */
    tx->committing = true;
    return pipeline_push_control(tx, "COMMIT", f) &&
           (!tx->late || pipeline_push_control(tx, FLUSH, f)) && pipeline_drain(tx, NULL, f);
}

bool db_flush_late(struct db_tx *tx, struct failure *f)
{
    if (tx->kind != TX_DURABLE || tx->late)
        return true;
    tx->late = true;
    return tx_begin(tx, f) && pipeline_push_control(tx, TX_ASYNCHRONOUS, f);
}

void db_undo(struct db_tx *tx)
{
    tx->undo = true;
}

static void tx_roll_back(struct db_tx *tx)
{
    pipeline_forget(tx);
    if (!tx->begun || tx->connection->discard)
        return;
    /* What is still on its way may fail, and would take a ROLLBACK behind it along. */
    if (tx->step_count && !pipeline_drain(tx, NULL, NULL) && tx->connection->discard)
        return;
    if (!pipeline_push_control(tx, "ROLLBACK", NULL) || !pipeline_drain(tx, NULL, NULL))
        tx->connection->discard = true;
}

static bool run_once(struct db *db, enum tx_kind kind, db_work *work, void *context,
                     enum tx_again *ret_again, struct failure *f)
{
    struct db_tx tx = {.kind = kind};
    if (!db_borrow(db, &tx.connection, f))
        return false;
    bool done = work(&tx, context, f) && (tx.undo || tx_commit(&tx, f));
    if (!done || tx.undo)
        tx_roll_back(&tx);
    *ret_again = tx.again;
    db_give_back(db, tx.connection);
    free(tx.steps);
    return done;
}

static bool transaction(struct db *db, enum tx_kind kind, db_work *work, void *context,
                        struct failure *f)
{
    int64_t deadline = clock_monotonic() + db->patience;
    for (unsigned attempt = 0;; attempt++) {
        enum tx_again again = TX_NOT_AGAIN;
        if (run_once(db, kind, work, context, &again, f))
            return true;
        if (again == TX_NOT_AGAIN || (again == TX_CONFLICT && attempt + 1 >= CONFLICTS_MOST) ||
            (again == TX_LOST && clock_monotonic() >= deadline))
            return false;
        instant first = again == TX_LOST ? LOST_FIRST : CONFLICT_FIRST;
        if (!process_sleep(backoff(attempt, first, RETRY_MOST)))
            return false;
    }
}

bool db_transaction(struct db *db, db_work *work, void *context, struct failure *f)
{
    return transaction(db, TX_DURABLE, work, context, f);
}

bool db_transaction_relaxed(struct db *db, db_work *work, void *context, struct failure *f)
{
    return transaction(db, TX_RELAXED, work, context, f);
}

struct looking {
    const struct db_question *questions;
    size_t count;
};

static bool look(struct db_tx *tx, void *context, struct failure *f)
{
    const struct looking *l = context;
    return db_query_all(tx, l->questions, l->count, f);
}

bool db_look(struct db *db, const struct db_question *questions, size_t count, struct failure *f)
{
    return transaction(db, TX_LOOK, look, &(struct looking){questions, count}, f);
}

static bool ping(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement statement = {"db_ping", "SELECT 1"};
    return db_execute(tx, &statement, DB_NO_VALUES, NULL, f);
}

bool db_ping(struct db *db, struct failure *f)
{
    return db_transaction_relaxed(db, ping, NULL, f);
}

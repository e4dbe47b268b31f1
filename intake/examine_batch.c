#include "intake/examine_batch.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"

#define ACTOR   "role:examine"
#define CRASHED "examination-crashed"

#define FETCH_BYTES (8 << 20) /* sealed packages in memory; one always goes */

static struct metric examination_microseconds_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_examination_microseconds_total",
    .help = "Time spent examining, without loading and storing.",
};

static const struct db_statement reason_find = {
    "examine_reason", "SELECT coalesce(reason, '') FROM application"
                      " WHERE city_code = $1 AND application_id = $2::uuid"};

/* --- examining -------------------------------------------------------------------------------- */

void examine_batch_forget(struct examine_batch *batch)
{
    for (size_t i = 0; i < batch->examined; i++)
        if (batch->subjects[i].state == SUBJECT_EXAMINED)
            examination_free(&batch->subjects[i].examination);
    batch->examined = 0;
}

static void examine_package(const struct examine_batch *batch,
                            const struct stored_application *stored,
                            struct examination *ret_examination)
{
    const struct examine_worker *worker = batch->worker;
    const struct examination_input input = {
        .package = buffer_bytes(&stored->package),
        .receipt_number = stored->receipt_number,
        .city_code = worker->role->city_code,
        .applied_at = stored->applied_at,
        .now = clock_now(),
        .limits = &worker->examiner.limits,
        .trust = worker->examiner.trust,
        .crls = worker->examiner.crls,
        .revocation = worker->examiner.revocation,
        .procedures = worker->examiner.procedures,
    };
    int64_t begun = clock_monotonic();
    examine(&input, ret_examination);
    metric_add(&examination_microseconds_total, NULL, clock_monotonic() - begun);
}

static void subject_examine(struct examine_batch *batch, const struct db_rows *rows, size_t row,
                            struct subject *subject)
{
    struct stored_application stored = {0};
    struct failure why = {0};
    /* What can't be read is our trouble, not the application's: it stays, and the others go on. */
    if (!application_open_package(rows, row, batch->worker->role->city_key, subject->item, &stored,
                                  &why)) {
        subject->state = SUBJECT_UNREADABLE;
        log_error("application.unreadable",
                  log_text("receipt_number", subject->item->receipt_number),
                  log_text("text", why.text));
        return;
    }
    examine_package(batch, &stored, &subject->examination);
    subject->key = stored.key;
    subject->state = SUBJECT_EXAMINED;
    log_debug("application.examined", log_text("receipt_number", subject->item->receipt_number),
              log_text("verdict", verdict_name(subject->examination.verdict)),
              log_text("reason", subject->examination.reason));
    stored_application_free(&stored);
}

static void subject_take(struct examine_batch *batch, const struct db_rows *rows, size_t row)
{
    struct subject *subject = &batch->subjects[batch->examined];
    *subject = (struct subject){.item = &batch->items[batch->examined]};
    if (subject->item->attempts > batch->worker->pace.attempts_most) {
        subject->state = SUBJECT_CRASHED;
        log_error("examination.crashed", log_text("receipt_number", subject->item->receipt_number),
                  log_number("attempts", subject->item->attempts - 1));
    } else {
        subject_examine(batch, rows, row, subject);
    }
    batch->examined++;
}

/* Reads only; some packages at a time are in memory, sealed, and one of them open. */
static bool examine_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct examine_batch *batch = context;
    examine_batch_forget(batch);
    while (batch->examined < batch->count) {
        _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
        if (!application_fetch_packages(tx, &batch->items[batch->examined],
                                        batch->count - batch->examined, FETCH_BYTES, &rows, f))
            return false;
        for (size_t row = 0; row < db_row_count(rows); row++)
            subject_take(batch, rows, row);
    }
    return true;
}

bool examine_batch_load(struct examine_batch *batch, struct failure *f)
{
    return db_transaction(batch->worker->role->db, examine_work, batch, f);
}

/* --- deciding --------------------------------------------------------------------------------- */

static void decision_add(struct examine_batch *batch, struct subject *subject, enum state to,
                         const char *reason, enum stage next, instant due_at)
{
    const struct work_item *item = subject->item;
    subject->decision = &batch->decisions[batch->decision_count++];
    *subject->decision = (struct decision){
        .city_code = item->city_code,
        .application_id = item->application_id,
        .from = item->state,
        .to = to,
        .reason = reason,
        .next = next,
        .due_at = due_at,
        .actor = ACTOR,
    };
}

/* Held as before, and for the same reason: that is no event, only the next try. */
static bool held_already(struct db_tx *tx, const struct work_item *item, const char *reason,
                         bool *ret_already, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &reason_find,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    *ret_already = item->state == STATE_HELD && db_row_count(rows) == 1 &&
                   !strcmp(db_get_text(rows, 0, 0), reason);
    return true;
}

static bool hold(struct examine_batch *batch, struct db_tx *tx, struct subject *subject,
                 const char *reason, instant due_at, struct failure *f)
{
    bool already = false;
    if (subject->item->state == STATE_HELD && !held_already(tx, subject->item, reason, &already, f))
        return false;
    if (already)
        return lease_defer(tx, STAGE_EXAMINE, subject->item, true, due_at, reason, &subject->mine,
                           f);
    decision_add(batch, subject, STATE_HELD, reason, STAGE_EXAMINE, due_at);
    return true;
}

static instant held_till(const struct examine_worker *worker, const char *reason)
{
    bool revocation = !strncmp(reason, "revocation-", strlen("revocation-"));
    return clock_now() + (revocation ? worker->revocation_retry : worker->pace.retry_held);
}

static bool decide_examined(struct examine_batch *batch, struct db_tx *tx, struct subject *subject,
                            struct failure *f)
{
    const struct examination *examination = &subject->examination;
    switch (examination->verdict) {
    case VERDICT_ACCEPTED:
        decision_add(batch, subject, STATE_VERIFIED, NULL, STAGE_IDENTIFY, 0);
        return true;
    case VERDICT_REFUSED:
        decision_add(batch, subject, STATE_REFUSED, examination->reason, STAGE_NONE, 0);
        return true;
    default:
        return hold(batch, tx, subject, examination->reason,
                    held_till(batch->worker, examination->reason), f);
    }
}

static bool decide_one(struct examine_batch *batch, struct db_tx *tx, struct subject *subject,
                       struct failure *f)
{
    const struct pace *pace = &batch->worker->pace;
    subject->decision = NULL;
    subject->mine = false;
    if (subject->state == SUBJECT_EXAMINED)
        return decide_examined(batch, tx, subject, f);
    if (subject->state == SUBJECT_CRASHED)
        return hold(batch, tx, subject, CRASHED, clock_now() + pace->retry_held, f);
    return lease_defer(tx, STAGE_EXAMINE, subject->item, true,
                       pace_retry_at(pace, subject->item->attempts), "unreadable", NULL, f);
}

/* Only the worker whose decision stands may write what led to it. */
static bool store_one(struct examine_batch *batch, struct db_tx *tx, const struct subject *subject,
                      struct failure *f)
{
    bool stands = subject->decision ? subject->decision->moved : subject->mine;
    return subject->state != SUBJECT_EXAMINED || !stands ||
           application_store_examination(tx, batch->worker->role->city_key, subject->item,
                                         &subject->key, &subject->examination, f);
}

static bool settle_work(struct db_tx *tx, void *context, size_t first, size_t count,
                        struct failure *f)
{
    struct examine_batch *batch = context;
    const struct role *role = batch->worker->role;
    batch->decision_count = 0;
    for (size_t i = first; i < first + count; i++)
        if (!decide_one(batch, tx, &batch->subjects[i], f))
            return false;
    if (batch->decision_count &&
        !decide(tx, role->config, role->name, batch->decisions, batch->decision_count, f))
        return false;
    for (size_t i = first; i < first + count; i++)
        if (!store_one(batch, tx, &batch->subjects[i], f))
            return false;
    return true;
}

bool examine_batch_settle(struct examine_batch *batch, struct failure *f)
{
    return lease_settle(batch->worker->role->db, STAGE_EXAMINE, &batch->worker->pace, batch->items,
                        batch->count, settle_work, batch, f);
}

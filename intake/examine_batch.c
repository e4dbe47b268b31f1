#include "intake/examine_batch.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/evidence.h"

#define ACTOR   "role:examine"
#define CRASHED "examination-crashed"
#define LIMIT   "examination-limit"

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
    for (size_t i = 0; i < batch->examined; i++) {
        struct subject *subject = &batch->subjects[i];
        stored_application_free(&subject->stored);
        examination_free(&subject->examination);
        ocsp_errand_free(&subject->errand);
        buffer_free(&subject->certid);
    }
    batch->examined = 0;
}

const char *subject_trouble(const struct subject *subject)
{
    static const char *const troubles[] = {[SUBJECT_CRASHED] = "crashed",
                                           [SUBJECT_LIMIT] = "limit",
                                           [SUBJECT_UNREADABLE] = "unreadable"};
    return troubles[subject->state];
}

static void trouble_note(struct subject *subject)
{
    subject->state = subject->job.outcome == EXAMINER_LIMIT ? SUBJECT_LIMIT : SUBJECT_CRASHED;
    log_error(subject->state == SUBJECT_LIMIT ? "examination.limit" : "examination.crashed",
              log_text("receipt_number", subject->item->receipt_number),
              log_text("cause", subject->job.trouble));
}

void examine_batch_done(struct examiner_job *job)
{
    struct subject *subject = job->owner;
    buffer_erase_free(&subject->stored.package);
    if (job->outcome != EXAMINER_DONE) {
        trouble_note(subject);
        return;
    }
    examination_free(&subject->examination); /* of the first look */
    subject->examination = job->examination;
    subject->state = SUBJECT_EXAMINED;
    metric_add(&examination_microseconds_total, NULL, job->took);
    log_debug("application.examined", log_text("receipt_number", subject->item->receipt_number),
              log_text("verdict", verdict_name(subject->examination.verdict)),
              log_text("reason", subject->examination.reason));
}

static bool subject_give(struct examine_batch *batch, struct subject *subject, struct failure *f)
{
    struct examine_worker *worker = batch->worker;
    subject->job = (struct examiner_job){
        .input = {.package = buffer_bytes(&subject->stored.package),
                  .receipt_number = subject->stored.receipt_number,
                  .city_code = worker->role->city_code,
                  .applied_at = subject->stored.applied_at,
                  .now = clock_now(),
                  .suspended = evidence_suspended(buffer_bytes(&subject->stored.evidence))},
        .owner = subject,
    };
    if (subject->certid.length > 0)
        subject->job.input.ocsp = ocsp_errand_answer(&subject->errand);
    return examiner_pool_give(&worker->examiners, &subject->job, f);
}

/* What can't be read is our trouble, not the application's: it stays, and the others go on. */
bool subject_examine(struct examine_batch *batch, const struct db_rows *rows, size_t row,
                     struct subject *subject, struct failure *f)
{
    struct failure why = {0};
    subject->state = SUBJECT_UNREADABLE;
    if (application_open_package(rows, row, batch->worker->role->city_key, subject->item,
                                 &subject->stored, &why))
        return subject_give(batch, subject, f);
    log_error("application.unreadable", log_text("receipt_number", subject->item->receipt_number),
              log_text("text", why.text));
    return true;
}

static bool subject_take(struct examine_batch *batch, const struct db_rows *rows, size_t row,
                         struct failure *f)
{
    struct subject *subject = &batch->subjects[batch->examined];
    *subject = (struct subject){.item = &batch->items[batch->examined++]};
    return subject_examine(batch, rows, row, subject, f);
}

static bool time_is_up(const struct examine_batch *batch)
{
    return clock_monotonic() - batch->begun > batch->worker->pace.lease / 2;
}

/* Some packages at a time are in memory, sealed, and a few of them open. */
static bool examine_all(struct examine_batch *batch, struct db_tx *tx, struct failure *f)
{
    while (batch->examined < batch->count && !time_is_up(batch)) {
        _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
        if (!application_fetch_packages(tx, &batch->items[batch->examined],
                                        batch->count - batch->examined, EXAMINE_FETCH_BYTES, &rows,
                                        f))
            return false;
        for (size_t row = 0; row < db_row_count(rows) && !time_is_up(batch); row++)
            if (!subject_take(batch, rows, row, f))
                return false;
    }
    return true;
}

/* Whatever failed, nobody may be at work any more on what will be forgotten. */
static bool examine_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct examine_batch *batch = context;
    struct failure second;
    examine_batch_forget(batch);
    bool given = examine_all(batch, tx, f);
    return examiner_pool_finish(&batch->worker->examiners, given ? f : &second) && given;
}

bool examine_batch_load(struct examine_batch *batch, struct failure *f)
{
    return db_transaction(batch->worker->role->db, examine_work, batch, f) &&
           examine_batch_again(batch, f);
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
        .version = item->version,
        .reason = reason,
        .next = next,
        .due_at = due_at,
        .term = *subject->examination.term.name ? &subject->examination.term : NULL,
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
    bool revocation = !strncmp(reason, "revocation-", strlen("revocation-")) ||
                      !strncmp(reason, "ocsp-", strlen("ocsp-"));
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
    if (subject->state != SUBJECT_UNREADABLE)
        return hold(batch, tx, subject, subject->state == SUBJECT_LIMIT ? LIMIT : CRASHED,
                    clock_now() + pace->retry_held, f);
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
                                         &subject->stored.key, &subject->examination, f);
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

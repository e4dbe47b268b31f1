#include "intake/examine_role.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/examine_batch.h"

static struct metric examinations_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_examinations_total",
    .help = "Examinations, by verdict.",
    .label_name = "verdict",
};
bool examine_worker_open(struct role *role, struct examine_worker *ret_worker, struct failure *f)
{
    const char *const channels[] = {work_channel(STAGE_EXAMINE)};
    struct examine_worker worker = {.role = role, .pace = pace_read(role->config)};
    worker.revocation_retry = config_duration(config_group(role->config, "revocation"), "retry");
    if (!db_listen(role->db, channels, 1, &worker.listener, f))
        return false;
    if (!examiner_load(role->config, &worker.examiner, f)) {
        db_listener_close(worker.listener);
        return false;
    }
    *ret_worker = worker;
    return true;
}

void examine_worker_close(struct examine_worker *worker)
{
    examiner_free(&worker->examiner);
    db_listener_close(worker->listener);
}

static void batch_log(const struct examine_batch *batch, int64_t begun)
{
    int64_t verdicts[3] = {0}, troubled = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct subject *subject = &batch->subjects[i];
        if (subject->state != SUBJECT_EXAMINED) {
            troubled++;
            metric_add(&examinations_total,
                       subject->state == SUBJECT_CRASHED ? "crashed" : "unreadable", 1);
            continue;
        }
        verdicts[subject->examination.verdict]++;
        metric_add(&examinations_total, verdict_name(subject->examination.verdict), 1);
    }
    log_info("packages.examined", log_number("accepted", verdicts[VERDICT_ACCEPTED]),
             log_number("refused", verdicts[VERDICT_REFUSED]),
             log_number("held", verdicts[VERDICT_HELD]), log_number("troubled", troubled),
             log_number("ms", (clock_monotonic() - begun) / 1000));
}

static void lease_give_back(struct examine_batch *batch)
{
    struct failure f = {0};
    if (!lease_release(batch->worker->role->db, STAGE_EXAMINE, batch->items, batch->count, &f))
        log_failure("lease.release", &f);
}

static bool any_suspicious(const struct examine_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].attempts > 1)
            return true;
    return false;
}

static bool batch_claim(struct examine_batch *batch, struct failure *f)
{
    struct examine_worker *worker = batch->worker;
    size_t most = worker->careful ? 1 : worker->pace.batch;
    return work_claim(worker->role->db, worker->role->config, STAGE_EXAMINE, most, batch->items,
                      &batch->count, f);
}

static enum work_result batch_run(struct examine_batch *batch, struct failure *f)
{
    int64_t begun = clock_monotonic();
    if (!examine_batch_load(batch, f) || !examine_batch_settle(batch, f)) {
        lease_give_back(batch); /* we live: nobody crashed, the claims do not count */
        return WORK_FAILED;
    }
    batch_log(batch, begun);
    return WORK_DONE;
}

/* New revocation data is used from the next batch on; a folder that is broken leaves us with what
 * we have, which every verdict is judged and reported by. */
static void refresh(struct examine_worker *worker)
{
    struct failure f = {0};
    if (!examiner_refresh(&worker->examiner, &f))
        log_failure("revocation.refresh", &f);
}

enum work_result examine_step(void *context, struct failure *f)
{
    struct examine_worker *worker = context;
    _cleanup_(examine_batch_forget) struct examine_batch batch = {.worker = worker};
    if (!batch_claim(&batch, f))
        return WORK_FAILED;
    if (batch.count == 0) {
        worker->careful = false;
        return WORK_IDLE;
    }
    bool suspicious = any_suspicious(&batch);
    if (suspicious && batch.count > 1) {
        worker->careful = true;
        lease_give_back(&batch);
        return WORK_DONE;
    }
    worker->careful = suspicious;
    refresh(worker);
    return batch_run(&batch, f);
}

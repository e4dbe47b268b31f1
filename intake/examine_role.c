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

static bool examiners_start(struct examine_worker *worker, struct failure *f)
{
    const struct config *config = worker->role->config;
    const struct examiner_limits limits = examiner_limits_read(config);
    return examiner_pool_open(worker->argv, &limits, examiner_lists(config), examine_batch_done,
                              &worker->examiners, f);
}

/* New revocation lists are used from the next batch on; a folder that is broken leaves us with what
 * we have, which every verdict is judged and reported by. */
static bool examiners_refresh(struct examine_worker *worker, struct failure *f)
{
    return worker->examiners.processes ? examiner_pool_refresh(&worker->examiners, f)
                                       : examiners_start(worker, f);
}

bool examine_worker_open(struct role *role, struct examine_worker *ret_worker, struct failure *f)
{
    const char *const channels[] = {work_channel(STAGE_EXAMINE)};
    struct examine_worker worker = {
        .role = role,
        .pace = pace_read(role->config),
        .argv = {"/proc/self/exe", "examine-worker", "--config", config_path(role->config)},
    };
    worker.revocation_retry = config_duration(config_group(role->config, "revocation"), "retry");
    if (!db_listen(role->db, channels, 1, &worker.listener, f))
        return false;
    *ret_worker = worker; /* the examiners keep ret_worker->argv */
    if (!ocsp_client_open(role->config, &ret_worker->responders, f) ||
        !examiners_start(ret_worker, f)) {
        ocsp_client_close(ret_worker->responders);
        db_listener_close(worker.listener);
        return false;
    }
    return true;
}

void examine_worker_close(struct examine_worker *worker)
{
    examiner_pool_close(&worker->examiners);
    ocsp_client_close(worker->responders);
    db_listener_close(worker->listener);
}

static void batch_log(const struct examine_batch *batch)
{
    int64_t verdicts[3] = {0}, troubled = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct subject *subject = &batch->subjects[i];
        if (subject->state != SUBJECT_EXAMINED) {
            troubled++;
            metric_add(&examinations_total, subject_trouble(subject), 1);
            continue;
        }
        verdicts[subject->examination.verdict]++;
        metric_add(&examinations_total, verdict_name(subject->examination.verdict), 1);
    }
    log_info("packages.examined", log_number("accepted", verdicts[VERDICT_ACCEPTED]),
             log_number("refused", verdicts[VERDICT_REFUSED]),
             log_number("held", verdicts[VERDICT_HELD]), log_number("troubled", troubled),
             log_number("ms", (clock_monotonic() - batch->begun) / 1000));
}

static void lease_give_back(const struct examine_batch *batch, size_t first)
{
    struct failure f = {0};
    if (batch->count > first && !lease_release(batch->worker->role->db, STAGE_EXAMINE,
                                               batch->items + first, batch->count - first, &f))
        log_failure("lease.release", &f);
}

/* What was not begun comes back first, while its claim is surely ours. */
static enum work_result batch_run(struct examine_batch *batch, struct failure *f)
{
    bool loaded = examine_batch_load(batch, f);
    if (loaded) {
        lease_give_back(batch, batch->examined);
        batch->count = batch->examined;
    }
    if (!loaded || !examine_batch_settle(batch, f)) {
        lease_give_back(batch, 0);
        return WORK_FAILED;
    }
    batch_log(batch);
    const struct examine_worker *worker = batch->worker;
    ocsp_health_keep(&batch->worker->health, worker->role->db, worker->role->city_code,
                     worker->responders);
    return WORK_DONE;
}

enum work_result examine_step(void *context, struct failure *f)
{
    struct examine_worker *worker = context;
    _cleanup_(examine_batch_forget) struct examine_batch batch = {
        .worker = worker,
        .begun = clock_monotonic(),
    };
    if (!work_claim(worker->role->db, worker->role->config, STAGE_EXAMINE, worker->pace.batch,
                    batch.items, &batch.count, f))
        return WORK_FAILED;
    if (batch.count == 0)
        return WORK_IDLE;
    if (!examiners_refresh(worker, f)) {
        lease_give_back(&batch, 0);
        return WORK_FAILED;
    }
    return batch_run(&batch, f);
}

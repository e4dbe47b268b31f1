#include "intake/examiner_pool.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"

#define WORKERS_MOST 256
#define START_PAUSE  (INSTANT_SECOND / 10) /* the first; each is twice the one before */

static struct metric replaced_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_examiners_replaced_total",
    .help = "Examiner processes that died or were ended for a limit, and were replaced.",
};

static struct metric renewed_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_examiners_renewed_total",
    .help = "Examiner processes that were replaced because they had examined [examine] "
            "packages-most packages.",
};

/* The one under examination goes with it. */
static void culprit_mark(struct examiner_pool *pool, struct examiner_job *job, bool limit,
                         const char *trouble)
{
    job->outcome = limit ? EXAMINER_LIMIT : EXAMINER_CRASHED;
    snprintf(job->trouble, sizeof job->trouble, "%s", trouble);
    pool->done(job);
}

/* What a worker has mapped besides the program are revocation lists: one that is cut off or changed
 * where it lies ends the worker, whatever the package. Its successor looks at every list before it
 * uses it, and leaves that one out; so the package gets a second one, once. */
static bool may_come_again(const struct examiner_job *job, const char *trouble)
{
    return strcmp(trouble, "SIGBUS") == 0 && !job->again;
}

static bool start(struct examiner_pool *pool, struct examiner_process *process, struct failure *f)
{
    return examiner_process_start(pool->argv, pool->lists, process, f);
}

static void queue_drop_first(struct examiner_process *process)
{
    memmove(process->queue, process->queue + 1, --process->queued * sizeof *process->queue);
}

/* Nothing that it was given is to blame. The kernel, or somebody, may end it once more; if it goes
 * on, a person has to look. */
static bool start_again_later(struct examiner_process *process, const char *trouble,
                              struct failure *f)
{
    if (++process->failed >= EXAMINER_STARTS_MOST)
        return failure_set(f, FAILURE_SYSTEM,
                           "an examiner ended before it was ready, %u times in a row (%s)",
                           process->failed, trouble);
    process->start_at = clock_monotonic() + (START_PAUSE << (process->failed - 1));
    return true;
}

/* What is left in its queue waits for its successor. `limit`: NULL, or the limit that it met. */
static bool replace(struct examiner_pool *pool, struct examiner_process *process, const char *limit,
                    struct failure *f)
{
    char ended[64];
    bool ready = process->ready, memory = examiner_process_end(process, ended);
    const char *trouble = limit ?: memory ? "memory" : ended;
    metric_add(&replaced_total, NULL, 1);
    log_warning("examiner.replaced", log_text("cause", trouble));
    if (!ready)
        return start_again_later(process, trouble, f);
    if (process->queued > 0 && may_come_again(process->queue[0], trouble)) {
        process->queue[0]->again = true;
    } else if (process->queued > 0) {
        struct examiner_job *culprit = process->queue[0];
        queue_drop_first(process);
        culprit_mark(pool, culprit, limit || memory, trouble);
    }
    return start(pool, process, f);
}

/* Has, or will have when its queue is empty, examined its share. */
static bool is_spent(const struct examiner_pool *pool, const struct examiner_process *process)
{
    return process->answered + process->queued >= pool->limits.packages;
}

static bool renew(struct examiner_pool *pool, struct examiner_process *process, struct failure *f)
{
    char ended[64];
    examiner_process_end(process, ended);
    metric_add(&renewed_total, NULL, 1);
    return start(pool, process, f);
}

static bool process_turn(struct examiner_pool *pool, struct examiner_process *process,
                         struct failure *f)
{
    struct examiner_job *job;
    if (!process->pid)
        return clock_monotonic() < process->start_at || start(pool, process, f);
    for (;;) {
        switch (examiner_process_turn(process, &job, f)) {
        case EXAMINER_ANSWERED:
            pool->done(job);
            if (process->queued == 0 && is_spent(pool, process))
                return renew(pool, process, f);
            break;
        case EXAMINER_FAILED_TO_BEGIN:
            return false;
        case EXAMINER_GONE:
            return replace(pool, process, NULL, f);
        default: /* only one that has not answered by now may have had its share */
            return examiner_process_left(process, &pool->limits) > 0 ||
                   replace(pool, process, "time", f);
        }
    }
}

/* One look at every worker, after waiting at most until one of them says something. */
static bool turn(struct examiner_pool *pool, bool wait, struct failure *f)
{
    struct pollfd polls[WORKERS_MOST];
    int64_t patience = wait ? INSTANT_DAY : 0;
    for (size_t i = 0; i < pool->limits.workers; i++) {
        const struct examiner_process *process = &pool->processes[i];
        int64_t left = examiner_process_left(process, &pool->limits);
        patience = left < patience ? left : patience;
        polls[i] = (struct pollfd){.fd = process->pid ? process->socket : -1,
                                   .events = process->out.length ? POLLIN | POLLOUT : POLLIN};
    }
    if (patience > 0)
        poll(polls, pool->limits.workers, (int)((patience + 999) / 1000));
    for (size_t i = 0; i < pool->limits.workers; i++)
        if (!process_turn(pool, &pool->processes[i], f))
            return false;
    return true;
}

/* NULL: there is room with none. */
static struct examiner_process *least_busy(const struct examiner_pool *pool)
{
    struct examiner_process *least = NULL;
    for (size_t i = 0; i < pool->limits.workers; i++) {
        struct examiner_process *process = &pool->processes[i];
        bool room = process->queued < EXAMINER_QUEUE_MOST && !is_spent(pool, process);
        if (room && (!least || process->queued < least->queued))
            least = process;
    }
    return least;
}

static bool give(struct examiner_pool *pool, struct examiner_job *job, struct failure *f)
{
    if (!turn(pool, false, f)) /* who has died idle must not cost this one */
        return false;
    while (!least_busy(pool))
        if (!turn(pool, true, f))
            return false;
    struct examiner_process *process = least_busy(pool);
    examiner_process_give(process, job);
    return process_turn(pool, process, f);
}

static bool any(const struct examiner_pool *pool, bool (*is)(const struct examiner_process *))
{
    for (size_t i = 0; i < pool->limits.workers; i++)
        if (is(&pool->processes[i]))
            return true;
    return false;
}

static bool is_busy(const struct examiner_process *process)
{
    return process->queued > 0;
}

static bool is_starting(const struct examiner_process *process)
{
    return !process->ready;
}

static bool turn_while(struct examiner_pool *pool, bool (*is)(const struct examiner_process *),
                       struct failure *f)
{
    while (any(pool, is))
        if (!turn(pool, true, f))
            return false;
    return true;
}

/* What failed half-way is not gone on with. */
static bool closed_unless(struct examiner_pool *pool, bool done)
{
    if (!done)
        examiner_pool_close(pool);
    return done;
}

static bool is_open(const struct examiner_pool *pool, struct failure *f)
{
    return pool->processes || failure_set(f, FAILURE_SYSTEM, "the examiners had to be ended");
}

bool examiner_pool_give(struct examiner_pool *pool, struct examiner_job *job, struct failure *f)
{
    return is_open(pool, f) && closed_unless(pool, give(pool, job, f));
}

bool examiner_pool_finish(struct examiner_pool *pool, struct failure *f)
{
    return is_open(pool, f) && closed_unless(pool, turn_while(pool, is_busy, f));
}

static bool all_idle(struct examiner_pool *pool, struct failure *f)
{
    return turn_while(pool, is_busy, f) && turn_while(pool, is_starting, f);
}

static bool lists_use(struct examiner_pool *pool, struct index_folder *lists, struct failure *f)
{
    index_folder_free(pool->lists);
    *pool->lists = *lists;
    *lists = (struct index_folder){0};
    for (size_t i = 0; i < pool->limits.workers; i++)
        examiner_process_use(&pool->processes[i], pool->lists);
    log_info("revocation.lists_changed", log_number("lists", (int64_t)pool->lists->count));
    return turn_while(pool, is_starting, f);
}

static bool refresh(struct examiner_pool *pool, struct failure *f)
{
    _cleanup_(index_folder_free) struct index_folder lists = {0};
    struct failure why = {0};
    if (!index_folder_read(pool->lists->path, &lists, &why))
        log_failure("revocation.refresh", &why);
    else if (lists.stamp != pool->lists->stamp)
        return all_idle(pool, f) && lists_use(pool, &lists, f);
    return true;
}

bool examiner_pool_refresh(struct examiner_pool *pool, struct failure *f)
{
    return is_open(pool, f) && closed_unless(pool, refresh(pool, f));
}

static bool start_all(struct examiner_pool *pool, struct failure *f)
{
    for (size_t i = 0; i < pool->limits.workers; i++)
        if (!start(pool, &pool->processes[i], f))
            return false;
    return turn_while(pool, is_starting, f);
}

bool examiner_pool_open(const char *const *argv, const struct examiner_limits *limits,
                        const char *lists, examiner_done *done, struct examiner_pool *ret_pool,
                        struct failure *f)
{
    struct index_folder folder;
    if (!index_folder_read(lists, &folder, f))
        return false;
    struct examiner_pool pool = {.argv = argv, .limits = *limits, .done = done};
    pool.processes = memory_allocate(limits->workers * sizeof *pool.processes);
    pool.lists = memory_allocate(sizeof *pool.lists);
    *pool.lists = folder;
    if (!closed_unless(&pool, start_all(&pool, f)))
        return false;
    *ret_pool = pool;
    return true;
}

void examiner_pool_close(struct examiner_pool *pool)
{
    char ended[64];
    for (size_t i = 0; pool->processes && i < pool->limits.workers; i++)
        if (pool->processes[i].pid)
            examiner_process_end(&pool->processes[i], ended);
    free(pool->processes);
    if (pool->lists)
        index_folder_free(pool->lists);
    free(pool->lists);
    *pool = (struct examiner_pool){0};
}

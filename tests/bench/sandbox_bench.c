/* Sandboxed examination against examine() in this process, on the same packages in one run: one
 * worker, packages given as the examine role gives them. Processor time, that of the worker and of
 * its parent together: on a busy machine the clock favours who sleeps now and then. Rounds
 * alternate, the median of their ratios counts. Both keep freed memory, as a worker does: with the
 * C library's defaults, examine() here is slower than in a worker.
 *
 *   sandbox_bench UKETSUKE CONFIG PACKAGE… */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xml.h"
#include "intake/command.h"
#include "intake/examiner_pool.h"
#include "intake/revocation.h"

#define ROUNDS 10
#define PASSES 40 /* over all packages, in one round */

/* One package is examined this often in a pass: there must be others while one is under way. */
#define JOBS_LEAST 4

static const struct config_section *const sections[] = {
    &city_config_section,    &package_config_section,
    &examine_config_section, &revocation_list_config_section,
    &trust_config_section,   &revocation_config_section,
    &forms_config_section};

static void die(const char *what, const char *text)
{
    fprintf(stderr, "sandbox_bench: %s: %s\n", what, text);
    exit(3);
}

static void check(struct examination *examination)
{
    if (examination->verdict != VERDICT_ACCEPTED)
        die(verdict_name(examination->verdict), examination->reason);
    examination_free(examination);
}

static void done(struct examiner_job *job)
{
    if (job->outcome != EXAMINER_DONE)
        die("a worker", job->trouble);
    check(&job->examination);
    job->owner = NULL; /* may be given again */
}

static int64_t cpu_of(clockid_t clock)
{
    struct timespec used;
    if (clock_gettime(clock, &used) != 0)
        die("clock", "cannot be read");
    return used.tv_sec * INSTANT_SECOND + used.tv_nsec / 1000;
}

static int64_t microseconds(struct timeval time)
{
    return time.tv_sec * INSTANT_SECOND + time.tv_usec;
}

/* Microseconds of the processor, of this process, of the worker, and of those before it, which had
 * examined their share: beginning anew counts, too. */
static int64_t cpu_of_all(const struct examiner_pool *pool)
{
    struct rusage ended;
    if (getrusage(RUSAGE_CHILDREN, &ended) != 0)
        die("rusage", "cannot be read");
    return cpu_of(CLOCK_PROCESS_CPUTIME_ID) + cpu_of(pool->processes[0].cpu) +
           microseconds(ended.ru_utime) + microseconds(ended.ru_stime);
}

static int64_t run_here(const struct examiner *examiner, const struct examiner_job *jobs,
                        size_t count)
{
    int64_t begun = cpu_of(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < count * PASSES; i++) {
        struct examination_input input = jobs[i % count].input;
        struct examination examination;
        input.limits = &examiner->limits;
        input.trust = examiner->trust;
        input.crls = examiner->crls;
        input.revocation = examiner->revocation;
        input.procedures = examiner->procedures;
        examine(&input, &examination);
        check(&examination);
    }
    return cpu_of(CLOCK_PROCESS_CPUTIME_ID) - begun;
}

static int64_t run_there(struct examiner_pool *pool, struct examiner_job *jobs, size_t count)
{
    struct failure f = {0};
    int64_t begun = cpu_of_all(pool);
    for (size_t i = 0; i < count * PASSES; i++) {
        struct examiner_job *job = &jobs[i % count];
        if (job->owner && !examiner_pool_finish(pool, &f))
            die("the pool", f.text);
        job->owner = job;
        if (!examiner_pool_give(pool, job, &f))
            die("the pool", f.text);
    }
    if (!examiner_pool_finish(pool, &f))
        die("the pool", f.text);
    return cpu_of_all(pool) - begun;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *const *argv, const struct config *config, struct examiner_job *jobs,
                    size_t count)
{
    struct failure f = {0};
    struct examiner examiner;
    struct examiner_pool pool;
    struct examiner_limits limits = examiner_limits_read(config);
    double here[ROUNDS], there[ROUNDS], ratios[ROUNDS];
    limits.workers = 1;
    if (!examiner_load(config, &examiner, &f) ||
        !examiner_pool_open(argv, &limits, examiner_lists(config), done, &pool, &f))
        die("cannot begin", f.text);
    run_there(&pool, jobs, count); /* begins the worker */
    for (int round = 0; round < ROUNDS; round++) {
        here[round] = (double)run_here(&examiner, jobs, count) / (double)(PASSES * count);
        there[round] = (double)run_there(&pool, jobs, count) / (double)(PASSES * count);
        ratios[round] = there[round] / here[round];
    }
    qsort(here, ROUNDS, sizeof *here, by_value);
    qsort(there, ROUNDS, sizeof *there, by_value);
    qsort(ratios, ROUNDS, sizeof *ratios, by_value);
    printf("in this process\t%.1f\nin one worker\t%.1f\nratio\t%.3f\n", here[ROUNDS / 2],
           there[ROUNDS / 2], ratios[ROUNDS / 2]);
    examiner_pool_close(&pool);
    examiner_free(&examiner);
}

int main(int argc, char **argv)
{
    struct failure f = {0};
    struct config *config;
    if (argc < 4) {
        fputs("sandbox_bench: see tests/bench/run sandbox\n", stderr);
        return 64;
    }
    const char *const worker[] = {argv[1], "examine-worker", "--config", argv[2], NULL};
    log_open("bench", LOG_LEVEL_WARNING, false);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    clock_initialize();
    xml_initialize();
    if (!config_load(argv[2], sections, sizeof sections / sizeof *sections, &config, &f))
        die("configuration", f.text);
    size_t files = (size_t)argc - 3, count = files > JOBS_LEAST ? files : JOBS_LEAST;
    struct buffer *packages = memory_allocate(count * sizeof *packages);
    struct examiner_job *jobs = memory_allocate(count * sizeof *jobs);
    for (size_t i = 0; i < count; i++) {
        if (!revocation_file_read(argv[3 + i % files], 1 << 26, &packages[i], &f))
            die("package", f.text);
        jobs[i].input =
            (struct examination_input){.package = buffer_bytes(&packages[i]), .now = clock_now()};
    }
    measure(worker, config, jobs, count);
    for (size_t i = 0; i < count; i++)
        buffer_free(&packages[i]);
    free(packages);
    free(jobs);
    config_free(config);
    return 0;
}

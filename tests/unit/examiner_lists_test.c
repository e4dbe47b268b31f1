/* Revocation lists and examiners: a worker that lives has others in force as soon as they are in
 * the folder, nothing that it is handed harms it, and one that is ended while it gets ready is
 * replaced. This program is the worker, too. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "intake/examiner_lock.h"
#include "tests/support/examiners.h"
#include "tests/support/package.h"
#include "tests/unit/check.h"

#define THE_SERIAL "01a2b3c4" /* of who signed the good package */

static void refresh(struct examiner_pool *pool)
{
    struct failure f = {0};
    if (!examiner_pool_refresh(pool, &f))
        fail_msg("%s", f.text);
}

static struct examiner_job examined(struct examiner_pool *pool)
{
    struct examiner_job job = examiners_job(examiners_good());
    examiners_give(pool, &job);
    examiners_finish(pool);
    job.owner = NULL;
    return job;
}

static void assert_judged(struct examiner_pool *pool, const char *reason)
{
    struct examiner_job job = examined(pool);
    examiners_assert_reason(&job, reason);
}

/* The same processes, one after the other list. */
static void lists_change_while_a_worker_lives(void **state)
{
    (void)state;
    struct examiner_pool pool = examiners_open(2);
    const pid_t before[2] = {pool.processes[0].pid, pool.processes[1].pid};
    for (size_t i = 0; i < 2; i++) {
        assert_judged(&pool, "");
        examiners_list("1.idx", THE_SERIAL);
        assert_judged(&pool, ""); /* not yet */
        refresh(&pool);
        struct examiner_job jobs[4];
        for (size_t j = 0; j < 4; j++) {
            jobs[j] = examiners_job(examiners_good());
            examiners_give(&pool, &jobs[j]);
        }
        examiners_finish(&pool);
        for (size_t j = 0; j < 4; j++)
            examiners_assert_reason(&jobs[j], "certificate-revoked");
        _cleanup_(cleanup_text) char *gone = text_format("%s/1.idx", examiners_folder());
        unlink(gone);
        refresh(&pool);
        assert_judged(&pool, "revocation-unavailable");
        examiners_list("1.idx", NULL);
        refresh(&pool);
    }
    struct examiner_job job = examined(&pool);
    examiners_assert_good(&job);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pool.processes[i].pid, before[i]);
        assert_true(pool.processes[i].ready);
    }
    examiner_pool_close(&pool);
}

/* They are in force behind whatever was given before. */
static void lists_change_while_it_has_work(void **state)
{
    (void)state;
    struct examiner_pool pool = examiners_open(1);
    struct examiner_job jobs[2] = {examiners_job(examiners_good()),
                                   examiners_job(examiners_good())};
    examiners_give(&pool, &jobs[0]);
    examiners_give(&pool, &jobs[1]);
    examiners_list("1.idx", THE_SERIAL);
    refresh(&pool);
    assert_int_equal(examiners_done(), 2);
    examiners_assert_reason(&jobs[0], "");
    examiners_assert_reason(&jobs[1], "");
    assert_judged(&pool, "certificate-revoked");
    /* And in a successor, too. */
    const pid_t first = pool.processes[0].pid;
    kill(first, SIGKILL);
    usleep(100000);
    assert_judged(&pool, "certificate-revoked");
    assert_int_not_equal(pool.processes[0].pid, first);
    examiner_pool_close(&pool);
    examiners_list("1.idx", NULL);
}

static char *path_of(const char *name)
{
    return text_format("%s/%s", examiners_folder(), name);
}

static void put(const char *name, const void *content, size_t length)
{
    _cleanup_(cleanup_text) char *path = path_of(name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
}

/* The good one cut off at every length that differs in kind, with a bit turned, and a hole of a
 * terabyte: nothing of it is believed, and nothing of it ends a worker. */
static void files_that_are_no_index(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer whole = {0};
    _cleanup_(cleanup_text) char *path = path_of("1.idx");
    test_file_read(path, &whole);
    struct examiner_pool pool = examiners_open(1);
    const pid_t before = pool.processes[0].pid;
    const size_t lengths[] = {0, 1, 8, whole.length / 2 & ~(size_t)7, whole.length - 8};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unlink(path);
        put("1.idx", whole.data, lengths[i]);
        refresh(&pool);
        assert_judged(&pool, "revocation-unavailable");
    }
    for (size_t at = 0; at < whole.length; at += whole.length / 16) {
        whole.data[at] ^= 1;
        unlink(path);
        put("1.idx", whole.data, whole.length);
        whole.data[at] ^= 1;
        refresh(&pool);
        assert_judged(&pool, "revocation-unavailable");
    }
    unlink(path);
    put("1.idx", whole.data, whole.length);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    refresh(&pool);
    assert_judged(&pool, "revocation-unavailable");
    /* The good one beside what is none. */
    unlink(path);
    put("1.idx", whole.data, whole.length);
    put("0.idx", "none", 4);
    refresh(&pool);
    assert_judged(&pool, "");
    assert_int_equal(pool.processes[0].pid, before);
    examiner_pool_close(&pool);
    _cleanup_(cleanup_text) char *other = path_of("0.idx");
    unlink(other);
}

/* What stands under a name when it is opened may be another thing than when it was looked at. */
static void descriptors_of_other_things(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *path = path_of("1.idx");
    struct examiner_pool pool = examiners_open(1);
    const pid_t before = pool.processes[0].pid;
    static const char *const things[] = {"/", "/dev/null", "/dev/zero", "/proc/self/maps",
                                         "/nowhere"};
    for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
        unlink(path);
        assert_int_equal(symlink(things[i], path), 0);
        examiner_process_use(&pool.processes[0], pool.lists); /* the name is still in there */
        assert_judged(&pool, "revocation-unavailable");
    }
    unlink(path);
    examiners_list("1.idx", NULL);
    refresh(&pool);
    assert_judged(&pool, "");
    assert_int_equal(pool.processes[0].pid, before);
    examiner_pool_close(&pool);
}

/* A list that is cut off where it lies, under a worker: the package is examined by the next one,
 * which does not use that list, and is held for the list, not for a crash. */
static void a_list_cut_off_in_place(void **state)
{
    (void)state;
    if (!EXAMINER_MEMORY_LIMITED) /* AddressSanitizer takes SIGBUS for itself, and meets a wall */
        skip();
    _cleanup_(cleanup_text) char *index = path_of("1.idx");
    examiners_list("1.idx", "01"); /* the look-up has to read a block */
    struct examiner_pool pool = examiners_open(1);
    struct examiner_job jobs[2] = {examiners_job(examiners_good()),
                                   examiners_job(examiners_good())};
    assert_int_equal(truncate(index, 0), 0);
    for (size_t i = 0; i < 2; i++)
        examiners_give(&pool, &jobs[i]);
    examiners_finish(&pool);
    for (size_t i = 0; i < 2; i++)
        examiners_assert_reason(&jobs[i], "revocation-unavailable");
    assert_true(jobs[0].again && !jobs[1].again);
    examiner_pool_close(&pool);
    examiners_list("1.idx", NULL);
}

/* More lists than a process has descriptors for. */
static void many_lists(void **state)
{
    (void)state;
    enum { LISTS = 1200 };
    _cleanup_(cleanup_text) char *path = path_of("1.idx");
    for (size_t i = 0; i < LISTS; i++) {
        _cleanup_(cleanup_text) char *name = text_format("%s/many-%zu.idx", examiners_folder(), i);
        assert_int_equal(link(path, name), 0);
    }
    struct examiner_pool pool = examiners_open(2);
    assert_int_equal(pool.lists->count, LISTS + 1);
    assert_judged(&pool, "");
    examiner_pool_close(&pool);
    for (size_t i = 0; i < LISTS; i++) {
        _cleanup_(cleanup_text) char *name = text_format("%s/many-%zu.idx", examiners_folder(), i);
        unlink(name);
    }
}

/* Who waits for it notices nothing. */
static void killed_before_it_is_ready(void **state)
{
    (void)state;
    struct examiner_pool pool = examiners_open(1);
    const struct examiner_process *process = &pool.processes[0];
    struct examiner_job jobs[2] = {examiners_job(examiners_good()),
                                   examiners_job(examiners_good())};
    kill(process->pid, SIGKILL);
    usleep(100000);
    examiners_give(&pool, &jobs[0]); /* begins another one */
    assert_false(process->ready);
    kill(process->pid, SIGKILL);
    usleep(100000);
    examiners_give(&pool, &jobs[1]);
    assert_int_equal(process->failed, 1);
    examiners_finish(&pool);
    assert_int_equal(process->failed, 0);
    for (size_t i = 0; i < 2; i++)
        examiners_assert_good(&jobs[i]);
    examiner_pool_close(&pool);
}

/* A worker that is killed so many times before it begins. */
static bool begins_after(unsigned deaths, struct failure *f)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    assert_true(length > 0);
    program[length] = 0;
    _cleanup_(cleanup_text) char *count = path_of("count");
    _cleanup_(cleanup_text) char *script =
        text_format("echo >>%s; [ $(wc -l <%s) -gt %u ] || kill -9 $$; exec %s worker %s", count,
                    count, deaths, program, examiners_argv()[2]);
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct examiner_limits limits = examiners_limits(1);
    struct examiner_pool pool;
    bool begins = examiner_pool_open(argv, &limits, examiners_folder(), examiners_count, &pool, f);
    unlink(count);
    if (begins) {
        assert_judged(&pool, "");
        examiner_pool_close(&pool);
    }
    return begins;
}

static void tried_again_so_many_times(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(begins_after(EXAMINER_STARTS_MOST - 1, &f));
    assert_false(begins_after(EXAMINER_STARTS_MOST, &f));
    assert_string_equal(f.text, "an examiner ended before it was ready, 5 times in a row "
                                "(SIGKILL)");
}

int main(int argc, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_change_while_a_worker_lives),
        cmocka_unit_test(lists_change_while_it_has_work),
        cmocka_unit_test(files_that_are_no_index),
        cmocka_unit_test(descriptors_of_other_things),
        cmocka_unit_test(a_list_cut_off_in_place),
        cmocka_unit_test(many_lists),
        cmocka_unit_test(killed_before_it_is_ready),
        cmocka_unit_test(tried_again_so_many_times),
    };
    examiners_main(argc, words, examine);
    return cmocka_run_group_tests(tests, examiners_set_up, examiners_tear_down);
}

/* Programs that people name in the configuration: what they get, and that none keeps us waiting. */
#include "base/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "tests/unit/check.h"

static char folder[] = "/tmp/uketsuke-program.XXXXXX";
static char program[64], written[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(program, sizeof program, "%s/program", folder);
    snprintf(written, sizeof written, "%s/written", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove(program);
    remove(written);
    return rmdir(folder);
}

/* A shell script whose commands are these. */
static void script(const char *commands)
{
    FILE *out = fopen(program, "w");
    assert_non_null(out);
    fprintf(out, "#!/bin/sh\n%s\n", commands);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(program, 0700), 0);
    remove(written);
}

static bool run(instant patience, struct failure *f)
{
    return program_run(program, bytes_of_text("input"), patience, f);
}

static long number_written(void)
{
    long number = 0;
    FILE *in = fopen(written, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%ld", &number), 1);
    fclose(in);
    return number;
}

static bool ends(pid_t pid)
{
    for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
        usleep(10000);
    return kill(pid, 0) != 0;
}

static void it_gets_its_input_and_answers_by_its_exit_code(void **state)
{
    (void)state;
    struct failure f = {0};
    script("[ \"$(cat)\" = input ]");
    assert_true(run(20 * INSTANT_SECOND, &f));
    script("exit 7");
    assert_false(run(20 * INSTANT_SECOND, &f));
    assert_non_null(strstr(f.text, "ended with status 7"));
    remove(program);
    assert_false(run(20 * INSTANT_SECOND, &f));
    assert_non_null(strstr(f.text, "cannot start"));
}

static void who_takes_too_long_is_killed_with_all_it_started(void **state)
{
    (void)state;
    struct failure f = {0};
    script("sleep 60 & echo $! >${0%/*}/written; wait");
    assert_false(run(INSTANT_SECOND / 2, &f));
    assert_non_null(strstr(f.text, "took too long"));
    assert_true(ends((pid_t)number_written()));
}

/* In a child: a stop can't be taken back. */
static int stop_while_it_runs(void)
{
    struct failure f = {0};
    int64_t start = clock_monotonic();
    process_catch_signals();
    if (run(30 * INSTANT_SECOND, &f) || !strstr(f.text, "because we stop"))
        return 1;
    return clock_monotonic() - start < 10 * INSTANT_SECOND ? 0 : 2;
}

static void a_stop_does_not_wait_for_it(void **state)
{
    (void)state;
    int status;
    script("kill -TERM $PPID; sleep 60");
    pid_t pid = fork();
    if (pid == 0)
        _exit(stop_while_it_runs());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gets_its_input_and_answers_by_its_exit_code),
        cmocka_unit_test(who_takes_too_long_is_killed_with_all_it_started),
        cmocka_unit_test(a_stop_does_not_wait_for_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

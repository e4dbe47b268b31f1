/* A stop can't be taken back, so every test that asks for one does so in a child process. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "tests/unit/check.h"

static int run_in_child(int (*test)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(test());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static int stop_by_signal(void)
{
    struct pollfd stop;

    process_catch_signals();
    stop = (struct pollfd){.fd = process_stop_fd(), .events = POLLIN};
    if (process_stopping() || poll(&stop, 1, 0) != 0)
        return 1;
    raise(SIGPIPE); /* ignored, or we would end here */
    raise(SIGTERM);
    if (!process_stopping() || poll(&stop, 1, 0) != 1 || poll(&stop, 1, 0) != 1)
        return 2;
    return process_sleep(3600 * INSTANT_SECOND) ? 3 : 0; /* must return at once */
}

static int stop_by_interrupt(void)
{
    process_catch_signals();
    raise(SIGINT);
    return process_stopping() ? 0 : 1;
}

static int stop_by_call(void)
{
    process_stop();
    return process_stopping() && !process_sleep(INSTANT_SECOND) ? 0 : 1;
}

static int stop_wakes_a_sleeper(void)
{
    int64_t start = clock_monotonic();

    process_catch_signals();
    pid_t waker = fork();
    if (waker == 0) {
        usleep(50000);
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    if (process_sleep(20 * INSTANT_SECOND))
        return 1;
    waitpid(waker, NULL, 0);
    return clock_monotonic() - start < 10 * INSTANT_SECOND ? 0 : 2;
}

static void test_stop(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(stop_by_signal), 0);
    assert_int_equal(run_in_child(stop_by_interrupt), 0);
    assert_int_equal(run_in_child(stop_by_call), 0);
    assert_int_equal(run_in_child(stop_wakes_a_sleeper), 0);
}

static void test_sleep(void **state)
{
    int64_t start = clock_monotonic();

    (void)state;
    assert_true(process_sleep(0));
    assert_true(process_sleep(-1));
    assert_true(process_sleep(20000));
    assert_true(clock_monotonic() - start >= 20000);
}

static void test_backoff(void **state)
{
    instant highest = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        assert_in_range(backoff(0, 1000, 100000), 0, 1000);
        assert_in_range(backoff(3, 1000, 100000), 0, 8000);
        assert_in_range(backoff(10, 1000, 100000), 0, 100000);
        assert_in_range(backoff(4000000000u, 1000, 100000), 0, 100000);
        instant wait = backoff(7, 1000, 100000);
        highest = wait > highest ? wait : highest;
    }
    assert_in_range(highest, 80000, 100000); /* the whole span is used, and no more */
    assert_in_range(backoff(100, INT64_MAX / 2, INT64_MAX), 0, INT64_MAX);
    assert_int_equal(backoff(0, 0, 100), 0);
    assert_int_equal(backoff(5, 100, 0), 0);
}

static void test_notify(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[sizeof address.sun_path], got[64] = "";

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    process_notify("READY=1"); /* nobody listens: nothing happens */
    setenv("NOTIFY_SOCKET", "not-a-path", 1);
    process_notify("READY=1");

    snprintf(name, sizeof name, "@uketsuke-process-test-%d", (int)getpid());
    memcpy(address.sun_path, name, strlen(name));
    address.sun_path[0] = 0;
    _cleanup_(cleanup_fd) int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    process_notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), 7);
    assert_string_equal(got, "READY=1");
}

/* --- the loop: a script of results, one a step ------------------------------------------------ */

struct script {
    const char *results; /* 'd', 'i', 'f'; at the end, stops the process */
    size_t steps, waits;
    instant patience;
};

static enum work_result play(void *context, struct failure *f)
{
    struct script *script = context;
    char result = script->results[script->steps];

    if (result == 0) {
        process_stop();
        return WORK_IDLE;
    }
    script->steps++;
    if (result == 'f')
        failure_set(f, FAILURE_DATABASE, "step %zu failed", script->steps);
    return result == 'd' ? WORK_DONE : result == 'i' ? WORK_IDLE : WORK_FAILED;
}

static void count_wait(void *context, instant patience)
{
    struct script *script = context;

    script->waits++;
    script->patience = patience;
}

static void test_loop_once(void **state)
{
    struct script script = {.results = "ddid"};
    struct work_loop loop = {"t", play, count_wait, &script, INSTANT_SECOND, true};
    struct failure f = {0};

    (void)state;
    assert_true(work_loop_run(&loop, &f));
    assert_int_equal(script.steps, 3);
    assert_int_equal(script.waits, 0);

    script = (struct script){.results = "dfd"};
    assert_false(work_loop_run(&loop, &f));
    assert_int_equal(script.steps, 2);
    assert_failure(f, FAILURE_DATABASE, "step 2 failed");
}

static int loop_goes_on(void)
{
    struct script script = {.results = "dififd"};
    struct work_loop loop = {"t", play, count_wait, &script, 5 * INSTANT_SECOND, false};
    struct failure f = {0};

    log_open("t", LOG_LEVEL_ERROR, false);
    if (!work_loop_run(&loop, &f) || script.steps != 6)
        return 1;
    if (script.waits != 3 || script.patience != 5 * INSTANT_SECOND)
        return 2;
    return 0;
}

static void test_loop_goes_on_until_stopped(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(loop_goes_on), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop),      cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_backoff),   cmocka_unit_test(test_notify),
        cmocka_unit_test(test_loop_once), cmocka_unit_test(test_loop_goes_on_until_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The supervisor runs until the process is told to stop, so each test is a process of its own; what
 * it supervises are shells that leave marks in a folder. */
#include "intake/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "tests/unit/check.h"

#define PATIENCE (20 * INSTANT_SECOND)

struct scene {
    char folder[64];
    const char *script[2]; /* of up to two children; $0 is the folder */
    instant restart_most, stop_patience;
    char serving_mark[32]; /* a child serves when <folder>/<mark>-<name> is there */
};

static bool marked(const struct scene *scene, const char *mark)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", scene->folder, mark);

    return access(path, F_OK) == 0;
}

static size_t lines_of(const struct scene *scene, const char *mark)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", scene->folder, mark);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    size_t lines = 0;

    for (int c; file && (c = getc(file)) != EOF;)
        lines += c == '\n';
    return lines;
}

static bool serving(const char *name, void *context)
{
    const struct scene *scene = context;
    _cleanup_(cleanup_text) char *mark = text_format("%s-%s", scene->serving_mark, name);

    return marked(scene, mark);
}

static void ready(void *context)
{
    const struct scene *scene = context;
    _cleanup_(cleanup_text) char *path = text_format("%s/ready", scene->folder);
    FILE *file = fopen(path, "ae");

    fputs("ready\n", file);
    fclose(file);
}

/* The supervising process: 0 stopped well, 1 not. */
static pid_t supervise(struct scene *scene)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    struct failure f = {0};
    const char *argv[2][5] = {{"sh", "-c", scene->script[0], scene->folder, NULL},
                              {"sh", "-c", scene->script[1], scene->folder, NULL}};
    struct supervisor_child children[2] = {{"a", argv[0]}, {"b", argv[1]}};
    struct supervisor_options options = {
        .program = "/bin/sh",
        .children = children,
        .child_count = scene->script[1] ? 2 : 1,
        .restart_most = scene->restart_most ?: INSTANT_SECOND / 20,
        .stop_patience = scene->stop_patience ?: PATIENCE,
        .serving = serving,
        .ready = ready,
        .context = scene,
    };
    log_open("test", LOG_LEVEL_ERROR, false);
    process_catch_signals();
    _cleanup_(cleanup_text) char *begun = text_format("%s/begun", scene->folder);
    fclose(fopen(begun, "we"));
    _exit(supervisor_run(&options, &f) ? 0 : 1);
}

static int end_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        int64_t deadline_ = clock_monotonic() + PATIENCE;                                          \
        while (!(condition)) {                                                                     \
            if (clock_monotonic() > deadline_)                                                     \
                fail_msg("never came: %s", #condition);                                            \
            usleep(10000);                                                                         \
        }                                                                                          \
    } while (0)

static struct scene scene_make(void)
{
    struct scene scene = {.folder = "/tmp/uketsuke-supervisor-XXXXXX", .serving_mark = "up"};

    assert_non_null(mkdtemp(scene.folder));
    return scene;
}

static void scene_remove(struct scene *scene)
{
    static const char *const marks[] = {"up-a",    "up-b",        "ready", "runs",
                                        "stopped", "environment", "begun"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", scene->folder, marks[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(scene->folder), 0);
}

#define SERVE_UNTIL_TERM(name)                                                                     \
    "trap 'echo x >> $0/stopped; exit 0' TERM; : > $0/up-" name "; while :; do sleep 0.05; done"

/* Ready is said once, when all serve; on SIGTERM all children are told and waited for. */
static void test_ready_and_stop(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    scene.script[0] = SERVE_UNTIL_TERM("a");
    scene.script[1] = "sleep 0.3; " SERVE_UNTIL_TERM("b");
    pid_t pid = supervise(&scene);
    WAIT_FOR(marked(&scene, "up-a"));
    WAIT_FOR(marked(&scene, "ready"));
    assert_true(marked(&scene, "up-b"));
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
    assert_int_equal(lines_of(&scene, "stopped"), 2);
    assert_int_equal(lines_of(&scene, "ready"), 1);
    scene_remove(&scene);
}

static void test_restarts(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    scene.script[0] = "echo x >> $0/runs; exit 3";
    pid_t pid = supervise(&scene);
    WAIT_FOR(lines_of(&scene, "runs") >= 4);
    assert_false(marked(&scene, "ready"));
    kill(pid, SIGINT);
    assert_int_equal(end_of(pid), 0);
    scene_remove(&scene);
}

/* After the first restart, which is at once, the waits grow: no busy loop of dying children. */
static void test_backs_off(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    scene.restart_most = 3600 * INSTANT_SECOND;
    scene.script[0] = "echo x >> $0/runs; kill -9 $$";
    pid_t pid = supervise(&scene);
    WAIT_FOR(lines_of(&scene, "runs") >= 2);
    usleep(150000); /* the shortest wait is 200 ms */
    assert_in_range(lines_of(&scene, "runs"), 2, 3);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
    scene_remove(&scene);
}

static void test_stubborn_child_is_killed(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    scene.stop_patience = INSTANT_SECOND / 5;
    scene.script[0] = "trap '' TERM; : > $0/up-a; while :; do sleep 0.05; done";
    pid_t pid = supervise(&scene);
    WAIT_FOR(marked(&scene, "ready"));
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 1);
    scene_remove(&scene);
}

/* SIGKILL leaves no time to say goodbye: the kernel tells the children. */
static void test_children_die_with_the_supervisor(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    scene.script[0] = SERVE_UNTIL_TERM("a");
    pid_t pid = supervise(&scene);
    WAIT_FOR(marked(&scene, "ready"));
    kill(pid, SIGKILL);
    assert_int_equal(end_of(pid), 1000 + SIGKILL);
    WAIT_FOR(marked(&scene, "stopped"));
    scene_remove(&scene);
}

/* Only the supervisor speaks to systemd. */
static void test_children_do_not_see_the_notify_socket(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    setenv("KEPT", "yes", 1);
    scene.script[0] =
        "echo \"${NOTIFY_SOCKET-none} $KEPT\" > $0/environment; : > $0/up-a; exec sleep 60";
    pid_t pid = supervise(&scene);
    WAIT_FOR(marked(&scene, "ready"));
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
    unsetenv("NOTIFY_SOCKET");
    _cleanup_(cleanup_text) char *path = text_format("%s/environment", scene.folder);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    char line[64] = "";
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "none yes\n");
    scene_remove(&scene);
}

/* A stop that comes while a child is being started must reach it, between fork and exec too. */
static void test_stop_at_any_moment(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct scene scene = scene_make();
        scene.stop_patience = 3 * INSTANT_SECOND;
        scene.script[0] = scene.script[1] = "exec sleep 60";
        pid_t pid = supervise(&scene);
        while (!marked(&scene, "begun"))
            usleep(100);
        usleep(round * 20);
        kill(pid, SIGTERM);
        assert_int_equal(end_of(pid), 0);
        scene_remove(&scene);
    }
}

/* It ends at once, again and again; the supervisor lives on and can be stopped. */
static void test_script_that_can_not_run(void **state)
{
    struct scene scene = scene_make();

    (void)state;
    scene.script[0] = "echo x >> $0/runs; exec /nowhere/uketsuke 2>&-";
    pid_t pid = supervise(&scene);
    WAIT_FOR(lines_of(&scene, "runs") >= 2);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), 0);
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_and_stop),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_backs_off),
        cmocka_unit_test(test_stubborn_child_is_killed),
        cmocka_unit_test(test_children_die_with_the_supervisor),
        cmocka_unit_test(test_children_do_not_see_the_notify_socket),
        cmocka_unit_test(test_stop_at_any_moment),
        cmocka_unit_test(test_script_that_can_not_run),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a killed supervisor leaves behind comes to us */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

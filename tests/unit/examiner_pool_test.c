/* Sandboxed examination: what is good comes out as it does in this process, and whatever a worker
 * does, it ends that worker, holds one application, and nothing else. This program is the worker,
 * too: where the product's would examine, it misbehaves as the package tells it. */
#include "intake/examiner_pool.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "intake/examiner_lock.h"
#include "intake/examiner_wire.h"
#include "tests/support/examiners.h"
#include "tests/unit/check.h"

/* ---- the worker's side ---- */

static const char *beyond; /* a page behind the end of a file */
static char deeds_page[4096] __attribute__((aligned(4096)));

static void beyond_map(void)
{
    int fd = memfd_create("empty", MFD_CLOEXEC);
    beyond = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
}

static void *nothing(void *context)
{
    return context;
}

static void do_socket(void)
{
    (void)!socket(AF_INET, SOCK_STREAM, 0);
}

static void do_open(void)
{
    (void)!open("/etc/hostname", O_RDONLY);
}

static void do_exec(void)
{
    execl("/bin/true", "true", NULL);
}

static void do_fork(void)
{
    (void)!fork();
}

static void do_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, NULL);
}

static void do_kill(void)
{
    kill(getppid(), SIGTERM);
}

static void do_kill_all(void)
{
    kill(-1, 0);
}

static void do_ptrace(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void do_limits(void)
{
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &none);
}

static void do_handler(void)
{
    signal(SIGSYS, SIG_IGN);
}

static void do_code(void)
{
    (void)!mprotect((void *)((uintptr_t)do_code & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC);
}

static void do_other_descriptor(void)
{
    (void)!write(STDERR_FILENO, "x", 1);
}

static void do_memory(void)
{
    for (;;)
        memset(memory_allocate(1 << 20), 1, 1 << 20);
}

static void do_map(void)
{
    (void)!mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* What may be done with a descriptor of EXAMINER_HANDLE, done with others, and other things with
 * it; whether there is one does not matter. */
static void do_map_writable(void)
{
    (void)!mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, EXAMINER_HANDLE, 0);
}

static void do_map_code(void)
{
    (void)!mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, EXAMINER_HANDLE, 0);
}

static void do_map_fixed(void)
{
    (void)!mmap(&deeds_page, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, EXAMINER_HANDLE, 0);
}

static void do_map_other(void)
{
    (void)!mmap(NULL, 4096, PROT_READ, MAP_SHARED, EXAMINER_WORKER_SOCKET, 0);
}

static void do_read_handle(void)
{
    char byte;
    (void)!read(EXAMINER_HANDLE, &byte, 1);
}

static void do_close_other(void)
{
    close(STDERR_FILENO);
}

static void do_seek_other(void)
{
    lseek(STDIN_FILENO, 0, SEEK_END);
}

static void do_receive_other(void)
{
    char byte;
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    (void)!recvmsg(STDIN_FILENO, &message, 0);
}

static void do_loop(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

static void do_stall(void)
{
    char byte;
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    while (recvmsg(EXAMINER_WORKER_SOCKET, &message, 0) == 1)
        ;
}

static void do_abort(void)
{
    abort();
}

static void do_crash(void)
{
    __builtin_trap();
}

/* As where a list is cut off in place: it has a second chance, and no third. */
static void do_bus(void)
{
    (void)*(volatile const char *)beyond;
}

static void do_exit(void)
{
    _exit(0);
}

static void say(const void *bytes, size_t length)
{
    (void)!write(EXAMINER_WORKER_SOCKET, bytes, length);
}

static void do_garbage(void)
{
    say("the quick brown fox jumps over the lazy dog", 43);
    do_stall();
}

static void do_half(void)
{
    say("\x10\0\0\0\4\0\0\0half", 12);
    _exit(0);
}

static void do_huge(void)
{
    static const char head[] = {-1, -1, -1, -1, EXAMINER_RESULT, 0, 0, 0};
    say(head, sizeof head);
    do_stall();
}

static void do_ready_again(void)
{
    struct buffer out = {0};
    examiner_wire_put_ready(&out);
    say(out.data, out.length);
    do_stall();
}

static void do_result_of_nothing(void)
{
    struct buffer out = {0};
    const struct examination empty = {.verdict = VERDICT_ACCEPTED};
    examiner_wire_put_result(&out, &empty);
    say(out.data, out.length);
    do_stall();
}

static const struct deed {
    const char *name;
    void (*act)(void);
    enum examiner_outcome outcome;
    const char *trouble;
} deeds[] = {
    {"do socket", do_socket, EXAMINER_CRASHED, "SIGSYS"},
    {"do open", do_open, EXAMINER_CRASHED, "SIGSYS"},
    {"do exec", do_exec, EXAMINER_CRASHED, "SIGSYS"},
    {"do fork", do_fork, EXAMINER_CRASHED, "SIGSYS"},
    {"do thread", do_thread, EXAMINER_CRASHED, "SIGSYS"},
    {"do kill", do_kill, EXAMINER_CRASHED, "SIGSYS"},
    {"do kill all", do_kill_all, EXAMINER_CRASHED, "SIGSYS"},
    {"do ptrace", do_ptrace, EXAMINER_CRASHED, "SIGSYS"},
    {"do limits", do_limits, EXAMINER_CRASHED, "SIGSYS"},
    {"do handler", do_handler, EXAMINER_CRASHED, "SIGSYS"},
    {"do code", do_code, EXAMINER_CRASHED, "SIGSYS"},
    {"do other descriptor", do_other_descriptor, EXAMINER_CRASHED, "SIGSYS"},
    {"do memory", do_memory, EXAMINER_LIMIT, EXAMINER_MEMORY_LIMITED ? "memory" : "time"},
    {"do map", do_map, EXAMINER_MEMORY_LIMITED ? EXAMINER_LIMIT : EXAMINER_CRASHED, "memory"},
    {"do map writable", do_map_writable, EXAMINER_CRASHED, "SIGSYS"},
    {"do map code", do_map_code, EXAMINER_CRASHED, "SIGSYS"},
    {"do map fixed", do_map_fixed, EXAMINER_CRASHED, "SIGSYS"},
    {"do map other", do_map_other, EXAMINER_CRASHED, "SIGSYS"},
    {"do read handle", do_read_handle, EXAMINER_CRASHED, "SIGSYS"},
    {"do close other", do_close_other, EXAMINER_CRASHED, "SIGSYS"},
    {"do seek other", do_seek_other, EXAMINER_CRASHED, "SIGSYS"},
    {"do receive other", do_receive_other, EXAMINER_CRASHED, "SIGSYS"},
    {"do crash", do_crash, EXAMINER_CRASHED, "SIGILL"},
    {"do abort", do_abort, EXAMINER_CRASHED, "SIGABRT"},
    {"do bus", do_bus, EXAMINER_CRASHED, "SIGBUS"},
    {"do loop", do_loop, EXAMINER_LIMIT, "time"},
    {"do stall", do_stall, EXAMINER_LIMIT, "time"},
    {"do exit", do_exit, EXAMINER_CRASHED, "exit 0"},
    {"do garbage", do_garbage, EXAMINER_CRASHED, "SIGKILL"},
    {"do half", do_half, EXAMINER_CRASHED, "exit 0"},
    {"do huge", do_huge, EXAMINER_CRASHED, "SIGKILL"},
    {"do ready again", do_ready_again, EXAMINER_CRASHED, "SIGKILL"},
    {"do result of nothing", do_result_of_nothing, EXAMINER_CRASHED, "SIGKILL"},
};
#define DEEDS (sizeof deeds / sizeof *deeds)

static void behave(const struct examination_input *input, struct examination *ret_examination)
{
    for (size_t i = 0; i < DEEDS; i++)
        if (bytes_equal(input->package, bytes_of_text(deeds[i].name))) {
            deeds[i].act();
            _exit(3); /* it was let through, and there is no answer */
        }
    examine(input, ret_examination);
}

/* ---- the parent's side ---- */

static void it_is_as_in_this_process(void **state)
{
    (void)state;
    struct examiner_pool pool = examiners_open(2);
    struct examiner_job jobs[20];
    for (size_t i = 0; i < 20; i++) {
        jobs[i] = examiners_job(examiners_good());
        examiners_give(&pool, &jobs[i]);
    }
    examiners_finish(&pool);
    assert_int_equal(examiners_done(), 20);
    for (size_t i = 0; i < 20; i++)
        examiners_assert_good(&jobs[i]);
    examiner_pool_close(&pool);
}

/* One worker: the deed stands between two honest applications, in its queue with the second. */
static void a_deed_costs_one_application(void **state)
{
    (void)state;
    struct examiner_pool pool = examiners_open(1);
    for (size_t i = 0; i < DEEDS; i++) {
        struct examiner_job jobs[3] = {examiners_job(examiners_good()),
                                       examiners_job(bytes_of_text(deeds[i].name)),
                                       examiners_job(examiners_good())};
        for (size_t j = 0; j < 3; j++)
            examiners_give(&pool, &jobs[j]);
        examiners_finish(&pool);
        assert_int_equal(examiners_done(), 3 * (i + 1));
        /* AddressSanitizer does more at an end than the walls allow: there it may be SIGSYS. */
        if (jobs[1].outcome != deeds[i].outcome ||
            (EXAMINER_MEMORY_LIMITED && strcmp(jobs[1].trouble, deeds[i].trouble) != 0))
            fail_msg("%s: %d, %s", deeds[i].name, jobs[1].outcome, jobs[1].trouble);
        examiners_assert_good(&jobs[0]);
        examiners_assert_good(&jobs[2]);
    }
    examiner_pool_close(&pool);
}

/* A real package, of which the limit of memory does not allow so much. */
static void a_package_too_large_for_the_memory(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer large = {0};
    struct examiner_pool pool = examiners_open(1);
    memset(buffer_reserve(&large, 70 << 20), 'P', 70 << 20);
    buffer_commit(&large, 70 << 20);
    struct examiner_job jobs[2] = {examiners_job(buffer_bytes(&large)),
                                   examiners_job(examiners_good())};
    examiners_give(&pool, &jobs[0]);
    examiners_give(&pool, &jobs[1]);
    examiners_finish(&pool);
    if (EXAMINER_MEMORY_LIMITED) {
        assert_int_equal(jobs[0].outcome, EXAMINER_LIMIT);
        assert_string_equal(jobs[0].trouble, "memory");
    } else {
        assert_string_equal(jobs[0].examination.reason, "package-too-large");
        examination_free(&jobs[0].examination);
    }
    examiners_assert_good(&jobs[1]);
    examiner_pool_close(&pool);
}

static void killed_in_the_middle(void **state)
{
    (void)state;
    struct examiner_pool pool = examiners_open(1);
    struct examiner_job jobs[2] = {examiners_job(bytes_of_text("do stall")),
                                   examiners_job(examiners_good())};
    examiners_give(&pool, &jobs[0]);
    examiners_give(&pool, &jobs[1]);
    kill(pool.processes[0].pid, SIGKILL);
    examiners_finish(&pool);
    assert_int_equal(jobs[0].outcome, EXAMINER_CRASHED);
    assert_string_equal(jobs[0].trouble, "SIGKILL");
    examiners_assert_good(&jobs[1]);
    /* Idle, it costs nobody anything. */
    siginfo_t ended;
    kill(pool.processes[0].pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pool.processes[0].pid, &ended, WEXITED | WNOWAIT), 0);
    jobs[1] = examiners_job(examiners_good());
    examiners_give(&pool, &jobs[1]);
    examiners_finish(&pool);
    examiners_assert_good(&jobs[1]);
    examiner_pool_close(&pool);
}

static void what_keeps_it_from_beginning_is_told(void **state)
{
    (void)state;
    struct examiner_pool pool;
    struct failure f = {0};
    const struct examiner_limits limits = examiners_limits(2);
    const char *lists = examiners_folder();
    examiners_config("/nowhere");
    assert_false(examiner_pool_open(examiners_argv(), &limits, lists, examiners_count, &pool, &f));
    assert_non_null(strstr(f.text, "/nowhere"));
    examiners_config(EXAMINERS_PROCEDURES);
    static const char *const others[][4] = {{"/nowhere/worker"}, {"/bin/true"}, {"/bin/cat"}};
    for (size_t i = 0; i < 3; i++) {
        f = (struct failure){0};
        assert_false(examiner_pool_open(others[i], &limits, lists, examiners_count, &pool, &f));
        assert_int_equal(f.kind, FAILURE_SYSTEM);
    }
}

/* A worker whose parent is gone ends, whatever it is at. */
static void it_ends_with_its_parent(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct examiner_pool pool = examiners_open(1);
        struct examiner_job job = examiners_job(bytes_of_text("do loop"));
        examiners_give(&pool, &job);
        (void)!write(pipes[1], &pool.processes[0].pid, sizeof(pid_t));
        _exit(0);
    }
    pid_t worker;
    assert_int_equal(read(pipes[0], &worker, sizeof worker), sizeof worker);
    for (int i = 0; i < 200 && kill(worker, 0) == 0; i++)
        usleep(50000);
    assert_int_equal(kill(worker, 0), -1);
    close(pipes[0]);
    close(pipes[1]);
}

/* After its share of packages another worker takes its place, and no application notices. */
static void none_examines_more_than_its_share(void **state)
{
    (void)state;
    for (size_t most = 1; most <= 3; most++) {
        struct examiner_pool pool = examiners_open(2);
        pool.limits.packages = most;
        struct examiner_job jobs[7]; /* more than two workers' share */
        const pid_t first[] = {pool.processes[0].pid, pool.processes[1].pid};
        for (size_t i = 0; i < 7; i++) {
            jobs[i] = examiners_job(examiners_good());
            examiners_give(&pool, &jobs[i]);
            assert_true(pool.processes[0].answered + pool.processes[0].queued <= most);
        }
        examiners_finish(&pool);
        assert_int_equal(examiners_done(), 7);
        for (size_t i = 0; i < 7; i++)
            examiners_assert_good(&jobs[i]);
        assert_true(pool.processes[0].pid != first[0] || pool.processes[1].pid != first[1]);
        examiner_pool_close(&pool);
    }
    struct examiner_pool pool = examiners_open(1);
    pid_t first = pool.processes[0].pid;
    struct examiner_job job = examiners_job(examiners_good());
    examiners_give(&pool, &job);
    examiners_finish(&pool);
    examiners_assert_good(&job);
    assert_int_equal(pool.processes[0].pid, first);
    examiner_pool_close(&pool);
}

int main(int argc, char **words)
{
    beyond_map();
    examiners_main(argc, words, behave);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_as_in_this_process),
        cmocka_unit_test(a_deed_costs_one_application),
        cmocka_unit_test(a_package_too_large_for_the_memory),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(what_keeps_it_from_beginning_is_told),
        cmocka_unit_test(it_ends_with_its_parent),
        cmocka_unit_test(none_examines_more_than_its_share),
    };
    return cmocka_run_group_tests(tests, examiners_set_up, examiners_tear_down);
}

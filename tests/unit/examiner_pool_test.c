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
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xml.h"
#include "intake/examiner_lock.h"
#include "intake/examiner_wire.h"
#include "intake/examiner_worker.h"
#include "tests/support/crl_der.h"
#include "tests/support/package.h"
#include "tests/support/pki.h"
#include "tests/support/signed.h"
#include "tests/unit/check.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"
#define GOOD_FORM  PROCEDURES "/child-allowance/certification-claim/examples/good.xml"
#define CPU_MOST   (INSTANT_SECOND / 2)
#define WALL_MOST  (4 * INSTANT_SECOND)

static const struct config_section *const sections[] = {
    &package_config_section, &examine_config_section, &trust_config_section,
    &revocation_config_section, &forms_config_section};

/* ---- the worker's side ---- */

static const char *beyond; /* a page behind the end of a file */

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

static void do_loop(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

static void do_stall(void)
{
    char byte;
    while (read(EXAMINER_WORKER_SOCKET, &byte, 1) == 1)
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

static int be_worker(const char *path)
{
    struct config *config;
    struct failure f = {0};
    log_open("worker", LOG_LEVEL_ERROR, false);
    clock_initialize();
    xml_initialize();
    beyond_map();
    if (!config_load(path, sections, sizeof sections / sizeof *sections, &config, &f))
        return 3;
    examiner_worker_run(config, behave);
}

/* ---- the parent's side ---- */

static char folder[] = "/tmp/examiner-test-XXXXXX";
static char config_file[64];
static const char *const argv[] = {"/proc/self/exe", "worker", config_file, NULL};
static struct pki_ca ca;
static struct examiner here; /* the same, in this process */
static struct buffer good;   /* a package */
static size_t finished;
static size_t packages_most = 1000;

static void count(struct examiner_job *job)
{
    assert_null(job->owner); /* done once */
    job->owner = job;
    finished++;
}

static void write_file(const char *name, struct bytes content)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.length, file), content.length);
}

static void config_write(const char *procedures)
{
    char pin[65];
    pki_fingerprint(ca.certificate, pin);
    _cleanup_(cleanup_text) char *text =
        text_format("[examine]\nworkers = 1\nmemory-most = 64M\n"
                    "[trust]\nmode = sandbox\nanchors = anchors.pem\npins = %s\npolicies = %s\n"
                    "[revocation]\ndirectory = %s\nage-most = 30d\n[forms]\nprocedures = %s\n",
                    pin, PKI_POLICY, folder, procedures);
    write_file("test.conf", bytes_of_text(text));
}

static void package_make(X509 *certificate)
{
    _cleanup_(cleanup_buffer) struct buffer form = {0};
    struct signed_members members;
    test_file_read(GOOD_FORM, &form);
    const struct signing how = {.key = pki_key(PKI_RSA_2048, 1),
                                .certificate = certificate,
                                .document = buffer_text(&form)};
    sign_members(&how, &members);
    const struct test_part parts[] = {
        {"application.xml", buffer_bytes(&members.members[0]), false},
        {"attachments/1.pdf", buffer_bytes(&members.members[1]), false},
        {"signature/1.xml", buffer_bytes(&members.files[0]), false},
    };
    test_package_write(&(struct test_manifest){0}, parts, 3, &good);
    signed_members_free(&members);
}

static instant at(const char *text)
{
    instant result;
    assert_true(instant_parse(text, &result));
    return result;
}

/* A new file: who has mapped the one before keeps that. */
static void list_write(const char *revoked)
{
    _cleanup_(cleanup_buffer) struct buffer list = {0};
    _cleanup_(cleanup_text) char *index = text_format("%s/1.idx", folder);
    struct pki_crl crl = {.from = at("2026-11-22T00:00:00+09:00"),
                          .to = at("2026-11-30T00:00:00+09:00")};
    crl.revoked[0].serial = revoked;
    crl.revoked[0].date = crl.from;
    pki_crl_make(&ca, &crl, &list);
    unlink(index);
    crl_index_write(&ca, buffer_bytes(&list), index);
}

static int set_up(void **state)
{
    (void)state;
    struct failure f = {0};
    struct config *config;
    xml_initialize();
    assert_non_null(mkdtemp(folder));
    snprintf(config_file, sizeof config_file, "%s/test.conf", folder);
    ca = pki_ca_make((struct pki_ca_options){0});
    _cleanup_(cleanup_text) char *anchors = text_format("%s/anchors.pem", folder);
    pki_append_pem(ca.certificate, anchors);
    list_write(NULL);
    config_write(PROCEDURES);
    _cleanup_(cleanup_x509) X509 *certificate =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    package_make(certificate);
    if (!config_load(config_file, sections, sizeof sections / sizeof *sections, &config, &f) ||
        !examiner_load(config, &here, &f))
        fail_msg("%s", f.text);
    config_free(config);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"anchors.pem", "1.idx", "test.conf"};
    (void)state;
    examiner_free(&here);
    buffer_free(&good);
    pki_ca_free(&ca);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static struct examiner_pool pool_open(size_t workers)
{
    struct examiner_pool pool;
    struct failure f = {0};
    const struct examiner_limits limits = {workers, packages_most, 64 << 20, CPU_MOST, WALL_MOST};
    if (!examiner_pool_open(argv, &limits, count, &pool, &f))
        fail_msg("%s", f.text);
    finished = 0;
    return pool;
}

static struct examiner_job job_of(struct bytes package)
{
    return (struct examiner_job){.input = {.package = package,
                                           .receipt_number = TEST_RECEIPT,
                                           .city_code = TEST_CITY,
                                           .applied_at = at(TEST_APPLIED_AT),
                                           .now = at("2026-11-22T06:00:00+09:00")}};
}

static void give(struct examiner_pool *pool, struct examiner_job *job)
{
    struct failure f = {0};
    if (!examiner_pool_give(pool, job, &f))
        fail_msg("%s", f.text);
}

static void finish(struct examiner_pool *pool)
{
    struct failure f = {0};
    if (!examiner_pool_finish(pool, &f))
        fail_msg("%s", f.text);
}

static void assert_bytes(const struct buffer *a, const struct buffer *b)
{
    assert_true(bytes_equal(buffer_bytes(a), buffer_bytes(b)));
}

/* As examine() says here. */
static void assert_good(struct examiner_job *job)
{
    struct examination_input input = job->input;
    struct examination expected;
    assert_int_equal(job->outcome, EXAMINER_DONE);
    input.limits = &here.limits;
    input.trust = here.trust;
    input.crls = here.crls;
    input.revocation = here.revocation;
    input.procedures = here.procedures;
    examine(&input, &expected);
    assert_int_equal(expected.verdict, VERDICT_ACCEPTED);
    assert_int_equal(job->examination.verdict, VERDICT_ACCEPTED);
    assert_string_equal(job->examination.serial, expected.serial);
    assert_string_equal(job->examination.procedure_id, expected.procedure_id);
    assert_int_equal(job->examination.applied_at, expected.applied_at);
    assert_bytes(&job->examination.report, &expected.report);
    assert_bytes(&job->examination.facts, &expected.facts);
    assert_bytes(&job->examination.record, &expected.record);
    assert_bytes(&job->examination.evidence, &expected.evidence);
    examination_free(&expected);
    examination_free(&job->examination);
}

static void it_is_as_in_this_process(void **state)
{
    (void)state;
    struct examiner_pool pool = pool_open(2);
    struct examiner_job jobs[20];
    for (size_t i = 0; i < 20; i++) {
        jobs[i] = job_of(buffer_bytes(&good));
        give(&pool, &jobs[i]);
    }
    finish(&pool);
    assert_int_equal(finished, 20);
    for (size_t i = 0; i < 20; i++)
        assert_good(&jobs[i]);
    examiner_pool_close(&pool);
}

/* One worker: the deed stands between two honest applications, in its queue with the second. */
static void a_deed_costs_one_application(void **state)
{
    (void)state;
    struct examiner_pool pool = pool_open(1);
    for (size_t i = 0; i < DEEDS; i++) {
        struct examiner_job jobs[3] = {job_of(buffer_bytes(&good)),
                                       job_of(bytes_of_text(deeds[i].name)),
                                       job_of(buffer_bytes(&good))};
        for (size_t j = 0; j < 3; j++)
            give(&pool, &jobs[j]);
        finish(&pool);
        assert_int_equal(finished, 3 * (i + 1));
        /* AddressSanitizer does more at an end than the walls allow: there it may be SIGSYS. */
        if (jobs[1].outcome != deeds[i].outcome ||
            (EXAMINER_MEMORY_LIMITED && strcmp(jobs[1].trouble, deeds[i].trouble) != 0))
            fail_msg("%s: %d, %s", deeds[i].name, jobs[1].outcome, jobs[1].trouble);
        assert_good(&jobs[0]);
        assert_good(&jobs[2]);
    }
    examiner_pool_close(&pool);
}

/* A real package, of which the limit of memory does not allow so much. */
static void a_package_too_large_for_the_memory(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer large = {0};
    struct examiner_pool pool = pool_open(1);
    memset(buffer_reserve(&large, 70 << 20), 'P', 70 << 20);
    buffer_commit(&large, 70 << 20);
    struct examiner_job jobs[2] = {job_of(buffer_bytes(&large)), job_of(buffer_bytes(&good))};
    give(&pool, &jobs[0]);
    give(&pool, &jobs[1]);
    finish(&pool);
    if (EXAMINER_MEMORY_LIMITED) {
        assert_int_equal(jobs[0].outcome, EXAMINER_LIMIT);
        assert_string_equal(jobs[0].trouble, "memory");
    } else {
        assert_string_equal(jobs[0].examination.reason, "package-too-large");
        examination_free(&jobs[0].examination);
    }
    assert_good(&jobs[1]);
    examiner_pool_close(&pool);
}

static void killed_in_the_middle(void **state)
{
    (void)state;
    struct examiner_pool pool = pool_open(1);
    struct examiner_job jobs[2] = {job_of(bytes_of_text("do stall")), job_of(buffer_bytes(&good))};
    give(&pool, &jobs[0]);
    give(&pool, &jobs[1]);
    kill(pool.processes[0].pid, SIGKILL);
    finish(&pool);
    assert_int_equal(jobs[0].outcome, EXAMINER_CRASHED);
    assert_string_equal(jobs[0].trouble, "SIGKILL");
    assert_good(&jobs[1]);
    /* Idle, it costs nobody anything. */
    kill(pool.processes[0].pid, SIGKILL);
    usleep(100000);
    jobs[1] = job_of(buffer_bytes(&good));
    give(&pool, &jobs[1]);
    finish(&pool);
    assert_good(&jobs[1]);
    examiner_pool_close(&pool);
}

static void what_keeps_it_from_beginning_is_told(void **state)
{
    (void)state;
    struct examiner_pool pool;
    struct failure f = {0};
    const struct examiner_limits limits = {2, packages_most, 64 << 20, CPU_MOST, WALL_MOST};
    config_write("/nowhere");
    assert_false(examiner_pool_open(argv, &limits, count, &pool, &f));
    assert_non_null(strstr(f.text, "/nowhere"));
    config_write(PROCEDURES);
    static const char *const others[][4] = {{"/nowhere/worker"}, {"/bin/true"}, {"/bin/cat"}};
    for (size_t i = 0; i < 3; i++) {
        f = (struct failure){0};
        assert_false(examiner_pool_open(others[i], &limits, count, &pool, &f));
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
        struct examiner_pool pool = pool_open(1);
        struct examiner_job job = job_of(bytes_of_text("do loop"));
        give(&pool, &job);
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
    for (packages_most = 1; packages_most <= 3; packages_most++) {
        struct examiner_pool pool = pool_open(2);
        struct examiner_job jobs[7];
        pid_t first = pool.processes[0].pid;
        for (size_t i = 0; i < 7; i++) {
            jobs[i] = job_of(buffer_bytes(&good));
            give(&pool, &jobs[i]);
            assert_true(pool.processes[0].answered + pool.processes[0].queued <= packages_most);
        }
        finish(&pool);
        assert_int_equal(finished, 7);
        for (size_t i = 0; i < 7; i++)
            assert_good(&jobs[i]);
        assert_int_not_equal(pool.processes[0].pid, first);
        examiner_pool_close(&pool);
    }
    packages_most = 1000;
    struct examiner_pool pool = pool_open(1);
    pid_t first = pool.processes[0].pid;
    struct examiner_job job = job_of(buffer_bytes(&good));
    give(&pool, &job);
    finish(&pool);
    assert_good(&job);
    assert_int_equal(pool.processes[0].pid, first);
    examiner_pool_close(&pool);
}

/* A list that is cut off where it lies, under a worker: the package is examined by the next one,
 * which does not use that list, and is held for the list, not for a crash. */
static void a_list_cut_off_in_place(void **state)
{
    (void)state;
    if (!EXAMINER_MEMORY_LIMITED) /* AddressSanitizer takes SIGBUS for itself, and meets a wall */
        skip();
    _cleanup_(cleanup_text) char *index = text_format("%s/1.idx", folder);
    list_write("01"); /* the look-up has to read a block */
    struct examiner_pool pool = pool_open(1);
    struct examiner_job jobs[2] = {job_of(buffer_bytes(&good)), job_of(buffer_bytes(&good))};
    assert_int_equal(truncate(index, 0), 0);
    for (size_t i = 0; i < 2; i++)
        give(&pool, &jobs[i]);
    finish(&pool);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(jobs[i].outcome, EXAMINER_DONE);
        assert_string_equal(jobs[i].examination.reason, "revocation-unavailable");
        examination_free(&jobs[i].examination);
    }
    assert_true(jobs[0].again && !jobs[1].again);
    examiner_pool_close(&pool);
    list_write(NULL);
}

int main(int argc, char **words)
{
    if (argc == 3 && strcmp(words[1], "worker") == 0)
        return be_worker(words[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_as_in_this_process),
        cmocka_unit_test(a_deed_costs_one_application),
        cmocka_unit_test(a_package_too_large_for_the_memory),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(what_keeps_it_from_beginning_is_told),
        cmocka_unit_test(it_ends_with_its_parent),
        cmocka_unit_test(none_examines_more_than_its_share),
        cmocka_unit_test(a_list_cut_off_in_place),
    };
    log_open("test", LOG_LEVEL_ERROR, false);
    clock_initialize();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "intake/examiner_lock.h"

#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* What malloc holds back from the kernel once it is ours: all of it, and never by a map of its own,
 * so that one request now is the last. Pages that are not used are not there. */
static bool memory_set_aside(size_t most, struct failure *f)
{
    if (!EXAMINER_MEMORY_LIMITED)
        return true;
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    void *all = malloc(most);
    __asm__ volatile("" : : "r"(all) : "memory"); /* or the compiler leaves out the pair */
    free(all);
    return all || failure_errno(f, "no memory for an examiner: lower [examine] memory-most or "
                                   "workers");
}

static void memory_gone(int signal)
{
    (void)signal;
    _exit(EXAMINER_EXIT_MEMORY);
}

static bool limits_set(struct failure *f)
{
    static const struct {
        int resource;
        struct rlimit limit;
    } limits[] = {{RLIMIT_CORE, {0, 0}},
                  {RLIMIT_FSIZE, {0, 0}},
                  {RLIMIT_NOFILE, {EXAMINER_HANDLE + 1, EXAMINER_HANDLE + 1}}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limits[i].limit) != 0)
            return failure_errno(f, "cannot limit an examiner");
    struct sigaction gone = {.sa_handler = memory_gone};
    if (sigaction(SIGSYS, &gone, NULL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return failure_errno(f, "cannot limit an examiner");
    return true;
}

/* Each of these was met by an examination, or by the way a process ends. */
static const int allowed[] = {
    SCMP_SYS(clock_gettime), /* where the kernel maps no clock */
    SCMP_SYS(exit_group),      SCMP_SYS(futex),          SCMP_SYS(getpid),
    SCMP_SYS(getrandom),       SCMP_SYS(gettid),         SCMP_SYS(munmap),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
};

/* -1, whatever stands in the upper half of the register: the kernel does not look at it. */
#define NO_DESCRIPTOR SCMP_A4(SCMP_CMP_MASKED_EQ, 0xffffffff, 0xffffffff)

/* Memory is what is mapped without a descriptor. */
static int memory_rules(scmp_filter_ctx filter)
{
    if (EXAMINER_MEMORY_LIMITED)
        return seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(brk), 0)
                   ?: seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(mmap), 1, NO_DESCRIPTOR);
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                            NO_DESCRIPTOR) ?:
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mremap), 0) ?:
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 0);
}

/* What was handed to it is looked at, and never written, run, or read by other ways. */
static int handle_rules(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 3,
                            SCMP_A2(SCMP_CMP_EQ, PROT_READ), SCMP_A3(SCMP_CMP_EQ, MAP_SHARED),
                            SCMP_A4_32(SCMP_CMP_EQ, EXAMINER_HANDLE)) ?:
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(lseek), 1,
                            SCMP_A0_32(SCMP_CMP_EQ, EXAMINER_HANDLE)) ?:
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 1,
                            SCMP_A0_32(SCMP_CMP_EQ, EXAMINER_HANDLE));
}

/* 0, or a negative errno. */
static int rules_add(scmp_filter_ctx filter, int socket)
{
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1,
                                 SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)socket)) ?:
                seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                                 SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)socket)) ?:
                /* abort() */
                seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                 SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid())) ?:
                memory_rules(filter) ?: handle_rules(filter);
    for (size_t i = 0; !error && i < sizeof allowed / sizeof *allowed; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    return error;
}

/* Sets no_new_privs, too. */
static bool calls_forbid(int socket, struct failure *f)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? rules_add(filter, socket) ?: seccomp_load(filter) : -ENOMEM;
    seccomp_release(filter);
    errno = -error;
    return !error || failure_errno(f, "cannot forbid system calls to an examiner (seccomp)");
}

bool examiner_lock(int socket, size_t memory_most, struct failure *f)
{
    if (socket != EXAMINER_HANDLE - 1 || close_range(EXAMINER_HANDLE, ~0U, 0) != 0)
        return failure_errno(f, "an examiner cannot close what it must not have");
    return memory_set_aside(memory_most, f) && limits_set(f) && calls_forbid(socket, f);
}

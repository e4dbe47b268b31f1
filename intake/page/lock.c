#include "intake/page/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "intake/examiner_lock.h"
#include "intake/page/page.h"

static bool limits_set(void)
{
    static const struct {
        int resource;
        struct rlimit limit;
    } limits[] = {{RLIMIT_CORE, {0, 0}},
                  {RLIMIT_FSIZE, {0, 0}},
                  {RLIMIT_NPROC, {0, 0}},
                  {RLIMIT_NOFILE, {64, 64}},
                  {RLIMIT_CPU, {PAGE_CPU_MOST, PAGE_CPU_MOST}},
                  {RLIMIT_AS, {PAGE_MEMORY_MOST, PAGE_MEMORY_MOST}}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        bool memory = limits[i].resource == RLIMIT_AS;
        if (memory && !EXAMINER_MEMORY_LIMITED)
            continue;
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limits[i].limit) != 0)
            return false;
    }
    return prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* --- files --------------------------------------------------------------------------------------
 */

static bool read_below(int rules, const char *path)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };
    if (rule.parent_fd < 0)
        return true; /* what is not there need not be read */
    bool done = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(rule.parent_fd);
    return done;
}

/* False: no file may be opened at all. */
static bool files_restrict(void)
{
    static const char *const readable[] = {"/usr/share/fonts", "/usr/share/poppler", "/etc/fonts",
                                           "/usr/share/fontconfig", "/var/cache/fontconfig"};
    const struct landlock_ruleset_attr attributes = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                             LANDLOCK_ACCESS_FS_MAKE_SYM};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (rules < 0)
        return false;
    bool done = true;
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        done = done && read_below(rules, readable[i]);
    done = done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return done;
}

/* --- system calls -------------------------------------------------------------------------------
 */

static const int allowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(clock_gettime),  SCMP_SYS(close),
    SCMP_SYS(exit_group),   SCMP_SYS(fstat),          SCMP_SYS(fstatfs),
    SCMP_SYS(futex),        SCMP_SYS(getpid),         SCMP_SYS(getrandom),
    SCMP_SYS(gettid),       SCMP_SYS(lseek),          SCMP_SYS(madvise),
    SCMP_SYS(mremap),       SCMP_SYS(munmap),         SCMP_SYS(pread64),
    SCMP_SYS(read),         SCMP_SYS(readv),          SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),  SCMP_SYS(sigaltstack),    SCMP_SYS(uname),
    SCMP_SYS(getuid),       SCMP_SYS(geteuid),        SCMP_SYS(getgid),
    SCMP_SYS(getegid),
};
/* Libraries look for files; where none may be read they hear so. */
static const int looking[] = {SCMP_SYS(access),     SCMP_SYS(faccessat),  SCMP_SYS(faccessat2),
                              SCMP_SYS(getdents64), SCMP_SYS(newfstatat), SCMP_SYS(readlink),
                              SCMP_SYS(readlinkat), SCMP_SYS(stat),       SCMP_SYS(lstat),
                              SCMP_SYS(statx),      SCMP_SYS(statfs),     SCMP_SYS(getcwd)};
/* Asked for by libraries that can do without. */
static const int refused[] = {
    SCMP_SYS(clone),    SCMP_SYS(clone3), SCMP_SYS(socket),  SCMP_SYS(ioctl),
    SCMP_SYS(unlink),   SCMP_SYS(mkdir),  SCMP_SYS(sysinfo), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(prlimit64)};

/* Of fcntl, what copies and closes descriptors: no signals to others (F_SETOWN, F_SETSIG). */
static const uint32_t descriptors[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC};

/* 0, or a negative errno. */
static int rules_add(scmp_filter_ctx filter, bool files)
{
    const uint32_t look = files ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES);
    int error =
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ?:
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ?:
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0_32(SCMP_CMP_EQ, 1)) ?:
        seccomp_rule_add(filter, look, SCMP_SYS(openat), 1,
                         SCMP_A2_32(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)) ?:
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(write), 1,
                         SCMP_A0_32(SCMP_CMP_EQ, 2)) ?:
        /* abort() */
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                         SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid()));
    for (size_t i = 0; !error && i < sizeof allowed / sizeof *allowed; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; !error && i < sizeof descriptors / sizeof *descriptors; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                 SCMP_A1_32(SCMP_CMP_EQ, descriptors[i]));
    for (size_t i = 0; !error && i < sizeof looking / sizeof *looking; i++)
        error = seccomp_rule_add(filter, look, looking[i], 0);
    for (size_t i = 0; !error && i < sizeof refused / sizeof *refused; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    return error;
}

static bool calls_forbid(bool files)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool done = filter && rules_add(filter, files) == 0 && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return done;
}

bool page_lock(void)
{
    return limits_set() && calls_forbid(files_restrict());
}

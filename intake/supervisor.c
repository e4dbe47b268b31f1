#include "intake/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/process.h"

#define RESTART_BASE (INSTANT_SECOND / 5)
#define LOOK_EVERY   (INSTANT_SECOND / 5) /* for children that are not serving yet */
#define STEADY       (60 * INSTANT_SECOND)

struct child {
    const struct supervisor_child *what;
    pid_t pid; /* 0: not running */
    int pidfd;
    int64_t started_at, due_at; /* monotonic */
    unsigned deaths;            /* in a row */
};

struct supervisor {
    const struct supervisor_options *options;
    struct child *children;
    struct pollfd *polls; /* the stop descriptor first, then one for each child */
    char **environment;   /* ours without NOTIFY_SOCKET: only the supervisor speaks to systemd */
    bool ready;
};

static struct metric restarts = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_serve_restarts_total",
    .help = "Times a role was started again after it had ended.",
    .label_name = "role",
};

/* Between fork and exec: only what is allowed there, as other threads may hold locks. Signals come
 * in blocked, and get through only when our handlers are gone: ours would take a SIGTERM for the
 * supervisor's, and the role would never hear of it. */
static _Noreturn void become(const struct supervisor *s, const struct supervisor_child *what,
                             pid_t parent)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    sigaction(SIGTERM, &usual, NULL);
    sigaction(SIGINT, &usual, NULL);
    sigaction(SIGPIPE, &usual, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before we asked to be told */
        _exit(0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(s->options->program, (char *const *)what->argv, s->environment);
    _exit(127);
}

static bool start(struct supervisor *s, struct child *child, struct failure *f)
{
    pid_t parent = getpid();
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(s, child->what, parent);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return failure_errno(f, "cannot start %s", child->what->name);
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        failure_errno(f, "cannot watch %s", child->what->name);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return false;
    }
    child->pid = pid;
    child->pidfd = fd;
    child->started_at = clock_monotonic();
    log_info("child.started", log_text("child", child->what->name), log_number("pid", pid));
    return true;
}

static void plan_restart(struct supervisor *s, struct child *child)
{
    int64_t now = clock_monotonic();

    if (now - child->started_at >= STEADY)
        child->deaths = 0;
    /* The first death is likely an accident: start again at once. */
    instant wait = child->deaths == 0 ? 0
                                      : RESTART_BASE + backoff(child->deaths, RESTART_BASE,
                                                               s->options->restart_most);
    child->deaths++;
    child->due_at = now + (wait < s->options->restart_most ? wait : s->options->restart_most);
    metric_add(&restarts, child->what->name, 1);
}

/* Takes the exit status of a child that has ended; true when there was one. */
static bool reap(struct child *child)
{
    int status;

    if (!child->pid || waitpid(child->pid, &status, WNOHANG) != child->pid)
        return false;
    if (WIFSIGNALED(status))
        log_warning("child.killed", log_text("child", child->what->name),
                    log_text("signal", strsignal(WTERMSIG(status))));
    else if (WEXITSTATUS(status) != 0)
        log_warning("child.failed", log_text("child", child->what->name),
                    log_number("code", WEXITSTATUS(status)));
    else
        log_info("child.ended", log_text("child", child->what->name));
    close(child->pidfd);
    child->pid = 0;
    child->pidfd = -1;
    return true;
}

static void start_due(struct supervisor *s)
{
    struct failure f = {0};

    for (size_t i = 0; i < s->options->child_count; i++) {
        struct child *child = &s->children[i];
        if (child->pid || clock_monotonic() < child->due_at)
            continue;
        if (!start(s, child, &f)) {
            log_failure("child.not-started", &f);
            child->started_at = clock_monotonic();
            plan_restart(s, child);
        }
    }
}

static void look_for_ready(struct supervisor *s)
{
    const struct supervisor_options *o = s->options;

    for (size_t i = 0; i < o->child_count && !s->ready; i++)
        if (!s->children[i].pid || !o->serving(o->children[i].name, o->context))
            return;
    if (!s->ready) {
        s->ready = true;
        o->ready(o->context);
    }
}

/* Sleeps until a child ends, a stop is asked for, or something is due. */
static void wait_for_events(struct supervisor *s)
{
    int64_t now = clock_monotonic(), wake = now + (s->ready ? 3600 * INSTANT_SECOND : LOOK_EVERY);
    size_t count = s->options->child_count;

    s->polls[0] = (struct pollfd){.fd = process_stop_fd(), .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        struct child *child = &s->children[i];
        s->polls[i + 1] = (struct pollfd){.fd = child->pid ? child->pidfd : -1, .events = POLLIN};
        if (!child->pid && child->due_at < wake)
            wake = child->due_at;
    }
    int64_t left = wake > now ? (wake - now + 999) / 1000 : 0;
    poll(s->polls, count + 1, (int)left);
}

static size_t running(const struct supervisor *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->options->child_count; i++)
        count += s->children[i].pid != 0;
    return count;
}

static void signal_all(struct supervisor *s, int signal)
{
    for (size_t i = 0; i < s->options->child_count; i++)
        if (s->children[i].pid)
            kill(s->children[i].pid, signal);
}

/* Waits until all children have ended, or the patience has. The stop descriptor stays readable
 * now, so it is not polled. */
static void wait_for_ends(struct supervisor *s, instant patience)
{
    int64_t deadline = clock_monotonic() + patience;
    size_t count = s->options->child_count;

    while (running(s) > 0) {
        int64_t left = (deadline - clock_monotonic() + 999) / 1000;
        if (left <= 0)
            return;
        for (size_t i = 0; i < count; i++)
            s->polls[i] = (struct pollfd){.fd = s->children[i].pid ? s->children[i].pidfd : -1,
                                          .events = POLLIN};
        poll(s->polls, count, (int)left);
        for (size_t i = 0; i < count; i++)
            reap(&s->children[i]);
    }
}

static bool stop_all(struct supervisor *s, struct failure *f)
{
    signal_all(s, SIGTERM);
    wait_for_ends(s, s->options->stop_patience);
    size_t stubborn = running(s);
    if (stubborn == 0)
        return true;
    signal_all(s, SIGKILL);
    wait_for_ends(s, s->options->stop_patience);
    return failure_set(f, FAILURE_SYSTEM, "%zu of the roles did not stop in time and were killed",
                       stubborn);
}

static void watch(struct supervisor *s)
{
    while (!process_stopping()) {
        start_due(s);
        if (!s->ready)
            look_for_ready(s);
        wait_for_events(s);
        for (size_t i = 0; i < s->options->child_count; i++)
            if (reap(&s->children[i]) && !process_stopping())
                plan_restart(s, &s->children[i]);
    }
}

static char **quiet_environment(void)
{
    size_t count = 0, kept = 0;

    while (environ[count])
        count++;
    char **environment = memory_allocate((count + 1) * sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "NOTIFY_SOCKET=", 14) != 0)
            environment[kept++] = environ[i];
    return environment;
}

bool supervisor_run(const struct supervisor_options *options, struct failure *f)
{
    size_t count = options->child_count;
    struct supervisor s = {
        .options = options,
        .children = memory_allocate(count * sizeof *s.children),
        .polls = memory_allocate((count + 1) * sizeof *s.polls),
        .environment = quiet_environment(),
    };
    bool good = true;

    for (size_t i = 0; i < count; i++)
        s.children[i] = (struct child){.what = &options->children[i], .pidfd = -1};
    for (size_t i = 0; i < count && good; i++)
        good = start(&s, &s.children[i], f);
    if (good)
        watch(&s);
    good = stop_all(&s, good ? f : NULL) && good;
    free(s.children);
    free(s.polls);
    free(s.environment);
    return good;
}

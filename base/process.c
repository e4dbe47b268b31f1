#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"

#define RETRY_BASE (INSTANT_SECOND / 4)
#define RETRY_MOST (30 * INSTANT_SECOND)

static atomic_bool stopping;
static int stop_fd = -1;

static void make_stop_fd(void)
{
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0)
        abort(); /* at the very start, with no descriptors left: nothing can work */
}

int process_stop_fd(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_stop_fd);
    return stop_fd;
}

/* Only what may be done in a signal handler. Nobody reads the eventfd: it stays readable. */
static void ask_for_stop(int signal)
{
    uint64_t one = 1;
    int error = errno;

    (void)signal;
    atomic_store(&stopping, true);
    (void)!write(stop_fd, &one, sizeof one);
    errno = error;
}

void process_catch_signals(void)
{
    struct sigaction stop = {.sa_handler = ask_for_stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    process_stop_fd();
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

bool process_stopping(void)
{
    return atomic_load(&stopping);
}

void process_stop(void)
{
    process_stop_fd();
    ask_for_stop(0);
}

bool process_sleep(instant duration)
{
    int64_t deadline = clock_monotonic() + (duration > 0 ? duration : 0);
    struct pollfd stop = {.fd = process_stop_fd(), .events = POLLIN};

    while (!process_stopping()) {
        int64_t left = (deadline - clock_monotonic() + 999) / 1000; /* ms, rounded up */
        if (left <= 0)
            return true;
        poll(&stop, 1, left > 3600000 ? 3600000 : (int)left);
    }
    return false;
}

void process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = 0; /* the abstract namespace */
    _cleanup_(cleanup_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
}

instant backoff(unsigned attempt, instant base, instant most)
{
    instant span = base;
    uint64_t random;

    for (unsigned i = 0; i < attempt && span < most; i++)
        if (__builtin_mul_overflow(span, 2, &span))
            span = most;
    if (span > most)
        span = most;
    if (span <= 0)
        return 0;
    arc4random_buf(&random, sizeof random);
    return (instant)(random % ((uint64_t)span + 1));
}

static struct metric work_failures = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_work_failures_total",
    .help = "Steps of a worker that failed and are tried again.",
    .label_name = "worker",
};

static struct metric work_steps = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_work_steps_total",
    .help = "Steps of a worker that found something to do.",
    .label_name = "worker",
};

static void wait_for_work(const struct work_loop *loop)
{
    if (loop->wait)
        loop->wait(loop->context, loop->interval);
    else
        process_sleep(loop->interval);
}

bool work_loop_run(const struct work_loop *loop, struct failure *f)
{
    unsigned failures = 0;

    metric_add(&work_failures, loop->name, 0);
    while (!process_stopping()) {
        struct failure why = {0};
        switch (loop->step(loop->context, &why)) {
        case WORK_DONE:
            metric_add(&work_steps, loop->name, 1);
            failures = 0;
            break;
        case WORK_IDLE:
            failures = 0;
            if (loop->once)
                return true;
            wait_for_work(loop);
            break;
        case WORK_FAILED:
            metric_add(&work_failures, loop->name, 1);
            if (loop->once)
                return failure_set(f, why.kind, "%s", why.text);
            log_warning("work.failed", log_text("worker", loop->name),
                        log_text("kind", failure_kind_name(why.kind)), log_text("text", why.text),
                        log_number("attempt", failures + 1));
            /* Half of it for certain: full jitter alone could spin on a dead database. */
            process_sleep(RETRY_BASE / 2 + backoff(failures++, RETRY_BASE, RETRY_MOST));
            break;
        }
    }
    return true;
}

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "intake/collect.h"
#include "intake/command.h"

extern const struct command collect_command;

/* Between two looks at what is due again; the portal is asked at its own interval. */
#define LOOK_INTERVAL INSTANT_SECOND

struct collecting {
    struct collector *collector;
    int wake_fd; /* readable when SIGUSR1 came */
};

/* Blocked in every thread, since they inherit it: the signal is read from a descriptor. */
static int wake_open(struct failure *f)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        failure_errno(f, "cannot wait for signals");
    return fd;
}

static enum work_result step(void *context, struct failure *f)
{
    struct collecting *collecting = context;
    return collect_step(collecting->collector, f);
}

static void wait_for_sign(void *context, instant patience)
{
    struct collecting *collecting = context;
    struct signalfd_siginfo signal;
    struct pollfd polled[] = {{.fd = collecting->wake_fd, .events = POLLIN},
                              {.fd = process_stop_fd(), .events = POLLIN}};
    poll(polled, 2, (int)(patience / 1000));
    if (read(collecting->wake_fd, &signal, sizeof(signal)) == sizeof(signal)) {
        log_info("collect.asked");
        collector_poll_now(collecting->collector);
    }
}

static bool work(struct collecting *collecting, bool once, struct failure *f)
{
    const struct work_loop loop = {
        .name = "collect",
        .step = step,
        .wait = wait_for_sign,
        .context = collecting,
        .interval = LOOK_INTERVAL,
        .once = once,
    };
    return work_loop_run(&loop, f);
}

static bool collect(const struct config *config, bool once, instant since, struct failure *f)
{
    struct role role;
    struct collecting collecting = {0};
    _cleanup_(cleanup_fd) int wake_fd = wake_open(f);
    if (wake_fd < 0 || !role_start("collect", config, 2, &role, f))
        return false;
    role.once = once;
    collecting.wake_fd = wake_fd;
    bool done = collector_open(&role, &collecting.collector, f);
    if (done) {
        if (since)
            collector_since(collecting.collector, since);
        done = work(&collecting, once, f);
        collector_close(collecting.collector);
    }
    role_stop(&role);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    instant since = 0;
    bool once = argc == 2 && !strcmp(argv[1], "--once");
    bool again = argc == 3 && !strcmp(argv[1], "--since") && instant_parse(argv[2], &since);
    if (argc > 1 && !once && !again)
        return command_usage(&collect_command,
                             "takes nothing but --once, or --since and a time with its zone, like "
                             "2026-11-20T00:00:00+09:00");
    return collect(config, once || again, since, &f) ? EXIT_DONE
                                                     : command_fail("collect", EXIT_FAILED, &f);
}

const struct command collect_command = {
    .name = "collect",
    .summary = "Role: take applications in from the portal (申請データ取り込み)",
    .usage =
        "Usage: uketsuke collect [--once | --since TIME] [--config FILE]\n"
        "\n"
        "Asks the portal of each [channel] for its list every `interval`, downloads what is\n"
        "new, compares size and SHA-256 with what the list promised, seals and stores it.\n"
        "Only after that commit is the portal told 取得済. What is there already is never\n"
        "taken twice, so it may be stopped, killed and started at any time.\n"
        "\n"
        "  --once    collect what waits now, then stop; exit code 3 when the portal or the\n"
        "            database could not be reached\n"
        "  --since TIME\n"
        "            after a restore: the same, and also what applied at TIME or later and was\n"
        "            collected before, unless it is completed or taken back. What is here is\n"
        "            not taken twice. TIME: 2026-11-20T00:00:00+09:00\n"
        "\n"
        "SIGUSR1 asks the portal at once; SIGTERM ends cleanly. What could not be downloaded\n"
        "is tried again with back-off: `uketsuke status` shows it with the last reason.\n"
        "\n"
        "Example: uketsuke collect --once --config /etc/uketsuke/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};

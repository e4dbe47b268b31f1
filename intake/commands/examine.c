
#include "base/process.h"
#include "intake/command.h"
#include "intake/examine_role.h"
#include "intake/work.h"

extern const struct command examine_command;

/* Between two looks at what is due again; what is new wakes us at once. */
#define LOOK_INTERVAL INSTANT_SECOND

static void wait_for_sign(void *context, instant patience)
{
    struct examine_worker *worker = context;
    db_listener_wait(worker->listener, patience);
}

static bool work(struct role *role, struct failure *f)
{
    struct examine_worker worker;
    if (!examine_worker_open(role, &worker, f))
        return false;
    const struct work_loop loop = {
        .name = "examine",
        .step = examine_step,
        .wait = wait_for_sign,
        .context = &worker,
        .interval = LOOK_INTERVAL,
        .once = role->once,
    };
    bool done = work_loop_run(&loop, f);
    examine_worker_close(&worker);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    return role_run(&examine_command, config, 2, work, argc, argv);
}

const struct command examine_command = {
    .name = "examine",
    .summary = "Role: judge what was collected: package, signature, certificate, form (署名検証)",
    .usage =
        "Usage: uketsuke examine [--once] [--config FILE]\n"
        "\n"
        "Takes what was collected, in batches, and judges each package as of its time of\n"
        "application: verified, refused (it is bad and will stay bad) or held (it can't be\n"
        "told now; tried again by itself). The report of every check is stored, sealed.\n"
        "Several may run at once, on several machines. Examination itself happens in [examine]\n"
        "workers processes that can do nothing else; a package that kills one, or needs more\n"
        "than [examine] allows, is held as examination-crashed or examination-limit.\n"
        "\n"
        "  --once    examine what is due now, then stop\n"
        "\n"
        "Example: uketsuke examine --config /etc/uketsuke/uketsuke.conf\n"
        "See also: uketsuke verify, the same judgement over files, without a database.\n",
    .needs_config = true,
    .run = run,
};

/* The role `report`: tells the portal what the resident should see. One thread a channel, so that a
 * portal that is down does not hold up another. */
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "intake/command.h"
#include "routing/outbox.h"
#include "routing/report.h"

extern const struct command report_command;

struct reporter {
    struct report_context report; /* first: what report_step gets */
    struct db_listener *listener;
    instant interval;
    bool once, runs, done;
    pthread_t thread;
    struct failure failure;
};

static void wait_for_work(void *context, instant patience)
{
    struct reporter *reporter = context;
    db_listener_wait(reporter->listener, patience);
}

static void *reporter_run(void *context)
{
    struct reporter *reporter = context;
    struct work_loop loop = {
        .name = "report",
        .step = report_step,
        .wait = wait_for_work,
        .context = reporter,
        .interval = reporter->interval,
        .once = reporter->once,
    };
    reporter->done = work_loop_run(&loop, &reporter->failure);
    return NULL;
}

static bool reporter_start(struct reporter *reporter, const struct role *role, const char *channel,
                           struct failure *f)
{
    char name[OUTBOX_CHANNEL];
    const char *wake_up = outbox_channel(OUTBOX_PORTAL, name);
    reporter->report = (struct report_context){.config = role->config,
                                               .db = role->db,
                                               .city_code = role->city_code,
                                               .city_key = role->city_key,
                                               .channel = channel};
    reporter->once = role->once;
    reporter->interval = config_duration(config_group(role->config, "report"), "interval");
    if (!portal_open(role->config, channel, &reporter->report.portal, f) ||
        !db_listen(role->db, &wake_up, 1, &reporter->listener, f))
        return false;
    if (pthread_create(&reporter->thread, NULL, reporter_run, reporter) != 0)
        return failure_set(f, FAILURE_SYSTEM, "can't start a thread for the channel %s", channel);
    reporter->runs = true;
    return true;
}

/* Waits for its end; false with the failure when it (--once) ended in one. */
static bool reporter_finish(struct reporter *reporter, struct failure *f)
{
    if (reporter->runs)
        pthread_join(reporter->thread, NULL);
    if (reporter->listener)
        db_listener_close(reporter->listener);
    if (reporter->report.portal)
        portal_close(reporter->report.portal);
    if (reporter->runs && !reporter->done)
        *f = reporter->failure;
    return !reporter->runs || reporter->done;
}

static unsigned channel_count(const struct config *config)
{
    unsigned count = 0;
    const struct config_group *group = NULL;
    while ((group = config_next(config, "channel", group)))
        count++;
    return count;
}

static bool report(struct role *role, struct failure *f)
{
    unsigned count = channel_count(role->config);
    struct reporter *reporters = memory_allocate(count * sizeof *reporters);
    const struct config_group *group = NULL;
    bool done = true;
    for (unsigned i = 0; i < count && done; i++) {
        group = config_next(role->config, "channel", group);
        done = reporter_start(&reporters[i], role, config_name(group), f);
    }
    if (!done)
        process_stop(); /* those that run already end */
    for (unsigned i = 0; i < count; i++)
        done = reporter_finish(&reporters[i], f) && done;
    free(reporters);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    unsigned count = channel_count(config);
    if (count == 0) {
        failure_set(&f, FAILURE_USAGE, "%s: no [channel NAME]: there is no portal to report to",
                    config_path(config));
        return command_fail("report", EXIT_FAILED, &f);
    }
    return role_run(&report_command, config, count + 1, report, argc, argv);
}

const struct command report_command = {
    .name = "report",
    .summary = "Role: tell the portal what the resident should see (ステータス更新)",
    .usage =
        "Usage: uketsuke report [--config FILE] [--once]\n"
        "\n"
        "Registers with the portal what the resident should see (取得済, 処理中, 受付エラー), in\n"
        "the order in which it came about. Which states are told, and by which words, stands in\n"
        "[channel NAME] status-…; how often is looked and tried again, in [report].\n"
        "What the portal does not take stays and is tried again, later each time.\n"
        "\n"
        "  --once   report what is due and end\n"
        "\n"
        "Exit code 0 when stopped as asked, 3 when it could not start or (--once) failed.\n"
        "\n"
        "Example: uketsuke report --once\n",
    .needs_config = true,
    .run = run,
};

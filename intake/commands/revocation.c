/* `uketsuke revocation`: the role, and one update. */
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/examine.h"
#include "intake/revocation.h"

extern const struct command revocation_command;
extern const struct command revocation_update_command;

struct updater {
    const struct config *config;
    struct trust *trust;
    struct revocation_round last;
    bool once;
};

static bool any_troubled(const struct revocation_round *round)
{
    return round->refused + round->failed > 0;
}

static enum work_result update(void *context, struct failure *f)
{
    struct updater *updater = context;
    updater->last = revocation_update(updater->config, updater->trust, f);
    return any_troubled(&updater->last) && updater->once ? WORK_FAILED : WORK_IDLE;
}

/* What failed is told in the log; it is asked for again sooner. */
static void wait_for_next(void *context, instant patience)
{
    const struct updater *updater = context;
    const struct config_group *group = config_group(updater->config, "revocation");
    process_sleep(any_troubled(&updater->last) ? config_duration(group, "retry") : patience);
}

static bool update_run(const struct config *config, bool once, struct revocation_round *ret_last,
                       struct failure *f)
{
    struct updater updater = {.config = config, .once = once};
    if (!examiner_load_trust(config, &updater.trust, f))
        return false;
    const struct work_loop loop = {
        .name = "revocation",
        .step = update,
        .wait = wait_for_next,
        .context = &updater,
        .interval = config_duration(config_group(config, "revocation"), "interval"),
        .once = once,
    };
    bool done = work_loop_run(&loop, f);
    trust_free(updater.trust);
    *ret_last = updater.last;
    return done;
}

static bool only_once(int argc, char **argv, bool *ret_once)
{
    *ret_once = argc == 2 && strcmp(argv[1], "--once") == 0;
    return argc == 1 || *ret_once;
}

static int run_role(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct role role;
    bool once;
    if (!only_once(argc, argv, &once))
        return command_usage(&revocation_command, "what does \"%s\" mean?", argv[argc - 1]);
    if (!role_start("revocation", config, 0, &role, &f))
        return command_fail(revocation_command.name, EXIT_FAILED, &f);
    struct revocation_round last = {0};
    bool done = update_run(config, once, &last, &f);
    role_stop(&role);
    return done ? EXIT_DONE : command_fail(revocation_command.name, EXIT_FAILED, &f);
}

static int run_update(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    bool once;
    if (!only_once(argc, argv, &once))
        return command_usage(&revocation_update_command, "what does \"%s\" mean?", argv[argc - 1]);
    process_catch_signals();
    settings_open_log(config, "revocation");
    struct revocation_round round = {0};
    if (!update_run(config, true, &round, &f)) {
        bool only_refused = round.refused > 0 && round.failed == 0;
        return command_fail(revocation_update_command.name, only_refused ? EXIT_NO : EXIT_FAILED,
                            &f);
    }
    printf("%zu of %zu %s new, the others are as their sources have them.\n"
           "Their ages: uketsuke revocation status\n",
           round.stored, round.lists, text_plural((int64_t)round.lists, "list is", "lists are"));
    return EXIT_DONE;
}

#define ABOUT                                                                                      \
    "Fetches each [revocation-list …] from its sources, verifies it, and puts its index into\n"  \
    "[revocation] directory. An index is replaced only by that of a good list: signed by one of\n" \
    "our trust anchors, of the same partition and generation, newer, not too old. What is "        \
    "refused\n"                                                                                    \
    "or fails is told with its reason, and what is there stays in use.\n"

const struct command revocation_command = {
    .name = "revocation",
    .summary = "Role: keep the revocation lists fresh",
    .usage = "Usage: uketsuke revocation [--once]\n"
             "\n" ABOUT "\n"
             "Runs until it is told to stop, looking every [revocation] interval, after a failure\n"
             "every [revocation] retry. --once: one look; exit 3 when a list had none.\n"
             "\n"
             "Example: uketsuke revocation --config /etc/uketsuke/uketsuke.conf\n"
             "See also: uketsuke revocation status\n",
    .needs_config = true,
    .run = run_role,
};

const struct command revocation_update_command = {
    .name = "revocation update",
    .summary = "Fetch the revocation lists once, now",
    .usage = "Usage: uketsuke revocation update [--once]\n"
             "\n" ABOUT "\n"
             "Exit code: 0 every list is as its source has it, 1 a list was refused, 3 one could\n"
             "not be fetched or stored.\n"
             "\n"
             "Example: uketsuke revocation update && uketsuke revocation status\n",
    .needs_config = true,
    .run = run_update,
};

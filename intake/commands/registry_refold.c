#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/registry_look.h"
#include "intake/registry/keys.h"

extern const struct command registry_refold_command;

static int run(const struct config *config, int argc, char **argv)
{
    (void)argv;
    struct failure f = {0};
    int64_t residents, changed;
    _cleanup_(registry_look_close) struct registry_look look = {0};
    if (argc != 1)
        return command_usage(&registry_refold_command, "takes nothing");
    if (!registry_look_open(config, false, &look, &f) ||
        !registry_refold(look.db, look.city_code, &residents, &changed, &f))
        return command_fail("registry refold", EXIT_FAILED, &f);
    printf("%" PRId64 " %s looked at, and the keys of %" PRId64 " made anew.\n", residents,
           text_plural(residents, "resident", "residents"), changed);
    return EXIT_DONE;
}

const struct command registry_refold_command = {
    .name = "registry refold",
    .summary = "After an upgrade: make the keys by which residents are found anew",
    .usage =
        "Usage: uketsuke registry refold [--config FILE]\n"
        "\n"
        "Residents are found by keys: their names and addresses, folded (docs/identify.md). When\n"
        "a new version of the program, of its table of variant kanji, or of Unicode folds in\n"
        "another way, imports and identification stop and ask for this command. It changes keys\n"
        "only, all in one transaction; what is told of residents stays as it is.\n"
        "Exit code 0 when done, 3 when we could not.\n"
        "\n"
        "Example: sudo -u uketsuke-registry uketsuke registry refold\n",
    .needs_config = true,
    .run = run,
};

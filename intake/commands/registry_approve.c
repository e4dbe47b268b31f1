#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/registry_look.h"
#include "intake/registry/import.h"

extern const struct command registry_approve_command;

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    int64_t import_id;
    _cleanup_(registry_look_close) struct registry_look look = {0};
    if (argc != 2 || !number_parse(argv[1], 1, INT64_MAX, &import_id))
        return command_usage(&registry_approve_command, "takes the ID of an import that waits");
    if (!registry_look_open(config, false, &look, &f))
        return command_fail("registry approve", EXIT_FAILED, &f);
    if (!registry_approve(look.db, look.city_code, import_id, look.actor, &f))
        return command_fail("registry approve", f.kind == FAILURE_USAGE ? EXIT_NO : EXIT_FAILED,
                            &f);
    printf("Import %" PRId64 " is approved by %s. Import the same feed again: uketsuke registry "
           "import PATH\n",
           import_id, look.actor);
    return EXIT_DONE;
}

const struct command registry_approve_command = {
    .name = "registry approve",
    .summary = "As the second person: let a full load remove what it would",
    .usage =
        "Usage: uketsuke registry approve ID [--config FILE]\n"
        "\n"
        "A full load that would remove more than [registry] removals-most waits, and nothing\n"
        "changes. ID is what `registry import` told, or `registry status` shows. Who approves\n"
        "must be another person than who imported (the account that logged in). The same\n"
        "feed, imported again, then goes through.\n"
        "Exit code 0 when done, 1 when the import does not wait or was your own, 3 when we\n"
        "could not.\n"
        "\n"
        "Example: uketsuke registry approve 12\n",
    .needs_config = true,
    .run = run,
};

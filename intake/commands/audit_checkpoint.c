#include <stdio.h>

#include "base/audit.h"
#include "intake/command.h"
#include "intake/commands/look.h"

extern const struct command audit_checkpoint_command;

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;

    (void)argv;
    if (argc > 1)
        return command_usage(&audit_checkpoint_command, "takes no arguments");
    if (!look_open(config, &db, &f))
        return command_fail("audit checkpoint", EXIT_FAILED, &f);
    bool done = audit_checkpoint(db, config, &f);
    db_close(db);
    if (!done)
        return command_fail("audit checkpoint", EXIT_FAILED, &f);
    puts("The heads of all chains are signed and stored.");
    return EXIT_DONE;
}

const struct command audit_checkpoint_command = {
    .name = "audit checkpoint",
    .summary = "Sign where the audit trail stands now",
    .usage =
        "Usage: uketsuke audit checkpoint\n"
        "\n"
        "Signs the present head of every chain with [audit] signing-key (Ed25519) and stores the\n"
        "checkpoint. What lies behind a checkpoint can't be changed or cut off unseen, not even\n"
        "by who administers the database. The role `uketsuke checkpoint` does it on schedule;\n"
        "`uketsuke status` says so when it is overdue. Exit code 0 when signed, 3 when not.\n"
        "\n"
        "Example: sudo uketsuke audit checkpoint\n",
    .needs_config = true,
    .run = run,
};

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/registry/import.h"

extern const struct command registry_approve_command;

static void close_db(struct db **db)
{
    if (*db)
        db_close(*db);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    int64_t import_id;
    char actor[96];
    _cleanup_(close_db) struct db *db = NULL;
    if (argc != 2 || !number_parse(argv[1], 1, INT64_MAX, &import_id))
        return command_usage(&registry_approve_command, "takes the ID of an import that waits");
    const char *city_code = settings_city_code(config, &f);
    const char *approvers = config_text(config_group(config, "registry"), "approvers");
    if (!city_code)
        return command_fail("registry approve", EXIT_FAILED, &f);
    if (!look_person(approvers, "[registry] approvers", actor, sizeof actor, &f))
        return command_fail("registry approve", EXIT_NO, &f);
    if (!look_open_administrator(config, &db, &f))
        return command_fail("registry approve", EXIT_FAILED, &f);
    if (!registry_approve(db, city_code, import_id, actor, &f))
        return command_fail("registry approve", f.kind == FAILURE_USAGE ? EXIT_NO : EXIT_FAILED,
                            &f);
    printf("Import %" PRId64 " is approved by %s. Import the same feed again, before the approval "
           "is over\n([registry] approval-lasts): uketsuke registry import PATH\n",
           import_id, actor);
    return EXIT_DONE;
}

const struct command registry_approve_command = {
    .name = "registry approve",
    .summary = "As the second person: let a feed remove what it would",
    .usage = "Usage: uketsuke registry approve ID [--config FILE]\n"
             "\n"
             "A feed that would remove, end or lift more than [registry] removals-most and\n"
             "protections-most waits, and nothing changes. ID is what `registry import` told;\n"
             "look at `registry status` first. Who approves must be another person than who\n"
             "imported: the account that logged in, and one of [registry] approvers if they are\n"
             "named. It approves as the database role administrator; the account that imports\n"
             "cannot.\n"
             "The same feed, imported again within [registry] approval-lasts, then goes through,\n"
             "if it still does exactly what it would have done.\n"
             "Exit code 0 when done, 1 when the import does not wait or was your own, 3 when we\n"
             "could not.\n"
             "\n"
             "Example: uketsuke registry approve 12\n",
    .needs_config = true,
    .run = run,
};

#include <stdio.h>

#include "base/db.h"
#include "intake/command.h"
#include "intake/schema.h"

extern const struct command db_upgrade_command;

static bool upgrade(const struct config *config, int *ret_from, int *ret_to, struct failure *f)
{
    struct db *db = NULL;
    if (!db_open_owner(config, &db, f))
        return false;
    bool done =
        db_schema_upgrade(db, schema_migrations, schema_migration_count, ret_from, ret_to, f);
    db_close(db);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    int from = 0, to = 0;

    (void)argv;
    if (argc > 1)
        return command_usage(&db_upgrade_command, "takes no arguments");
    if (!upgrade(config, &from, &to, &f))
        return command_fail("db upgrade", EXIT_FAILED, &f);
    if (from == to)
        printf("The database has schema %d already: nothing to do.\n", to);
    else
        printf("The database went from schema %d to %d.\n"
               "Next: restart the roles (uketsuke serve, or systemctl restart 'uketsuke@*').\n",
               from, to);
    return EXIT_DONE;
}

const struct command db_upgrade_command = {
    .name = "db upgrade",
    .summary = "Make the database's tables, or bring them up to this version",
    .usage =
        "Usage: uketsuke db upgrade\n"
        "\n"
        "Applies the numbered schema changes that the database lacks, each in a transaction of\n"
        "its own, so that an upgrade that breaks off can just be run again. Connects as\n"
        "[database] owner-user, who owns the database and may make roles (CREATEROLE): each role\n"
        "of the server gets a database role of its own, which can do only what it needs.\n"
        "A second run changes nothing. Exit code 0 when the schema is this version's, 3 when not.\n"
        "\n"
        "Example: sudo -u postgres createuser --createrole uketsuke_owner\n"
        "         sudo -u postgres createdb --owner uketsuke_owner uketsuke\n"
        "         uketsuke db upgrade\n",
    .needs_config = true,
    .run = run,
};

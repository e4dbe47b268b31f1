#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/audit_folder.h"
#include "intake/commands/console_look.h"
#include "intake/commands/look.h"

extern const struct command audit_archive_command;

static void print_archived(const struct audit_archived *done, bool removes)
{
    if (!done->intact)
        puts("Nothing left the database from there on.\n"
             "Next: uketsuke audit verify; what is damaged in the folder may be removed when its\n"
             "month is still online, and is written anew.");
    else if (!done->months)
        puts("Nothing in the audit trail is older than [audit] online says, but what left before.");
    else
        printf("%" PRId64 " %s (%" PRId64 " entries, to %s) written or found there, read back and "
               "proven;\n%" PRId64 " entries left the database.\n",
               done->months, text_plural(done->months, "month", "months"), done->entries,
               done->last, done->removed);
    if (done->intact && done->months && !removes)
        puts("Next: copy the folder to the medium, prove the copy with uketsuke audit verify\n"
             "--archive, then: uketsuke audit archive FOLDER --remove");
}

static bool archive(const struct config *config, const char *path, bool removes,
                    struct audit_archived *ret_done, struct failure *f)
{
    char actor[96];
    struct db *db = NULL, *administrator = NULL;
    struct audit_telling telling = audit_telling_begin("audit archive");
    _cleanup_(audit_folder_close) struct audit_folder folder = {0};
    bool done = audit_folder_open(config, path, &telling, &folder, f) &&
                look_open(config, &db, f) &&
                (!removes || look_open_administrator(config, &administrator, f)) &&
                audit_folder_remember(db, &folder, "audit.export", NULL, f) &&
                audit_archive_run(db, administrator, config, &folder.archive,
                                  look_actor(actor, sizeof actor), ret_done, f);
    db_close(administrator);
    db_close(db);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct audit_archived done = {0};
    const char *path;
    bool removes = false;
    const struct word_option options[] = {{"--remove", NULL, &removes}};
    if (!words_read(&audit_archive_command, argc, argv, options, 1, &path, 1))
        return EXIT_USAGE;
    if (!archive(config, path, removes, &done, &f))
        return command_fail("audit archive", EXIT_FAILED, &f);
    print_archived(&done, removes);
    return done.intact ? EXIT_DONE : EXIT_NO;
}

const struct command audit_archive_command = {
    .name = "audit archive",
    .summary = "Write what is old in the audit trail to sealed files, and prove them",
    .usage =
        "Usage: uketsuke audit archive FOLDER [--remove] [--config FILE]\n"
        "\n"
        "Writes every whole month that is older than [audit] online to FOLDER: a sealed file for\n"
        "each chain, and a signed manifest, last. Then all of it is read back and proven: hashes,\n"
        "chains, checkpoints. Months that are there already are proven only. May be interrupted\n"
        "at any moment and run again.\n"
        "\n"
        "  --remove   what was proven leaves the database, month by month; its manifest stays,\n"
        "             from which the chains go on. Never what is not a year old. The folder is\n"
        "             then the only place: have a copy of it on its medium first.\n"
        "\n"
        "Needs [city] key and [audit] signing-key, so root; --remove is done as role\n"
        "administrator. Entries of the trail: audit.export, audit.archive.\n"
        "Exit codes: 0 done, 1 the trail or the folder is not good, 3 it could not be done.\n"
        "Example: sudo uketsuke audit archive /srv/uketsuke-archive\n",
    .needs_config = true,
    .run = run,
};

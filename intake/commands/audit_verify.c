#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/audit_check.h"
#include "intake/command.h"
#include "intake/commands/audit_folder.h"
#include "intake/commands/console_look.h"
#include "intake/commands/look.h"

extern const struct command audit_verify_command;

static void print_summary(const struct audit_summary *summary, const struct audit_telling *telling,
                          bool intact)
{
    char time[LOOK_TIME];
    printf("%" PRId64 " %s in %" PRId64 " %s, %" PRId64 " %s", summary->entries,
           text_plural(summary->entries, "entry", "entries"), summary->chains,
           text_plural(summary->chains, "chain", "chains"), summary->checkpoints,
           text_plural(summary->checkpoints, "checkpoint", "checkpoints"));
    if (summary->last_checkpoint)
        printf(", the last of %s", look_time(summary->last_checkpoint, time));
    if (summary->archived)
        printf("; %" PRId64 " entries are in the archive (to %s)", summary->archived,
               summary->archived_to);
    if (intact)
        puts(": intact.");
    else
        printf(": %" PRId64 " %s.\n"
               "Next: stop the roles, keep the database as it is (a copy of its disk), and call\n"
               "who answers for the audit; compare with the copies of the checkpoints.\n",
               telling->faults, text_plural(telling->faults, "fault", "faults"));
    if (intact && !summary->checkpoints)
        puts("There is no checkpoint yet, so a tail cut off together with its head would not "
             "show.\nNext: uketsuke audit checkpoint");
}

/* NULL: nothing was expected. */
static bool expectation_met(struct db *db, const char *hash, struct audit_telling *telling,
                            bool *intact, struct failure *f)
{
    bool exists = true;
    if (hash && !audit_checkpoint_exists(db, hash, &exists, f))
        return false;
    if (!exists) {
        telling->faults++;
        *intact = false;
        printf("checkpoint: the one of SHA-256 %s is not there: the end was cut off, or it was "
               "never made here\n",
               hash);
    }
    return true;
}

/* What is in the folder first, then what is online. */
static bool verify_both(struct db *db, const struct config *config, const char *path,
                        const char *month, struct audit_telling *telling,
                        struct audit_check *ret_check, struct failure *f)
{
    struct audit_archived archived;
    _cleanup_(audit_folder_close) struct audit_folder folder = {0};
    if (!audit_folder_open(config, path, telling, &folder, f) ||
        !audit_archive_verify(db, config, &folder.archive, month, &ret_check->intact,
                              &ret_check->summary, &archived, f))
        return false;
    ret_check->fault_count = telling->faults;
    printf("%" PRId64 " %s with %" PRId64 " %s of the archive %s read.\n", archived.months,
           text_plural(archived.months, "month", "months"), archived.entries,
           text_plural(archived.entries, "entry", "entries"),
           archived.months == 1 ? "was" : "were");
    return true;
}

/* The console shows what the database says of itself; a folder is for who has it. */
static bool verify(struct db *db, const struct config *config, struct audit_telling *telling,
                   struct audit_check *ret_check, struct failure *f)
{
    char actor[96];
    struct failure kept = {0};
    if (!audit_check(db, config, audit_tell_fault, audit_tell_progress, telling, ret_check, f))
        return false;
    if (!audit_check_keep(db, ret_check, look_actor(actor, sizeof actor), &kept))
        fprintf(stderr, "uketsuke audit verify: the console will not show it: %s\n", kept.text);
    return true;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    struct audit_check check = {0};
    struct audit_telling telling = audit_telling_begin("audit verify");
    const char *expected = NULL, *path = NULL, *month = NULL;
    const struct word_option options[] = {
        {"--expect", &expected, NULL}, {"--archive", &path, NULL}, {"--month", &month, NULL}};
    uint8_t hash[32];
    if (!words_read(&audit_verify_command, argc, argv, options, 3, NULL, 0))
        return EXIT_USAGE;
    if (expected && (strlen(expected) != 64 || !hex_decode(expected, hash, 32)))
        return command_usage(&audit_verify_command, "--expect HASH has 64 hexadecimal digits");
    if (month && (!path || !audit_month_valid(month)))
        return command_usage(&audit_verify_command, "--month YYYY-MM goes with --archive FOLDER");
    if (!look_open(config, &db, &f))
        return command_fail("audit verify", EXIT_FAILED, &f);
    bool done = (path ? verify_both(db, config, path, month, &telling, &check, &f)
                      : verify(db, config, &telling, &check, &f)) &&
                expectation_met(db, expected, &telling, &check.intact, &f);
    db_close(db);
    if (!done)
        return command_fail("audit verify", EXIT_FAILED, &f);
    print_summary(&check.summary, &telling, check.intact);
    bool intact = check.intact;
    audit_check_free(&check);
    return intact ? EXIT_DONE : EXIT_NO;
}

const struct command audit_verify_command = {
    .name = "audit verify",
    .summary = "Prove that the audit trail is whole, or say where it is not",
    .usage =
        "Usage: uketsuke audit verify [--archive FOLDER [--month YYYY-MM]] [--expect HASH]\n"
        "\n"
        "Walks every chain of the audit trail from its first entry, or from where its archive\n"
        "ends: each entry must carry the hash of the one before, the last must be the chain's\n"
        "head, and every checkpoint must be signed by a key of [audit] public-key over entries\n"
        "that are still there, or were archived. Each fault is a line: chain, position, what is\n"
        "wrong. The trail may grow meanwhile. The console shows when it was verified last, and\n"
        "what came out (監査: 検証).\n"
        "\n"
        "What the database alone cannot show: an end that was cut off together with every\n"
        "checkpoint that signed it. Each checkpoint is logged with its SHA-256 "
        "(audit.checkpoint):\n"
        "keep that log on another machine, and give its last one here.\n"
        "\n"
        "  --expect HASH   the checkpoint with this SHA-256 must be there, too\n"
        "  --archive FOLDER\n"
        "                  first proves what uketsuke audit archive wrote there: every file,\n"
        "                  each chain from file to file, and on to what is online. Every month\n"
        "                  that left the database must be there; needs [city] key\n"
        "  --month YYYY-MM only that month of the archive\n"
        "\n"
        "Exit codes: 0 intact, 1 a chain is broken, 3 it could not be checked.\n"
        "Example: uketsuke audit verify --config /etc/uketsuke/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "intake/audit_check.h"
#include "intake/command.h"
#include "intake/commands/look.h"

extern const struct command audit_verify_command;

#define QUIET_FOR (2 * INSTANT_SECOND)

struct telling {
    int64_t next_at; /* clock_monotonic */
    int64_t faults;
};

static void tell_fault(const struct audit_fault *fault, void *context)
{
    struct telling *telling = context;
    telling->faults++;
    printf("%s %" PRId64 ": %s\n", fault->chain, fault->position, fault->what);
}

static void tell_progress(int64_t entries, void *context)
{
    struct telling *telling = context;
    if (clock_monotonic() < telling->next_at)
        return;
    telling->next_at = clock_monotonic() + QUIET_FOR;
    fprintf(stderr, "uketsuke audit verify: %" PRId64 " entries so far …\n", entries);
}

static void print_summary(const struct audit_summary *summary, const struct telling *telling,
                          bool intact)
{
    char time[LOOK_TIME];
    printf("%" PRId64 " %s in %" PRId64 " %s, %" PRId64 " %s", summary->entries,
           text_plural(summary->entries, "entry", "entries"), summary->chains,
           text_plural(summary->chains, "chain", "chains"), summary->checkpoints,
           text_plural(summary->checkpoints, "checkpoint", "checkpoints"));
    if (summary->last_checkpoint)
        printf(", the last of %s", look_time(summary->last_checkpoint, time));
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
static bool expectation_met(struct db *db, const char *hash, struct telling *telling, bool *intact,
                            struct failure *f)
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

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    struct audit_check check = {0};
    struct telling telling = {.next_at = clock_monotonic() + QUIET_FOR};
    char actor[96];

    const char *expected = argc == 3 && !strcmp(argv[1], "--expect") ? argv[2] : NULL;
    uint8_t hash[32];
    if (argc > 1 && (!expected || strlen(expected) != 64 || !hex_decode(expected, hash, 32)))
        return command_usage(&audit_verify_command,
                             "takes only --expect HASH, 64 hexadecimal digits");
    if (!look_open(config, &db, &f))
        return command_fail("audit verify", EXIT_FAILED, &f);
    bool done = audit_check(db, config, tell_fault, tell_progress, &telling, &check, &f) &&
                expectation_met(db, expected, &telling, &check.intact, &f);
    if (done && !audit_check_keep(db, &check, look_actor(actor, sizeof actor), &f)) {
        fprintf(stderr, "uketsuke audit verify: the console will not show it: %s\n", f.text);
        f = (struct failure){0};
    }
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
        "Usage: uketsuke audit verify [--expect HASH]\n"
        "\n"
        "Walks every chain of the audit trail from its first entry: each must carry the hash of\n"
        "the one before, the last must be the chain's head, and every checkpoint must be signed\n"
        "by a key of [audit] public-key over entries that are still there. Each fault is a line:\n"
        "chain, position, what is wrong. The trail may grow meanwhile. The console shows when it "
        "was\n"
        "verified last, and what came out (監査: 検証).\n"
        "\n"
        "What the database alone cannot show: an end that was cut off together with every\n"
        "checkpoint that signed it. Each checkpoint is logged with its SHA-256 "
        "(audit.checkpoint):\n"
        "keep that log on another machine, and give its last one here.\n"
        "\n"
        "  --expect HASH   the checkpoint with this SHA-256 must be there, too\n"
        "\n"
        "Exit codes: 0 intact, 1 a chain is broken, 3 it could not be checked.\n"
        "Example: uketsuke audit verify --config /etc/uketsuke/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/routing_period.h"

extern const struct command routing_reconcile_command;

/* What to do about each kind, in their order. */
static const char *const advice[] = {
    [RECONCILE_MISSING_HERE] = "missing here: we have no receipt of it. `uketsuke application show "
                               "RECEIPT` tells where it\n"
                               "  is; if it waits, the business system sends its receipt again.",
    [RECONCILE_MISSING_THERE] =
        "missing there: the business system has lost it. It asks for it again (POST "
        "…/items/ID/redeliver),\n  or you send it: `uketsuke routing resend ID --reason WORDS`.",
    [RECONCILE_OTHER_HASH] = "other hash: the business system keeps other bytes than it was given. "
                             "It asks for the item\n"
                             "  again, as for one that is missing.",
    [RECONCILE_OTHER_ANSWER] =
        "other answer: ours is what its receipt said. A person there looks which is right.",
};

#define KINDS (sizeof advice / sizeof *advice)

static void print(enum reconcile_difference difference, const struct reconcile_item *ours,
                  const struct reconcile_item *theirs, void *context)
{
    const struct reconcile_item *item = ours ?: theirs;
    bool *seen = context;
    seen[difference] = true;
    printf("%8" PRId64 "  %-20s  ", item->id, item->receipt_number);
    switch (difference) {
    case RECONCILE_MISSING_HERE:
        printf("missing here: there accepted %s\n", reconcile_answer_name(theirs->accepted));
        break;
    case RECONCILE_MISSING_THERE:
        printf("missing there: here accepted %s\n", reconcile_answer_name(ours->accepted));
        break;
    case RECONCILE_OTHER_HASH:
        printf("other hash: here %s, there %s\n", ours->sha256, theirs->sha256);
        break;
    case RECONCILE_OTHER_ANSWER:
        printf("other answer: here accepted %s, there %s\n", reconcile_answer_name(ours->accepted),
               reconcile_answer_name(theirs->accepted));
        break;
    }
}

static bool theirs_read(const char *path, struct reconcile_list *ret_list, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (!in)
        return failure_errno(f, "cannot read %s", path);
    return reconcile_read(in, ret_list, f) || failure_prefix(f, "%s", path);
}

static bool reconcile(const struct config *config, const struct routing_period *period,
                      struct reconcile_list *ours, struct reconcile_list *theirs, size_t *ret_count,
                      bool ret_seen[KINDS], struct failure *f)
{
    if (!theirs_read(period->file, theirs, f) ||
        !routing_period_look(config, period, theirs, ours, f))
        return false;
    *ret_count = reconcile_compare(ours, theirs, print, ret_seen);
    return true;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct routing_period period = {0};
    struct reconcile_list ours = {0}, theirs = {0};
    size_t count = 0;
    bool seen[KINDS] = {0};
    const char *wrong = routing_period_read(argc, argv, &period);
    if (wrong || period.out || !period.file)
        return command_usage(&routing_reconcile_command, "%s",
                             wrong ?: "takes one FILE, the other side's export");
    bool done = reconcile(config, &period, &ours, &theirs, &count, seen, &f);
    if (done)
        printf("%zu here, %zu there, %zu %s\n", ours.count, theirs.count, count,
               text_plural((int64_t)count, "difference", "differences"));
    for (size_t i = 0; i < KINDS; i++)
        if (seen[i])
            puts(advice[i]);
    reconcile_list_free(&ours);
    reconcile_list_free(&theirs);
    if (!done)
        return command_fail(routing_reconcile_command.name, EXIT_FAILED, &f);
    return count ? EXIT_NO : EXIT_DONE;
}

const struct command routing_reconcile_command = {
    .name = "routing reconcile",
    .summary = "Compare what was handed over with the business system's own export",
    .usage =
        "Usage: uketsuke routing reconcile FILE --destination NAME --from DAY --to DAY\n"
        "                                  [--config FILE]\n"
        "\n"
        "FILE is what the business system says it got, in the format of uketsuke routing export.\n"
        "Tells each item that is missing on one side, has another hash, or another answer, their\n"
        "count, and what to do about it. Days are of Japan; --to belongs to the period. What\n"
        "FILE has is compared whenever we handed it over, so it may well reach a day further on\n"
        "either side: then midnight between a receipt and its arrival makes no difference.\n"
        "\n"
        "Exit code 0 without differences, 1 with, 3 when the file (the line is named) or the\n"
        "database could not be read.\n"
        "\n"
        "Example: uketsuke routing reconcile theirs.csv --destination child-allowance \\\n"
        "             --from 2026-11-01 --to 2026-11-30\n",
    .needs_config = true,
    .run = run,
};

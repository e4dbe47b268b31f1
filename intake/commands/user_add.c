#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/commands/console_look.h"

extern const struct command user_add_command;

#define CODE_LASTS (24 * 3600 * INSTANT_SECOND)
#define YEAR       (365 * INSTANT_DAY)

struct adding {
    struct console_look look;
    struct account_draft draft;
    char code[ENROLMENT_CODE];
};

/* Administration and nothing else: who runs the accounts need not see applications. */
static bool first_rights(struct db_tx *tx, struct adding *a, struct failure *f)
{
    bool moved;
    return right_propose(tx, &a->look.who, a->draft.name, RIGHT_ADMIN, RIGHT_ANY, RIGHT_ANY, true,
                         f) &&
           right_propose(tx, &a->look.who, a->draft.name, RIGHT_AUDIT, RIGHT_ANY, RIGHT_ANY, true,
                         f) &&
           account_issue_code(tx, &a->look.who, a->draft.name, clock_now() + CODE_LASTS, a->code,
                              &moved, f);
}

static bool work(struct db_tx *tx, void *context, struct failure *f)
{
    struct adding *a = context;
    return account_propose(tx, &a->look.who, &a->draft, f) &&
           (!a->draft.first || first_rights(tx, a, f));
}

static bool kind_read(const char *text, enum account_kind *ret_kind)
{
    for (enum account_kind kind = 0; kind < ACCOUNT_KIND_COUNT; kind++)
        if (strcmp(text, account_kind_code(kind)) == 0) {
            *ret_kind = kind;
            return true;
        }
    return false;
}

static void print_done(const struct adding *a)
{
    if (a->draft.first)
        printf(
            "%s is the first administrator. At a registered terminal, within 24 hours, open the\n"
            "console, choose はじめて使う, and enter this one-time code:\n\n    %s\n",
            a->draft.name, a->code);
    else
        printf("%s is proposed. Another person approves: uketsuke user approve %s\n", a->draft.name,
               a->draft.name);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct adding a = {.draft = {.valid_from = clock_now()}};
    const char *kind = "staff", *valid_to = NULL;
    const struct word_option options[] = {
        {"--display-name", &a.draft.display_name, NULL},
        {"--department", &a.draft.department, NULL},
        {"--kind", &kind, NULL},
        {"--valid-to", &valid_to, NULL},
        {"--first", NULL, &a.draft.first},
    };
    if (!words_read(&user_add_command, argc, argv, options, sizeof options / sizeof *options,
                    &a.draft.name, 1))
        return EXIT_USAGE;
    a.draft.valid_to = a.draft.valid_from + YEAR;
    if (!a.draft.display_name || !a.draft.department || !kind_read(kind, &a.draft.kind))
        return command_usage(&user_add_command, "needs --display-name, --department, and a --kind "
                                                "of staff, contractor or break-glass");
    if (valid_to &&
        (!day_end_read(valid_to, &a.draft.valid_to) || a.draft.valid_to <= a.draft.valid_from))
        return command_usage(&user_add_command, "--valid-to is a day to come, like 2027-03-31");
    int code = console_look_run(&user_add_command, config, work, &a, &a.look);
    if (code == EXIT_DONE)
        print_done(&a);
    console_look_close(&a.look);
    return code;
}

const struct command user_add_command = {
    .name = "user add",
    .summary = "Propose an account of the console; --first makes the first administrator",
    .usage =
        "Usage: uketsuke user add NAME --display-name TEXT --department TEXT\n"
        "                         [--kind staff|contractor|break-glass] [--valid-to DAY]\n"
        "                         [--first] [--config FILE]\n"
        "\n"
        "An account belongs to one person, ends by itself (after a year, or with --valid-to),\n"
        "and is in force when another person has approved it. --first makes the first\n"
        "administrator, while there is none: in force at once, with a one-time code.\n"
        "\n"
        "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
        "\n"
        "Example: uketsuke user add hanako --display-name 桜野花子 --department 市民課\n",
    .needs_config = true,
    .run = run,
};

#include <stdio.h>

#include "base/cleanup.h"
#include "intake/commands/console_look.h"

extern const struct command user_add_command;

#define YEAR (365 * INSTANT_DAY)

struct adding {
    struct console_look look;
    const char *name, *display_name, *department, *kind;
    struct day valid_from, valid_to;
    bool first;
    char code[ENROLMENT_CODE];
};

/* Administration and nothing else: who runs the accounts need not see applications. */
static json_t *first_rights(void)
{
    return json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "business", RIGHT_ANY, "department",
                     RIGHT_ANY, "right", right_code(RIGHT_ADMIN), "business", RIGHT_ANY,
                     "department", RIGHT_ANY, "right", right_code(RIGHT_AUDIT));
}

static json_t *account_json(const struct adding *a)
{
    char from[DAY_TEXT], to[DAY_TEXT];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "display_name", a->display_name,
                     "department", a->department, "kind", a->kind, "valid_from",
                     day_text(a->valid_from, from), "valid_to", day_text(a->valid_to, to),
                     "disabled", 0, "rights", a->first ? first_rights() : json_array());
}

static bool add_first(struct db_tx *tx, struct adding *a, const json_t *after, struct failure *f)
{
    bool done;
    return change_first(tx, &a->look.who, CHANGE_ACCOUNT, a->name, after, &done, f) &&
           (done || failure_set(f, FAILURE_USAGE,
                                "there was an administrator already, or is an account %s: propose "
                                "without --first, and have another person approve",
                                a->name)) &&
           account_issue_code(tx, &a->look.who, a->name, a->code, f);
}

static bool work(struct db_tx *tx, void *context, struct failure *f)
{
    struct adding *a = context;
    _cleanup_(cleanup_json) json_t *after = account_json(a);
    if (!account_name_valid(a->name))
        return failure_set(f, FAILURE_USAGE,
                           "a name has 3 to 32 of a-z, 0-9, '.' and '-', a letter or digit first");
    const struct change_draft draft = {CHANGE_ACCOUNT, a->name, NULL, after, "uketsuke user add"};
    return a->first
               ? change_fault_fail(CHANGE_ACCOUNT, a->name, after, f) && add_first(tx, a, after, f)
               : console_look_propose(tx, &a->look, &draft, f);
}

static void print_done(const struct adding *a)
{
    if (a->first)
        printf(
            "%s is the first administrator. At a registered terminal, within 24 hours, open the\n"
            "console, choose はじめて使う, and enter this one-time code:\n\n    %s\n",
            a->name, a->code);
    else
        printf("%s is proposed. Another person confirms, at the console (利用者管理) or with\n"
               "uketsuke user approve %s\n",
               a->name, a->name);
}

static bool days_read(struct adding *a, const char *valid_to)
{
    a->valid_from = day_of_instant(clock_now());
    a->valid_to = day_of_instant(clock_now() + YEAR);
    return !valid_to ||
           (day_parse(valid_to, &a->valid_to) && day_compare(a->valid_to, a->valid_from) > 0);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct adding a = {.kind = "staff"};
    const char *valid_to = NULL;
    const struct word_option options[] = {
        {"--display-name", &a.display_name, NULL},
        {"--department", &a.department, NULL},
        {"--kind", &a.kind, NULL},
        {"--valid-to", &valid_to, NULL},
        {"--first", NULL, &a.first},
    };
    if (!words_read(&user_add_command, argc, argv, options, sizeof options / sizeof *options,
                    &a.name, 1))
        return EXIT_USAGE;
    if (!a.display_name || !a.department)
        return command_usage(&user_add_command, "needs --display-name and --department");
    if (!days_read(&a, valid_to))
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
        "administrator, where there never was one: in force at once, with a one-time code.\n"
        "\n"
        "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
        "\n"
        "Example: uketsuke user add hanako --display-name 桜野花子 --department 市民課\n",
    .needs_config = true,
    .run = run,
};

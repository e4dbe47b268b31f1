/* user approve, user disable, user code, user right: one account, one change. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/commands/console_look.h"

extern const struct command user_approve_command;
extern const struct command user_disable_command;
extern const struct command user_code_command;
extern const struct command user_right_command;

#define CODE_LASTS (24 * 3600 * INSTANT_SECOND)

struct changing {
    struct console_look look;
    const char *name;
    char code[ENROLMENT_CODE];
    enum right right;
    const char *business, *department;
    bool approve, withdraw, moved;
};

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    if (!account_approve(tx, &c->look.who, c->name, &c->moved, f))
        return false;
    if (!c->moved)
        return failure_set(f, FAILURE_USAGE,
                           "%s does not wait for approval, or you proposed it yourself: another "
                           "person approves",
                           c->name);
    return account_issue_code(tx, &c->look.who, c->name, clock_now() + CODE_LASTS, c->code,
                              &c->moved, f);
}

static bool disable_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    return account_disable(tx, &c->look.who, c->name, &c->moved, f) &&
           (c->moved || failure_set(f, FAILURE_USAGE, "there is no account %s in force", c->name));
}

static bool code_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    return account_issue_code(tx, &c->look.who, c->name, clock_now() + CODE_LASTS, c->code,
                              &c->moved, f) &&
           (c->moved || failure_set(f, FAILURE_USAGE, "there is no approved account %s", c->name));
}

static bool right_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    if (!c->approve && !c->withdraw) {
        c->moved = true;
        return right_propose(tx, &c->look.who, c->name, c->right, c->business, c->department, false,
                             f);
    }
    bool done = c->approve ? right_approve(tx, &c->look.who, c->name, c->right, c->business,
                                           c->department, &c->moved, f)
                           : right_withdraw(tx, &c->look.who, c->name, c->right, c->business,
                                            c->department, &c->moved, f);
    return done && (c->moved || failure_set(f, FAILURE_USAGE,
                                            "%s has no such right that you could change (whoever "
                                            "proposed it, or has it, cannot approve it)",
                                            c->name));
}

/* --- the commands ----------------------------------------------------------------------------- */

static void print_code(const struct changing *c)
{
    printf("One-time code of %s, for the next 24 hours (はじめて使う):\n\n    %s\n", c->name,
           c->code);
}

static int run_one(const struct command *command, const struct config *config, int argc,
                   char **argv, db_work *work)
{
    struct changing c = {0};
    if (!words_read(command, argc, argv, NULL, 0, &c.name, 1))
        return EXIT_USAGE;
    int code = console_look_run(command, config, work, &c, &c.look);
    if (code == EXIT_DONE && *c.code)
        print_code(&c);
    else if (code == EXIT_DONE)
        printf("%s is disabled; its sessions are ended.\n", c.name);
    console_look_close(&c.look);
    return code;
}

static int run_approve(const struct config *config, int argc, char **argv)
{
    return run_one(&user_approve_command, config, argc, argv, approve_work);
}

static int run_disable(const struct config *config, int argc, char **argv)
{
    return run_one(&user_disable_command, config, argc, argv, disable_work);
}

static int run_code(const struct config *config, int argc, char **argv)
{
    return run_one(&user_code_command, config, argc, argv, code_work);
}

static int run_right(const struct config *config, int argc, char **argv)
{
    struct changing c = {.business = RIGHT_ANY, .department = RIGHT_ANY};
    const char *words[2];
    const struct word_option options[] = {
        {"--business", &c.business, NULL},
        {"--department", &c.department, NULL},
        {"--approve", NULL, &c.approve},
        {"--withdraw", NULL, &c.withdraw},
    };
    if (!words_read(&user_right_command, argc, argv, options, sizeof options / sizeof *options,
                    words, 2))
        return EXIT_USAGE;
    c.name = words[0];
    if (!right_from_code(words[1], &c.right) || (c.approve && c.withdraw))
        return command_usage(&user_right_command, "takes a name and a right (see below)");
    int code = console_look_run(&user_right_command, config, right_work, &c, &c.look);
    if (code == EXIT_DONE)
        printf(c.approve    ? "%s: %s is in force.\n"
               : c.withdraw ? "%s: %s is withdrawn.\n"
                            : "%s: %s is proposed. Another person says the same with --approve.\n",
               c.name, right_code(c.right));
    console_look_close(&c.look);
    return code;
}

const struct command user_approve_command = {
    .name = "user approve",
    .summary = "As the second person: let an account be used; prints its one-time code",
    .usage = "Usage: uketsuke user approve NAME [--config FILE]\n"
             "\n"
             "Who approves must be another person than who proposed (the account that logged in).\n"
             "Exit code 0 when done, 1 when there is nothing that you could approve, 3 when we\n"
             "could not.\n"
             "\n"
             "Example: uketsuke user approve hanako\n",
    .needs_config = true,
    .run = run_approve,
};

const struct command user_disable_command = {
    .name = "user disable",
    .summary = "End an account and its sessions at once",
    .usage = "Usage: uketsuke user disable NAME [--config FILE]\n"
             "\n"
             "Exit code 0 when done, 1 when there is no such account in force, 3 when we could\n"
             "not.\n"
             "\n"
             "Example: uketsuke user disable hanako\n",
    .needs_config = true,
    .run = run_disable,
};

const struct command user_code_command = {
    .name = "user code",
    .summary = "A new one-time code, for whoever lost password or key",
    .usage =
        "Usage: uketsuke user code NAME [--config FILE]\n"
        "\n"
        "Takes the account's password and second factors away and ends its sessions; with the\n"
        "code, at a registered terminal, the person sets new ones.\n"
        "Exit code 0 when done, 1 when there is no such account, 3 when we could not.\n"
        "\n"
        "Example: uketsuke user code hanako\n",
    .needs_config = true,
    .run = run_code,
};

const struct command user_right_command = {
    .name = "user right",
    .summary = "Propose, approve or withdraw a right of an account",
    .usage = "Usage: uketsuke user right NAME RIGHT [--business B] [--department D]\n"
             "                            [--approve | --withdraw] [--config FILE]\n"
             "\n"
             "RIGHT: see, identify, confirm, examine, approve, reroute, number, protected, print,\n"
             "export, audit, admin. B and D as the routes have them ([route …] business and\n"
             "department); without them: all. A right is in force when another person than who\n"
             "proposed it, and than who has it, has said the same with --approve.\n"
             "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
             "\n"
             "Example: uketsuke user right hanako identify --business child-allowance\n",
    .needs_config = true,
    .run = run_right,
};

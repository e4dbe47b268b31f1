/* user approve, user disable, user code, user right: one account, one change. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/commands/console_look.h"

extern const struct command user_approve_command;
extern const struct command user_disable_command;
extern const struct command user_code_command;
extern const struct command user_right_command;

struct changing {
    struct console_look look;
    const char *name;
    char code[ENROLMENT_CODE];
    enum right right;
    const char *business, *department, *until;
    bool withdraw;
    bool approve;
};

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    return console_look_confirm(tx, &c->look, CHANGE_ACCOUNT, c->name, c->code, f);
}

static bool disable_work(struct db_tx *tx, void *context, struct failure *f)
{
    enum account_stop stop;
    struct changing *c = context;
    if (!account_disable(tx, &c->look.who, c->name, NULL, &stop, f))
        return false;
    if (stop == ACCOUNT_LAST_ADMINISTRATORS)
        return failure_set(f, FAILURE_USAGE,
                           "%s is one of the last two administrators: make another one first, or "
                           "let two people withdraw the right",
                           c->name);
    return stop == ACCOUNT_STOPPED ||
           failure_set(f, FAILURE_USAGE, "there is no account %s in force", c->name);
}

static bool code_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    _cleanup_(cleanup_json) json_t *seen = NULL, *after = json_pack("{s:b}", "enrolled", 0);
    if (c->approve)
        return console_look_confirm(tx, &c->look, CHANGE_ENROLMENT, c->name, c->code, f);
    if (!change_current(tx, c->look.who.city_code, CHANGE_ENROLMENT, c->name, &seen, f))
        return false;
    const struct change_draft draft = {CHANGE_ENROLMENT, c->name, seen, after,
                                       "uketsuke user code"};
    return seen ? console_look_propose(tx, &c->look, &draft, f)
                : failure_set(f, FAILURE_USAGE, "there is no account %s in force", c->name);
}

/* --- rights ----------------------------------------------------------------------------------- */

/* Where among `rights` it stands; their count when it does not. */
static size_t right_at(const json_t *rights, const json_t *wanted)
{
    size_t i;
    const json_t *one;
    json_array_foreach (rights, i, one)
        if (change_same_right(one, wanted))
            break;
    return i;
}

static void right_change(const struct changing *c, json_t *rights)
{
    _cleanup_(cleanup_json) json_t *right =
        json_pack("{s:s, s:s, s:s}", "business", c->business, "department", c->department, "right",
                  right_code(c->right));
    size_t at = right_at(rights, right);
    if (at < json_array_size(rights))
        json_array_remove(rights, at);
    if (c->until)
        json_object_set_new(right, "until", json_string(c->until));
    if (!c->withdraw)
        json_array_insert(rights, at, right);
}

/* Several rights wait as one change: the next is added to what waits of the same person. */
static bool right_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct changing *c = context;
    struct change_waiting waiting;
    _cleanup_(cleanup_json) json_t *seen = NULL, *after = NULL;
    if (!change_current(tx, c->look.who.city_code, CHANGE_ACCOUNT, c->name, &seen, f) ||
        !change_waiting(tx, c->look.who.city_code, CHANGE_ACCOUNT, c->name, &waiting, f))
        return false;
    bool mine = waiting.id && strcmp(waiting.proposed_by, c->look.who.by) == 0;
    after = json_deep_copy(mine ? waiting.after : seen);
    change_waiting_free(&waiting);
    if (!after)
        return failure_set(f, FAILURE_USAGE, "there is no account %s", c->name);
    right_change(c, json_object_get(after, "rights"));
    const struct change_draft draft = {CHANGE_ACCOUNT, c->name, seen, after, "uketsuke user right"};
    return console_look_propose(tx, &c->look, &draft, f);
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
        printf(work == disable_work ? "%s is disabled; its sessions are ended.\n"
                                    : "%s: the change is in force.\n",
               c.name);
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
    struct changing c = {0};
    const struct word_option options[] = {{"--approve", NULL, &c.approve}};
    if (!words_read(&user_code_command, argc, argv, options, 1, &c.name, 1))
        return EXIT_USAGE;
    int code = console_look_run(&user_code_command, config, code_work, &c, &c.look);
    if (code == EXIT_DONE && c.approve)
        print_code(&c);
    else if (code == EXIT_DONE)
        printf("A new one-time code for %s is proposed. Another person: uketsuke user code %s "
               "--approve\n",
               c.name, c.name);
    console_look_close(&c.look);
    return code;
}

static int run_right(const struct config *config, int argc, char **argv)
{
    struct changing c = {.business = RIGHT_ANY, .department = RIGHT_ANY};
    const char *words[2];
    const struct word_option options[] = {
        {"--business", &c.business, NULL},
        {"--department", &c.department, NULL},
        {"--until", &c.until, NULL},
        {"--withdraw", NULL, &c.withdraw},
    };
    if (!words_read(&user_right_command, argc, argv, options, sizeof options / sizeof *options,
                    words, 2))
        return EXIT_USAGE;
    c.name = words[0];
    if (!right_from_code(words[1], &c.right))
        return command_usage(&user_right_command, "takes a name and a right (see below)");
    struct day until;
    if (c.until && !day_parse(c.until, &until))
        return command_usage(&user_right_command, "--until is a day, like 2027-03-31");
    int code = console_look_run(&user_right_command, config, right_work, &c, &c.look);
    if (code == EXIT_DONE)
        printf("%s: %s is proposed%s. Another person: uketsuke user approve %s\n", c.name,
               right_code(c.right), c.withdraw ? " to be withdrawn" : "", c.name);
    console_look_close(&c.look);
    return code;
}

const struct command user_approve_command = {
    .name = "user approve",
    .summary = "As the second person: confirm what waits of an account",
    .usage = "Usage: uketsuke user approve NAME [--config FILE]\n"
             "\n"
             "Who approves must be another person than who proposed (the account that logged in).\n"
             "Of a new account, its one-time code is printed.\n"
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
             "Not one of the last two administrators, which takes two people (user right admin\n"
             "--withdraw).\n"
             "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
             "\n"
             "Example: uketsuke user disable hanako\n",
    .needs_config = true,
    .run = run_disable,
};

const struct command user_code_command = {
    .name = "user code",
    .summary = "Propose a new one-time code, for whoever lost password or key",
    .usage =
        "Usage: uketsuke user code NAME [--approve] [--config FILE]\n"
        "\n"
        "When another person, than who proposed it and than who has the account, confirms it\n"
        "(--approve, or 利用者管理 of the console), the account's password and second factors are\n"
        "taken away, its sessions end, and the code is printed: with it, at a registered\n"
        "terminal, the person sets new ones.\n"
        "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
        "\n"
        "Example: uketsuke user code hanako\n",
    .needs_config = true,
    .run = run_code,
};

const struct command user_right_command = {
    .name = "user right",
    .summary = "Propose a right of an account, or that it be withdrawn",
    .usage =
        "Usage: uketsuke user right NAME RIGHT [--business B] [--department D]\n"
        "                            [--until DAY] [--withdraw] [--config FILE]\n"
        "\n"
        "RIGHT: see, identify, confirm, examine, approve, reroute, number, protected, print,\n"
        "export, superior, audit, admin. B and D as the routes have them ([route …] business and\n"
        "department); without them: all. --until: its last day, else it ends with the account.\n"
        "It is in force when another person, than who proposed\n"
        "it and than who has it, has confirmed (user approve, or 利用者管理 of the console).\n"
        "Several, proposed one after the other, are confirmed together.\n"
        "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
        "\n"
        "Example: uketsuke user right hanako identify --business child-allowance\n",
    .needs_config = true,
    .run = run_right,
};

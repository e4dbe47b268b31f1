/* terminal add, terminal approve, terminal retire: which machines may open the console. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/commands/console_look.h"

extern const struct command terminal_add_command;
extern const struct command terminal_approve_command;
extern const struct command terminal_retire_command;

struct registering {
    struct console_look look;
    const char *label, *department, *also, *peer, *address;
    bool first;
    char code[ENROLMENT_CODE];
};

/* "子育て支援課,保険年金課"; NULL for none. */
static json_t *departments(const char *list)
{
    json_t *all = json_array();
    while (list && *list) {
        size_t length = strcspn(list, ",");
        json_array_append_new(all, json_stringn(list, length));
        list += length + (list[length] == ',');
    }
    return all;
}

static bool add_work(struct db_tx *tx, void *context, struct failure *f)
{
    bool done = false;
    struct registering *r = context;
    _cleanup_(cleanup_json) json_t *after =
        json_pack("{s:s, s:o, s:s?, s:s?}", "department", r->department, "also",
                  departments(r->also), "peer", r->peer, "address", r->address);
    const struct change_draft draft = {CHANGE_TERMINAL, r->label, NULL, after,
                                       "uketsuke terminal add"};
    if (!r->first)
        return console_look_propose(tx, &r->look, &draft, f);
    return change_fault_fail(CHANGE_TERMINAL, r->label, after, f) &&
           change_first(tx, &r->look.who, CHANGE_TERMINAL, r->label, after, &done, f) &&
           (done || failure_set(f, FAILURE_USAGE,
                                "there is a terminal already: propose without --first, and have "
                                "another person approve"));
}

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct registering *r = context;
    return console_look_confirm(tx, &r->look, CHANGE_TERMINAL, r->label, r->code, f);
}

static bool retire_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct registering *r = context;
    _cleanup_(cleanup_json) json_t *seen = NULL;
    if (!change_current(tx, r->look.who.city_code, CHANGE_TERMINAL, r->label, &seen, f))
        return false;
    const struct change_draft draft = {CHANGE_TERMINAL, r->label, seen, NULL,
                                       "uketsuke terminal retire"};
    return seen ? console_look_propose(tx, &r->look, &draft, f)
                : failure_set(f, FAILURE_USAGE, "there is no terminal %s in use", r->label);
}

static int run_add(const struct config *config, int argc, char **argv)
{
    struct registering r = {0};
    const struct word_option options[] = {
        {"--label", &r.label, NULL},     {"--department", &r.department, NULL},
        {"--also", &r.also, NULL},       {"--peer", &r.peer, NULL},
        {"--address", &r.address, NULL}, {"--first", NULL, &r.first},
    };
    uint8_t hash[32];
    if (!words_read(&terminal_add_command, argc, argv, options, sizeof options / sizeof *options,
                    NULL, 0))
        return EXIT_USAGE;
    if (!r.label || !r.department)
        return command_usage(&terminal_add_command, "needs --label and --department");
    if (r.peer && (strlen(r.peer) != 64 || !hex_decode(r.peer, hash, sizeof hash)))
        return command_usage(&terminal_add_command,
                             "--peer is the SHA-256 of a certificate, 64 hexadecimal digits");
    int code = console_look_run(&terminal_add_command, config, add_work, &r, &r.look);
    if (code == EXIT_DONE)
        printf(r.first ? "%s is registered.\n"
                       : "%s is proposed. Another person: uketsuke terminal approve\n",
               r.label);
    console_look_close(&r.look);
    return code;
}

static int run_one(const struct command *command, const struct config *config, int argc,
                   char **argv, db_work *work, const char *done)
{
    struct registering r = {0};
    if (!words_read(command, argc, argv, NULL, 0, &r.label, 1))
        return EXIT_USAGE;
    int code = console_look_run(command, config, work, &r, &r.look);
    if (code == EXIT_DONE)
        printf("%s is %s.\n", r.label, done);
    console_look_close(&r.look);
    return code;
}

static int run_approve(const struct config *config, int argc, char **argv)
{
    return run_one(&terminal_approve_command, config, argc, argv, approve_work,
                   "changed as was proposed");
}

static int run_retire(const struct config *config, int argc, char **argv)
{
    return run_one(&terminal_retire_command, config, argc, argv, retire_work,
                   "proposed to be retired; another person: uketsuke terminal approve");
}

const struct command terminal_add_command = {
    .name = "terminal add",
    .summary = "Propose a terminal that may open the console",
    .usage = "Usage: uketsuke terminal add --label TEXT --department TEXT [--also TEXT,TEXT…]\n"
             "                             (--peer SHA256 | --address ADDRESS) [--first]\n"
             "                             [--config FILE]\n"
             "\n"
             "A terminal is told by its client certificate (SHA-256 of its DER) or, on a network\n"
             "where nobody can take another's, by its address. It may be used when another person\n"
             "has approved it; --first registers the first one, while there is none. Accounts\n"
             "of its department sign in there, and of those that --also names: '*' for all.\n"
             "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
             "\n"
             "Example: uketsuke terminal add --label 市民課1番 --department 市民課 --address "
             "10.1.2.3\n",
    .needs_config = true,
    .run = run_add,
};

const struct command terminal_approve_command = {
    .name = "terminal approve",
    .summary = "As the second person: confirm what waits of a terminal",
    .usage = "Usage: uketsuke terminal approve LABEL [--config FILE]\n"
             "\n"
             "Exit code 0 when done, 1 when there is nothing that you could approve, 3 when we\n"
             "could not.\n"
             "\n"
             "Example: uketsuke terminal approve 市民課1番\n",
    .needs_config = true,
    .run = run_approve,
};

const struct command terminal_retire_command = {
    .name = "terminal retire",
    .summary = "Propose that a terminal may be used no more",
    .usage =
        "Usage: uketsuke terminal retire LABEL [--config FILE]\n"
        "\n"
        "Another person confirms (terminal approve, or 端末 of the console).\n"
        "Exit code 0 when done, 1 when there is no such terminal in use, 3 when we could not.\n"
        "\n"
        "Example: uketsuke terminal retire 市民課1番\n",
    .needs_config = true,
    .run = run_retire,
};

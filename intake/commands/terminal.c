/* terminal add, terminal approve, terminal retire: which machines may open the console. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "intake/commands/console_look.h"

extern const struct command terminal_add_command;
extern const struct command terminal_approve_command;
extern const struct command terminal_retire_command;

struct registering {
    struct console_look look;
    struct terminal_draft draft;
    bool moved;
};

static bool add_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct registering *r = context;
    return terminal_propose(tx, &r->look.who, &r->draft, f);
}

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct registering *r = context;
    return terminal_approve(tx, &r->look.who, r->draft.label, &r->moved, f) &&
           (r->moved || failure_set(f, FAILURE_USAGE,
                                    "%s does not wait for approval, or you proposed it yourself",
                                    r->draft.label));
}

static bool retire_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct registering *r = context;
    return terminal_retire(tx, &r->look.who, r->draft.label, &r->moved, f) &&
           (r->moved ||
            failure_set(f, FAILURE_USAGE, "there is no terminal %s in use", r->draft.label));
}

static int run_add(const struct config *config, int argc, char **argv)
{
    struct registering r = {0};
    const struct word_option options[] = {
        {"--label", &r.draft.label, NULL}, {"--department", &r.draft.department, NULL},
        {"--peer", &r.draft.peer, NULL},   {"--address", &r.draft.address, NULL},
        {"--first", NULL, &r.draft.first},
    };
    uint8_t hash[32];
    if (!words_read(&terminal_add_command, argc, argv, options, sizeof options / sizeof *options,
                    NULL, 0))
        return EXIT_USAGE;
    if (!r.draft.label || !r.draft.department)
        return command_usage(&terminal_add_command, "needs --label and --department");
    if (r.draft.peer &&
        (strlen(r.draft.peer) != 64 || !hex_decode(r.draft.peer, hash, sizeof hash)))
        return command_usage(&terminal_add_command,
                             "--peer is the SHA-256 of a certificate, 64 hexadecimal digits");
    int code = console_look_run(&terminal_add_command, config, add_work, &r, &r.look);
    if (code == EXIT_DONE)
        printf(r.draft.first ? "%s is registered.\n"
                             : "%s is proposed. Another person: uketsuke terminal approve\n",
               r.draft.label);
    console_look_close(&r.look);
    return code;
}

static int run_one(const struct command *command, const struct config *config, int argc,
                   char **argv, db_work *work, const char *done)
{
    struct registering r = {0};
    if (!words_read(command, argc, argv, NULL, 0, &r.draft.label, 1))
        return EXIT_USAGE;
    int code = console_look_run(command, config, work, &r, &r.look);
    if (code == EXIT_DONE)
        printf("%s is %s.\n", r.draft.label, done);
    console_look_close(&r.look);
    return code;
}

static int run_approve(const struct config *config, int argc, char **argv)
{
    return run_one(&terminal_approve_command, config, argc, argv, approve_work, "registered");
}

static int run_retire(const struct config *config, int argc, char **argv)
{
    return run_one(&terminal_retire_command, config, argc, argv, retire_work, "retired");
}

const struct command terminal_add_command = {
    .name = "terminal add",
    .summary = "Propose a terminal that may open the console",
    .usage = "Usage: uketsuke terminal add --label TEXT --department TEXT\n"
             "                             (--peer SHA256 | --address ADDRESS) [--first]\n"
             "                             [--config FILE]\n"
             "\n"
             "A terminal is told by its client certificate (SHA-256 of its DER) or, on a network\n"
             "where nobody can take another's, by its address. It may be used when another person\n"
             "has approved it; --first registers the first one, while there is none.\n"
             "Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
             "\n"
             "Example: uketsuke terminal add --label 市民課1番 --department 市民課 --address "
             "10.1.2.3\n",
    .needs_config = true,
    .run = run_add,
};

const struct command terminal_approve_command = {
    .name = "terminal approve",
    .summary = "As the second person: let a terminal be used",
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
    .summary = "Let a terminal be used no more",
    .usage =
        "Usage: uketsuke terminal retire LABEL [--config FILE]\n"
        "\n"
        "Exit code 0 when done, 1 when there is no such terminal in use, 3 when we could not.\n"
        "\n"
        "Example: uketsuke terminal retire 市民課1番\n",
    .needs_config = true,
    .run = run_retire,
};

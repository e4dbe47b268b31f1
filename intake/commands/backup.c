/* backup take-out, backup approve, backup return, backup list: 授受簿 of backups. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/backup.h"
#include "intake/commands/console_look.h"
#include "intake/commands/look.h"

extern const struct command backup_take_out_command;
extern const struct command backup_approve_command;
extern const struct command backup_return_command;
extern const struct command backup_list_command;

struct taking {
    struct console_look look;
    struct backup_order order;
    const char *how;
    int64_t number;
};

static bool answered(enum backup_answer answer, struct failure *f)
{
    static const char *const words[] = {
        [BACKUP_NO_MEDIUM] =
            "that medium is not registered (媒体 of the console), or is out already",
        [BACKUP_BAD_ORDER] = "a text is empty or too long (purpose 500 characters, others 100), or "
                             "the day is past",
        [BACKUP_UNKNOWN] = "nothing of that number waits, or is out",
        [BACKUP_OWN] = "you asked for it yourself: another person approves",
    };
    return answer == BACKUP_DONE || failure_set(f, FAILURE_USAGE, "%s", words[answer]);
}

static bool ask_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct taking *t = context;
    enum backup_answer answer;
    return backup_ask(tx, &t->look.who, &t->order, &t->number, &answer, f) && answered(answer, f);
}

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct taking *t = context;
    enum backup_answer answer;
    return backup_approve(tx, &t->look.who, t->number, &answer, f) && answered(answer, f);
}

static bool end_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct taking *t = context;
    enum backup_answer answer;
    return backup_end(tx, &t->look.who, t->number, t->how, &answer, f) && answered(answer, f);
}

static int act(const struct command *command, const struct config *config, db_work *work,
               struct taking *t, const char *done)
{
    int code = console_look_run(command, config, work, t, &t->look);
    if (code == EXIT_DONE)
        printf("%" PRId64 " %s\n", t->number, done);
    console_look_close(&t->look);
    return code;
}

static int run_take_out(const struct config *config, int argc, char **argv)
{
    struct taking t = {0};
    const char *until = NULL;
    const struct word_option options[] = {{"--contents", &t.order.contents, NULL},
                                          {"--purpose", &t.order.purpose, NULL},
                                          {"--key-holder", &t.order.key_holder, NULL},
                                          {"--until", &until, NULL}};
    if (!words_read(&backup_take_out_command, argc, argv, options, 4, &t.order.medium, 1))
        return EXIT_USAGE;
    if (!t.order.contents || !t.order.purpose || !t.order.key_holder || !until ||
        !day_parse(until, &t.order.due))
        return command_usage(&backup_take_out_command,
                             "needs --contents, --purpose, --key-holder and --until YYYY-MM-DD");
    return act(
        &backup_take_out_command, config, ask_work, &t,
        "is its number. Another person: uketsuke backup approve NUMBER; until then it stays.");
}

static int run_approve(const struct config *config, int argc, char **argv)
{
    struct taking t = {0};
    const char *number;
    if (!words_read(&backup_approve_command, argc, argv, NULL, 0, &number, 1))
        return EXIT_USAGE;
    if (!number_parse(number, 1, INT64_MAX, &t.number))
        return command_usage(&backup_approve_command, "takes the number of a take-out");
    return act(&backup_approve_command, config, approve_work, &t, "may be taken out.");
}

static int run_return(const struct config *config, int argc, char **argv)
{
    struct taking t = {0};
    const char *number;
    const struct word_option options[] = {{"--how", &t.how, NULL}};
    if (!words_read(&backup_return_command, argc, argv, options, 1, &number, 1))
        return EXIT_USAGE;
    if (!t.how || !number_parse(number, 1, INT64_MAX, &t.number))
        return command_usage(&backup_return_command, "takes the number of a take-out, and --how");
    return act(&backup_return_command, config, end_work, &t, "is written off.");
}

/* --- looking -----------------------------------------------------------------------------------
 */

struct looking {
    const char *city_code;
    bool open;
    json_t *list;
};

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct looking *l = context;
    json_decref(TAKE(l->list));
    return backup_list(tx, l->city_code, day_of_instant(clock_now()), l->open, &l->list, f);
}

static const char *text_of(const json_t *one, const char *name)
{
    const char *text = json_string_value(json_object_get(one, name));
    return text ? text : "-";
}

static int print_list(const json_t *list)
{
    size_t i;
    json_t *one;
    int overdue = 0;
    json_array_foreach (list, i, one) {
        overdue += strcmp(text_of(one, "state"), "overdue") == 0;
        printf("%" JSON_INTEGER_FORMAT "  %-8s  %s  until %s  %s\n"
               "    asked by %s, approved by %s, key with %s; %s%s%s\n",
               json_integer_value(json_object_get(one, "number")), text_of(one, "state"),
               text_of(one, "medium"), text_of(one, "due"), text_of(one, "contents"),
               text_of(one, "asked_by"), text_of(one, "approved_by"), text_of(one, "key_holder"),
               text_of(one, "purpose"), json_is_null(json_object_get(one, "how")) ? "" : "; ",
               json_is_null(json_object_get(one, "how")) ? "" : text_of(one, "how"));
    }
    if (!json_array_size(list))
        puts("No backup is out.");
    if (overdue)
        printf("%d overdue.\nNext: have it back or destroyed, then uketsuke backup return NUMBER\n",
               overdue);
    return overdue ? EXIT_NO : EXIT_DONE;
}

static int run_list(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    bool all = false, json = false;
    const struct word_option options[] = {{"--all", NULL, &all}, {"--json", NULL, &json}};
    if (!words_read(&backup_list_command, argc, argv, options, 2, NULL, 0))
        return EXIT_USAGE;
    struct looking l = {.city_code = settings_city_code(config, &f), .open = !all};
    bool done = l.city_code && look_open(config, &db, &f) && db_transaction(db, list_work, &l, &f);
    db_close(db);
    if (!done)
        return command_fail("backup list", EXIT_FAILED, &f);
    if (json) {
        json_dumpf(l.list, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    int code = json ? EXIT_DONE : print_list(l.list);
    json_decref(l.list);
    return code;
}

const struct command backup_take_out_command = {
    .name = "backup take-out",
    .summary = "Ask to take a backup out of the house (授受簿)",
    .usage =
        "Usage: uketsuke backup take-out MEDIUM --contents TEXT --purpose TEXT\n"
        "           --key-holder NAME --until YYYY-MM-DD [--config FILE]\n"
        "\n"
        "Writes down which backup is to leave, on which registered medium, why, until when it is\n"
        "back or destroyed, and who keeps the key that opens it (never who carries it). It may\n"
        "leave when another person has approved. Exit code 0 when done, 1 when it cannot be,\n"
        "3 when we could not.\n"
        "\n"
        "Example: uketsuke backup take-out M-7 --contents '2026-11-28 の基礎バックアップ' \\\n"
        "             --purpose 遠隔地保管 --key-holder 情報管理課長 --until 2026-12-28\n",
    .needs_config = true,
    .run = run_take_out,
};

const struct command backup_approve_command = {
    .name = "backup approve",
    .summary = "As the second person: a backup may be taken out",
    .usage = "Usage: uketsuke backup approve NUMBER [--config FILE]\n"
             "\n"
             "Another person than who asked, and the medium still registered. Exit code 0 when\n"
             "done, 1 when it cannot be, 3 when we could not.\n"
             "\n"
             "Example: uketsuke backup approve 12\n",
    .needs_config = true,
    .run = run_approve,
};

const struct command backup_return_command = {
    .name = "backup return",
    .summary = "Write down that a backup is back, or destroyed",
    .usage = "Usage: uketsuke backup return NUMBER --how TEXT [--config FILE]\n"
             "\n"
             "Also for one that was asked for and never left (--how 持ち出さず). What is written\n"
             "stays. Exit code 0 when done, 1 when it cannot be, 3 when we could not.\n"
             "\n"
             "Example: uketsuke backup return 12 --how '返却、媒体を消去'\n",
    .needs_config = true,
    .run = run_return,
};

const struct command backup_list_command = {
    .name = "backup list",
    .summary = "Which backups are out of the house, and which are overdue",
    .usage = "Usage: uketsuke backup list [--all] [--json] [--config FILE]\n"
             "\n"
             "Each morning by a timer: exit code 1 says that one is past its day.\n"
             "\n"
             "  --all    those that are back or destroyed, too\n"
             "  --json   as JSON; then the exit code is 0\n"
             "\n"
             "Exit codes: 0 none is overdue, 1 one is, 3 the database could not be asked.\n"
             "Example: uketsuke backup list\n",
    .needs_config = true,
    .run = run_list,
};

/* retention list, retention run: what the time of keeping is over for. */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/console_look.h"
#include "intake/commands/look.h"
#include "intake/retention.h"

extern const struct command retention_list_command;
extern const struct command retention_run_command;

static int64_t number_of(const json_t *one, const char *name)
{
    return json_integer_value(json_object_get(one, name));
}

static void print_list(json_t *list)
{
    size_t i;
    json_t *one, *count;
    const char *obstacle;
    json_array_foreach (list, i, one) {
        int64_t years = number_of(one, "retention_years");
        printf("%s: %" PRId64 " %s; what ended before %.10s: %" PRId64 " may be forgotten\n",
               json_string_value(json_object_get(one, "procedure")),
               years ? years : number_of(one, "retention_days"), years ? "years" : "days",
               json_string_value(json_object_get(one, "ended_before")),
               number_of(one, "forgettable"));
        json_object_foreach (json_object_get(one, "kept"), obstacle, count)
            printf("    kept, %s: %" JSON_INTEGER_FORMAT "\n", obstacle, json_integer_value(count));
    }
    puts(json_array_size(list) ? "All other procedures are kept for ever.\n"
                                 "Next: uketsuke retention run (tells only), then --forget"
                               : "Everything is kept for ever: no [route] has a retention.");
}

static int run_list(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    bool json = false;
    _cleanup_(cleanup_json) json_t *list = NULL;
    const struct word_option options[] = {{"--json", NULL, &json}};
    if (!words_read(&retention_list_command, argc, argv, options, 1, NULL, 0))
        return EXIT_USAGE;
    const char *city_code = settings_city_code(config, &f);
    bool done = city_code && look_open(config, &db, &f) &&
                retention_look(db, config, city_code, clock_now(), &list, &f);
    db_close(db);
    if (!done)
        return command_fail("retention list", EXIT_FAILED, &f);
    if (json) {
        json_dumpf(list, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        print_list(list);
    }
    return EXIT_DONE;
}

static void tell(const char *receipt_number, const char *procedure_id, void *context)
{
    (void)context;
    printf("%s  %s\n", receipt_number, procedure_id);
}

/* Who only looks needs no more than that. */
static bool forget(const struct config *config, bool really, int64_t *ret_count, struct failure *f)
{
    struct db *db = NULL;
    struct console_look look = {0};
    struct retention_run run = {.city_code = settings_city_code(config, f), .tell = tell};
    bool done = run.city_code && look_open(config, &db, f) &&
                (!really || console_look_open(config, &look, f));
    run.administrator = look.db;
    run.actor = look.actor;
    done = done && retention_run(db, config, &run, clock_now(), ret_count, f);
    console_look_close(&look);
    db_close(db);
    return done;
}

static int run_run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    bool really = false;
    int64_t count = 0;
    const struct word_option options[] = {{"--forget", NULL, &really}};
    if (!words_read(&retention_run_command, argc, argv, options, 1, NULL, 0))
        return EXIT_USAGE;
    if (!forget(config, really, &count, &f))
        return command_fail("retention run", EXIT_FAILED, &f);
    printf(really ? "%" PRId64 " %s forgotten.\n"
                  : "%" PRId64 " %s would be forgotten.\nNext: the same with --forget; nothing "
                    "brings them back.\n",
           count, text_plural(count, "application", "applications"));
    return EXIT_DONE;
}

const struct command retention_list_command = {
    .name = "retention list",
    .summary = "How long each procedure's applications are kept, and what is over",
    .usage = "Usage: uketsuke retention list [--json] [--config FILE]\n"
             "\n"
             "For each [route] with retention-years or retention-days: how many applications that\n"
             "ended and whose time is over may be forgotten, and how many are kept all the same:\n"
             "\n"
             "  not-finished     refused or superseded: no business system has it\n"
             "  not-handed-over  no receipt of a business system\n"
             "  message-waits    something about it is still to be fetched or told\n"
             "  not-told         the portal has not taken how it ended\n"
             "  withdrawal       a withdrawal is not settled\n"
             "  at-work          somebody works on it\n"
             "  taken-out        paper or a file of it is not written off (授受簿)\n"
             "\n"
             "Exit codes: 0 done, 3 the database could not be asked.\n"
             "Example: uketsuke retention list\n",
    .needs_config = true,
    .run = run_list,
};

const struct command retention_run_command = {
    .name = "retention run",
    .summary = "Forget the applications whose time of keeping is over",
    .usage =
        "Usage: uketsuke retention run [--forget] [--config FILE]\n"
        "\n"
        "Tells which applications would be forgotten: their receipt numbers. With --forget, the\n"
        "key of each is destroyed, with it all that it sealed (in the backups too, from the day\n"
        "on which no backup has that key), and who the applicant is, is cleared. What stays:\n"
        "receipt number, states and times, the hand-over, the trail, which gets an entry\n"
        "application.forgotten for each. May be interrupted and run again. --forget is for a\n"
        "person who logged in, as role administrator (as user add).\n"
        "Exit codes: 0 done, 3 it could not be done.\n"
        "Example: uketsuke retention run\n",
    .needs_config = true,
    .run = run_run,
};

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/escalation.h"

extern const struct command routing_report_command;

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void print_table(const json_t *report)
{
    size_t i;
    json_t *row;
    json_array_foreach (report, i, row)
        printf("%-20s  %5" JSON_INTEGER_FORMAT "  oldest since %s  told: %s\n",
               text_of(row, "what"), json_integer_value(json_object_get(row, "count")),
               text_of(row, "oldest"), text_of(row, "step"));
    puts(json_array_size(report) ? "`uketsuke routing list --destination NAME` shows each item of "
                                   "a business system, and why\n"
                                   "its last try failed; `uketsuke status` what waits for staff."
                                 : "Nothing waits for too long.");
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json)
        return command_usage(&routing_report_command, "takes nothing but --json");
    const char *city_code = settings_city_code(config, &f);
    if (!city_code || !look_open(config, &db, &f))
        return command_fail("routing report", EXIT_FAILED, &f);
    _cleanup_(cleanup_json) json_t *report = escalation_report(db, city_code, &f);
    db_close(db);
    if (!report)
        return command_fail("routing report", EXIT_FAILED, &f);
    if (json) {
        json_dumpf(report, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        print_table(report);
    }
    return json_array_size(report) ? EXIT_NO : EXIT_DONE;
}

const struct command routing_report_command = {
    .name = "routing report",
    .summary = "The report of the day: what waits for too long, and who was told",
    .usage =
        "Usage: uketsuke routing report [--json] [--config FILE]\n"
        "\n"
        "What a business system does not fetch, and what waits for staff, past [escalation]\n"
        "operator-after: how many, since when, and how far it was told (operator, department,\n"
        "report). Run it each morning by a timer, and send on what it prints.\n"
        "\n"
        "Exit code 0 when nothing waits for too long, 1 when something does, 3 when the database\n"
        "could not be asked.\n"
        "\n"
        "Example: uketsuke routing report\n",
    .needs_config = true,
    .run = run,
};

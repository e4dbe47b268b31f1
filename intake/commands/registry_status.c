#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/commands/registry_look.h"
#include "intake/registry/report.h"

extern const struct command registry_status_command;

static const char *text_of(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

static long long number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void feed_print(const json_t *feed)
{
    char age[LOOK_AGE] = "";
    instant as_of;
    if (instant_parse(text_of(feed, "as_of"), &as_of))
        look_age(as_of, clock_now(), age);
    printf("  %-9s of %-12s %.19s, %s old; import %lld%s, sequence %lld: %lld rows, %lld added, "
           "%lld changed, %lld removed\n",
           text_of(feed, "kind"), text_of(feed, "source"), text_of(feed, "as_of"), age,
           number_of(feed, "import"), json_is_true(json_object_get(feed, "full")) ? " (full)" : "",
           number_of(feed, "sequence"), number_of(feed, "rows"), number_of(feed, "added"),
           number_of(feed, "changed"), number_of(feed, "removed"));
}

static void waiting_print(const json_t *import)
{
    printf("  import %lld (%s of %s, by %s) would remove %lld of %lld: %s\n",
           number_of(import, "import"), text_of(import, "kind"), text_of(import, "source"),
           text_of(import, "actor"), number_of(import, "removed"), number_of(import, "before"),
           strcmp(text_of(import, "state"), "approved") ? "a second person runs `uketsuke registry "
                                                          "approve`"
                                                        : "approved; import the feed again");
}

static void status_print(const json_t *report)
{
    size_t i;
    const json_t *row, *feeds = json_object_get(report, "feeds"),
                       *waiting = json_object_get(report, "waiting");
    puts(json_array_size(feeds) ? "The last feeds:" : "No feed was imported yet.");
    json_array_foreach (feeds, i, row)
        feed_print(row);
    if (json_array_size(waiting))
        puts("Waiting:");
    json_array_foreach (waiting, i, row)
        waiting_print(row);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    bool json = argc == 2 && !strcmp(argv[1], "--json");
    _cleanup_(registry_look_close) struct registry_look look = {0};
    _cleanup_(cleanup_json) json_t *report = NULL;
    if (argc > 1 && !json)
        return command_usage(&registry_status_command, "takes nothing but --json");
    if (!registry_look_open(config, false, &look, &f) ||
        !registry_status(look.db, look.city_code, &report, &f))
        return command_fail("registry status", EXIT_FAILED, &f);
    if (json) {
        json_dumpf(report, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        status_print(report);
    }
    return json_array_size(json_object_get(report, "waiting")) ? EXIT_LATER : EXIT_DONE;
}

const struct command registry_status_command = {
    .name = "registry status",
    .summary = "Which feeds of the registry came last, and what waits for a second person",
    .usage = "Usage: uketsuke registry status [--json] [--config FILE]\n"
             "\n"
             "Exit code 0, or 2 when an import waits for a second person, or for being run\n"
             "again after that; 3 when we could not look.\n"
             "\n"
             "Example: uketsuke registry status\n",
    .needs_config = true,
    .run = run,
};

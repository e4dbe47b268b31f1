#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/status.h"

extern const struct command status_command;

struct printing {
    instant now;
};

static const char *age_of(const struct printing *p, const json_t *row, const char *name,
                          char text[LOOK_AGE])
{
    instant at;
    const char *value = json_string_value(json_object_get(row, name));
    if (value && instant_parse(value, &at))
        return look_age(at, p->now, text);
    return memcpy(text, "-", sizeof "-");
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

static long long number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void print_state(const struct printing *p, const json_t *row)
{
    char age[LOOK_AGE];
    printf("  %-11s %7lld   oldest %-9s %s\n", text_of(row, "state"), number_of(row, "count"),
           age_of(p, row, "oldest", age), text_of(row, "name"));
}

static void print_reason(const struct printing *p, const json_t *row)
{
    char age[LOOK_AGE];
    printf("  %-11s %7lld   oldest %-9s %s\n", text_of(row, "state"), number_of(row, "count"),
           age_of(p, row, "oldest", age), text_of(row, "reason"));
}

static void print_work(const struct printing *p, const json_t *row)
{
    char age[LOOK_AGE];
    age_of(p, row, "oldest_due", age);
    printf("  %-11s %7lld   %lld due, %lld overdue, %lld failing; first %s%s%s%s\n",
           text_of(row, "stage"), number_of(row, "count"), number_of(row, "due"),
           number_of(row, "overdue"), number_of(row, "failing"),
           strncmp(age, "in ", 3) == 0 ? "due " : "due since ", age,
           *text_of(row, "note") ? "; last note: " : "", text_of(row, "note"));
}

static void print_outbox(const struct printing *p, const json_t *row)
{
    char age[LOOK_AGE];
    printf("  %-24s %7lld   oldest %s, %lld %s%s%s\n", text_of(row, "destination"),
           number_of(row, "count"), age_of(p, row, "oldest", age), number_of(row, "tried"),
           text_plural(number_of(row, "tried"), "try", "tries"),
           *text_of(row, "last_error") ? "; last error: " : "", text_of(row, "last_error"));
}

static void print_list(const struct printing *p, const char *title, const json_t *list,
                       void (*print)(const struct printing *p, const json_t *row))
{
    if (json_array_size(list) == 0)
        return;
    printf("\n%s\n", title);
    for (size_t i = 0; i < json_array_size(list); i++)
        print(p, json_array_get(list, i));
}

static void print_problems(const json_t *problems)
{
    if (json_array_size(problems) == 0) {
        puts("\nNothing needs attention.");
        return;
    }
    printf("\nNEEDS ATTENTION: %zu\n", json_array_size(problems));
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *problem = json_array_get(problems, i);
        printf("  %zu. %s\n     -> %s\n", i + 1, text_of(problem, "what"),
               text_of(problem, "next"));
    }
}

static void print_text(const json_t *status)
{
    struct printing p = {0};
    char time[LOOK_TIME], age[LOOK_AGE];
    const json_t *revocation = json_object_get(status, "revocation");
    instant_parse(text_of(status, "at"), &p.now);
    printf("City %s at %s (JST)\n", text_of(status, "city_code"), look_time(p.now, time));
    print_list(&p, "Applications, by state", json_object_get(status, "states"), print_state);
    print_list(&p, "Held and unmatched, by reason", json_object_get(status, "reasons"),
               print_reason);
    print_list(&p, "Work, by stage", json_object_get(status, "work"), print_work);
    print_list(&p, "Outbox, by destination", json_object_get(status, "outbox"), print_outbox);
    age_of(&p, json_object_get(status, "audit"), "checkpoint", age);
    printf("\nAudit trail   last checkpoint %s%s\n", *age == '-' ? "never" : age,
           *age == '-' ? "" : " ago");
    if (revocation && number_of(revocation, "lists") == 0)
        puts("Revocation    no list");
    else if (revocation)
        printf("Revocation    %lld %s, the newest came %s ago\n", number_of(revocation, "lists"),
               text_plural(number_of(revocation, "lists"), "list", "lists"),
               age_of(&p, revocation, "newest", age));
    print_problems(json_object_get(status, "problems"));
}

static bool read_status(const struct config *config, json_t **ret_status, struct failure *f)
{
    struct db *db = NULL;
    if (!settings_city_code(config, f) || !look_open(config, &db, f))
        return false;
    bool done = status_read(db, config, ret_status, f);
    db_close(db);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *status = NULL;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc > 1 && !json)
        return command_usage(&status_command, "takes --json only");
    if (!read_status(config, &status, &f))
        return command_fail("status", EXIT_FAILED, &f);
    if (json) {
        json_dumpf(status, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_text(status);
    }
    return json_array_size(json_object_get(status, "problems")) ? EXIT_NO : EXIT_DONE;
}

const struct command status_command = {
    .name = "status",
    .summary = "What waits where, oldest first, and what is wrong",
    .usage =
        "Usage: uketsuke status [--json]\n"
        "\n"
        "How many applications are in each state and how long the oldest has been; what is held\n"
        "or unmatched, by reason; what waits for each stage and for each business system; how old\n"
        "the revocation lists and the last audit checkpoint are. Then what needs attention, each\n"
        "with what to do next. Waiting never loses an application.\n"
        "\n"
        "Exit codes: 0 nothing needs attention, 1 something does, 3 the database could not be\n"
        "asked (is PostgreSQL running? is [database] connection right?).\n"
        "Example: uketsuke status\n",
    .needs_config = true,
    .run = run,
};

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/annual.h"
#include "intake/command.h"
#include "intake/commands/console_look.h"
#include "intake/commands/look.h"
#include "intake/console/account.h"

extern const struct command audit_annual_command;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "-";
}

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

#define NUMBER "%10" JSON_INTEGER_FORMAT

static void print_stored(const json_t *list)
{
    size_t i;
    json_t *one;
    printf("\nApplications that are stored, by the fiscal year of application\n"
           "  %-6s%-46s%10s%10s%10s%10s\n",
           "year", "procedure", "count", "readable", "forgotten", "open");
    json_array_foreach (list, i, one)
        printf("  %-6" JSON_INTEGER_FORMAT "%-46s" NUMBER NUMBER NUMBER NUMBER "\n",
               number_of(one, "year"), text_of(one, "procedure_id"), number_of(one, "applications"),
               number_of(one, "readable"), number_of(one, "forgotten"), number_of(one, "open"));
}

static void print_access(const json_t *acts, const json_t *persons)
{
    size_t i;
    json_t *one;
    printf("\nAccess records: what people did\n  %-32s%10s%10s\n", "act", "entries", "persons");
    json_array_foreach (acts, i, one)
        printf("  %-32s" NUMBER NUMBER "\n", text_of(one, "action"), number_of(one, "entries"),
               number_of(one, "persons"));
    printf("\nAccess records: who\n  %-32s%-13s%10s%14s%10s\n", "person", "kind", "entries",
           "applications", "sign-ins");
    json_array_foreach (persons, i, one)
        printf("  %-32s%-13s" NUMBER "%14" JSON_INTEGER_FORMAT NUMBER "\n", text_of(one, "person"),
               text_of(one, "kind"), number_of(one, "entries"), number_of(one, "applications"),
               number_of(one, "sign_ins"));
}

static void print_checks(const json_t *reviews, const json_t *verification)
{
    size_t i;
    json_t *one;
    puts("\nChecks of the access records");
    json_array_foreach (reviews, i, one)
        printf("  %-32s signed off %" JSON_INTEGER_FORMAT " %s, last %.10s\n",
               text_of(one, "report"), number_of(one, "reviews"),
               text_plural(number_of(one, "reviews"), "time", "times"), text_of(one, "last"));
    if (json_array_size(reviews) == 0)
        puts("  no report was signed off");
    if (json_is_object(verification))
        printf("  the trail was verified last on %.10s: %s\n", text_of(verification, "at"),
               json_is_true(json_object_get(verification, "intact")) ? "intact" : "NOT intact");
    else
        puts("  the trail was never verified: uketsuke audit verify");
}

static void print_outputs(const json_t *prints, const json_t *files)
{
    size_t i;
    json_t *one;
    printf("\nTaken out (授受簿)\n  prints: %" JSON_INTEGER_FORMAT ", with 個人番号 "
           "%" JSON_INTEGER_FORMAT ", not written off %" JSON_INTEGER_FORMAT "\n  files: %zu\n",
           number_of(prints, "count"), number_of(prints, "with_numbers"), number_of(prints, "open"),
           json_array_size(files));
    json_array_foreach (files, i, one)
        printf(
            "  %8" JSON_INTEGER_FORMAT "  %.10s  by %s at %s, approved by %s%s, medium %s, fetched "
            "%" JSON_INTEGER_FORMAT " %s, %s %.10s\n",
            number_of(one, "number"), text_of(one, "asked_at"), text_of(one, "asked_by"),
            text_of(one, "terminal"), text_of(one, "approved_by"),
            json_is_true(json_object_get(one, "many")) ? " (as one of many)" : "",
            text_of(one, "medium"), number_of(one, "fetches"),
            text_plural(number_of(one, "fetches"), "time", "times"),
            json_is_null(json_object_get(one, "disposed_at")) ? "not written off" : "gone",
            json_is_null(json_object_get(one, "disposed_at")) ? "" : text_of(one, "disposed_at"));
}

static void print_report(const json_t *report)
{
    printf("Annual report of fiscal year %" JSON_INTEGER_FORMAT " (%s to %s), as of %.19s\n",
           number_of(report, "year"), text_of(report, "from"), text_of(report, "to"),
           text_of(report, "at"));
    print_stored(json_object_get(report, "stored"));
    print_access(json_object_get(report, "acts"), json_object_get(report, "persons"));
    print_checks(json_object_get(report, "reviews"), json_object_get(report, "verification"));
    print_outputs(json_object_get(report, "prints"), json_object_get(report, "files"));
}

static bool kind_known(const char *kind)
{
    for (enum account_kind known = 0; known < ACCOUNT_KIND_COUNT; known++)
        if (strcmp(account_kind_code(known), kind) == 0)
            return true;
    return false;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct db *db = NULL;
    char actor[96];
    bool json = false;
    const char *given = NULL, *kind = NULL;
    int64_t year = annual_year(day_of_instant(clock_now())) - 1;
    const struct word_option options[] = {
        {"--year", &given, NULL}, {"--kind", &kind, NULL}, {"--json", NULL, &json}};
    if (!words_read(&audit_annual_command, argc, argv, options, 3, NULL, 0))
        return EXIT_USAGE;
    if (kind && !kind_known(kind))
        return command_usage(&audit_annual_command, "--kind is staff, contractor or break-glass");
    if (given && !number_parse(given, ANNUAL_YEAR_LEAST, ANNUAL_YEAR_MOST, &year))
        return command_usage(&audit_annual_command, "--year is a fiscal year, like 2026");
    const char *city_code = settings_city_code(config, &f);
    if (!city_code || !look_open(config, &db, &f))
        return command_fail("audit annual", EXIT_FAILED, &f);
    _cleanup_(cleanup_json) json_t *report =
        annual_report(db, city_code, (int)year, kind, look_actor(actor, sizeof actor), &f);
    db_close(db);
    if (!report)
        return command_fail("audit annual", EXIT_FAILED, &f);
    if (json) {
        json_dumpf(report, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        print_report(report);
    }
    return EXIT_DONE;
}

const struct command audit_annual_command = {
    .name = "audit annual",
    .summary = "The year's report: what is stored, who worked with it, what left the house",
    .usage =
        "Usage: uketsuke audit annual [--year YEAR] [--kind KIND] [--json] [--config FILE]\n"
        "\n"
        "For the yearly check (維持管理点検) of how personal data are kept: applications that are\n"
        "stored, by the fiscal year of application, and of how many the key is destroyed; what\n"
        "people did, and who, in the audit trail; which checks were signed off; prints and files\n"
        "of the hand-over book, and whether they were written off. Nothing about residents; why\n"
        "and to whom something left stands in 授受簿 of the console, by the same number. Making\n"
        "the report is an entry of the trail (audit.annual).\n"
        "\n"
        "  --year YEAR   the fiscal year that begins in April of YEAR; else the last that ended\n"
        "  --kind KIND   only what people with accounts of this kind (staff, contractor,\n"
        "                break-glass) did and took out\n"
        "  --json        as JSON\n"
        "\n"
        "Exit codes: 0 done, 3 the database could not be asked.\n"
        "Example: uketsuke audit annual --year 2026\n",
    .needs_config = true,
    .run = run,
};

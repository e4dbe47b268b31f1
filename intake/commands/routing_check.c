#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/command.h"
#include "intake/routing_check.h"
#include "routing/files.h"
#include "routing/route.h"

extern const struct command routing_check_command;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && *text ? text : "-";
}

static void print_words(const char *before, const json_t *words)
{
    size_t i;
    json_t *word;
    if (!json_array_size(words))
        return;
    printf("  %s", before);
    json_array_foreach (words, i, word)
        printf("%s%s", i ? ", " : "", json_string_value(word));
    putchar('\n');
}

static void print_retention(const json_t *route)
{
    json_int_t years = json_integer_value(json_object_get(route, "retention_years"));
    json_int_t days = json_integer_value(json_object_get(route, "retention_days"));
    if (years || days)
        printf("  保存期間  終了後%" JSON_INTEGER_FORMAT "%s\n", years ? years : days,
               years ? "年" : "日");
    else
        puts("  保存期間  無期限");
}

static void print_route(const json_t *route)
{
    size_t i;
    json_t *other;
    printf("%s (%s) -> %s (%s)%s\n", text_of(route, "procedure"), text_of(route, "name"),
           text_of(route, "destination"), text_of(route, "hand_over"),
           json_is_true(json_object_get(route, "approval")) ? ", after approval by staff" : "");
    printf("  根拠法令  %s\n  事務・部署  %s・%s\n", text_of(route, "legal_basis"),
           text_of(route, "business"), text_of(route, "department"));
    print_retention(route);
    print_words("項目      ", json_object_get(route, "fields"));
    print_words("個人番号  ", json_object_get(route, "individual_numbers"));
    json_array_foreach (json_object_get(route, "alternatives"), i, other) {
        printf("  職員が選べる連携先 -> %s\n", text_of(other, "destination"));
        print_words("  項目      ", json_object_get(other, "fields"));
        print_words("  個人番号  ", json_object_get(other, "individual_numbers"));
    }
}

static size_t print_list(const json_t *result, const char *list, const char *word)
{
    size_t i;
    json_t *text;
    const json_t *all = json_object_get(result, list);
    json_array_foreach (all, i, text)
        printf("%s: %s\n", word, json_string_value(text));
    return json_array_size(all);
}

static void print_all(const json_t *result)
{
    size_t i;
    json_t *route;
    json_array_foreach (json_object_get(result, "routes"), i, route)
        print_route(route);
    size_t errors = print_list(result, "errors", "ERROR"),
           warnings = print_list(result, "warnings", "warning");
    print_list(result, "notes", "note");
    printf("%zu procedures, %zu errors, %zu warnings\n",
           json_array_size(json_object_get(result, "routes")), errors, warnings);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct procedures *procedures = NULL;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json)
        return command_usage(&routing_check_command, "takes nothing but --json");
    if (!routes_check(config, &f) || !files_check(config, &f))
        return command_fail("routing check", EXIT_NO, &f);
    if (!procedures_load(config_text(config_group(config, "forms"), "procedures"), &procedures, &f))
        return command_fail("routing check", EXIT_FAILED, &f);
    _cleanup_(cleanup_json) json_t *result = routing_check(config, procedures);
    procedures_free(procedures);
    if (json) {
        json_dumpf(result, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        print_all(result);
    }
    return json_array_size(json_object_get(result, "errors")) ? EXIT_NO : EXIT_DONE;
}

const struct command routing_check_command = {
    .name = "routing check",
    .summary = "Explain the route table, and refuse what contradicts itself",
    .usage = "Usage: uketsuke routing check [--json] [--config FILE]\n"
             "\n"
             "Of each procedure: where it goes and how, by which law, which items of its record,\n"
             "and whether 個人番号 is among them; the same of where staff may send one instead.\n"
             "An error is what would be held, or must not go: 個人番号 to a destination without\n"
             "its legal basis, a route to nowhere, or one that says pull where files go; a\n"
             "destination that lacks certificate, client-id, secret, or whose [files] is not\n"
             "sound. Warnings: a procedure without a route, a route without a procedure, a\n"
             "destination in record.xml that does not exist. Needs no database.\n"
             "\n"
             "Exit code 0 without errors, 1 with, 3 when the procedures could not be read.\n"
             "\n"
             "Example: uketsuke routing check\n",
    .needs_config = true,
    .run = run,
};

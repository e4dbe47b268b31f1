/* `uketsuke forms check`: what is wrong in the definitions of procedures. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "forms/procedure.h"
#include "intake/command.h"

extern const struct command forms_check_command;

static bool has_folder(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            return true;
    return false;
}

static void print_problem(const char *folder, const json_t *problem)
{
    const char *file = json_string_value(json_object_get(problem, "file"));
    json_int_t line = json_integer_value(json_object_get(problem, "line"));
    printf("%s%s%s", folder, *file ? "/" : "", file);
    if (line > 0)
        printf(":%lld", (long long)line);
    printf(": %s\n", json_string_value(json_object_get(problem, "problem")));
}

/* Returns how many problems there are. */
static size_t print_all(const json_t *procedures, bool json)
{
    size_t i, k, count = 0;
    json_t *procedure, *problem;
    json_array_foreach ((json_t *)procedures, i, procedure) {
        const json_t *problems = json_object_get(procedure, "problems");
        count += json_array_size(problems);
        json_array_foreach ((json_t *)problems, k, problem)
            if (!json)
                print_problem(json_string_value(json_object_get(procedure, "folder")), problem);
    }
    if (json) {
        json_dumpf(procedures, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
        putchar('\n');
        return count;
    }
    size_t checked = json_array_size(procedures);
    printf("%zu %s, %zu %s\n", checked, text_plural((int64_t)checked, "procedure", "procedures"),
           count, text_plural((int64_t)count, "problem", "problems"));
    return count;
}

static int run(const struct config *config, int argc, char **argv)
{
    static const struct option long_options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    _cleanup_(cleanup_json) json_t *procedures = NULL;
    struct failure f = {0};
    bool json = false;
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (c == '?')
            return command_usage(&forms_check_command, "cannot take %s", argv[optind - 1]);
        json = true;
    }
    if (argc - optind > 1)
        return command_usage(&forms_check_command, "one folder");
    const char *folder = argv[optind] ?: config_text(config_group(config, "forms"), "procedures");
    if (!procedures_check(folder, &procedures, &f))
        return command_fail(forms_check_command.name, EXIT_FAILED, &f);
    return print_all(procedures, json) == 0 ? EXIT_DONE : EXIT_NO;
}

const struct command forms_check_command = {
    .name = "forms check",
    .summary = "Say what is wrong in the definitions of procedures",
    .usage = "Usage: uketsuke forms check [FOLDER] [--json]\n"
             "\n"
             "Looks at every procedure below FOLDER (default: [forms] procedures) and says, with\n"
             "file and line, what is wrong in its definition: items on which form.xsd, labels.xml\n"
             "and record.xml do not agree, rules that cannot be read, name what the form does not\n"
             "have, or are too expensive, rules without a case that trips them and one at their\n"
             "edge, and examples that come out otherwise than they say.\n"
             "docs/formats/procedure.md tells how a definition is written. Needs no database.\n"
             "\n"
             "  --json   [{\"folder\", \"procedure\", \"version\", \"problems\": [{\"file\", "
             "\"line\",\n"
             "           \"problem\"}]}]\n"
             "\n"
             "Exit code: 0 all good, 1 problems, 3 the folder cannot be read.\n"
             "\n"
             "Example: uketsuke forms check forms/procedures\n",
    .needs_config = true,
    .stands_alone = has_folder,
    .run = run,
};

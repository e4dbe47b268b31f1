/* `uketsuke forms describe`: procedures as JSON for screens. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "forms/procedure.h"
#include "intake/command.h"

extern const struct command forms_describe_command;

struct options {
    const char *folder, *version, *id;
    bool all;
};

static bool has_folder(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--procedures", 12) == 0)
            return true;
    return false;
}

static bool options_read(int argc, char **argv, struct options *ret_options)
{
    static const struct option long_options[] = {{"all", no_argument, NULL, 'a'},
                                                 {"procedures", required_argument, NULL, 'p'},
                                                 {"version", required_argument, NULL, 'v'},
                                                 {0}};
    struct options options = {0};
    for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (c == '?')
            return false;
        options.all |= c == 'a';
        if (c == 'p')
            options.folder = optarg;
        if (c == 'v')
            options.version = optarg;
    }
    options.id = argv[optind];
    *ret_options = options;
    return options.all ? optind == argc && !options.version : optind + 1 == argc;
}

static bool wanted(const struct procedure *procedure, const struct options *options)
{
    return options->all ||
           (strcmp(procedure_id(procedure), options->id) == 0 &&
            (!options->version || strcmp(procedure_version(procedure), options->version) == 0));
}

/* --all: a list of all; else the last version of the one, or the version that is asked for. */
static json_t *describe(const struct procedures *procedures, const struct options *options)
{
    const struct procedure *last = NULL;
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        const struct procedure *procedure = procedures_at(procedures, i);
        if (!wanted(procedure, options))
            continue;
        last = procedure;
        if (options->all)
            json_array_append_new(list, procedure_describe(procedure));
    }
    if (options->all)
        return TAKE(list);
    return last ? procedure_describe(last) : NULL;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct options options;
    struct procedures *procedures;
    struct failure f = {0};
    if (!options_read(argc, argv, &options))
        return command_usage(&forms_describe_command, "one ID, or --all");
    if (!options.folder)
        options.folder = config_text(config_group(config, "forms"), "procedures");
    if (!procedures_load(options.folder, &procedures, &f))
        return command_fail("forms describe", EXIT_FAILED, &f);
    _cleanup_(cleanup_json) json_t *description = describe(procedures, &options);
    _cleanup_(cleanup_text) char *text =
        description ? json_dumps(description, JSON_INDENT(1)) : NULL;
    procedures_free(procedures);
    if (!text) {
        fprintf(stderr, "uketsuke forms describe: there is no procedure %s%s%s\n", options.id,
                options.version ? " of version " : "", options.version ? options.version : "");
        return EXIT_NO;
    }
    puts(text);
    return EXIT_DONE;
}

const struct command forms_describe_command = {
    .name = "forms describe",
    .summary = "Print a procedure's form as JSON, for screens",
    .usage =
        "Usage: uketsuke forms describe ID [--version V] [--procedures FOLDER]\n"
        "       uketsuke forms describe --all [--procedures FOLDER]\n"
        "\n"
        "Prints what a screen needs to have a procedure's form filled in or shown: groups, items\n"
        "with label, kind, choices and limits (JSON; docs/formats/description.md).\n"
        "\n"
        "  --version V          this version of the form; without it the last\n"
        "  --all                a list of all procedures in all versions\n"
        "  --procedures FOLDER  in place of [forms] procedures; no configuration is needed then\n"
        "\n"
        "Exit code: 0 printed, 1 there is no such procedure, 3 failure, 64 wrong usage.\n"
        "\n"
        "Example:\n"
        "  uketsuke forms describe child-allowance.certification-claim\n",
    .needs_config = true,
    .stands_alone = has_folder,
    .run = run,
};

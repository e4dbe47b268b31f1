/* The `uketsuke` command: finds the subcommand, loads the configuration, runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "intake/command.h"

#define CONFIG_FILE "/etc/uketsuke/uketsuke.conf"

struct arguments { /* what stays when main has taken its own */
    const char *config;
    bool help, version;
    int count;
    char **words;
};

static void print_help(FILE *out)
{
    fputs("uketsuke (受付): takes in residents' online applications for a city.\n\n"
          "Usage: uketsuke [--config FILE] COMMAND [ARGUMENTS]\n",
          out);
    for (size_t g = 0; g < command_group_count; g++) {
        const struct command_group *group = &command_groups[g];
        if (group->count > 0)
            fprintf(out, "\n%s\n", group->title);
        for (size_t i = 0; i < group->count; i++)
            fprintf(out, "  %-18s %s\n", group->commands[i]->name, group->commands[i]->summary);
    }
    fputs("\n"
          "  --config FILE      the configuration; else $UKETSUKE_CONFIG, else " CONFIG_FILE "\n"
          "  --help             this text; behind a command, what that command does\n"
          "  --version          the version\n"
          "\n"
          "Exit codes: 0 done or accepted, 1 the answer is no, 2 can't be told yet, 3 failure,\n"
          "64 wrong usage.\n"
          "\n"
          "Begin with: uketsuke config reference, then uketsuke serve --help\n",
          out);
}

/* Takes the options that are main's wherever they stand; what follows "--" is the command's. */
static bool read_arguments(int argc, char **argv, struct arguments *ret)
{
    bool ours = true;

    for (int i = 1; i < argc; i++) {
        ours = ours && strcmp(argv[i], "--") != 0;
        if (ours && strcmp(argv[i], "--config") == 0) {
            if (++i == argc)
                return false;
            ret->config = argv[i];
        } else if (ours && strncmp(argv[i], "--config=", 9) == 0) {
            ret->config = argv[i] + 9;
        } else if (ours && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            ret->help = true;
        } else if (ours && strcmp(argv[i], "--version") == 0) {
            ret->version = true;
        } else {
            ret->words[ret->count++] = argv[i];
        }
    }
    return true;
}

/* "uketsuke registry": the commands that begin with that word. */
static int unknown_command(const char *word)
{
    bool any = false;

    fprintf(stderr, "uketsuke: there is no command \"%s\"\n", word);
    for (size_t g = 0; g < command_group_count; g++) {
        for (size_t i = 0; i < command_groups[g].count; i++) {
            const struct command *command = command_groups[g].commands[i];
            if (strncmp(command->name, word, strcspn(command->name, " ")) != 0 &&
                strncmp(command->name, word, strlen(word)) != 0)
                continue;
            fprintf(stderr, "%s  uketsuke %s\n", any ? "" : "Did you mean:\n", command->name);
            any = true;
        }
    }
    fputs("See: uketsuke --help\n", stderr);
    return EXIT_USAGE;
}

static int run_command(const struct command *command, const struct arguments *given, int words)
{
    struct config *config = NULL;
    struct failure f = {0};
    const char *path = given->config ?: getenv("UKETSUKE_CONFIG") ?: CONFIG_FILE;

    int argc = given->count - words + 1;
    char **argv = given->words + words - 1;
    _cleanup_(cleanup_text) char *name = text_copy(command->name);
    argv[0] = name;
    bool alone = command->stands_alone && command->stands_alone(argc, argv);
    if (command->needs_config && !alone &&
        !config_load(path, config_sections, config_section_count, &config, &f))
        return command_fail(command->name, EXIT_FAILED, &f);
    xml_initialize();
    int code = command->run(config, argc, argv);
    config_free(config);
    if (fflush(stdout) != 0 || ferror(stdout)) { /* a full disk must not look like success */
        failure_errno(&f, "cannot write the output");
        return command_fail(command->name, EXIT_FAILED, &f);
    }
    return code;
}

static int run(const struct arguments *given)
{
    int words = 0;
    const struct command *command = command_find(given->count, given->words, &words);

    if (command && given->help) {
        fputs(command->usage, stdout);
        return EXIT_DONE;
    }
    if (command)
        return run_command(command, given, words);
    if (given->version) {
        puts("uketsuke " UKETSUKE_VERSION);
        return EXIT_DONE;
    }
    if (given->count > 0 && strcmp(given->words[0], "help") != 0)
        return unknown_command(given->words[0]);
    print_help(given->help || given->count > 0 ? stdout : stderr);
    return given->help || given->count > 0 ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct arguments given = {.words = memory_allocate(((size_t)argc + 1) * sizeof(char *))};
    int code;

    clock_initialize();
    prctl(PR_SET_NAME, "uketsuke"); /* a child of `serve` would be called "exe" by ps */
    if (read_arguments(argc, argv, &given)) {
        code = run(&given);
    } else {
        fputs("uketsuke: --config needs a file\n", stderr);
        code = EXIT_USAGE;
    }
    free(given.words);
    return code;
}

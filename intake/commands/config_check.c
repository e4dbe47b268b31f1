#include <stdio.h>

#include "intake/command.h"
#include "intake/examine.h"
#include "routing/route.h"

extern const struct command config_check_command;

static bool check_city(const struct config *config, struct failure *f)
{
    return settings_city_code(config, f) != NULL;
}

static bool check_examiner(const struct config *config, struct failure *f)
{
    struct examiner examiner = {0};

    if (!examiner_load(config, &examiner, f))
        return false;
    examiner_free(&examiner);
    return true;
}

/* What can be judged without database, network or secrets. */
static const struct {
    const char *name;
    const char *section; /* not looked at when the file does not have it */
    bool (*check)(const struct config *config, struct failure *f);
} parts[] = {
    {"city", "city", check_city},
    {"trust, procedures, revocation lists", "trust", check_examiner},
    {"routes and destinations", "route", routes_check},
};

static int run(const struct config *config, int argc, char **argv)
{
    bool good = true;

    (void)argv;
    if (argc > 1)
        return command_usage(&config_check_command, "takes no arguments");
    printf("%s: every line is understood\n", config_path(config));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct failure f = {0};
        if (!config_has(config, parts[i].section)) {
            printf("  %s: not configured, [%s] is missing\n", parts[i].name, parts[i].section);
        } else if (parts[i].check(config, &f)) {
            printf("  %s: good\n", parts[i].name);
        } else {
            printf("  %s: NOT GOOD: %s\n", parts[i].name, f.text);
            good = false;
        }
    }
    return good ? EXIT_DONE : EXIT_FAILED;
}

const struct command config_check_command = {
    .name = "config check",
    .summary = "Read the configuration and say what is wrong with it",
    .usage =
        "Usage: uketsuke config check [--config FILE]\n"
        "\n"
        "Reads the configuration as every role does. The first fault is named with file and\n"
        "line: an unknown section or key, a value out of range, a required key left out. Then\n"
        "looks at what it names: roots and their pins, procedures, revocation lists, routes.\n"
        "Needs neither database nor network, and reads no keys.\n"
        "\n"
        "Exit code 0 when all is good, 3 when not.\n"
        "\n"
        "Example: uketsuke config check --config /etc/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};

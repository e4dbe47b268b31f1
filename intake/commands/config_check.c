#include <stdio.h>

#include "intake/command.h"

extern const struct command config_check_command;

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};

    (void)argv;
    if (argc > 1)
        return command_usage(&config_check_command, "takes no arguments");
    if (!settings_city_code(config, &f))
        return command_fail("config check", EXIT_FAILED, &f);
    printf("%s: good\n", config_path(config));
    return EXIT_DONE;
}

const struct command config_check_command = {
    .name = "config check",
    .summary = "Read the configuration and say what is wrong with it",
    .usage = "Usage: uketsuke config check [--config FILE]\n"
             "\n"
             "Reads the configuration as every role does. The first fault is named with file and\n"
             "line: an unknown section or key, a value out of range, a required key left out.\n"
             "Exit code 0 when all is good, 3 when not.\n"
             "\n"
             "Example: uketsuke config check --config /etc/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};

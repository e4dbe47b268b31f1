#include <stdio.h>

#include "intake/command.h"

extern const struct command config_reference_command;

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `uketsuke config reference`; a test fails when the two differ. -->\n"
    "\n"
    "One file: `--config FILE`, else `$UKETSUKE_CONFIG`, else `/etc/uketsuke/uketsuke.conf`.\n"
    "UTF-8 text of `[section]` or `[section NAME]` and `key = value`. A comment begins with `#`\n"
    "and has a line of its own. An indented line goes on with the list above it. A section or\n"
    "key that is unknown or given twice, and a value out of range, are errors that name file and\n"
    "line: `uketsuke config check` finds them.\n"
    "\n"
    "Sizes are in bytes or with `K`, `M`, `G` (powers of 1024); durations need a unit: `ms`, `s`,\n"
    "`min`, `h`, `d`. Paths are relative to the folder of the configuration file. Lists are\n"
    "separated by blanks.\n"
    "\n";

static int run(const struct config *config, int argc, char **argv)
{
    (void)config, (void)argv;
    if (argc > 1)
        return command_usage(&config_reference_command, "takes no arguments");
    fputs(introduction, stdout);
    config_write_reference(stdout, config_sections, config_section_count);
    return EXIT_DONE;
}

const struct command config_reference_command = {
    .name = "config reference",
    .summary = "Print every key of the configuration, as Markdown",
    .usage = "Usage: uketsuke config reference\n"
             "\n"
             "Prints every section and key with type, bounds, default and meaning.\n"
             "docs/configuration.md is its output.\n"
             "\n"
             "Example: uketsuke config reference | less\n",
    .run = run,
};

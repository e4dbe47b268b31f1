#include <stdio.h>

#include "base/seal.h"
#include "intake/command.h"

extern const struct command key_create_command;

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};

    (void)config;
    if (argc != 2)
        return command_usage(&key_create_command, "needs the path of the new file");
    if (!city_key_create(argv[1], &f))
        return command_fail("key create", EXIT_FAILED, &f);
    printf("Wrote a new city key to %s (mode 0400).\n"
           "Next: name it as [city] key, and keep a copy in a safe: without it no stored\n"
           "application can ever be opened again.\n",
           argv[1]);
    return EXIT_DONE;
}

const struct command key_create_command = {
    .name = "key create",
    .summary = "Make the city's key, under which everything personal is sealed",
    .usage =
        "Usage: uketsuke key create FILE\n"
        "\n"
        "Writes 32 random bytes as 64 hexadecimal digits to FILE, readable by its owner only.\n"
        "An existing file is never overwritten. Exit code 0 when made, 3 when not.\n"
        "\n"
        "Example: sudo uketsuke key create /etc/uketsuke/keys/city.key\n",
    .run = run,
};

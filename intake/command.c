#include "intake/command.h"

#include <stdarg.h>
#include <stdio.h>

int command_fail(const char *command, int code, const struct failure *f)
{
    fprintf(stderr, "uketsuke %s: %s\n", command, f->text);
    return code;
}

int command_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "uketsuke %s: ", command->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n\n%s", command->usage);
    return EXIT_USAGE;
}

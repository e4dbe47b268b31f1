#include "intake/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

int command_fail(const char *command, int code, const struct failure *f)
{
    if (log_is_json()) /* who reads objects must not meet a line of text */
        log_error("command.failed", log_text("command", command),
                  log_text("kind", failure_kind_name(f->kind)), log_text("text", f->text));
    else
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

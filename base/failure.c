#include "base/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut in the middle of a character would make the whole log line invalid UTF-8. */
static void trim_broken_character(char *text)
{
    size_t end = strlen(text);
    size_t start = end;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (end - (start - 1) < want)
        text[start - 1] = 0;
}

static bool set(struct failure *f, enum failure_kind kind, const char *text)
{
    if (!f)
        return false;
    f->kind = kind;
    snprintf(f->text, sizeof f->text, "%s", text);
    trim_broken_character(f->text);
    return false;
}

bool failure_set(struct failure *f, enum failure_kind kind, const char *format, ...)
{
    char text[sizeof f->text]; /* the arguments may point into f->text */
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return set(f, kind, text);
}

bool failure_errno(struct failure *f, const char *format, ...)
{
    int error = errno;
    char text[sizeof f->text];
    char whole[2 * sizeof text + 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s: %s", text, strerrordesc_np(error) ?: "unknown error");
    errno = error;
    return set(f, FAILURE_SYSTEM, whole);
}

bool failure_prefix(struct failure *f, const char *format, ...)
{
    char text[sizeof f->text];
    char whole[2 * sizeof text + 2];
    va_list arguments;

    if (!f)
        return false;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s: %s", text, f->text);
    return set(f, f->kind, whole);
}

const char *failure_kind_name(enum failure_kind kind)
{
    static const char *const names[] = {
        [FAILURE_NONE] = "none",         [FAILURE_USAGE] = "usage",
        [FAILURE_INPUT] = "input",       [FAILURE_LIMIT] = "limit",
        [FAILURE_SYSTEM] = "system",     [FAILURE_DATABASE] = "database",
        [FAILURE_CONFLICT] = "conflict", [FAILURE_NETWORK] = "network",
        [FAILURE_PEER] = "peer",
    };
    if ((unsigned)kind >= sizeof names / sizeof names[0])
        return "unknown";
    return names[kind];
}

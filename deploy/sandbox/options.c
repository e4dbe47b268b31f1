#include "deploy/sandbox/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

bool option_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

bool option_time(const char *text, instant *ret_instant, struct failure *f)
{
    return instant_parse(text, ret_instant) ||
           failure_set(f, FAILURE_USAGE, "a time is written 2026-11-21T09:00:00+09:00");
}

bool option_seconds(const char *text, instant *ret_duration, struct failure *f)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || (strcmp(end, "s") != 0 && *end) || !(seconds >= 0.05 && seconds <= 86400))
        return failure_set(f, FAILURE_USAGE, "an interval is written 5s (0.05s to 86400s)");
    *ret_duration = (instant)(seconds * INSTANT_SECOND);
    return true;
}

bool option_number(const char *name, const char *text, int64_t least, int64_t most,
                   int64_t *ret_number, struct failure *f)
{
    return number_parse(text, least, most, ret_number) ||
           failure_set(f, FAILURE_USAGE, "%s is a number from %lld to %lld", name, (long long)least,
                       (long long)most);
}

int option_result(const char *command, bool done, const struct failure *f)
{
    if (done)
        return 0;
    fprintf(stderr, "uketsuke-sandbox %s: %s\n", command, f->text);
    return f->kind == FAILURE_USAGE ? 2 : 1;
}

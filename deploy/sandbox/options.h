/* What the sandbox's command lines have in common. */
#ifndef UKETSUKE_SANDBOX_OPTIONS_H
#define UKETSUKE_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/failure.h"

bool option_help(int argc, char **argv); /* --help or -h stands somewhere */
bool option_time(const char *text, instant *ret_instant, struct failure *f);     /* RFC 3339 */
bool option_seconds(const char *text, instant *ret_duration, struct failure *f); /* "5s", "0.5s" */
bool option_number(const char *name, const char *text, int64_t least, int64_t most,
                   int64_t *ret_number, struct failure *f);
/* The exit code: 0 done, 2 wrong usage, 1 any other failure, whose text is printed. */
int option_result(const char *command, bool done, const struct failure *f);

#endif

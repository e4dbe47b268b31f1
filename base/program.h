/* Runs another program: no shell, nothing but standard input goes in. */
#ifndef UKETSUKE_BASE_PROGRAM_H
#define UKETSUKE_BASE_PROGRAM_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

/* Starts `path` without arguments, gives it `input`, waits until it ends. A failure when it can't
 * be started, ends with anything but 0, or takes longer than `patience` or until a stop is asked
 * for (then it is killed, with all that it started). Its output is thrown away. */
bool program_run(const char *path, struct bytes input, instant patience, struct failure *f);

#endif

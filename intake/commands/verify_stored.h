/* `uketsuke verify --stored`: the verdict of the day, again. */
#ifndef UKETSUKE_INTAKE_COMMANDS_VERIFY_STORED_H
#define UKETSUKE_INTAKE_COMMANDS_VERIFY_STORED_H

#include <stdbool.h>

#include "base/config.h"

/* An exit code: the verdict's, or EXIT_FAILED when it cannot be examined again or comes out
 * otherwise. */
int verify_stored(const struct config *config, const char *receipt_number, bool json);

#endif

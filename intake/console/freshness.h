/* How fresh the revocation lists are that signatures are judged by (intake/status.h), for the day
 * at a glance. Looking reads every list whole: so once a minute for all who ask. Thread-safe. */
#ifndef UKETSUKE_INTAKE_CONSOLE_FRESHNESS_H
#define UKETSUKE_INTAKE_CONSOLE_FRESHNESS_H

#include <jansson.h>

#include "base/config.h"

struct freshness;

struct freshness *freshness_new(void);
void freshness_free(struct freshness *freshness);
/* New reference, not to be changed; null where no list is configured. */
json_t *freshness_read(struct freshness *freshness, const struct config *config);

#endif

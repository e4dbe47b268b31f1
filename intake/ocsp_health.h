/* How OCSP responders answer those who examine, kept in the database (schema 0030), so that the day
 * at a glance can tell it beside the revocation lists. */
#ifndef UKETSUKE_INTAKE_OCSP_HEALTH_H
#define UKETSUKE_INTAKE_OCSP_HEALTH_H

#include <jansson.h>

#include "base/config.h"
#include "base/db.h"
#include "intake/ocsp.h"

#define OCSP_HEALTH_EVERY (10 * INSTANT_SECOND)

struct ocsp_health { /* {0} to begin: what was kept last */
    int64_t kept_at; /* clock_monotonic */
    bool resting[OCSP_RESPONDERS_MAX];
};
/* Keeps how they answer, when somebody was asked: at most every OCSP_HEALTH_EVERY, and at once when
 * one begins or ends to rest. `client` NULL: nothing. A failure is logged, and stops nobody. */
void ocsp_health_keep(struct ocsp_health *health, struct db *db, const char *city_code,
                      const struct ocsp_client *client);

/* $1 the city; what its rows tell of the responders of this configuration, in their order:
 * [{"responder": from 1, "asked", "answered", "resting"}…], times RFC 3339 in JST or null.
 * `resting`: somebody leaves it alone. Null where none is asked. New reference. */
extern const struct db_statement ocsp_health_find;
json_t *ocsp_health_json(const struct db_rows *rows, const struct config *config);

#endif

/* Retention: how long an application is kept after it ended, as the city says for its procedure
 * ([route PROCEDURE] retention-years, retention-days; neither: for ever), and forgetting it then:
 * its key is destroyed, and what is readable is cleared (schema 0049). Only what ended as
 * completed, rejected or withdrawn, which a business system has acknowledged and the resident was
 * told of; nothing that waits, that somebody works on, or of which paper or a file is still out. */
#ifndef UKETSUKE_INTAKE_RETENTION_H
#define UKETSUKE_INTAKE_RETENTION_H

#include <jansson.h>

#include "base/db.h"
#include "routing/route.h"

/* The last day on which it is kept. The day on which it ended does not count (民法140条); years end
 * on the day before the one of the same date, and where there is no such date, on the last day of
 * that month (143条): what ended on 28 or 29 February 2024 is kept for a year to 28 February 2025.
 * Only for routes of which retention is not for ever. */
struct day retention_last_day(struct day ended, const struct route *route);
/* What ended before this moment may be forgotten at `now`. */
instant retention_before(instant now, const struct route *route);

/* [{"procedure", "retention_years", "retention_days", "ended_before", "forgettable",
 *   "kept": {obstacle: count…}}…] for each route with a retention, of what ended before. */
bool retention_look(struct db *db, const struct config *config, const char *city_code, instant now,
                    json_t **ret_list, struct failure *f);

struct retention_run {
    const char *city_code;
    const char *actor;        /* "operator:hanako" */
    struct db *administrator; /* who forgets; NULL: they are only told */
    /* For each; `context` as below. */
    void (*tell)(const char *receipt_number, const char *procedure_id, void *context);
    void *context;
};
/* Found as operator; each is forgotten in a transaction of its own, with an entry
 * application.forgotten. *ret_count: how many were forgotten, or would be. May be interrupted. */
bool retention_run(struct db *db, const struct config *config, const struct retention_run *run,
                   instant now, int64_t *ret_count, struct failure *f);

#endif

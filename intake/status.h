/* What waits where, oldest first, and what is wrong: read from the database as role operator.
 *
 * {"at", "city_code",
 *  "states":   [{"state","name","count","oldest"}…]       every state, in the order of the way
 *  "reasons":  [{"state","reason","count","oldest"}…]     held, unmatched, review, correction;
 * oldest first "work":     [{"stage","count","due","overdue","oldest_due","failing","note"}…]
 *  "outbox":   [{"destination","count","oldest","tried","last_error"}…]
 *  "escalations": [{"what","told","count","oldest"}…]     what waits too long (intake/escalation.h)
 *  "stuck":    applications that wait, but in no queue: a bug
 *  "audit":    {"checkpoint": time or null, "since": time of the first entry or null}
 *  "revocation": {"lists": files, "newest": when the last one came, or null,
 *                 "late": past their nextUpdate, "unusable": these, and older than age-most, or
 *                 damaged}                              when there is a [revocation-list …]
 *  "problems": [{"what","next"}…]}                         empty: nothing needs attention
 * Times are RFC 3339 in JST, or null. */
#ifndef UKETSUKE_INTAKE_STATUS_H
#define UKETSUKE_INTAKE_STATUS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/db.h"

/* The configuration must have [city], [audit] and [revocation]. New reference. */
bool status_read(struct db *db, const struct config *config, json_t **ret_status,
                 struct failure *f);
/* The member "revocation" alone; null when there is no list to be had. New reference. */
json_t *status_revocation(const struct config *config, instant now);
/* Adds "problems" to what was read: a pure function of it, its "at", and the configuration. */
void status_judge(json_t *status, const struct config *config);

#endif

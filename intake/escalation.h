/* The clock of what nobody fetches, and of what waits for staff: after a while the operator is
 * told, then the department, then it stands in the report of the day until it moves. Nothing
 * expires, and nothing is told twice while it waits. */
#ifndef UKETSUKE_INTAKE_ESCALATION_H
#define UKETSUKE_INTAKE_ESCALATION_H

#include <jansson.h>

#include "base/process.h"
#include "intake/command.h"

extern const struct config_section escalation_config_section; /* [escalation] operator-after, … */

/* Tells what is due to be told; in the role routing, in a thread of its own: a program that hangs
 * is killed after 30 seconds, or at a stop, and keeps nothing else waiting. [escalation] notify is
 * run once for the operator and once for each department, with JSON on its standard input:
 * {"level": "operator"|"department"|"report", "city_code", "department", "at",
 *  "waiting": [{"receipt_number","procedure","what","since"}…]}
 * `what` is "review", "unmatched", "held" or the destination that does not fetch it. What it did
 * not take (its exit code) is told again the next time. WORK_DONE when anything was told. */
enum work_result escalation_step(void *context /* struct role * */, struct failure *f);
/* The report of the day: all that was told and still waits, [{"what","step","count","oldest"}…]
 * oldest first. New reference; NULL with *f. */
json_t *escalation_report(struct db *db, const char *city_code, struct failure *f);

#endif

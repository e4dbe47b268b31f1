/* The route table explained: where each procedure goes, by which law, which fields, and what of it
 * contradicts itself. A pure function of configuration and procedures. */
#ifndef UKETSUKE_INTAKE_ROUTING_CHECK_H
#define UKETSUKE_INTAKE_ROUTING_CHECK_H

#include <jansson.h>

#include "base/config.h"
#include "forms/procedure.h"

/* {"routes": [{"procedure","version","name","destination"…,"hand_over","legal_basis","business",
 *              "department","approval","retention_years",
 *              "retention_days" (0, 0: kept for ever),"individual_number","fields":
 * ["claimant.name"…], "individual_numbers": ["claimant.individual_number"…], "alternatives":
 * [{"destination","fields","individual_numbers"}…]}…], "errors": [text…], "warnings": [text…],
 * "notes": [text…]}. New reference. The configuration has passed routes_check and files_check.
 * Error: a 個人番号 would go where the route does not allow it, be it to an alternative; a
 * destination without what it must show: certificate, client-id, secret. Warning: a procedure
 * without a route, a route without a procedure, or of which its destination may have nothing; a
 * record that names a destination that does not exist. Note: a destination that nobody routes to.
 */
json_t *routing_check(const struct config *config, const struct procedures *procedures);

#endif

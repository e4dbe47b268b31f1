/* Proving the audit trail from the page. It may take minutes, so it has a thread of its own and
 * the page asks now and then how far it is. One walk at a time in the process: who asks while one
 * is under way gets that one's outcome. */
#ifndef UKETSUKE_INTAKE_CONSOLE_PROVING_H
#define UKETSUKE_INTAKE_CONSOLE_PROVING_H

#include <jansson.h>

#include "base/config.h"
#include "intake/console/administer.h"

struct proving; /* from any thread */

struct proving *proving_new(struct db *db, const struct config *config);
/* Waits for a walk under way, which ends early when the process stops. */
void proving_free(struct proving *proving);

/* Begins a walk over about `entries`; its outcome is kept (intake/audit_check.h) and noted as what
 * `who` did. *ret_begun false: one is under way. */
bool proving_begin(struct proving *proving, const struct administrator *who, int64_t entries,
                   bool *ret_begun, struct failure *f);
/* {"by","since","done","entries"} of the walk under way; null. New reference. */
json_t *proving_now(struct proving *proving);
/* The last walk came to no outcome: we failed, which is in the log. */
bool proving_failed(struct proving *proving);

#endif

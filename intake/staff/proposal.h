/* Why somebody takes a resident for the applicant: one of the page's reasons, which the trail has,
 * too, and words of their own, sealed under the application's key. Written once, with the proposal;
 * shown to the second person and in the history. */
#ifndef UKETSUKE_INTAKE_STAFF_PROPOSAL_H
#define UKETSUKE_INTAKE_STAFF_PROPOSAL_H

#include "intake/staff/staff.h"

#define PROPOSAL_OTHER "その他の事情がある人" /* the reason that says nothing without words */

/* `act`'s reason and words; `version`: of the application once it is proposed. */
bool proposal_reason_keep(struct db_tx *tx, const struct staff_act *act, int version,
                          struct failure *f);

/* For statements with a row of proposal_reason `r` and one of application_key `k`, or none. */
#define PROPOSAL_REASON_COLUMNS "r.reason, r.sealed, k.wrapped"
/* Sets "said", the reason, and "words" of `json` from these columns, the first of which is `first`;
 * null where there is none, or it is forgotten. Personal. */
bool proposal_reason_read(const struct db_rows *rows, size_t row, int first,
                          const struct city_key *city_key, const char *city_code,
                          const char *application_id, json_t *json, struct failure *f);

#endif

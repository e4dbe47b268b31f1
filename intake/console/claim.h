/* Who works on an application: a claim, for an hour at the most, and no longer than the session.
 * Two people may look at one application; neither does so without knowing. */
#ifndef UKETSUKE_INTAKE_CONSOLE_CLAIM_H
#define UKETSUKE_INTAKE_CONSOLE_CLAIM_H

#include "intake/console/subject.h"

#define CLAIM_FOR (3600 * INSTANT_SECOND)

struct console_claim {
    bool any, mine;
    char by[ACCOUNT_DISPLAY]; /* display name */
    instant since;
};
/* $1 the city, $2 the application; what its rows tell. */
extern const struct db_statement console_claim_find;
void console_claim_take(const struct db_rows *rows, const struct subject_call *call,
                        struct console_claim *ret_claim);
bool console_claim_read(struct db_tx *tx, const struct subject_call *call,
                        struct console_claim *ret_claim, struct failure *f);
/* Of the caller; nothing when there is none. */
bool console_claim_release(struct db_tx *tx, const struct subject_call *call, struct failure *f);
/* {"by","since"}, or null. */
json_t *console_claim_json(const struct console_claim *claim);

#endif

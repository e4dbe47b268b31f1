/* What administrators do at once, by one person, and the entries of what they do. What needs a
 * second person is intake/console/change.h. Used by the commands `uketsuke user` and by the
 * console's administration. */
#ifndef UKETSUKE_INTAKE_CONSOLE_ADMINISTER_H
#define UKETSUKE_INTAKE_CONSOLE_ADMINISTER_H

#include <jansson.h>

#include "intake/console/account.h"

#define ENROLMENT_CODE  27                           /* 26 characters of Base32 (130 bits), NUL */
#define ENROLMENT_LASTS (24 * 3600 * INSTANT_SECOND) /* so long a one-time code is good */

struct administrator { /* who acts */
    const char *city_code;
    const char *by;       /* "staff:hanako", "operator:root" */
    const char *terminal; /* may be NULL */
    const char *chain;
};

/* An entry of the audit trail; append it last. `detail` is stolen; it holds nothing about
 * residents. `reason` may be NULL. */
bool administer_note(struct db_tx *tx, const struct administrator *who, const char *action,
                     json_t *stolen_detail, const char *reason, struct failure *f);

enum account_stop {
    ACCOUNT_STOPPED,             /* it and its sessions are ended */
    ACCOUNT_NOT_IN_FORCE,        /* there is none */
    ACCOUNT_LAST_ADMINISTRATORS, /* one of the last two: takes a change, by two people */
};
bool account_disable(struct db_tx *tx, const struct administrator *who, const char *name,
                     const char *reason, enum account_stop *ret_stop, struct failure *f);
/* A new one-time code, in the transaction in which a second person confirmed the new account or the
 * enrolment (the database refuses otherwise: FAILURE_USAGE). Takes password and second factors
 * away, and ends the sessions: also for who lost a key. */
bool account_issue_code(struct db_tx *tx, const struct administrator *who, const char *name,
                        char ret_code[ENROLMENT_CODE], struct failure *f);

#endif

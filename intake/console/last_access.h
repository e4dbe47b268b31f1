/* What a person is told after signing in: when and where the account was used before, and
 * how often signing in failed since. So who is impersonated notices. */
#ifndef UKETSUKE_INTAKE_CONSOLE_LAST_ACCESS_H
#define UKETSUKE_INTAKE_CONSOLE_LAST_ACCESS_H

#include "intake/console/session.h"

#define LAST_ACCESS_FAILURES_MOST 100

struct last_access {
    instant begun; /* the session before this one; 0: this is the first */
    instant seen;  /* its last request, give or take half a minute */
    char terminal[241];
    int64_t failures; /* since it began; LAST_ACCESS_FAILURES_MOST: so many or more */
};
bool last_access_find(struct db_tx *tx, const struct session *session, struct last_access *ret,
                      struct failure *f);

#endif

/* The client's assertion (client_secret_jwt): RFC 7523 §3, OpenID Connect Core §9. Pure. */
#ifndef UKETSUKE_ROUTING_ASSERTION_H
#define UKETSUKE_ROUTING_ASSERTION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define ASSERTION_SKEW (30 * INSTANT_SECOND) /* that clocks may differ, for nbf and iat */

struct assertion_rule {
    const char *client_id; /* iss and sub must be it */
    const char *audience;  /* must be aud, or stand in it */
    instant life_most;     /* exp may be so far ahead */
    instant now;
};
/* Whether the claims (whose signature holds) are good. *ret_why gets the name of what is wrong,
 * "assertion-expired", …; *ret_jti is borrowed from the claims. */
bool assertion_check(const json_t *claims, const struct assertion_rule *rule, const char **ret_jti,
                     instant *ret_expires_at, const char **ret_why);

#endif

/* What an ID token must tell before it counts (OpenID Connect Core §3.1.3.7). Pure: its signature
 * was verified before (base/jws.h). */
#ifndef UKETSUKE_INTAKE_CONSOLE_ID_TOKEN_H
#define UKETSUKE_INTAKE_CONSOLE_ID_TOKEN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"

#define ID_TOKEN_SKEW (60 * INSTANT_SECOND) /* that clocks may differ */

struct id_token_rule {
    const char *issuer, *client_id;
    const char *nonce;          /* of our question */
    const char *claim;          /* which tells who it is */
    instant age;                /* so long ago they may have shown who they are */
    const char *const *classes; /* acr, one of which it must be; none: any */
    size_t class_count;
    instant now;
};
/* *ret_name, borrowed, is whom it names. Else false, and *ret_why says what is wrong:
 * "id-token-issuer", "-audience", "-nonce", "-expired", "-too-old", "-class", "-nobody". */
bool id_token_check(const json_t *claims, const struct id_token_rule *rule, const char **ret_name,
                    const char **ret_why);

#endif

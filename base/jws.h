/* Claims signed by HMAC-SHA-256 (JWS compact form, RFC 7515; "HS256" and nothing else), by libjwt.
 */
#ifndef UKETSUKE_BASE_JWS_H
#define UKETSUKE_BASE_JWS_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/failure.h"

/* Appends "header.claims.signature". */
bool jws_make(const json_t *claims, struct bytes secret, struct buffer *ret_text,
              struct failure *f);
/* The claims, when the secret, which is not empty, signed them (new reference); NULL: forged,
 * another algorithm, a critical header (RFC 7515 §4.1.11: none is understood), or no JWS at all. */
json_t *jws_read(const char *text, struct bytes secret);

#endif

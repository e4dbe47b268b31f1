/* Signed claims (JWS compact form, RFC 7515), by libjose: signed by a secret that both sides have,
 * or by one of the public keys that somebody publishes. */
#ifndef UKETSUKE_BASE_JWS_H
#define UKETSUKE_BASE_JWS_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/failure.h"

#define JWS_MOST 8192 /* characters of what is read */

/* Appends "header.claims.signature", by HMAC-SHA-256 ("HS256"); of a secret of 32 bytes or more
 * (RFC 7518 §3.2). */
bool jws_make(const json_t *claims, struct bytes secret, struct buffer *ret_text,
              struct failure *f);

/* The claims (new reference), an object, when the key signed them; NULL: forged, another algorithm
 * than is said here, a critical header (RFC 7515 §4.1.11: none is understood), or no JWS at all.
 * Of a secret: HS256. */
json_t *jws_read(const char *text, struct bytes secret);
/* Of a JWK Set (RFC 7517 §5): RS256, PS256, ES256, by a key for signatures, that is called as the
 * header says (RFC 7515 §4.1.4), if it says. *ret_unknown: no key is called so; the set is old. */
json_t *jws_read_public(const char *text, const json_t *key_set, bool *ret_unknown);

#endif

/* Access tokens (RFC 6749, 6750): random, kept by their SHA-256, in PostgreSQL, so that several
 * machines agree; bound to the certificate that asked for them (RFC 8705 §3). */
#ifndef UKETSUKE_ROUTING_TOKEN_H
#define UKETSUKE_ROUTING_TOKEN_H

#include "base/db.h"
#include "routing/scope.h"

#define TOKEN_SECRET 32
#define TOKEN_TEXT   44 /* of a token of ours: 32 bytes in Base64url, NUL included */

struct token {
    char destination[41];
    char client_id[33];
    char peer[65];                /* SHA-256 of the certificate, hexadecimal */
    uint8_t secret[TOKEN_SECRET]; /* tells which secret it was asked for by; not from elsewhere */
    routing_scopes scopes;
    instant issued_at, expires_at;
};

struct token_request {
    const char *city_code;
    const char *business_id;
    const char *jti; /* of the assertion */
    instant assertion_expires_at;
    struct token token;
};
/* Remembers the assertion and makes a token; *ret_replayed when the assertion was used before, and
 * nothing was made. Forgets some of what is long over. */
bool token_issue(struct db_tx *tx, const struct token_request *request, bool *ret_replayed,
                 char ret_text[TOKEN_TEXT], struct failure *f);
/* Also of one that has expired (until it is forgotten); the caller compares. */
bool token_find(struct db_tx *tx, const char *city_code, const char *business_id, const char *text,
                bool *ret_found, struct token *ret_token, struct failure *f);
/* Hexadecimal SHA-256 as "x5t#S256" has it: Base64url without padding, 43 characters and NUL. */
const char *thumbprint_text(const char *peer, char text[44]);

#endif

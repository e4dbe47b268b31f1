/* WebAuthn (W3C, Level 2), the part that a server checks; cryptography by libfido2. Pure: what the
 * browser sent and what is stored in, yes or no out. User verification is always demanded: the
 * terminal's reader, or a key with a PIN. */
#ifndef UKETSUKE_INTAKE_CONSOLE_WEBAUTHN_H
#define UKETSUKE_INTAKE_CONSOLE_WEBAUTHN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

#define WEBAUTHN_CHALLENGE       32
#define WEBAUTHN_ID_MOST         1023 /* bytes of a credential id (CTAP 2.1 §6.1) */
#define WEBAUTHN_KEY_MOST        600  /* bytes of a public key: RSA-4096 */
#define WEBAUTHN_CLIENT_MOST     4096 /* bytes of clientDataJSON */
#define WEBAUTHN_DATA_MOST       4096 /* bytes of authenticatorData */
#define WEBAUTHN_CREDENTIAL_MOST 8    /* of one account */

struct webauthn_party {
    const char *origin; /* "https://console.city.example:8443", as the browser writes it */
    const char *id;     /* its host name alone */
    const uint8_t *challenge;
};

struct webauthn_credential {
    struct buffer id, key; /* key: as libfido2 has it for the algorithm */
    int algorithm;         /* COSE */
    int64_t counter;
};
void webauthn_credential_free(struct webauthn_credential *credential);

/* navigator.credentials.create: response.clientDataJSON and response.getAuthenticatorData().
 * Attestation is not looked at: whoever enrols holds a one-time code and a registered terminal.
 * FAILURE_INPUT says which check failed, without quoting. */
bool webauthn_register(const struct webauthn_party *party, struct bytes client_data,
                       struct bytes authenticator_data, struct webauthn_credential *ret_credential,
                       struct failure *f);
/* navigator.credentials.get; sets the credential's new counter. A counter that does not grow is
 * that of a copy: refused. */
bool webauthn_assert(const struct webauthn_party *party, struct webauthn_credential *credential,
                     struct bytes client_data, struct bytes authenticator_data,
                     struct bytes signature, struct failure *f);

/* RFC 4648 §5 without padding, as WebAuthn writes bytes in JSON. */
bool base64url_decode(const char *text, size_t most, struct buffer *ret_data);
void base64url_encode(struct bytes data, struct buffer *ret_text);

#endif

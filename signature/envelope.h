/* A file for whoever knows a password: CMS (RFC 5652) with AES-256-GCM (AuthEnvelopedData, RFC
 * 5083) and the key under the password (RFC 3211, PBKDF2). Opened by openssl cms -decrypt -inform
 * DER -in FILE -pwri_password PASSWORD -out OUT */
#ifndef UKETSUKE_SIGNATURE_ENVELOPE_H
#define UKETSUKE_SIGNATURE_ENVELOPE_H

#include "base/bytes.h"
#include "base/failure.h"

#define ENVELOPE_PASSWORD 24 /* "ABCDE-FGHJK-LMNPQ-RSTUV" and NUL: 20 signs of 5 bits */

/* By chance, of signs that people do not mix up. */
void envelope_password_make(char ret_password[ENVELOPE_PASSWORD]);
/* Appends DER. No two are the same. */
bool envelope_seal(struct bytes content, const char *password, struct buffer *ret_file,
                   struct failure *f);

#endif

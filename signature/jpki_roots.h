/* The roots of the JPKI signing CA (署名用認証局) that this version knows. */
#ifndef UKETSUKE_SIGNATURE_JPKI_ROOTS_H
#define UKETSUKE_SIGNATURE_JPKI_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

/* `fingerprint`: SHA-256 of the certificate's DER. */
bool jpki_root_known(const uint8_t fingerprint[32]);

#endif

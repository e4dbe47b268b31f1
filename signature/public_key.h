/* The key in a certificate, and certificates that are read without it. OpenSSL 3.0 looks for a
 * decoder anew, among all that it has, for every key it meets (dearer than to verify a signature
 * with it), and reads each certificate's key at once. Two kinds of keys are allowed here
 * (signature/algorithm.h): they are read directly. */
#ifndef UKETSUKE_SIGNATURE_PUBLIC_KEY_H
#define UKETSUKE_SIGNATURE_PUBLIC_KEY_H

#include <openssl/x509.h>

#include "base/bytes.h"

/* The certificate at the start of *at, which moves behind it; NULL when there is none. All of
 * OpenSSL's functions work on it except X509_get0_pubkey, which finds no key. */
X509 *x509_without_key(const uint8_t **at, long length);

/* The key of its subjectPublicKeyInfo (RFC 3279 §2.3.1, RFC 5480 §2.1): RSA with NULL parameters,
 * or an uncompressed point of the named curve P-256 or P-384. NULL for anything else, and when it
 * is not key_allowed. The caller's. */
EVP_PKEY *public_key_of(const X509 *x509);

#endif

/* Revocation by query (OCSPレスポンダ方式): RFC 6960, as bytes. Who asks, and where, is not known
 * here: the network is the caller's (intake/ocsp.h). */
#ifndef UKETSUKE_SIGNATURE_OCSP_H
#define UKETSUKE_SIGNATURE_OCSP_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"

/* How a certID names the issuer (RFC 6960 §4.1.1). SHA-1 is no weakness there: the issuer is known
 * already, and its key signs what counts. Older responders know nothing else. */
enum ocsp_hash { OCSP_HASH_SHA256, OCSP_HASH_SHA1 };

/* The CertID of a certificate as DER: what a request asks for, and the key of a cache. Appended. */
void ocsp_certid(X509 *certificate, X509 *issuer, enum ocsp_hash hash, struct buffer *ret_der);

#endif

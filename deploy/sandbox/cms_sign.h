/* CMS and raw signature values, by OpenSSL: apart from the verifier in signature/, as xml_sign.h.
 */
#ifndef UKETSUKE_SANDBOX_CMS_SIGN_H
#define UKETSUKE_SANDBOX_CMS_SIGN_H

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/failure.h"

DEFINE_CLEANUP(cleanup_cms, CMS_ContentInfo *, CMS_ContentInfo_free)

/* RSA signs with SHA-256, an elliptic curve with SHA-384. */
struct cms_signer {
    EVP_PKEY *key;
    X509 *certificate;
    instant signed_at; /* the attribute signing-time */
    X509 *enclosed;    /* in the file in place of its own certificate; NULL */
};

/* Detached SignedData in DER, with the signed attributes of CAdES or without any. */
bool cms_sign(const struct cms_signer *signer, struct bytes content, bool attributes,
              struct buffer *ret_der, struct failure *f);
CMS_ContentInfo *cms_parse(struct bytes der, struct failure *f);

/* PKCS #1 v1.5, or ECDSA in DER; and the name that raw.json has for it. */
bool value_sign(EVP_PKEY *key, struct bytes content, struct buffer *ret_value, struct failure *f);
const char *value_algorithm(const EVP_PKEY *key);

#endif

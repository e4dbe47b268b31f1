/* CMS and raw signatures for tests: CMS put together octet by octet, so that each part can be
 * wrong; then signed. */
#ifndef UKETSUKE_TESTS_SUPPORT_CMS_H
#define UKETSUKE_TESTS_SUPPORT_CMS_H

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"

/* Each part is the whole element, or what is said; NULL data: what a good one has (RSA with
 * SHA-256, content-type and message-digest when `attributes`); of length 0: left out. */
struct cms_der {
    EVP_PKEY *key;
    X509 *certificate;
    struct bytes content; /* what is signed */
    bool attributes;
    struct bytes version, digests, embedded; /* embedded: behind the content type */
    struct bytes certificates;               /* what stands in [0]; and the lists behind it */
    struct bytes lists;
    struct bytes signer_version, signer_name, digest, value_algorithm, value;
    struct bytes more_attributes; /* behind the two that are always there */
    struct bytes all_attributes;  /* in place of all of them: what stands in [0] */
    struct bytes unsigned_attributes;
    struct bytes more_signers; /* behind the one SignerInfo */
    struct bytes behind;       /* behind the whole */
};
void cms_der_make(const struct cms_der *cms, struct buffer *ret_der);
/* What the signature of a good one with attributes is over: their SET. */
void cms_der_attributes(const struct cms_der *cms, struct buffer *ret_set);

/* By OpenSSL's own CMS; `digest` is "SHA256" …, `flags` CMS_NOATTR, CMS_CADES, CMS_USE_KEYID; false
 * when OpenSSL will not. */
bool cms_make(EVP_PKEY *key, X509 *certificate, const char *digest, unsigned flags,
              struct bytes content, struct buffer *ret_der);
/* Whether OpenSSL's own CMS accepts the signature, whoever's the certificate is. */
bool cms_openssl_accepts(struct bytes file, struct bytes content);

/* A value as the card gives it: PKCS #1 v1.5, or ECDSA in DER. */
void raw_value(EVP_PKEY *key, const char *digest, struct bytes content, struct buffer *ret_value);
/* raw.json of one value. */
void raw_json(X509 *certificate, const char *member, const char *algorithm, struct bytes value,
              struct buffer *ret_text);

#endif

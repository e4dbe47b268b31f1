/* Making keys, names, certificates and their files, for the sandbox's authorities. */
#ifndef UKETSUKE_SANDBOX_X509_MAKE_H
#define UKETSUKE_SANDBOX_X509_MAKE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/failure.h"

DEFINE_CLEANUP(cleanup_x509_name, X509_NAME *, X509_NAME_free)
DEFINE_CLEANUP(cleanup_general_name, GENERAL_NAME *, GENERAL_NAME_free)
DEFINE_CLEANUP(cleanup_dist_points, CRL_DIST_POINTS *, CRL_DIST_POINTS_free)
DEFINE_CLEANUP(cleanup_general_names, GENERAL_NAMES *, GENERAL_NAMES_free)

/* FAILURE_SYSTEM with what was tried and OpenSSL's own words. */
bool crypto_failure(struct failure *f, const char *what);

struct name_part { /* countryName becomes PrintableString, the rest UTF8String */
    const char *type;
    const char *value;
};
X509_NAME *name_make(const struct name_part *parts, size_t count, struct failure *f);
GENERAL_NAMES *directory_names_make(const X509_NAME *name, struct failure *f);
/* One point whose fullName is a directory name. */
CRL_DIST_POINTS *distribution_points_make(const X509_NAME *name, struct failure *f);

EVP_PKEY *key_make_rsa(struct failure *f);                   /* 2048 bits, e = 65537 */
EVP_PKEY *key_make_ec(const char *curve, struct failure *f); /* "P-256" */

struct certificate_order {
    uint64_t serial; /* 0: a random one */
    const X509_NAME *subject;
    EVP_PKEY *key;
    X509 *issuer; /* NULL: self-signed */
    instant from, to;
};
/* Version 3, without extensions and signature yet. */
X509 *certificate_begin(const struct certificate_order *order, struct failure *f);
/* As openssl.cnf would write it: NID_key_usage, "critical,digitalSignature". Key identifiers take
 * their values from the certificate and from `issuer` (NULL: self-signed). */
bool certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value,
                        struct failure *f);
bool certificate_add(X509 *certificate, int nid, const void *value, bool critical,
                     struct failure *f);
bool certificate_finish(X509 *certificate, EVP_PKEY *issuer_key, struct failure *f);

bool certificate_der(const X509 *certificate, struct buffer *ret_der, struct failure *f);
bool certificate_fingerprint(const X509 *certificate, char ret_hex[65], struct failure *f);
ASN1_TIME *asn1_time_make(instant at,
                          struct failure *f); /* UTCTime until 2049, RFC 5280 §4.1.2.5 */

/* Files below `folder`. Keys are written with mode 0600. */
bool folder_make(const char *path, struct failure *f);
bool certificate_write(const char *folder, const char *name, X509 *const *certificates,
                       size_t count, struct failure *f);
bool key_write(const char *folder, const char *name, EVP_PKEY *key, struct failure *f);
bool text_write(const char *folder, const char *name, struct bytes text, struct failure *f);
X509 *certificate_load(const char *folder, const char *name, struct failure *f);
EVP_PKEY *key_load(const char *folder, const char *name, struct failure *f);

#endif

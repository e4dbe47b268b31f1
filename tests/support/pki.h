/* A small certification authority for tests, in C: generations under one name, certificates of the
 * profile `jpki` (and such as are not), revocation lists, XML signatures. Deterministic in all but
 * the keys, which are made once for a process. Not the sandbox's: that is a peer, made apart. */
#ifndef UKETSUKE_TESTS_SUPPORT_PKI_H
#define UKETSUKE_TESTS_SUPPORT_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"

#define PKI_POLICY      "1.2.392.200149.8.5.1.0.20" /* signing, test environment */
#define PKI_CITY        "Sakurano-shi CRLDP"
#define PKI_OTHER_CITY  "Wakaba-shi CRLDP"
#define PKI_SERIALS_MAX 8

enum pki_key {
    PKI_RSA_2048,
    PKI_RSA_3072,
    PKI_RSA_4096,
    PKI_EC_P256,
    PKI_EC_P384,
    PKI_RSA_1024, /* from here on: not allowed */
    PKI_RSA_E3,
    PKI_EC_P521,
    PKI_DSA,
    PKI_KEYS,
};

/* The `number`th key of its kind (0 to 7); borrowed, made at first use, freed at exit. */
EVP_PKEY *pki_key(enum pki_key kind, int number);

struct pki_ca {
    X509 *certificate;
    EVP_PKEY *key; /* borrowed */
};

struct pki_ca_options {
    const char *organization; /* NULL: UKETSUKE-SANDBOX */
    const char *unit;         /* NULL: JPKI for digital signature */
    enum pki_key kind;
    int number;           /* of the key: another number is another generation */
    instant from, to;     /* 0: 2015-01-01 and 2035-01-01 */
    bool no_ca, no_usage; /* broken ones */
};
struct pki_ca pki_ca_make(struct pki_ca_options options);
void pki_ca_free(struct pki_ca *ca);

/* What a resident's certificate says; a zero or NULL field means what a good one has. */
struct pki_end {
    const char *serial;                   /* hexadecimal; NULL: 01a2b3c4 */
    instant from, to;                     /* 0: 2024-01-01 and 2028-12-31T14:59:59Z */
    const char *policy;                   /* "" leaves it out */
    const char *usage;                    /* OpenSSL's text: "critical,digitalSignature,…" */
    const char *city;                     /* CN of the distribution point; "" leaves it out */
    const char *facts[6];                 /* .1 to .6; "" leaves one out */
    int facts_type;                       /* of the texts; 0: V_ASN1_UTF8STRING */
    const char *extra[4][2];              /* further extensions: OpenSSL's name and value */
    const char *digest;                   /* NULL: SHA256 */
    bool no_key_id;                       /* without authorityKeyIdentifier */
    void (*change)(X509 *before_signing); /* anything else */
};
X509 *pki_issue(const struct pki_ca *ca, EVP_PKEY *subject_key, const struct pki_end *end);
void pki_der(X509 *certificate, struct buffer *ret_der);
/* As PEM at the end of a file. */
void pki_append_pem(X509 *certificate, const char *path);
void pki_fingerprint(X509 *certificate, char ret_hex[65]);

struct pki_crl {
    const char *city; /* of the issuingDistributionPoint; "": none; NULL: PKI_CITY */
    long number;      /* 0: 1; below 0: none */
    instant from, to; /* thisUpdate, nextUpdate */
    struct {
        const char *serial;
        instant date;
    } revoked[PKI_SERIALS_MAX];
    const char *idp;    /* OpenSSL's text in place of the one for the city */
    const char *digest; /* NULL: SHA256 */
    void (*change)(X509_CRL *before_signing);
};
void pki_crl_make(const struct pki_ca *ca, const struct pki_crl *crl, struct buffer *ret_der);

/* "C=JP, …, CN=city" of a city's distribution point. */
X509_NAME *pki_point_name(const char *city);

#endif

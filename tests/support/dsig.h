/* Signs XML for tests, well or badly: every part can be other than it should be. Written apart from
 * the verifier: SignedInfo is canonicalized by libxml2 over an XPath node set, values are made with
 * EVP_DigestSign. */
#ifndef UKETSUKE_TESTS_SUPPORT_DSIG_H
#define UKETSUKE_TESTS_SUPPORT_DSIG_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"

#define DSIG_NS        "http://www.w3.org/2000/09/xmldsig#"
#define DSIG_MORE      "http://www.w3.org/2001/04/xmldsig-more#"
#define DSIG_ENC       "http://www.w3.org/2001/04/xmlenc#"
#define DSIG_EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define DSIG_INCLUSIVE "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define DSIG_ENVELOPED DSIG_NS "enveloped-signature"
#define DSIG_SHA256    DSIG_ENC "sha256"

#define DSIG_REFERENCES_MAX 8

struct dsig_reference {
    const char *uri;
    const char *transforms; /* the XML of the Transforms element; NULL: none */
    const char *digest;     /* the algorithm's name in XML; NULL: SHA-256 */
    struct bytes data;      /* what is digested: a member's bytes, or its canonical form */
    const char *attributes; /* further ones, as text */
};

struct dsig {
    EVP_PKEY *key;
    X509 *certificate;       /* NULL leaves KeyInfo out */
    const char *method;      /* SignatureMethod; NULL: rsa-sha256 or ecdsa-sha256 by the key */
    const char *c14n;        /* CanonicalizationMethod; NULL: exclusive */
    const char *c14n_inside; /* what stands in it */
    struct dsig_reference references[DSIG_REFERENCES_MAX];
    const char *prefix;   /* of the signature's namespace; NULL: "ds", "": none */
    const char *key_info; /* in place of the one with the certificate */
    const char *object;   /* behind KeyInfo */
};

/* Transforms by their names, NULL-terminated. */
#define DSIG_TRANSFORM(uri) "<ds:Transform Algorithm=\"" uri "\"/>"

/* The canonical form of a whole document; `method` is exclusive or inclusive. */
void dsig_canonical(struct bytes document, const char *method, struct buffer *ret_bytes);

/* A file whose root is the signature. */
void dsig_detached(const struct dsig *dsig, struct buffer *ret_file);

/* `document` with the signature before the end tag of its root; the reference of URI "" gets its
 * data here. */
void dsig_enveloped(const struct dsig *dsig, const char *document, struct buffer *ret_document);

#endif

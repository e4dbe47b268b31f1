/* Signature containers behind one interface: which bytes are signed, by which certificate, with
 * which algorithm. A container is chosen by the channel profile; here: `xmldsig`. */
#ifndef UKETSUKE_SIGNATURE_SIGNATURE_H
#define UKETSUKE_SIGNATURE_SIGNATURE_H

#include <libxml/tree.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/xml.h"

/* What may be signed: the members of a package by name. */
struct signable {
    const char *name; /* "application.xml", "attachments/1.pdf" */
    struct bytes bytes;
    const uint8_t *sha256; /* of the bytes, by whom it is known already; NULL */
};

enum coverage {
    COVERAGE_NONE,
    COVERAGE_BYTES, /* the member's very bytes are signed */
    COVERAGE_TREE,  /* its canonical XML is signed: `document` holds exactly what was covered */
};

struct covered {
    const char *name; /* of the signable */
    enum coverage coverage;
    /* COVERAGE_TREE: exactly the tree that was covered, without the signature. COVERAGE_BYTES:
     * those bytes as a tree when they were parsed on the way, else NULL. Owned by the result. */
    xmlDoc *document;
};

struct signature_result {
    struct covered *covered; /* one for each signable, in their order; owned */
    size_t covered_count;
    struct buffer certificate; /* DER of the one signing certificate */
    X509 *x509;                /* the same, parsed: for certificate_judge; owned */
    EVP_PKEY *key;             /* its public_key_of; owned */
    char algorithm[64];        /* "rsa-sha256" … */
    size_t signature_count;
};
void signature_result_free(struct signature_result *result);

/* Verifies every signature of `container` files over `signables`. XML Signature, strictly: the
 * allow-list of the design's §5 exists here and nothing else. Each ds:Signature is the root of a
 * file in `signatures` (detached: References by member name, or "#id" is refused), or, when
 * `enveloped` names a signable, the last child of that document's root (Reference URI "" with
 * enveloped-signature, and References by member name). A reference to an XML member with a C14N
 * transform covers its tree; without transform, its bytes.
 * Checks "signature.…", reasons signature-missing, signature-malformed, signature-algorithm,
 * signature-transform, signature-reference (to what is not there), signature-digest,
 * signature-value, signature-certificates (more than one signer, or none), certificate-malformed,
 * and the xml-… ones of base/xml.h. False when any failed; *ret_result is then untouched.
 * The certificate is not judged here: see signature/certificate.h. */
struct signature_input {
    const struct signable *signables;
    size_t signable_count;
    const struct signable *signatures; /* files of the container; may be none when enveloped */
    size_t signature_count;
    const char *enveloped; /* name of the signable that may hold one; NULL */
    const struct xml_limits *xml_limits;
};

bool xmldsig_verify(const struct signature_input *input, struct signature_result *ret_result,
                    struct checks *checks);

#endif

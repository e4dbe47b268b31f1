/* Signature containers behind one interface: which bytes are signed, by which certificate, with
 * which algorithm. A container is chosen by the channel profile. */
#ifndef UKETSUKE_SIGNATURE_SIGNATURE_H
#define UKETSUKE_SIGNATURE_SIGNATURE_H

#include <libxml/tree.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
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
    /* Signatures that cover it and sign its name with it, a bit for each: of two members with a bit
     * in common it is signed that they belong together. Only XML Signature does that; CMS and raw
     * values are each over the bytes of one file. */
    uint64_t named_by;
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

#define SIGNATURE_FOLDER "signature/"

struct signature_input {
    const struct signable *signables;
    size_t signable_count;
    const struct signable *signatures; /* files of the container; may be none when enveloped */
    size_t signature_count;
    const char *enveloped;               /* xmldsig: name of the signable that may hold one; NULL */
    const struct xml_limits *xml_limits; /* xmldsig */
    instant applied_at;       /* cms: what a signing-time must not be after; 0: unknown */
    struct bytes certificate; /* raw: the signer's DER, when the file is one bare value; {0} */
};

/* Verifies every signature of `input`: one signer, every signature over what is here, nothing off
 * the allow-list of the design's §5. Checks "signature.…", reasons for all of them:
 * signature-missing, signature-malformed, signature-algorithm, signature-reference (to what is not
 * there), signature-digest, signature-value, signature-certificates (more than one signer, or
 * none, or another than the signature names), certificate-malformed. False when any check failed;
 * *ret_result is then untouched. The certificate is not judged here: see signature/certificate.h.
 */
struct signature_container {
    const char *name; /* "xmldsig", "cms", "raw" */
    bool (*verify)(const struct signature_input *input, struct signature_result *ret_result,
                   struct checks *checks);
};

/* NULL for what there is not. */
const struct signature_container *signature_container_find(const char *name);
/* By the name of a member under signature/: *.xml, *.p7s, raw.json; NULL for any other. */
const struct signature_container *signature_container_of_file(const char *name);

/* `xmldsig`: each ds:Signature is the root of a file in `signatures` (detached: References by
 * member name, or "#id" is refused), or, when `enveloped` names a signable, the last child of that
 * document's root (Reference URI "" with enveloped-signature, and References by member name). A
 * reference to an XML member with a C14N transform covers its tree; without transform, its bytes.
 * Further reasons: signature-transform, and the xml-… ones of base/xml.h.
 *
 * `cms`: detached SignedData (RFC 5652), DER to the innermost, of one SignerInfo and its one
 * certificate; "signature/application.xml.p7s" is over the bytes of application.xml. Signed
 * attributes, when there: content-type and message-digest; signing-time,
 * signing-certificate-v2 (RFC 5035) and cmsAlgorithmProtection (RFC 6211) are judged; no others but
 * SMIMECapabilities. Further reasons: signature-embedded (content within the file),
 * signature-attributes, signature-time.
 *
 * `raw`: one file raw.json of values over members' bytes and one certificate; or, with
 * `certificate`, one bare value over the one signable. RSASSA-PKCS1-v1_5, or ECDSA in DER. */
bool xmldsig_verify(const struct signature_input *input, struct signature_result *ret_result,
                    struct checks *checks);

#endif

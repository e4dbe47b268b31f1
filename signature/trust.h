/* Trust: pinned, self-signed roots of the signing CA. Several generations share one DN, so an
 * issuer is chosen by DN, then authority key id, then by whose key made the signature (reference
 * §1.1). */
#ifndef UKETSUKE_SIGNATURE_TRUST_H
#define UKETSUKE_SIGNATURE_TRUST_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "signature/algorithm.h"

enum trust_mode {
    TRUST_PRODUCTION, /* only roots with O=JPKI whose SHA-256 is among those we know (jpki_roots.c)
                       */
    TRUST_SANDBOX,    /* any pinned root that is not O=JPKI */
};

struct trust;

/* `anchors`: files of certificates in PEM (any number) or of one in DER, expired generations
 * included (they judge the past). `pins`: SHA-256 of the DER, 64 hexadecimal digits; every
 * certificate must be pinned, and in production be known to us as well. `named`: by hand, for this
 * once, on a command line: that is their pin. */
struct trust_options {
    enum trust_mode mode;
    const char *const *anchors;
    size_t anchor_count;
    const char *const *pins;
    size_t pin_count;
    bool named;
    const char *const *policies; /* accepted certificate policy OIDs, dotted */
    size_t policy_count;
};

bool trust_load(const struct trust_options *options, struct trust **ret_trust, struct failure *f);
void trust_free(struct trust *trust);
size_t trust_count(const struct trust *trust);
enum trust_mode trust_mode(const struct trust *trust);
/* SHA-256 of the DER of anchor `index`. */
const char *trust_fingerprint(const struct trust *trust, size_t index, char text[65]);
size_t trust_policy_count(const struct trust *trust);
const char *trust_policy_at(const struct trust *trust, size_t index);
/* It is one of the anchors, to the byte. */
bool trust_holds(const struct trust *trust, const X509 *certificate);

/* The generation that signed `certificate` (checked with its key), or NULL. *ret_name_known tells
 * whether any anchor has the issuer's DN. Borrowed. */
X509 *trust_issuer(const struct trust *trust, X509 *certificate, bool *ret_name_known);
/* The same for a revocation list whose bytes went by: the generation of that name that may sign
 * lists, whose key id is `key_id` (NULL: not known), and whose key made `value` over `hash`. */
struct list_signature {
    const X509_NAME *issuer;
    const ASN1_OCTET_STRING *key_id;
    const struct signature_algorithm *algorithm;
    const uint8_t *hash;
    struct bytes value;
};
X509 *trust_list_issuer(const struct trust *trust, const struct list_signature *signature);
/* Whether any anchor has that name. */
bool trust_name_known(const struct trust *trust, const X509_NAME *name);
bool trust_policy_accepted(const struct trust *trust, const char *oid);

#endif

/* One ds:Signature element, read strictly: what is not known is refused, not passed over. */
#ifndef UKETSUKE_SIGNATURE_XMLDSIG_FORM_H
#define UKETSUKE_SIGNATURE_XMLDSIG_FORM_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "signature/algorithm.h"
#include "signature/canonical.h"

#define XMLDSIG_REFERENCES_MAX 256

enum transform {
    TRANSFORM_NONE,      /* the member's bytes */
    TRANSFORM_CANONICAL, /* the member's tree */
    TRANSFORM_ENVELOPED, /* the tree of the document around the signature, without it */
};

struct reference {
    const char *uri; /* borrowed from the tree; "" exactly for TRANSFORM_ENVELOPED */
    enum transform transform;
    struct canonical_method method;
    enum digest digest;
    uint8_t value[DIGEST_MAX];
};

struct xmldsig_form {
    xmlNode *signed_info; /* borrowed */
    struct canonical_method method;
    const struct signature_algorithm *algorithm;
    struct reference *references;
    size_t reference_count;
    struct buffer value;
    struct buffer certificate; /* DER */
};

/* Reasons signature-malformed, signature-algorithm, signature-transform, signature-reference,
 * signature-certificates. Free *ret_form with xmldsig_form_free, also after false. */
bool xmldsig_form_read(xmlNode *signature, struct xmldsig_form *ret_form, struct checks *checks);
void xmldsig_form_free(struct xmldsig_form *form);

#endif

/* xmlsec1 as the judge of our XML Signature verifier: an implementation that is not ours. It takes
 * the key from the certificate in KeyInfo and does not judge the certificate. */
#ifndef UKETSUKE_TESTS_SUPPORT_ORACLE_H
#define UKETSUKE_TESTS_SUPPORT_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "signature/signature.h"

#define ORACLE_REFERENCES_MAX 16

struct oracle_reference {
    char uri[64];
    struct buffer digested; /* the very bytes */
};

struct oracle {
    struct oracle_reference references[ORACLE_REFERENCES_MAX]; /* of all signatures, in order */
    size_t reference_count;
};

/* Every signature of the input (each file, and the one within the enveloped document's root). */
bool oracle_accepts(const struct signature_input *input, struct oracle *ret_oracle);
void oracle_free(struct oracle *oracle);

#endif

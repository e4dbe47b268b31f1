/* What the parts of signature/path share. */
#ifndef UKETSUKE_SIGNATURE_PATH_INTERNAL_H
#define UKETSUKE_SIGNATURE_PATH_INTERNAL_H

#include <openssl/x509.h>

#include "signature/path.h"

struct path {
    X509 *certificates[PATH_LENGTH_MAX]; /* the leaf first, the anchor last; borrowed */
    size_t length;
};

/* Calls `judge` for each path from `leaf` to an anchor, those whose key ids fit first, until it
 * says true or a limit is met (*ret_limit). Returns how many it called it for. */
size_t path_each(X509 *leaf, const struct path_input *input,
                 bool (*judge)(void *context, const struct path *path), void *context,
                 bool *ret_limit);

/* For the check to come: which certificate. */
void path_input_certificate(struct checks *checks, int index, const X509 *x509);

/* `context` holds a path that X509_verify_cert has been through. */
void path_judge_revocation(X509_STORE_CTX *context, const struct path_input *input,
                           struct checks *checks);

#endif

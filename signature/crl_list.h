/* One revocation list, read and verified whole. */
#ifndef UKETSUKE_SIGNATURE_CRL_LIST_H
#define UKETSUKE_SIGNATURE_CRL_LIST_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "signature/crl.h"
#include "signature/trust.h"

#define CRL_BYTES_MAX (512 * 1024 * 1024)

struct crl_list {
    X509_CRL *crl;
    X509_NAME *partition; /* NULL: of all that this generation issued */
    X509 *issuer;         /* the anchor whose key signed it; owned (a reference) */
    struct crl_facts facts;
    char sha256[65];
};

/* DER or PEM; verified with the anchors, understood to the last entry. *ret_list is the caller's.
 */
bool crl_list_read(struct bytes bytes, const struct trust *trust, struct crl_list **ret_list,
                   struct failure *f);
void crl_list_free(struct crl_list *list);

#endif

/* Between the sources of signature/ocsp.h. */
#ifndef UKETSUKE_SIGNATURE_OCSP_INTERNAL_H
#define UKETSUKE_SIGNATURE_OCSP_INTERNAL_H

#include <openssl/ocsp.h>

#include "base/cleanup.h"
#include "signature/ocsp.h"

DEFINE_CLEANUP(cleanup_certid, OCSP_CERTID *, OCSP_CERTID_free)
DEFINE_CLEANUP(cleanup_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free)

struct ocsp_fault {
    const char *reason, *text;
};

/* The basic response of a successful one, canonical to the last byte (what is signed is encoded
 * anew to be verified). NULL for anything else; *ret_status is then the error that the responder
 * names, or OCSP_RESPONSE_STATUS_SUCCESSFUL when the bytes are no response. */
OCSP_BASICRESP *ocsp_basic_read(struct bytes response, int *ret_status);

/* The certificate whose key signed the response: the issuer, or a responder that the issuer
 * delegated to. Borrowed from either. NULL, and why. */
X509 *ocsp_signer(const OCSP_BASICRESP *basic, X509 *issuer, instant produced_at,
                  bool nocheck_dispensed, struct ocsp_fault *ret_fault);

#endif

/* OCSP responses for tests, good ones and such as are not. Not the sandbox's responder: that is a
 * peer, made apart. */
#ifndef UKETSUKE_TESTS_SUPPORT_OCSP_H
#define UKETSUKE_TESTS_SUPPORT_OCSP_H

#include <openssl/ocsp.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "signature/ocsp.h"
#include "tests/support/pki.h"

struct pki_ocsp { /* zero or NULL: what the comment says */
    int error;    /* OCSP_RESPONSE_STATUS_…; 0: successful */
    X509 *about;  /* the certificate, by `issuer` */
    X509 *issuer;
    enum ocsp_hash hash;
    int status;                       /* 0: V_OCSP_CERTSTATUS_GOOD */
    int reason;                       /* of a revocation; below 0: none */
    instant revoked;                  /* with V_OCSP_CERTSTATUS_REVOKED */
    instant produced_at;              /* 0: as this_update */
    instant this_update, next_update; /* next_update 0: none */
    instant cutoff;                   /* archiveCutoff; 0: none */
    struct bytes nonce;
    X509 *signer; /* named, and carried along */
    EVP_PKEY *key;
    EVP_PKEY *forger;   /* whose signature it really bears; NULL: key */
    const char *digest; /* NULL: SHA256 */
    bool by_key;        /* responderID is the hash of the key, not the name */
    bool without_certificates;
    bool twice; /* says it all twice */
    void (*change)(OCSP_BASICRESP *before_signing);
};
void pki_ocsp_make(const struct pki_ocsp *order, struct buffer *ret_der);

/* A certificate for answering in the name of `ca`, for `key`; `end` as in pki_issue, with the usage
 * of a responder where it says nothing. */
X509 *pki_responder(const struct pki_ca *ca, EVP_PKEY *key, const struct pki_end *end);

#endif

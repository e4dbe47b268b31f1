#include "tests/support/ocsp.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free)
DEFINE_CLEANUP(cleanup_response, OCSP_RESPONSE *, OCSP_RESPONSE_free)
DEFINE_CLEANUP(cleanup_time, ASN1_TIME *, ASN1_TIME_free)

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static ASN1_TIME *time_of(instant at)
{
    ASN1_TIME *time = ASN1_GENERALIZEDTIME_set(NULL, (time_t)(at / INSTANT_SECOND));
    MUST(time);
    return time;
}

static void add_single(OCSP_BASICRESP *basic, const struct pki_ocsp *order)
{
    const EVP_MD *hash = order->hash == OCSP_HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    OCSP_CERTID *id = OCSP_cert_to_id(hash, order->about, order->issuer);
    _cleanup_(cleanup_time) ASN1_TIME *from = time_of(order->this_update);
    _cleanup_(cleanup_time) ASN1_TIME *to = order->next_update ? time_of(order->next_update) : NULL;
    _cleanup_(cleanup_time) ASN1_TIME *revoked = time_of(order->revoked);
    OCSP_SINGLERESP *single = OCSP_basic_add1_status(
        basic, id, order->status, order->reason,
        order->status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from, to);
    MUST(single);
    if (order->cutoff) {
        _cleanup_(cleanup_time) ASN1_TIME *cutoff = time_of(order->cutoff);
        MUST(OCSP_SINGLERESP_add1_ext_i2d(single, NID_id_pkix_OCSP_archiveCutoff, cutoff, 0, 0));
    }
    OCSP_CERTID_free(id);
}

static void sign(OCSP_BASICRESP *basic, const struct pki_ocsp *order)
{
    const EVP_MD *digest = EVP_get_digestbyname(order->digest ? order->digest : "SHA256");
    unsigned long flags = OCSP_NOTIME | (order->by_key ? OCSP_RESPID_KEY : 0) |
                          (order->without_certificates ? OCSP_NOCERTS : 0);
    instant at = order->produced_at ? order->produced_at : order->this_update;
    MUST(ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)OCSP_resp_get0_produced_at(basic),
                                  (time_t)(at / INSTANT_SECOND)));
    MUST(OCSP_basic_sign(basic, order->signer, order->key, digest, NULL, flags));
    if (order->forger)
        MUST(ASN1_item_sign(ASN1_ITEM_rptr(OCSP_RESPDATA),
                            (X509_ALGOR *)OCSP_resp_get0_tbs_sigalg(basic), NULL,
                            (ASN1_BIT_STRING *)OCSP_resp_get0_signature(basic),
                            (void *)OCSP_resp_get0_respdata(basic), order->forger, digest) > 0);
}

void pki_ocsp_make(const struct pki_ocsp *order, struct buffer *ret_der)
{
    _cleanup_(cleanup_basic) OCSP_BASICRESP *basic = NULL;
    if (!order->error) {
        MUST(basic = OCSP_BASICRESP_new());
        add_single(basic, order);
        if (order->twice)
            add_single(basic, order);
        if (order->nonce.length)
            MUST(OCSP_basic_add1_nonce(basic, (uint8_t *)order->nonce.data,
                                       (int)order->nonce.length));
        if (order->change)
            order->change(basic);
        sign(basic, order);
    }
    _cleanup_(cleanup_response) OCSP_RESPONSE *response = OCSP_response_create(order->error, basic);
    uint8_t *der = NULL;
    int length = i2d_OCSP_RESPONSE(response, &der);
    MUST(length > 0);
    buffer_append(ret_der, der, (size_t)length);
    OPENSSL_free(der);
}

X509 *pki_responder(const struct pki_ca *ca, EVP_PKEY *key, const struct pki_end *end)
{
    struct pki_end own = *end;
    if (!own.usage)
        own.usage = "critical,digitalSignature";
    if (!own.extra[0][0]) {
        own.extra[0][0] = "extendedKeyUsage";
        own.extra[0][1] = "critical,OCSPSigning";
        own.extra[1][0] = "noCheck";
        own.extra[1][1] = "ignored";
    }
    if (!own.serial)
        own.serial = "0c59";
    return pki_issue(ca, key, &own);
}

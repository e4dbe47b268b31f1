#include "signature/ocsp.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "signature/algorithm.h"
#include "signature/ocsp_internal.h"

DEFINE_CLEANUP(cleanup_request, OCSP_REQUEST *, OCSP_REQUEST_free)
DEFINE_CLEANUP(cleanup_response, OCSP_RESPONSE *, OCSP_RESPONSE_free)

/* --- asking ----------------------------------------------------------------------------------- */

void ocsp_certid(X509 *certificate, X509 *issuer, enum ocsp_hash hash, struct buffer *ret_der)
{
    const EVP_MD *digest = hash == OCSP_HASH_SHA1 ? EVP_sha1() : digest_md(DIGEST_SHA256);
    _cleanup_(cleanup_certid) OCSP_CERTID *id = OCSP_cert_to_id(digest, certificate, issuer);
    int length = id ? i2d_OCSP_CERTID(id, NULL) : 0;
    if (length <= 0)
        abort(); /* only for want of memory */
    uint8_t *end = buffer_reserve(ret_der, (size_t)length);
    buffer_commit(ret_der, (size_t)i2d_OCSP_CERTID(id, &end));
}

static OCSP_CERTID *certid_read(struct bytes der)
{
    const uint8_t *at = der.data;
    _cleanup_(cleanup_certid) OCSP_CERTID *id = d2i_OCSP_CERTID(NULL, &at, (long)der.length);
    ERR_clear_error();
    return id && at == der.data + der.length ? TAKE(id) : NULL;
}

bool ocsp_request(struct bytes certid, struct bytes nonce, struct buffer *ret_der)
{
    _cleanup_(cleanup_request) OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = certid_read(certid);
    if (!id)
        return false;
    if (!request || !OCSP_request_add0_id(request, id) || /* the request's from now on */
        (nonce.length &&
         !OCSP_request_add1_nonce(request, (uint8_t *)nonce.data, (int)nonce.length)))
        abort();
    int length = i2d_OCSP_REQUEST(request, NULL);
    if (length <= 0)
        abort();
    uint8_t *end = buffer_reserve(ret_der, (size_t)length);
    buffer_commit(ret_der, (size_t)i2d_OCSP_REQUEST(request, &end));
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool canonical(int status, OCSP_BASICRESP *basic, struct bytes der)
{
    _cleanup_(cleanup_response) OCSP_RESPONSE *again = OCSP_response_create(status, basic);
    uint8_t *bytes = NULL;
    int length = again ? i2d_OCSP_RESPONSE(again, &bytes) : 0;
    bool same = length > 0 && bytes_equal(bytes_of(bytes, (size_t)length), der);
    OPENSSL_free(bytes);
    return same;
}

OCSP_BASICRESP *ocsp_basic_read(struct bytes response, int *ret_status)
{
    *ret_status = OCSP_RESPONSE_STATUS_SUCCESSFUL;
    if (response.length == 0 || response.length > OCSP_RESPONSE_MAX)
        return NULL;
    const uint8_t *at = response.data;
    _cleanup_(cleanup_response) OCSP_RESPONSE *whole =
        d2i_OCSP_RESPONSE(NULL, &at, (long)response.length);
    _cleanup_(cleanup_basic) OCSP_BASICRESP *basic = NULL;
    if (whole && at == response.data + response.length) {
        *ret_status = OCSP_response_status(whole);
        if (*ret_status == OCSP_RESPONSE_STATUS_SUCCESSFUL)
            basic = OCSP_response_get1_basic(whole);
    }
    bool good = basic && canonical(*ret_status, basic, response);
    ERR_clear_error();
    return good ? TAKE(basic) : NULL;
}

/* RFC 6960 §4.2.1. None of them is signed: they may excuse the responder, and decide nothing. */
static const char *error_reason(int status)
{
    switch (status) {
    case OCSP_RESPONSE_STATUS_MALFORMEDREQUEST:
        return "ocsp-malformed-request";
    case OCSP_RESPONSE_STATUS_INTERNALERROR:
        return "ocsp-internal-error";
    case OCSP_RESPONSE_STATUS_TRYLATER:
        return "ocsp-try-later";
    case OCSP_RESPONSE_STATUS_SIGREQUIRED:
        return "ocsp-signature-required";
    case OCSP_RESPONSE_STATUS_UNAUTHORIZED:
        return "ocsp-unauthorized";
    default:
        return "ocsp-malformed";
    }
}

const char *ocsp_response_error(struct bytes response)
{
    int status;
    _cleanup_(cleanup_basic) OCSP_BASICRESP *basic = ocsp_basic_read(response, &status);
    return basic ? NULL : error_reason(status);
}

/* OCSP_id_cmp would also want the algorithm to be the same one. */
static bool may_be_same(const OCSP_CERTID *a, const OCSP_CERTID *b)
{
    ASN1_OBJECT *hash[2];
    ASN1_INTEGER *serial[2];
    if (!OCSP_id_get0_info(NULL, &hash[0], NULL, &serial[0], (OCSP_CERTID *)a) ||
        !OCSP_id_get0_info(NULL, &hash[1], NULL, &serial[1], (OCSP_CERTID *)b) ||
        ASN1_INTEGER_cmp(serial[0], serial[1]) != 0)
        return false;
    return OBJ_cmp(hash[0], hash[1]) != 0 || OCSP_id_issuer_cmp(a, b) == 0;
}

bool ocsp_response_concerns(struct bytes response, struct bytes certid)
{
    int status;
    _cleanup_(cleanup_basic) OCSP_BASICRESP *basic = ocsp_basic_read(response, &status);
    _cleanup_(cleanup_certid) OCSP_CERTID *id = certid_read(certid);
    for (int i = 0; basic && id && i < OCSP_resp_count(basic); i++)
        if (may_be_same(OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, i)), id))
            return true;
    return false;
}

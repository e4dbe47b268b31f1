#include "signature/ocsp.h"

#include <openssl/ocsp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/algorithm.h"

DEFINE_CLEANUP(cleanup_certid, OCSP_CERTID *, OCSP_CERTID_free)

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

#include "deploy/sandbox/cms_sign.h"

#include "deploy/sandbox/x509_make.h"

#define DETACHED (CMS_DETACHED | CMS_BINARY | CMS_PARTIAL)

static bool is_elliptic(const EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
}

static const EVP_MD *digest_of_key(const EVP_PKEY *key)
{
    return is_elliptic(key) ? EVP_sha384() : EVP_sha256();
}

const char *value_algorithm(const EVP_PKEY *key)
{
    return is_elliptic(key) ? "ecdsa-sha384" : "rsa-sha256";
}

/* Of a CMS that has one already, OpenSSL does not write the clock's. */
static bool signing_time_add(CMS_SignerInfo *info, instant at, struct failure *f)
{
    ASN1_TIME *time = asn1_time_make(at, f);
    bool done =
        time && CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, time->type, time, -1) == 1;
    ASN1_TIME_free(time);
    return done;
}

static bool cms_write(CMS_ContentInfo *cms, struct buffer *ret_der, struct failure *f)
{
    int length = i2d_CMS_ContentInfo(cms, NULL);
    if (length <= 0)
        return crypto_failure(f, "a CMS signature could not be encoded");
    uint8_t *end = buffer_reserve(ret_der, (size_t)length);
    i2d_CMS_ContentInfo(cms, &end);
    buffer_commit(ret_der, (size_t)length);
    return true;
}

bool cms_sign(const struct cms_signer *signer, struct bytes content, bool attributes,
              struct buffer *ret_der, struct failure *f)
{
    unsigned flags =
        DETACHED | (attributes ? CMS_CADES : CMS_NOATTR) | (signer->enclosed ? CMS_NOCERTS : 0);
    _cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(content.data, (int)content.length);
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, DETACHED);
    CMS_SignerInfo *info = in && cms ? CMS_add1_signer(cms, signer->certificate, signer->key,
                                                       digest_of_key(signer->key), flags)
                                     : NULL;
    if (!info || (attributes && !signing_time_add(info, signer->signed_at, f)) ||
        (signer->enclosed && !CMS_add1_cert(cms, signer->enclosed)) ||
        !CMS_final(cms, in, NULL, flags))
        return crypto_failure(f, "a CMS signature could not be made");
    return cms_write(cms, ret_der, f);
}

CMS_ContentInfo *cms_parse(struct bytes der, struct failure *f)
{
    const uint8_t *at = der.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.length);
    if (!cms)
        crypto_failure(f, "a CMS signature could not be read back");
    return cms;
}

bool value_sign(EVP_PKEY *key, struct bytes content, struct buffer *ret_value, struct failure *f)
{
    uint8_t value[512];
    size_t length = sizeof value;
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || !EVP_DigestSignInit(context, NULL, digest_of_key(key), NULL, key) ||
        !EVP_DigestSign(context, value, &length, content.data, content.length))
        return crypto_failure(f, "a signature value could not be made");
    buffer_append(ret_value, value, length);
    return true;
}

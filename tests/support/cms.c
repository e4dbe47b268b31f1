#include "tests/support/cms.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/crl_der.h"
#include "tests/support/pki.h"

DEFINE_CLEANUP(cleanup_cms, CMS_ContentInfo *, CMS_ContentInfo_free)

#define OID_SIGNED_DATA "06 09 2a864886f70d010702"
#define OID_DATA        "06 09 2a864886f70d010701"
#define SHA256_ID       "30 0b 06 09 608648016503040201"
#define RSA_ID          "30 0d 06 09 2a864886f70d010101 05 00"
#define CONTENT_TYPE    "30 18 06 09 2a864886f70d010903 31 0b " OID_DATA

static void put_or(struct buffer *out, struct bytes part, const char *usual)
{
    if (part.data)
        buffer_append(out, part.data, part.length);
    else
        der_put_hex(out, usual);
}

static void wrap(struct buffer *out, uint8_t tag)
{
    struct buffer whole = {0};
    der_put(&whole, tag, buffer_bytes(out));
    buffer_free(out);
    *out = whole;
}

static void attributes_put(const struct cms_der *cms, struct buffer *out)
{
    uint8_t hash[32];
    struct buffer digest = {0};
    if (cms->all_attributes.data) {
        buffer_append(out, cms->all_attributes.data, cms->all_attributes.length);
        return;
    }
    sha256(cms->content, hash);
    der_put_hex(out, CONTENT_TYPE);
    der_put_hex(&digest, "06 09 2a864886f70d010904 31 22 04 20");
    buffer_append(&digest, hash, sizeof hash);
    der_put(out, 0x30, buffer_bytes(&digest));
    buffer_free(&digest);
    buffer_append(out, cms->more_attributes.data, cms->more_attributes.length);
}

void cms_der_attributes(const struct cms_der *cms, struct buffer *ret_set)
{
    attributes_put(cms, ret_set);
    wrap(ret_set, 0x31);
}

static void signer_name_put(const struct cms_der *cms, struct buffer *out)
{
    const uint8_t *name;
    size_t length;
    uint8_t *serial = NULL;
    struct buffer pair = {0};
    if (cms->signer_name.data) {
        buffer_append(out, cms->signer_name.data, cms->signer_name.length);
        return;
    }
    if (!X509_NAME_get0_der(X509_get_issuer_name(cms->certificate), &name, &length))
        abort();
    int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(cms->certificate), &serial);
    buffer_append(&pair, name, length);
    buffer_append(&pair, serial, (size_t)size);
    der_put(out, 0x30, buffer_bytes(&pair));
    buffer_free(&pair);
    OPENSSL_free(serial);
}

static void signer_put(const struct cms_der *cms, struct buffer *out)
{
    _cleanup_(cleanup_buffer) struct buffer set = {0};
    _cleanup_(cleanup_buffer) struct buffer value = {0};
    put_or(out, cms->signer_version, "02 01 01");
    signer_name_put(cms, out);
    put_or(out, cms->digest, SHA256_ID);
    cms_der_attributes(cms, &set);
    if (cms->attributes) {
        size_t at = out->length;
        buffer_append(out, set.data, set.length);
        out->data[at] = 0xa0;
    }
    put_or(out, cms->value_algorithm, RSA_ID);
    raw_value(cms->key, "SHA256", cms->attributes ? buffer_bytes(&set) : cms->content, &value);
    der_put(out, 0x04, cms->value.data ? cms->value : buffer_bytes(&value));
    buffer_append(out, cms->unsigned_attributes.data, cms->unsigned_attributes.length);
    wrap(out, 0x30);
}

void cms_der_make(const struct cms_der *cms, struct buffer *ret_der)
{
    struct buffer part = {0}, data = {0};
    put_or(&data, cms->version, "02 01 01");
    put_or(&data, cms->digests, "31 0d " SHA256_ID);
    der_put_hex(&part, OID_DATA);
    buffer_append(&part, cms->embedded.data, cms->embedded.length);
    der_put(&data, 0x30, buffer_bytes(&part));
    buffer_clear(&part);
    if (cms->certificates.data)
        buffer_append(&part, cms->certificates.data, cms->certificates.length);
    else
        pki_der(cms->certificate, &part);
    if (part.length > 0)
        der_put(&data, 0xa0, buffer_bytes(&part));
    buffer_append(&data, cms->lists.data, cms->lists.length);
    buffer_clear(&part);
    signer_put(cms, &part);
    buffer_append(&part, cms->more_signers.data, cms->more_signers.length);
    der_put(&data, 0x31, buffer_bytes(&part));
    buffer_free(&part);
    wrap(&data, 0x30);
    wrap(&data, 0xa0);
    der_put_hex(&part, OID_SIGNED_DATA);
    buffer_append(&part, data.data, data.length);
    der_put(ret_der, 0x30, buffer_bytes(&part));
    buffer_append(ret_der, cms->behind.data, cms->behind.length);
    buffer_free(&part);
    buffer_free(&data);
}

bool cms_make(EVP_PKEY *key, X509 *certificate, const char *digest, unsigned flags,
              struct bytes content, struct buffer *ret_der)
{
    flags |= CMS_DETACHED | CMS_BINARY;
    _cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(content.data, (int)content.length);
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms =
        CMS_sign(NULL, NULL, NULL, NULL, CMS_DETACHED | CMS_BINARY | CMS_PARTIAL);
    uint8_t *der = NULL;
    bool made = cms &&
                CMS_add1_signer(cms, certificate, key, EVP_get_digestbyname(digest), flags) &&
                CMS_final(cms, in, NULL, flags);
    int length = made ? i2d_CMS_ContentInfo(cms, &der) : 0;
    if (length > 0)
        buffer_append(ret_der, der, (size_t)length);
    OPENSSL_free(der);
    ERR_clear_error();
    return length > 0;
}

bool cms_openssl_accepts(struct bytes file, struct bytes content)
{
    const uint8_t *at = file.data;
    /* Behind a filter: of a memory BIO OpenSSL 3.0 makes one more, and loses it. */
    _cleanup_(cleanup_bio) BIO *in =
        BIO_push(BIO_new(BIO_f_null()), BIO_new_mem_buf(content.data, (int)content.length));
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)file.length);
    bool accepted =
        cms && CMS_verify(cms, NULL, NULL, in, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
    ERR_clear_error();
    return accepted;
}

void raw_value(EVP_PKEY *key, const char *digest, struct bytes content, struct buffer *ret_value)
{
    uint8_t value[1024];
    size_t length = sizeof value;
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!EVP_DigestSignInit(context, NULL, EVP_get_digestbyname(digest), NULL, key) ||
        !EVP_DigestSign(context, value, &length, content.data, content.length))
        abort();
    buffer_append(ret_value, value, length);
}

void raw_json(X509 *certificate, const char *member, const char *algorithm, struct bytes value,
              struct buffer *ret_text)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(certificate, &der);
    buffer_append_text(ret_text, "{\"certificate\":\"");
    base64_encode(buffer_bytes(&der), ret_text);
    buffer_format(ret_text,
                  "\",\"signatures\":[{\"member\":\"%s\",\"algorithm\":\"%s\",\"value\":\"", member,
                  algorithm);
    base64_encode(value, ret_text);
    buffer_append_text(ret_text, "\"}]}");
}

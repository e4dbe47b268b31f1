#include "tests/support/crl_der.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/crl_builder.h"
#include "tests/support/trust.h"

void der_put_header(struct buffer *out, uint8_t tag, uint64_t length)
{
    uint8_t header[10] = {tag, (uint8_t)length};
    size_t octets = 0;
    if (length >= 0x80) {
        for (uint64_t rest = length; rest > 0; rest >>= 8)
            octets++;
        header[1] = (uint8_t)(0x80 | octets);
        for (size_t i = 0; i < octets; i++)
            header[2 + i] = (uint8_t)(length >> 8 * (octets - 1 - i));
    }
    buffer_append(out, header, 2 + octets);
}

void der_put(struct buffer *out, uint8_t tag, struct bytes content)
{
    der_put_header(out, tag, content.length);
    buffer_append(out, content.data, content.length);
}

void der_put_hex(struct buffer *out, const char *hex)
{
    char digits[4096];
    size_t length = 0;
    for (; *hex; hex++)
        if (*hex != ' ' && length < sizeof digits - 1)
            digits[length++] = *hex;
    digits[length] = '\0';
    uint8_t *at = buffer_reserve(out, length / 2);
    if (!hex_decode(digits, at, length / 2))
        abort();
    buffer_commit(out, length / 2);
}

static void put(struct buffer *out, struct bytes part, const char *usual)
{
    if (part.data)
        buffer_append(out, part.data, part.length);
    else
        der_put_hex(out, usual);
}

static const char *algorithm_of(const struct pki_ca *ca)
{
    return EVP_PKEY_get_base_id(ca->key) == EVP_PKEY_EC
               ? "30 0a 06 08 2a 86 48 ce 3d 04 03 02"
               : "30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00";
}

static void put_issuer(struct buffer *out, const struct pki_ca *ca, struct bytes part)
{
    uint8_t *der = NULL;
    int length = i2d_X509_NAME(X509_get_subject_name(ca->certificate), &der);
    if (part.data)
        buffer_append(out, part.data, part.length);
    else
        buffer_append(out, der, (size_t)length);
    OPENSSL_free(der);
}

static void put_list(struct buffer *out, const struct crl_der *list)
{
    if (list->list.data)
        buffer_append(out, list->list.data, list->list.length);
    else if (list->entries.length > 0)
        der_put(out, 0x30, list->entries);
}

static void put_extensions(struct buffer *out, struct bytes part)
{
    _cleanup_(cleanup_buffer) struct buffer content = {0}, sequence = {0};
    put(&content, part, CRL_NUMBER_1);
    if (content.length == 0)
        return;
    der_put(&sequence, 0x30, buffer_bytes(&content));
    der_put(out, 0xa0, buffer_bytes(&sequence));
}

static void put_signature(struct buffer *out, const struct pki_ca *ca, struct bytes tbs)
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t value[1025] = {0};
    size_t length = sizeof value - 1;
    if (!EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, ca->key) ||
        !EVP_DigestSign(context, value + 1, &length, tbs.data, tbs.length))
        abort();
    der_put(out, 0x03, bytes_of(value, length + 1));
}

void crl_der_make(const struct pki_ca *ca, const struct crl_der *list, struct buffer *ret_der)
{
    _cleanup_(cleanup_buffer) struct buffer content = {0}, all = {0};
    put(&content, list->version, "02 01 01");
    put(&content, list->algorithm, algorithm_of(ca));
    put_issuer(&content, ca, list->issuer);
    put(&content, list->this_update, "17 0d 32 36 31 31 32 31 30 30 30 30 30 30 5a");
    put(&content, list->next_update, "17 0d 32 36 31 31 32 38 30 30 30 30 30 30 5a");
    put_list(&content, list);
    put_extensions(&content, list->extensions);
    der_put(&all, 0x30, buffer_bytes(&content));
    _cleanup_(cleanup_buffer) struct buffer tbs = {0};
    buffer_append(&tbs, all.data, all.length);
    put(&all, list->outer_algorithm, algorithm_of(ca));
    if (list->signature.data)
        buffer_append(&all, list->signature.data, list->signature.length);
    else
        put_signature(&all, ca, buffer_bytes(&tbs));
    buffer_append(&all, list->behind.data, list->behind.length);
    der_put(ret_der, 0x30, buffer_bytes(&all));
}

void crl_der_entry(struct buffer *out, const char *serial, const char *time, const char *extensions)
{
    _cleanup_(cleanup_buffer) struct buffer content = {0}, number = {0}, more = {0};
    der_put_hex(&number, serial);
    der_put(&content, 0x02, buffer_bytes(&number));
    der_put(&content, strlen(time) == 15 ? 0x18 : 0x17, bytes_of_text(time));
    if (extensions) {
        der_put_hex(&more, extensions);
        der_put(&content, 0x30, buffer_bytes(&more));
    }
    der_put(out, 0x30, buffer_bytes(&content));
}

void crl_index_write(const struct pki_ca *ca, struct bytes list, const char *path)
{
    X509 *anchor = ca->certificate;
    struct trust *trust = trust_of(&anchor, 1);
    _cleanup_(cleanup_fd) int output = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    _cleanup_(cleanup_fd) int scratch = memfd_create("runs", MFD_CLOEXEC);
    struct crl_builder *builder = crl_builder_new(trust, output, scratch);
    struct crl_facts facts;
    if (!crl_builder_feed(builder, list, NULL) || !crl_builder_end(builder, &facts, NULL))
        abort();
    crl_builder_free(builder);
    trust_free(trust);
}

#include "tests/support/dsig.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/pki.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            ERR_print_errors_fp(stderr);                                                           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const EVP_MD *digest_by(const char *uri)
{
    const char *tail = uri + strlen(uri) - 6;
    if (strcmp(tail, "sha512") == 0)
        return EVP_sha512();
    if (strcmp(tail, "sha384") == 0)
        return EVP_sha384();
    return strcmp(tail, "sha256") == 0 ? EVP_sha256() : EVP_sha1();
}

static void append_base64(struct buffer *out, struct bytes data)
{
    base64_encode(data, out);
}

static void append_reference(struct buffer *out, const struct dsig_reference *reference,
                             const char *p, const char *colon)
{
    const char *digest = reference->digest ? reference->digest : DSIG_SHA256;
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned length;
    buffer_format(out, "<%s%sReference URI=\"%s\"%s>%s<%s%sDigestMethod Algorithm=\"%s\"/>", p,
                  colon, reference->uri, reference->attributes ? reference->attributes : "",
                  reference->transforms ? reference->transforms : "", p, colon, digest);
    MUST(EVP_Digest(reference->data.data, reference->data.length, value, &length, digest_by(digest),
                    NULL));
    buffer_format(out, "<%s%sDigestValue>", p, colon);
    append_base64(out, bytes_of(value, length));
    buffer_format(out, "</%s%sDigestValue></%s%sReference>\n", p, colon, p, colon);
}

static const char *method_of(const struct dsig *dsig)
{
    if (dsig->method)
        return dsig->method;
    return EVP_PKEY_get_base_id(dsig->key) == EVP_PKEY_EC ? DSIG_MORE "ecdsa-sha256"
                                                          : DSIG_MORE "rsa-sha256";
}

static void append_key_info(struct buffer *out, const struct dsig *dsig, const char *p,
                            const char *colon)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    if (dsig->key_info)
        return buffer_append_text(out, dsig->key_info);
    if (!dsig->certificate)
        return;
    pki_der(dsig->certificate, &der);
    buffer_format(out, "<%s%sKeyInfo><%s%sX509Data><%s%sX509Certificate>", p, colon, p, colon, p,
                  colon);
    append_base64(out, buffer_bytes(&der));
    buffer_format(out, "</%s%sX509Certificate></%s%sX509Data></%s%sKeyInfo>", p, colon, p, colon, p,
                  colon);
}

#define HOLE "@SIGNATURE-VALUE@"

/* The signature as text, with a hole for its value. `Transforms` given as text use the prefix ds.
 */
static void append_signature(struct buffer *out, const struct dsig *dsig)
{
    const char *p = dsig->prefix ? dsig->prefix : "ds", *colon = *p ? ":" : "";
    buffer_format(out, "<%s%sSignature xmlns%s%s=\"" DSIG_NS "\"%s><%s%sSignedInfo>\n", p, colon,
                  colon, p, strcmp(p, "ds") ? " xmlns:ds=\"" DSIG_NS "\"" : "", p, colon);
    buffer_format(out,
                  "<%s%sCanonicalizationMethod Algorithm=\"%s\">%s</%s%sCanonicalizationMethod>", p,
                  colon, dsig->c14n ? dsig->c14n : DSIG_EXCLUSIVE,
                  dsig->c14n_inside ? dsig->c14n_inside : "", p, colon);
    buffer_format(out, "<%s%sSignatureMethod Algorithm=\"%s\"/>\n", p, colon, method_of(dsig));
    for (size_t i = 0; i < DSIG_REFERENCES_MAX && dsig->references[i].uri; i++)
        append_reference(out, &dsig->references[i], p, colon);
    buffer_format(out, "</%s%sSignedInfo><%s%sSignatureValue>" HOLE "</%s%sSignatureValue>", p,
                  colon, p, colon, p, colon);
    append_key_info(out, dsig, p, colon);
    if (dsig->object)
        buffer_append_text(out, dsig->object);
    buffer_format(out, "</%s%sSignature>", p, colon);
}

static int mode_of(const char *method)
{
    return method && strcmp(method, DSIG_INCLUSIVE) == 0 ? XML_C14N_1_0 : XML_C14N_EXCLUSIVE_1_0;
}

static xmlDoc *read_document(struct bytes document)
{
    xmlDoc *tree = xmlReadMemory((const char *)document.data, (int)document.length, NULL, NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOENT);
    MUST(tree);
    return tree;
}

/* The canonical form of the nodes that an XPath expression chooses; NULL: all. */
static void canonical_nodes(xmlDoc *tree, const char *xpath, int mode, xmlChar **prefixes,
                            struct buffer *ret_bytes)
{
    xmlXPathContext *context = xmlXPathNewContext(tree);
    xmlXPathObject *chosen = NULL;
    xmlChar *bytes = NULL;
    xmlXPathRegisterNs(context, BAD_CAST "ds", BAD_CAST DSIG_NS);
    if (xpath)
        MUST(chosen = xmlXPathEvalExpression(BAD_CAST xpath, context));
    int length =
        xmlC14NDocDumpMemory(tree, chosen ? chosen->nodesetval : NULL, mode, prefixes, 0, &bytes);
    MUST(length >= 0);
    buffer_append(ret_bytes, bytes, (size_t)length);
    xmlFree(bytes);
    xmlXPathFreeObject(chosen);
    xmlXPathFreeContext(context);
}

void dsig_canonical(struct bytes document, const char *method, struct buffer *ret_bytes)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = read_document(document);
    canonical_nodes(tree, NULL, mode_of(method), NULL, ret_bytes);
}

#define SIGNED_INFO                                                                                \
    "(//ds:SignedInfo)[last()]/descendant-or-self::node() | "                                      \
    "(//ds:SignedInfo)[last()]/descendant-or-self::*/@* | "                                        \
    "(//ds:SignedInfo)[last()]/descendant-or-self::*/namespace::*"

static void ecdsa_as_xml(EVP_PKEY *key, struct bytes der, struct buffer *ret_value)
{
    const uint8_t *at = der.data;
    size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.length);
    MUST(pair);
    uint8_t *out = buffer_reserve(ret_value, 2 * half);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int)half) == (int)half);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, (int)half) == (int)half);
    buffer_commit(ret_value, 2 * half);
    ECDSA_SIG_free(pair);
}

static void make_value(const struct dsig *dsig, struct bytes data, struct buffer *ret_value)
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t value[1200];
    size_t length = sizeof value;
    MUST(EVP_DigestSignInit(context, NULL, digest_by(method_of(dsig)), NULL, dsig->key) > 0);
    MUST(EVP_DigestSign(context, value, &length, data.data, data.length) > 0);
    if (EVP_PKEY_get_base_id(dsig->key) == EVP_PKEY_EC)
        ecdsa_as_xml(dsig->key, bytes_of(value, length), ret_value);
    else
        buffer_append(ret_value, value, length);
}

/* Fills the hole in `file`. */
static void complete(const struct dsig *dsig, struct buffer *file)
{
    _cleanup_(cleanup_buffer) struct buffer info = {0}, value = {0}, whole = {0};
    xmlChar *prefixes[2] = {NULL, NULL};
    if (dsig->c14n_inside && strstr(dsig->c14n_inside, "\"x\""))
        prefixes[0] = BAD_CAST "x";
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = read_document(buffer_bytes(file));
    canonical_nodes(tree, SIGNED_INFO, mode_of(dsig->c14n), prefixes[0] ? prefixes : NULL, &info);
    make_value(dsig, buffer_bytes(&info), &value);
    const uint8_t *hole = memmem(file->data, file->length, HOLE, sizeof HOLE - 1);
    MUST(hole);
    size_t before = (size_t)(hole - file->data), behind = before + sizeof HOLE - 1;
    buffer_append(&whole, file->data, before);
    base64_encode(buffer_bytes(&value), &whole);
    buffer_append(&whole, file->data + behind, file->length - behind);
    buffer_free(file);
    *file = whole;
    whole = (struct buffer){0};
}

void dsig_detached(const struct dsig *dsig, struct buffer *ret_file)
{
    append_signature(ret_file, dsig);
    complete(dsig, ret_file);
}

void dsig_enveloped(const struct dsig *dsig, const char *document, struct buffer *ret_document)
{
    _cleanup_(cleanup_buffer) struct buffer canonical = {0};
    struct dsig filled = *dsig;
    for (size_t i = 0; i < DSIG_REFERENCES_MAX && filled.references[i].uri; i++) {
        struct dsig_reference *reference = &filled.references[i];
        if (*reference->uri || reference->data.data)
            continue;
        bool inclusive = reference->transforms && strstr(reference->transforms, DSIG_INCLUSIVE);
        dsig_canonical(bytes_of_text(document), inclusive ? DSIG_INCLUSIVE : DSIG_EXCLUSIVE,
                       &canonical);
        reference->data = buffer_bytes(&canonical);
    }
    const char *end = strrchr(document, '<');
    buffer_append(ret_document, document, (size_t)(end - document));
    append_signature(ret_document, &filled);
    buffer_append_text(ret_document, end);
    complete(&filled, ret_document);
}

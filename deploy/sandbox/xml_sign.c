#include "deploy/sandbox/xml_sign.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>

#include "base/text.h"
#include "deploy/sandbox/x509_make.h"

#define DS_NAMESPACE "http://www.w3.org/2000/09/xmldsig#"
#define C14N_URI     "http://www.w3.org/2001/10/xml-exc-c14n#"

static const struct {
    const char *digest_uri, *signature_uri;
    const EVP_MD *(*md)(void);
} algorithms[] = {
    [XML_SIGN_SHA256] = {"http://www.w3.org/2001/04/xmlenc#sha256",
                         "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", EVP_sha256},
    [XML_SIGN_SHA512] = {"http://www.w3.org/2001/04/xmlenc#sha512",
                         "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", EVP_sha512},
    [XML_SIGN_SHA1] = {"http://www.w3.org/2000/09/xmldsig#sha1",
                       "http://www.w3.org/2000/09/xmldsig#rsa-sha1", EVP_sha1},
};

/* Exclusive C14N, without comments, of a whole document. */
static bool canonical_write(struct bytes document, struct buffer *ret_canonical, struct failure *f)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *parsed =
        xmlReadMemory((const char *)document.data, (int)document.length, NULL, "UTF-8",
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlChar *text = NULL;
    int length =
        parsed ? xmlC14NDocDumpMemory(parsed, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, &text) : -1;
    if (length < 0)
        return failure_set(f, FAILURE_SYSTEM, "a document of the town could not be canonicalised");
    buffer_append(ret_canonical, text, (size_t)length);
    xmlFree(text);
    return true;
}

static bool digest_write(struct bytes content, enum xml_sign_digest digest, struct buffer *xml,
                         struct failure *f)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest(content.data, content.length, hash, &length, algorithms[digest].md(), NULL))
        return crypto_failure(f, "a digest could not be made");
    base64_encode(bytes_of(hash, length), xml);
    return true;
}

static void transforms_write(enum xml_sign_transform transform, struct buffer *xml)
{
    if (transform == XML_SIGN_BYTES)
        return;
    buffer_append_text(xml, "<ds:Transforms>");
    if (transform == XML_SIGN_ENVELOPED)
        buffer_append_text(xml, "<ds:Transform Algorithm=\"" DS_NAMESPACE
                                "enveloped-signature\"></ds:Transform>");
    buffer_append_text(xml, "<ds:Transform Algorithm=\"" C14N_URI "\"></ds:Transform>"
                            "</ds:Transforms>");
}

static bool reference_write(const struct xml_sign_reference *reference, enum xml_sign_digest digest,
                            struct buffer *xml, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer canonical = {0};
    bool tree = reference->transform != XML_SIGN_BYTES;
    if (tree && !canonical_write(reference->content, &canonical, f))
        return false;
    buffer_format(xml, "<ds:Reference URI=\"%s\">", reference->uri);
    transforms_write(reference->transform, xml);
    buffer_format(xml, "<ds:DigestMethod Algorithm=\"%s\"></ds:DigestMethod><ds:DigestValue>",
                  algorithms[digest].digest_uri);
    if (!digest_write(tree ? buffer_bytes(&canonical) : reference->content, digest, xml, f))
        return false;
    buffer_append_text(xml, "</ds:DigestValue></ds:Reference>");
    return true;
}

/* SignedInfo, standing alone: its exclusive canonical form is the same as inside of Signature. */
static bool signed_info_write(const struct xml_sign_reference *references, size_t count,
                              enum xml_sign_digest digest, struct buffer *xml, struct failure *f)
{
    buffer_format(xml,
                  "<ds:SignedInfo xmlns:ds=\"" DS_NAMESPACE "\">"
                  "<ds:CanonicalizationMethod Algorithm=\"" C14N_URI
                  "\"></ds:CanonicalizationMethod>"
                  "<ds:SignatureMethod Algorithm=\"%s\"></ds:SignatureMethod>",
                  algorithms[digest].signature_uri);
    for (size_t i = 0; i < count; i++)
        if (!reference_write(&references[i], digest, xml, f))
            return false;
    buffer_append_text(xml, "</ds:SignedInfo>");
    return true;
}

static bool value_write(struct bytes signed_info, enum xml_sign_digest digest, EVP_PKEY *key,
                        struct buffer *xml, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer canonical = {0};
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t value[512];
    size_t length = sizeof value;
    if (!canonical_write(signed_info, &canonical, f))
        return false;
    if (!context || !EVP_DigestSignInit(context, NULL, algorithms[digest].md(), NULL, key) ||
        !EVP_DigestSign(context, value, &length, canonical.data, canonical.length))
        return crypto_failure(f, "a signature could not be made");
    base64_encode(bytes_of(value, length), xml);
    return true;
}

bool xml_sign(const struct xml_sign_reference *references, size_t count,
              enum xml_sign_digest digest, EVP_PKEY *key, const X509 *certificate,
              struct buffer *ret_signature, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer signed_info = {0};
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    if (!signed_info_write(references, count, digest, &signed_info, f) ||
        !certificate_der(certificate, &der, f))
        return false;
    buffer_append_text(ret_signature, "<ds:Signature xmlns:ds=\"" DS_NAMESPACE "\">");
    buffer_append(ret_signature, signed_info.data, signed_info.length);
    buffer_append_text(ret_signature, "<ds:SignatureValue>");
    if (!value_write(buffer_bytes(&signed_info), digest, key, ret_signature, f))
        return false;
    buffer_append_text(ret_signature, "</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
                                      "<ds:X509Certificate>");
    base64_encode(buffer_bytes(&der), ret_signature);
    buffer_append_text(ret_signature, "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
                                      "</ds:Signature>");
    return true;
}

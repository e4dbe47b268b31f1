/* XML Signatures that claim what they do not prove: references, algorithms, keys, structure. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/attacks/attacks.h"
#include "tests/support/dsig.h"

#define FORM                                                                                       \
    "<application xmlns=\"urn:uketsuke:form:attack:1\">\n"                                         \
    "  <claimant><name>桜野　花子</name></claimant>\n</application>\n"
#define ENVELOPED                                                                                  \
    "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)                                               \
        DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>"

#define CHECK_ENVELOPED "signature check --json --container xmldsig --signature {}/form.xml"
#define CHECK_DETACHED                                                                             \
    "signature check --json --container xmldsig --signature {}/signature.xml "                     \
    "--content application.xml={}/application.xml --content attachments/1.pdf={0}/attachment.pdf"

static struct dsig signer(const struct corpus *corpus, X509 **ret_certificate)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 2);
    *ret_certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    return (struct dsig){.key = key, .certificate = *ret_certificate};
}

static void enveloped_make(const struct dsig *dsig, struct buffer *ret_form)
{
    struct dsig filled = *dsig;
    if (!filled.references[0].uri)
        filled.references[0] = (struct dsig_reference){.uri = "", .transforms = ENVELOPED};
    dsig_enveloped(&filled, FORM, ret_form);
}

static void detached_make(const struct dsig *dsig, struct buffer *ret_file)
{
    struct dsig filled = *dsig;
    if (!filled.references[0].uri) {
        filled.references[0] =
            (struct dsig_reference){.uri = "application.xml", .data = bytes_of_text(FORM)};
        filled.references[1] = (struct dsig_reference){
            .uri = "attachments/1.pdf", .data = bytes_of_text("%PDF-1.7 an attachment\n")};
    }
    dsig_detached(&filled, ret_file);
}

static void enveloped_add(struct corpus *corpus, const char *name, int code, const char *reason,
                          const struct buffer *form, const char *what)
{
    attack_file(corpus, name, "form.xml", buffer_bytes(form));
    attack_add(corpus, &(struct attack){name, code, reason, CHECK_ENVELOPED, what});
}

static void detached_add(struct corpus *corpus, const char *name, int code, const char *reason,
                         const struct buffer *file, const char *what)
{
    attack_file(corpus, name, "signature.xml", buffer_bytes(file));
    attack_file(corpus, name, "application.xml", bytes_of_text(FORM));
    attack_add(corpus, &(struct attack){name, code, reason, CHECK_DETACHED, what});
}

/* --- an honest signature, and its text bent afterwards ---------------------------------------- */

static const struct bent {
    const char *name, *reason, *from, *to, *what;
} bents[] = {
    {"xml-content-changed", "signature-digest", "花子", "太郎", "the name is another"},
    {"xml-content-added", "signature-digest", "</claimant>", "</claimant><claimant/>",
     "an element is added"},
    {"xml-namespace-changed", "signature-digest", "urn:uketsuke:form:attack:1",
     "urn:uketsuke:form:attack:2", "the form's namespace is another"},
    {"xml-method-hmac", "signature-algorithm", DSIG_MORE "rsa-sha256", DSIG_MORE "hmac-sha256",
     "the method says HMAC, so that the public key would be the secret"},
    {"xml-method-ecdsa", "signature-algorithm", "rsa-sha256", "ecdsa-sha256",
     "the method says ECDSA, the key is RSA"},
    {"xml-method-sha1", "signature-algorithm", DSIG_MORE "rsa-sha256", DSIG_NS "rsa-sha1",
     "the method is brought down to SHA-1"},
    {"xml-method-md5", "signature-algorithm", "rsa-sha256", "rsa-md5", "… to MD5"},
    {"xml-method-other-hash", "signature-value", "rsa-sha256", "rsa-sha512",
     "the method's hash is another, and allowed"},
    {"xml-digest-sha1", "signature-algorithm", DSIG_SHA256, DSIG_NS "sha1",
     "a reference's digest is brought down to SHA-1"},
    {"xml-two-signed-infos", "signature-malformed", "<ds:SignatureValue>",
     "<ds:SignedInfo/><ds:SignatureValue>", "a second SignedInfo"},
    {"xml-signed-info-in-front", "signature-malformed", "<ds:SignedInfo>",
     "<ds:SignedInfo/><ds:SignedInfo>", "an empty SignedInfo in front of the signed one"},
    {"xml-two-values", "signature-malformed", "<ds:KeyInfo>",
     "<ds:SignatureValue>AA==</ds:SignatureValue><ds:KeyInfo>", "a second SignatureValue"},
    {"xml-value-comment", "signature-value", "<ds:SignatureValue>",
     "<ds:SignatureValue>AAAA<!-- -->", "a comment splits the value"},
    {"xml-digest-comment", "signature-malformed", "<ds:DigestValue>",
     "<ds:DigestValue>AAAA<!-- -->", "a comment splits the digest"},
    {"xml-two-certificates", "signature-certificates", "</ds:X509Certificate>",
     "</ds:X509Certificate><ds:X509Certificate>AA==</ds:X509Certificate>",
     "a second certificate to choose from"},
    {"xml-retrieval-method", "signature-certificates", "<ds:X509Data>",
     "<ds:RetrievalMethod URI=\"http://attacker.example/key\"/><ds:X509Data>",
     "the key is to be fetched"},
    {"xml-transform-xslt", "signature-transform", DSIG_EXCLUSIVE "\"/></ds:Transforms>",
     "http://www.w3.org/TR/1999/REC-xslt-19991116\"/></ds:Transforms>",
     "a transform that runs a program"},
    {"xml-transform-xpath", "signature-transform", DSIG_EXCLUSIVE "\"/></ds:Transforms>",
     "http://www.w3.org/TR/1999/REC-xpath-19991116\"/></ds:Transforms>",
     "a transform that leaves things out"},
    {"xml-doctype", "xml-dtd", "<application ",
     "<!DOCTYPE application [<!ENTITY a \"b\">]><application ", "a DTD"},
    {"xml-behind-the-root", "xml-malformed", "</application>", "</application><application/>",
     "a second root"},
    {"xml-signature-namespace", "signature-missing", "<ds:Signature xmlns:ds=\"" DSIG_NS "\"",
     "<ds:Signature xmlns:ds=\"urn:other\"", "the signature stands in another namespace"},
};

static void bents_make(struct corpus *corpus, const struct dsig *dsig)
{
    for (size_t i = 0; i < sizeof bents / sizeof *bents; i++) {
        _cleanup_(cleanup_buffer) struct buffer form = {0};
        enveloped_make(dsig, &form);
        bend(&form, bents[i].from, bents[i].to);
        enveloped_add(corpus, bents[i].name, 1, bents[i].reason, &form, bents[i].what);
    }
}

/* --- signed so: the signer himself makes what must not be believed ------------------------------
 */

static const struct claim {
    const char *name, *reason, *uri, *what;
} claims[] = {
    {"xml-reference-nothing", "signature-reference", "not-there.xml", "a reference to nothing"},
    {"xml-reference-web", "signature-reference", "http://attacker.example/a.xml",
     "a reference to the network"},
    {"xml-reference-file", "signature-reference", "file:///etc/hostname",
     "a reference to a file of the machine"},
    {"xml-reference-parent", "signature-reference", "../application.xml",
     "a reference out of the package"},
    {"xml-reference-id", "signature-reference", "#form", "a reference by Id, which wrapping needs"},
    {"xml-reference-xpointer", "signature-reference", "#xpointer(/)", "a reference by XPointer"},
    {"xml-reference-empty", "signature-reference", "",
     "the document around a signature that stands alone"},
    {"xml-reference-escaped", "signature-reference", "application%2Exml",
     "another spelling of a member's name"},
};

static void claims_make(struct corpus *corpus, const struct dsig *dsig)
{
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        _cleanup_(cleanup_buffer) struct buffer file = {0};
        struct dsig claiming = *dsig;
        claiming.references[0] =
            (struct dsig_reference){.uri = claims[i].uri,
                                    .data = bytes_of_text(FORM),
                                    .transforms = *claims[i].uri ? NULL : ENVELOPED};
        detached_make(&claiming, &file);
        detached_add(corpus, claims[i].name, 1, claims[i].reason, &file, claims[i].what);
    }
}

static void empty_signed_info(struct corpus *corpus, const struct dsig *dsig)
{
    _cleanup_(cleanup_buffer) struct buffer file = {0};
    dsig_detached(dsig, &file);
    detached_add(corpus, "xml-no-reference", 1, "signature-malformed", &file,
                 "a SignedInfo that refers to nothing, and is signed");
}

static void key_swaps(struct corpus *corpus, const struct dsig *dsig)
{
    _cleanup_(cleanup_x509) X509 *other =
        pki_issue(&corpus->ca, pki_key(PKI_RSA_2048, 3), &(struct pki_end){.serial = "77"});
    _cleanup_(cleanup_buffer) struct buffer swapped = {0}, bare = {0};
    struct dsig with_other = *dsig;
    with_other.certificate = other;
    enveloped_make(&with_other, &swapped);
    enveloped_add(corpus, "xml-certificate-of-another", 1, "signature-value", &swapped,
                  "the certificate is somebody else's");
    struct dsig with_key = *dsig;
    with_key.key_info = "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus>"
                        "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
                        "</ds:KeyInfo>";
    enveloped_make(&with_key, &bare);
    enveloped_add(corpus, "xml-key-without-certificate", 1, "signature-certificates", &bare,
                  "a bare key in place of a certificate");
}

/* Longer than the key is, and a value of nothing. */
static void values_make(struct corpus *corpus, const struct dsig *dsig)
{
    _cleanup_(cleanup_buffer) struct buffer trailing = {0}, empty = {0};
    enveloped_make(dsig, &trailing);
    bend(&trailing, "</ds:SignatureValue>", "AAAA</ds:SignatureValue>");
    enveloped_add(corpus, "xml-value-after-padding", 1, "signature-malformed", &trailing,
                  "Base64 goes on behind its padding");
    enveloped_make(dsig, &empty);
    const char *text = buffer_text(&empty);
    const char *begin = strstr(text, "<ds:SignatureValue>"), *end = strstr(text, "</ds:SignatureV");
    _cleanup_(cleanup_text) char *value = text_copy_n(begin, (size_t)(end - begin));
    bend(&empty, value, "<ds:SignatureValue>");
    enveloped_add(corpus, "xml-value-empty", 1, "signature-malformed", &empty, "no value at all");
}

void make_xml_attacks(struct corpus *corpus)
{
    _cleanup_(cleanup_x509) X509 *certificate = NULL;
    _cleanup_(cleanup_buffer) struct buffer form = {0}, file = {0};
    const struct dsig dsig = signer(corpus, &certificate);
    enveloped_make(&dsig, &form);
    enveloped_add(corpus, "honest-enveloped", 0, "", &form, "nothing");
    detached_make(&dsig, &file);
    detached_add(corpus, "honest-detached", 0, "", &file, "nothing");
    bents_make(corpus, &dsig);
    claims_make(corpus, &dsig);
    empty_signed_info(corpus, &dsig);
    key_swaps(corpus, &dsig);
    values_make(corpus, &dsig);
}

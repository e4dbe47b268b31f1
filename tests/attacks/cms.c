/* CMS files that claim what they do not prove: encoding, certificates, algorithms, attributes. */
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/attacks/attacks.h"
#include "tests/support/cms.h"
#include "tests/support/crl_der.h"

DEFINE_CLEANUP(cleanup_cms, CMS_ContentInfo *, CMS_ContentInfo_free)

#define CONTENT "%PDF-1.7 an attachment\n"
#define CHECK                                                                                      \
    "signature check --json --container cms --signature {}/1.pdf.p7s "                             \
    "--content 1.pdf={0}/attachment.pdf --at 2026-01-01T00:00:00Z"
#define CHECK_OWN                                                                                  \
    "signature check --json --container cms --signature {}/1.pdf.p7s --content 1.pdf={}/1.pdf"

static void file_add(struct corpus *corpus, const char *name, const char *reason, struct bytes file,
                     const char *what)
{
    attack_file(corpus, name, "1.pdf.p7s", file);
    attack_add(corpus, &(struct attack){name, *reason ? 1 : 0, reason, CHECK, what});
}

static void made_add(struct corpus *corpus, const char *name, const char *reason,
                     const struct cms_der *cms, const char *what)
{
    _cleanup_(cleanup_buffer) struct buffer file = {0};
    cms_der_make(cms, &file);
    file_add(corpus, name, reason, buffer_bytes(&file), what);
}

/* --- one part of an honest file is another; all of it is signed ---------------------------------
 */

static const struct part {
    const char *name, *reason;
    size_t place; /* in struct cms_der */
    const char *hex, *what;
} parts[] = {
#define PART(part) offsetof(struct cms_der, part)
    {"cms-behind", "signature-malformed", PART(behind), "00", "a byte behind the file"},
    {"cms-version", "signature-malformed", PART(version), "02 01 03", "a version of other parts"},
    {"cms-version-long", "signature-malformed", PART(version), "02 02 00 01",
     "an INTEGER with a zero in front"},
    {"cms-unsigned-attributes", "signature-malformed", PART(unsigned_attributes),
     "a1 0d 30 0b 06 09 2a864886f70d010906", "unsigned attributes behind the value"},
    {"cms-lists", "signature-malformed", PART(lists), "a1 00", "room for revocation lists"},
    {"cms-no-certificate", "signature-certificates", PART(certificates), "",
     "no certificate: the verifier is to find one"},
    {"cms-embedded", "signature-embedded", PART(embedded), "a0 06 04 04 25504446",
     "content of its own beside the detached one"},
    {"cms-digest-sha1", "signature-algorithm", PART(digest), "30 07 06 05 2b0e03021a",
     "the SignerInfo says SHA-1"},
    {"cms-digest-list", "signature-algorithm", PART(digests),
     "31 0d 30 0b 06 09 608648016503040202", "the list of hashes says another"},
    {"cms-other-hash", "signature-algorithm", PART(value_algorithm),
     "30 0d 06 09 2a864886f70d01010d 05 00", "sha512WithRSAEncryption over a SHA-256"},
    {"cms-method-ecdsa", "signature-algorithm", PART(value_algorithm),
     "30 0a 06 08 2a8648ce3d040302", "the algorithm says ECDSA, the key is RSA"},
    {"cms-method-parameters", "signature-algorithm", PART(value_algorithm),
     "30 0f 06 09 2a864886f70d010101 04 02 0000", "parameters that hide bytes"},
#undef PART
};

static void parts_make(struct corpus *corpus, const struct cms_der *honest)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        _cleanup_(cleanup_buffer) struct buffer part = {0};
        struct cms_der cms = *honest;
        buffer_reserve(&part, 1);
        der_put_hex(&part, parts[i].hex);
        *(struct bytes *)((char *)&cms + parts[i].place) = bytes_of(part.data, part.length);
        made_add(corpus, parts[i].name, parts[i].reason, &cms, parts[i].what);
    }
}

/* --- attributes, in the order of DER, and signed -------------------------------------------------
 */

#define TYPE     "30 18 06 09 2a864886f70d010903 31 0b 06 09 2a864886f70d010701"
#define TIME(at) "30 1c 06 09 2a864886f70d010905 31 0f 17 0d " at
#define PROTECT(digest)                                                                            \
    "30 2b 06 09 2a864886f70d010934 31 1e 30 1c 30 0b 06 09 6086480165030402" digest               \
    " a1 0d 06 09 2a864886f70d010101 05 00"
#define DIGEST  "30 2f 06 09 2a864886f70d010904 31 22 04 20 "
#define NAMES   "30 37 06 0b 2a864886f70d010910022f 31 28 30 26 30 24 30 22 04 20 "
#define NOUGHTS "0000000000000000000000000000000000000000000000000000000000000000"

/* "#" stands for the hash of the content, "@" for that of the certificate. */
static const struct attributes {
    const char *name, *reason, *hex, *what;
} attributes[] = {
    {"honest-cms-all-attributes", "",
     TYPE TIME("323630313031303030353030 5a") PROTECT("01") DIGEST "#" NAMES "@",
     "nothing: every attribute there may be, and the last moment of signing-time"},
    {"cms-time-after", "signature-time", TYPE TIME("323630313031303030353031 5a") DIGEST "#",
     "signed a second too long after the application"},
    {"cms-time-no-moment", "signature-attributes",
     TYPE TIME("323630323330303030303030 5a") DIGEST "#", "signed on 30 February"},
    {"cms-message-digest-wrong", "signature-digest", TYPE DIGEST NOUGHTS,
     "signed attributes of another content"},
    {"cms-message-digest-twice", "signature-attributes", TYPE DIGEST NOUGHTS DIGEST "#",
     "two message-digests to choose from"},
    {"cms-message-digest-two-values", "signature-attributes",
     TYPE "30 51 06 09 2a864886f70d010904 31 44 04 20 " NOUGHTS " 04 20 #",
     "two values in one message-digest"},
    {"cms-message-digest-missing", "signature-attributes", TYPE, "signed without the content"},
    {"cms-content-type-missing", "signature-attributes", DIGEST "#", "no content-type"},
    {"cms-content-type-wrong", "signature-attributes",
     "30 18 06 09 2a864886f70d010903 31 0b 06 09 2a864886f70d010705" DIGEST "#",
     "signed as the content of something else"},
    {"cms-attributes-order", "signature-attributes", DIGEST "#" TYPE,
     "signed in an order that DER does not have"},
    {"cms-attributes-none", "signature-attributes", "", "an empty list of attributes"},
    {"cms-attribute-unknown", "signature-attributes",
     "30 08 06 01 2a 31 03 02 01 01" TYPE DIGEST "#", "an attribute that nobody here understands"},
    {"cms-certificate-of-another-named", "signature-attributes", TYPE DIGEST "#" NAMES NOUGHTS,
     "signing-certificate-v2 names another certificate"},
    {"cms-protection-contradicts", "signature-attributes", TYPE PROTECT("03") DIGEST "#",
     "cmsAlgorithmProtection names another hash"},
};

static void hex_put(struct bytes data, struct buffer *out)
{
    char text[65];
    sha256_hex(data, text);
    buffer_append_text(out, text);
}

static void attributes_make(struct corpus *corpus, const struct cms_der *honest)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(honest->certificate, &der);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        _cleanup_(cleanup_buffer) struct buffer hex = {0}, all = {0};
        for (const char *p = attributes[i].hex; *p; p++)
            if (*p == '#' || *p == '@')
                hex_put(*p == '#' ? honest->content : buffer_bytes(&der), &hex);
            else
                buffer_append(&hex, p, 1);
        buffer_reserve(&all, 1);
        der_put_hex(&all, buffer_text(&hex));
        struct cms_der cms = *honest;
        cms.all_attributes = bytes_of(all.data, all.length);
        made_add(corpus, attributes[i].name, attributes[i].reason, &cms, attributes[i].what);
    }
}

/* What a signature with attributes is over, handed in as the content of one without. */
static void replay_make(struct corpus *corpus, const struct cms_der *honest)
{
    static const char name[] = "cms-attributes-replayed";
    _cleanup_(cleanup_buffer) struct buffer set = {0}, file = {0};
    struct cms_der replay = *honest;
    cms_der_attributes(honest, &set);
    replay.attributes = false;
    replay.content = buffer_bytes(&set);
    cms_der_make(&replay, &file);
    attack_file(corpus, name, "1.pdf", buffer_bytes(&set));
    attack_file(corpus, name, "1.pdf.p7s", buffer_bytes(&file));
    attack_add(corpus, &(struct attack){name, 1, "signature-attributes", CHECK_OWN,
                                        "the attributes that were signed are the content"});
}

/* --- encodings, signers, keys ------------------------------------------------------------------
 */

static void encodings_make(struct corpus *corpus, const struct cms_der *honest)
{
    _cleanup_(cleanup_buffer) struct buffer file = {0}, ber = {0}, longer = {0};
    cms_der_make(honest, &file);
    const uint8_t *inside = file.data + 4; /* behind 30 82 and two octets of length */
    der_put_hex(&ber, "30 80");
    buffer_append(&ber, inside, file.length - 4);
    der_put_hex(&ber, "00 00");
    file_add(corpus, "cms-indefinite", "signature-malformed", buffer_bytes(&ber),
             "BER: an indefinite length");
    der_put_hex(&longer, "30 83 00");
    buffer_append(&longer, file.data + 2, file.length - 2);
    file_add(corpus, "cms-length-long", "signature-malformed", buffer_bytes(&longer),
             "BER: a length in more octets than it needs");
    file_add(corpus, "cms-cut", "signature-malformed", bytes_of(file.data, file.length - 1),
             "the last byte is not there");
}

static void certificates_make(struct corpus *corpus, const struct cms_der *honest)
{
    _cleanup_(cleanup_x509) X509 *other =
        pki_issue(&corpus->ca, pki_key(PKI_RSA_2048, 3), &(struct pki_end){.serial = "77"});
    _cleanup_(cleanup_buffer) struct buffer der = {0}, two = {0};
    struct cms_der cms = *honest;
    pki_der(other, &der);
    cms.certificates = buffer_bytes(&der);
    made_add(corpus, "cms-certificate-of-another", "signature-certificates", &cms,
             "the certificate is not the one that is named");
    pki_der(honest->certificate, &two);
    buffer_append(&two, der.data, der.length);
    cms.certificates = buffer_bytes(&two);
    made_add(corpus, "cms-two-certificates", "signature-certificates", &cms,
             "a second certificate to choose from");
    struct cms_der forged = *honest;
    forged.key = pki_key(PKI_RSA_2048, 3);
    made_add(corpus, "cms-key-of-another", "signature-value", &forged,
             "signed with a key that is not the certificate's");
}

/* By OpenSSL, which means it: `change` is done to the SignerInfo before it is signed. */
static void signed_add(struct corpus *corpus, const char *name, EVP_PKEY *key, const char *digest,
                       bool twice, bool pss, const char *reason, const char *what)
{
    unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL;
    _cleanup_(cleanup_x509) X509 *certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    _cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(CONTENT, -1), *out = BIO_new(BIO_s_mem());
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    CMS_SignerInfo *info = CMS_add1_signer(cms, certificate, key, EVP_get_digestbyname(digest),
                                           flags | CMS_NOATTR | (pss ? CMS_KEY_PARAM : 0));
    bool made = info != NULL;
    if (pss)
        made = made && EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(info),
                                                    RSA_PKCS1_PSS_PADDING) > 0;
    if (twice)
        made = made && CMS_add1_signer(cms, certificate, key, EVP_sha256(),
                                       flags | CMS_NOATTR | CMS_NOCERTS);
    if (!made || !CMS_final(cms, in, NULL, flags) || !i2d_CMS_bio(out, cms))
        abort();
    char *data;
    long length = BIO_get_mem_data(out, &data);
    file_add(corpus, name, reason, bytes_of(data, (size_t)length), what);
}

static void algorithms_make(struct corpus *corpus)
{
    EVP_PKEY *rsa = pki_key(PKI_RSA_2048, 2);
    signed_add(corpus, "cms-sha1", rsa, "SHA1", false, false, "signature-algorithm",
               "RSA with SHA-1");
    signed_add(corpus, "cms-pss", rsa, "SHA256", false, true, "signature-algorithm", "RSASSA-PSS");
    signed_add(corpus, "cms-dsa", pki_key(PKI_DSA, 0), "SHA256", false, false,
               "signature-algorithm", "DSA");
    signed_add(corpus, "cms-p521", pki_key(PKI_EC_P521, 0), "SHA256", false, false,
               "signature-algorithm", "a curve that is not allowed");
    signed_add(corpus, "cms-rsa-1024", pki_key(PKI_RSA_1024, 0), "SHA256", false, false,
               "signature-algorithm", "a key of 1024 bits");
    signed_add(corpus, "cms-two-signers", rsa, "SHA256", true, false, "signature-malformed",
               "two SignerInfos, both true");
}

static void padding_make(struct corpus *corpus, const struct cms_der *honest)
{
    _cleanup_(cleanup_buffer) struct buffer value = {0};
    const char *what;
    uint8_t forged[PADDING_KEY_BYTES];
    struct cms_der cms = *honest;
    cms.attributes = false;
    raw_value(honest->key, "SHA256", honest->content, &value);
    for (size_t i = 0; (what = padding_forge(i, honest->key, buffer_bytes(&value), forged)); i++) {
        _cleanup_(cleanup_text) char *name = text_format("cms-%s", padding_name(i));
        cms.value = bytes_of(forged, sizeof forged);
        made_add(corpus, name, "signature-value", &cms, what);
    }
}

void make_cms_attacks(struct corpus *corpus)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 2);
    _cleanup_(cleanup_x509) X509 *certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    const struct cms_der honest = {.key = key,
                                   .certificate = certificate,
                                   .content = bytes_of_text(CONTENT),
                                   .attributes = true};
    struct cms_der bare = honest;
    bare.attributes = false;
    made_add(corpus, "honest-cms", "", &honest, "nothing");
    made_add(corpus, "honest-cms-bare", "", &bare, "nothing");
    parts_make(corpus, &honest);
    attributes_make(corpus, &honest);
    replay_make(corpus, &honest);
    encodings_make(corpus, &honest);
    certificates_make(corpus, &honest);
    algorithms_make(corpus);
    padding_make(corpus, &honest);
}

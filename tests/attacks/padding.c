/* RSA signatures whose padding is not the one that PKCS #1 v1.5 (RFC 8017 §9.2) gives: what a
 * verifier accepts that parses the padding instead of comparing it. The signer makes them with his
 * own key, except where e = 3 lets anybody do so (Bleichenbacher 2006; Kühn et al. 2008). */
#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/attacks/attacks.h"
#include "tests/support/dsig.h"

DEFINE_CLEANUP(cleanup_bn, BIGNUM *, BN_free)
DEFINE_CLEANUP(cleanup_bn_ctx, BN_CTX *, BN_CTX_free)

#define KEY_BYTES  PADDING_KEY_BYTES
#define INFO_BYTES 51 /* DigestInfo of SHA-256 */
#define CHECK      "signature check --json --container xmldsig --signature {}/form.xml"
#define FORM       "<application xmlns=\"urn:uketsuke:form:attack:1\"><a/></application>\n"
#define ENVELOPED                                                                                  \
    "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)                                               \
        DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void raw_operation(EVP_PKEY *key, bool private_key, const uint8_t *in, uint8_t *ret_out)
{
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t length = KEY_BYTES;
    if (private_key) {
        MUST(EVP_PKEY_sign_init(context) > 0);
        MUST(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0);
        MUST(EVP_PKEY_sign(context, ret_out, &length, in, KEY_BYTES) > 0);
    } else {
        MUST(EVP_PKEY_verify_recover_init(context) > 0);
        MUST(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0);
        MUST(EVP_PKEY_verify_recover(context, ret_out, &length, in, KEY_BYTES) > 0);
    }
    MUST(length == KEY_BYTES);
}

/* Each gets the honest block: 00 01 FF … FF 00 DigestInfo. */
static void garbage_behind(uint8_t *em)
{
    memmove(em + 11, em + KEY_BYTES - INFO_BYTES, INFO_BYTES);
    em[10] = 0;
    memset(em + 11 + INFO_BYTES, 0x55, KEY_BYTES - 11 - INFO_BYTES);
}

static void short_padding(uint8_t *em)
{
    garbage_behind(em);
    memmove(em + 4, em + 10, INFO_BYTES + 1);
}

static void block_type_2(uint8_t *em)
{
    em[1] = 2;
}

static void padding_not_ff(uint8_t *em)
{
    em[100] = 0xfe;
}

static void no_separator(uint8_t *em)
{
    em[KEY_BYTES - INFO_BYTES - 1] = 0xff;
}

/* 30 31 30 0d 06 09 … 05 00 04 20 becomes 30 2f 30 0b … 04 20 */
static void without_parameters(uint8_t *em)
{
    uint8_t *info = em + KEY_BYTES - INFO_BYTES;
    memmove(info + 2, info, 15);
    info[2] = 0x30;
    info[3] = 0x2f;
    info[5] = 0x0b;
    info[0] = 0xff;
    info[1] = 0;
    info[-1] = 0xff;
}

static void other_hash_oid(uint8_t *em)
{
    em[KEY_BYTES - INFO_BYTES + 14] = 2; /* SHA-384's, with SHA-256's length */
}

static void parameters_not_null(uint8_t *em)
{
    em[KEY_BYTES - INFO_BYTES + 15] = 0x04; /* an OCTET STRING of no length */
}

static const struct forgery {
    const char *name;
    void (*bend)(uint8_t *em);
    const char *what;
} forgeries[] = {
    {"pkcs1-garbage-behind", garbage_behind, "bytes behind the DigestInfo"},
    {"pkcs1-short-padding", short_padding, "two bytes of padding, then the DigestInfo"},
    {"pkcs1-block-type-2", block_type_2, "the block type of encryption"},
    {"pkcs1-padding-not-ff", padding_not_ff, "one byte of the padding is not FF"},
    {"pkcs1-no-separator", no_separator, "no zero in front of the DigestInfo"},
    {"pkcs1-without-parameters", without_parameters, "DigestInfo without its NULL"},
    {"pkcs1-other-oid", other_hash_oid, "the OID of another hash"},
    {"pkcs1-parameters-not-null", parameters_not_null, "parameters that are no NULL"},
};

const char *padding_forge(size_t i, EVP_PKEY *key, struct bytes honest, uint8_t *ret_value)
{
    uint8_t em[KEY_BYTES];
    if (i >= sizeof forgeries / sizeof *forgeries)
        return NULL;
    MUST(honest.length == KEY_BYTES);
    raw_operation(key, false, honest.data, em);
    forgeries[i].bend(em);
    raw_operation(key, true, em, ret_value);
    return forgeries[i].what;
}

const char *padding_name(size_t i)
{
    return forgeries[i].name;
}

static void value_of(const struct buffer *form, struct buffer *ret_value, char **ret_text)
{
    struct buffer copy = {0};
    buffer_append(&copy, form->data, form->length);
    const char *text = buffer_text(&copy);
    const char *begin = strstr(text, "<ds:SignatureValue>") + strlen("<ds:SignatureValue>");
    *ret_text = text_copy_n(begin, (size_t)(strchr(begin, '<') - begin));
    MUST(base64_decode(bytes_of_text(*ret_text), ret_value));
    buffer_free(&copy);
}

static void form_with_value(struct corpus *corpus, const char *name, const struct buffer *honest,
                            const char *old, const uint8_t *value)
{
    _cleanup_(cleanup_buffer) struct buffer form = {0}, text = {0};
    buffer_append(&form, honest->data, honest->length);
    base64_encode(bytes_of(value, KEY_BYTES), &text);
    bend(&form, old, buffer_text(&text));
    attack_file(corpus, name, "form.xml", buffer_bytes(&form));
}

static void honest_make(EVP_PKEY *key, X509 *certificate, struct buffer *ret_form)
{
    struct dsig dsig = {.key = key, .certificate = certificate};
    dsig.references[0] = (struct dsig_reference){.uri = "", .transforms = ENVELOPED};
    dsig_enveloped(&dsig, FORM, ret_form);
}

static void own_key(struct corpus *corpus)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 2);
    _cleanup_(cleanup_x509) X509 *certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer form = {0}, value = {0};
    _cleanup_(cleanup_text) char *text = NULL;
    honest_make(key, certificate, &form);
    value_of(&form, &value, &text);
    const char *what;
    uint8_t forged[KEY_BYTES];
    for (size_t i = 0; (what = padding_forge(i, key, buffer_bytes(&value), forged)); i++) {
        form_with_value(corpus, padding_name(i), &form, text, forged);
        attack_add(corpus, &(struct attack){padding_name(i), 1, "signature-value", CHECK, what});
    }
}

/* The smallest number whose cube is at least `em`: made without the private key. */
static void cube_root(const uint8_t *em, uint8_t *ret_root)
{
    _cleanup_(cleanup_bn_ctx) BN_CTX *context = BN_CTX_new();
    _cleanup_(cleanup_bn) BIGNUM *target = BN_bin2bn(em, KEY_BYTES, NULL);
    _cleanup_(cleanup_bn) BIGNUM *root = BN_new(), *cube = BN_new();
    for (int bit = BN_num_bits(target) / 3 + 1; bit >= 0; bit--) {
        MUST(BN_set_bit(root, bit));
        MUST(BN_sqr(cube, root, context) && BN_mul(cube, cube, root, context));
        if (BN_cmp(cube, target) > 0)
            MUST(BN_clear_bit(root, bit));
    }
    MUST(BN_add_word(root, 1));
    MUST(BN_bn2binpad(root, ret_root, KEY_BYTES) == KEY_BYTES);
}

static void exponent_3(struct corpus *corpus)
{
    EVP_PKEY *key = pki_key(PKI_RSA_E3, 0);
    _cleanup_(cleanup_x509) X509 *certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer form = {0}, value = {0};
    _cleanup_(cleanup_text) char *text = NULL;
    uint8_t em[KEY_BYTES], forged[KEY_BYTES];
    honest_make(key, certificate, &form);
    attack_file(corpus, "pkcs1-exponent-3", "form.xml", buffer_bytes(&form));
    attack_add(corpus, &(struct attack){"pkcs1-exponent-3", 1, "signature-algorithm", CHECK,
                                        "a key whose exponent invites forgeries"});
    value_of(&form, &value, &text);
    raw_operation(key, false, value.data, em);
    garbage_behind(em);
    memset(em + 11 + INFO_BYTES, 0, KEY_BYTES - 11 - INFO_BYTES);
    cube_root(em, forged);
    form_with_value(corpus, "pkcs1-cube-root", &form, text, forged);
    attack_add(corpus, &(struct attack){"pkcs1-cube-root", 1, "signature-algorithm", CHECK,
                                        "a value made from a cube root, without the private key"});
}

void make_padding_attacks(struct corpus *corpus)
{
    own_key(corpus);
    exponent_3(corpus);
}

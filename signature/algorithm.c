#include "signature/algorithm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_bn, BIGNUM *, BN_free)
DEFINE_CLEANUP(cleanup_ecdsa, ECDSA_SIG *, ECDSA_SIG_free)

#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define ENC  "http://www.w3.org/2001/04/xmlenc#"

static const struct signature_algorithm algorithms[] = {
    {"rsa-sha256", MORE "rsa-sha256", EVP_PKEY_RSA, DIGEST_SHA256},
    {"rsa-sha384", MORE "rsa-sha384", EVP_PKEY_RSA, DIGEST_SHA384},
    {"rsa-sha512", MORE "rsa-sha512", EVP_PKEY_RSA, DIGEST_SHA512},
    {"ecdsa-sha256", MORE "ecdsa-sha256", EVP_PKEY_EC, DIGEST_SHA256},
    {"ecdsa-sha384", MORE "ecdsa-sha384", EVP_PKEY_EC, DIGEST_SHA384},
};

static const struct {
    const char *uri, *name;
    size_t length;
} digests[] = {
    [DIGEST_SHA256] = {ENC "sha256", "SHA256", 32},
    [DIGEST_SHA384] = {MORE "sha384", "SHA384", 48},
    [DIGEST_SHA512] = {ENC "sha512", "SHA512", 64},
};

#define DIGEST_COUNT (sizeof digests / sizeof *digests)

const struct signature_algorithm *signature_algorithm_find(const char *uri)
{
    for (size_t i = 0; uri && i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].uri, uri) == 0)
            return &algorithms[i];
    return NULL;
}

const struct signature_algorithm *signature_algorithm_named(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

const struct signature_algorithm *signature_algorithm_for(int key_type, enum digest digest)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (algorithms[i].key_type == key_type && algorithms[i].digest == digest)
            return &algorithms[i];
    return NULL;
}

bool digest_find(const char *uri, enum digest *ret_digest)
{
    for (size_t i = 0; uri && i < DIGEST_COUNT; i++)
        if (strcmp(digests[i].uri, uri) == 0) {
            *ret_digest = (enum digest)i;
            return true;
        }
    return false;
}

size_t digest_length(enum digest digest)
{
    return digests[digest].length;
}

/* Constant once they are fetched, and held until the process ends. */
static EVP_MD *fetched[DIGEST_COUNT];

static void fetch(void)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++)
        if (!(fetched[i] = EVP_MD_fetch(NULL, digests[i].name, NULL)))
            abort(); /* an OpenSSL without SHA-2 can verify nothing */
}

const EVP_MD *digest_md(enum digest digest)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
    return fetched[digest];
}

void digest_of(enum digest digest, struct bytes data, uint8_t ret_value[DIGEST_MAX])
{
    if (!EVP_Digest(data.data, data.length, ret_value, NULL, digest_md(digest), NULL))
        abort(); /* only for want of memory */
}

static bool rsa_allowed(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    uint64_t e; /* a larger one is not put there */
    OSSL_PARAM params[] = {OSSL_PARAM_construct_uint64(OSSL_PKEY_PARAM_RSA_E, &e),
                           OSSL_PARAM_construct_end()};
    if (bits < 2048 || bits > 8192 || !EVP_PKEY_get_params(key, params))
        return false;
    return e & 1 && e >= 1 << 16;
}

static bool ec_allowed(const EVP_PKEY *key)
{
    char group[32];
    size_t length;
    if (!EVP_PKEY_get_group_name(key, group, sizeof group, &length))
        return false;
    int nid = OBJ_sn2nid(group);
    return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1;
}

bool key_allowed(const EVP_PKEY *key)
{
    switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
    case EVP_PKEY_RSA:
        return rsa_allowed(key);
    case EVP_PKEY_EC:
        return ec_allowed(key);
    default:
        return false;
    }
}

bool signature_nid_allowed(int nid)
{
    switch (nid) {
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption:
    case NID_ecdsa_with_SHA256:
    case NID_ecdsa_with_SHA384:
        return true;
    default:
        return false;
    }
}

/* r and s in a row, as XML has them, to the SEQUENCE that OpenSSL takes. */
static bool ecdsa_to_der(const EVP_PKEY *key, struct bytes value, struct buffer *der)
{
    size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    if (value.length != 2 * half)
        return false;
    _cleanup_(cleanup_ecdsa) ECDSA_SIG *pair = ECDSA_SIG_new();
    _cleanup_(cleanup_bn) BIGNUM *r = BN_bin2bn(value.data, (int)half, NULL);
    _cleanup_(cleanup_bn) BIGNUM *s = BN_bin2bn(value.data + half, (int)half, NULL);
    if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s))
        abort();
    r = s = NULL; /* the pair's now */
    int length = i2d_ECDSA_SIG(pair, NULL);
    if (length <= 0)
        return false;
    uint8_t *out = buffer_reserve(der, (size_t)length);
    buffer_commit(der, (size_t)i2d_ECDSA_SIG(pair, &out));
    return true;
}

/* RSASSA-PKCS1-v1_5 1.2.840.113549.1.1.x with NULL, ecdsa-with-SHA2 1.2.840.10045.4.3.x. */
#define RSA_DER(x)   "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" x "\x05\x00"
#define ECDSA_DER(x) "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03" x

/* In the order of `algorithms`. */
static const struct {
    const char *der;
    size_t length;
} identifiers[] = {
    {RSA_DER("\x0b"), 15},   {RSA_DER("\x0c"), 15},   {RSA_DER("\x0d"), 15},
    {ECDSA_DER("\x02"), 12}, {ECDSA_DER("\x03"), 12},
};

const struct signature_algorithm *signature_algorithm_of_der(struct bytes identifier)
{
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++)
        if (bytes_equal(identifier, bytes_of(identifiers[i].der, identifiers[i].length)))
            return &algorithms[i];
    return NULL;
}

bool signature_hash_holds(const struct signature_algorithm *algorithm, EVP_PKEY *key,
                          const uint8_t *hash, struct bytes value)
{
    if (!key_allowed(key) || EVP_PKEY_get_base_id(key) != algorithm->key_type)
        return false;
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool holds = context && EVP_PKEY_verify_init(context) > 0 &&
                 (algorithm->key_type != EVP_PKEY_RSA ||
                  EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0) &&
                 EVP_PKEY_CTX_set_signature_md(context, digest_md(algorithm->digest)) > 0 &&
                 EVP_PKEY_verify(context, value.data, value.length, hash,
                                 digest_length(algorithm->digest)) == 1;
    ERR_clear_error(); /* what a forger puts there is nobody else's error */
    return holds;
}

bool signature_value_holds(const struct signature_algorithm *algorithm, EVP_PKEY *key,
                           struct bytes data, struct bytes value)
{
    if (!key_allowed(key) || EVP_PKEY_get_base_id(key) != algorithm->key_type)
        return false;
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    if (algorithm->key_type == EVP_PKEY_EC) {
        if (!ecdsa_to_der(key, value, &der))
            return false;
        value = buffer_bytes(&der);
    }
    uint8_t hash[DIGEST_MAX];
    digest_of(algorithm->digest, data, hash);
    return signature_hash_holds(algorithm, key, hash, value);
}

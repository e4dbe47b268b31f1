#include "signature/public_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/algorithm.h"

DEFINE_CLEANUP(cleanup_bn, BIGNUM *, BN_free)
DEFINE_CLEANUP(cleanup_builder, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(cleanup_params, OSSL_PARAM *, OSSL_PARAM_free)

static void free_sequence(ASN1_SEQUENCE_ANY *sequence)
{
    sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free);
}

DEFINE_CLEANUP(cleanup_sequence, ASN1_SEQUENCE_ANY *, free_sequence)

/* A library context that can decode no key: held until the process ends. */
static OSSL_LIB_CTX *keyless;

static void open_keyless(void)
{
    keyless = OSSL_LIB_CTX_new();
    /* Without this one OpenSSL would load its default provider after all. */
    if (!keyless || !OSSL_PROVIDER_load(keyless, "null"))
        abort();
}

X509 *x509_without_key(const uint8_t **at, long length)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_keyless);
    return (X509 *)ASN1_item_d2i_ex(NULL, at, length, ASN1_ITEM_rptr(X509), keyless, NULL);
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!context || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        return NULL;
    return key;
}

static BIGNUM *positive(const ASN1_TYPE *number)
{
    if (number->type != V_ASN1_INTEGER || number->value.integer->type != V_ASN1_INTEGER)
        return NULL;
    return ASN1_INTEGER_to_BN(number->value.integer, NULL);
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static EVP_PKEY *rsa_read(const X509_ALGOR *algorithm, struct bytes der)
{
    const uint8_t *at = der.data;
    int parameters;
    X509_ALGOR_get0(NULL, &parameters, NULL, algorithm);
    if (parameters != V_ASN1_NULL)
        return NULL;
    _cleanup_(cleanup_sequence) ASN1_SEQUENCE_ANY *pair =
        d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)der.length);
    if (!pair || at != der.data + der.length || sk_ASN1_TYPE_num(pair) != 2)
        return NULL;
    _cleanup_(cleanup_bn) BIGNUM *n = positive(sk_ASN1_TYPE_value(pair, 0));
    _cleanup_(cleanup_bn) BIGNUM *e = positive(sk_ASN1_TYPE_value(pair, 1));
    _cleanup_(cleanup_builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!builder || !n || !e || !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        return NULL;
    _cleanup_(cleanup_params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    return params ? key_from("RSA", params) : NULL;
}

static EVP_PKEY *ec_read(const X509_ALGOR *algorithm, struct bytes point)
{
    int parameters;
    const void *curve;
    X509_ALGOR_get0(NULL, &parameters, &curve, algorithm);
    int nid = parameters == V_ASN1_OBJECT ? OBJ_obj2nid(curve) : NID_undef;
    size_t half = nid == NID_X9_62_prime256v1 ? 32 : nid == NID_secp384r1 ? 48 : 0;
    if (half == 0 || point.length != 1 + 2 * half || point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)OBJ_nid2sn(nid), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data,
                                          point.length),
        OSSL_PARAM_construct_end(),
    };
    return key_from("EC", params);
}

EVP_PKEY *public_key_of(const X509 *x509)
{
    const uint8_t *data;
    int length;
    X509_ALGOR *algorithm;
    ASN1_OBJECT *oid;
    if (!X509_PUBKEY_get0_param(&oid, &data, &length, &algorithm, X509_get_X509_PUBKEY(x509)))
        return NULL;
    struct bytes bits = {data, (size_t)length};
    int nid = OBJ_obj2nid(oid);
    _cleanup_(cleanup_pkey) EVP_PKEY *key = nid == NID_rsaEncryption ? rsa_read(algorithm, bits)
                                            : nid == NID_X9_62_id_ecPublicKey
                                                ? ec_read(algorithm, bits)
                                                : NULL;
    ERR_clear_error();
    return key_allowed(key) ? TAKE(key) : NULL;
}

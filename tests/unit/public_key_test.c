/* signature/public_key: reads the keys that are allowed as OpenSSL reads them, and nothing else. */
#include "tests/unit/check.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/algorithm.h"
#include "signature/public_key.h"
#include "tests/support/pki.h"

static struct pki_ca ca;

static int make_ca(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    return 0;
}

static int free_ca(void **state)
{
    (void)state;
    pki_ca_free(&ca);
    return 0;
}

static X509 *issue(enum pki_key kind)
{
    return pki_issue(&ca, pki_key(kind, 1), &(struct pki_end){0});
}

static void the_same_key(void **state)
{
    (void)state;
    for (enum pki_key kind = PKI_RSA_2048; kind < PKI_KEYS; kind++) {
        _cleanup_(cleanup_x509) X509 *x509 = issue(kind);
        _cleanup_(cleanup_pkey) EVP_PKEY *key = public_key_of(x509);
        assert_int_equal(key != NULL, kind < PKI_RSA_1024);
        assert_int_equal(key_allowed(X509_get0_pubkey(x509)), kind < PKI_RSA_1024);
        if (key)
            assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(x509)), 1);
    }
}

static void read_without_key(void **state)
{
    (void)state;
    _cleanup_(cleanup_x509) X509 *x509 = issue(PKI_RSA_2048);
    uint8_t *der = NULL;
    int length = i2d_X509(x509, &der);
    const uint8_t *at = der;
    _cleanup_(cleanup_x509) X509 *bare = x509_without_key(&at, length);
    assert_ptr_equal(at, der + length);
    assert_int_equal(X509_cmp(bare, x509), 0);
    assert_null(X509_get0_pubkey(bare));
    assert_int_equal(X509_verify(bare, X509_get0_pubkey(ca.certificate)), 1);
    _cleanup_(cleanup_pkey) EVP_PKEY *key = public_key_of(bare);
    assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(x509)), 1);
    at = der;
    assert_null(x509_without_key(&at, length - 1));
    OPENSSL_free(der);
}

/* What a certificate's subjectPublicKeyInfo is made to say. */
struct claim {
    int algorithm, parameters; /* NID, V_ASN1_… */
    void *value;               /* of the parameters; the certificate's then */
    uint8_t key[600];
    size_t length;
};

static void claim_of(enum pki_key kind, X509 **ret_x509, struct claim *ret_claim)
{
    const uint8_t *key;
    int length;
    X509_ALGOR *algorithm;
    *ret_x509 = issue(kind);
    X509_PUBKEY_get0_param(NULL, &key, &length, &algorithm, X509_get_X509_PUBKEY(*ret_x509));
    bool ec = kind == PKI_EC_P256;
    *ret_claim = (struct claim){.algorithm = ec ? EVP_PKEY_EC : EVP_PKEY_RSA,
                                .parameters = ec ? V_ASN1_OBJECT : V_ASN1_NULL,
                                .value = ec ? OBJ_nid2obj(NID_X9_62_prime256v1) : NULL,
                                .length = (size_t)length};
    memcpy(ret_claim->key, key, (size_t)length);
}

static bool accepted(X509 *x509, const struct claim *claim)
{
    uint8_t *key = OPENSSL_memdup(claim->key, claim->length);
    assert_int_equal(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x509),
                                            OBJ_nid2obj(claim->algorithm), claim->parameters,
                                            claim->value, key, (int)claim->length),
                     1);
    _cleanup_(cleanup_pkey) EVP_PKEY *read = public_key_of(x509);
    return read != NULL;
}

static void rsa_to_the_letter(void **state)
{
    (void)state;
    X509 *x509;
    struct claim good, bad;
    claim_of(PKI_RSA_2048, &x509, &good);
    assert_true(accepted(x509, &good));
    bad = good;
    bad.parameters = V_ASN1_UNDEF;
    assert_false(accepted(x509, &bad)); /* absent */
    bad = good;
    bad.algorithm = NID_rsassaPss;
    assert_false(accepted(x509, &bad));
    bad = good;
    bad.key[bad.length++] = 0;
    assert_false(accepted(x509, &bad)); /* bytes behind it */
    bad.length -= 2;
    assert_false(accepted(x509, &bad)); /* cut off */
    bad = good;
    /* SEQUENCE, its length in 3 bytes, INTEGER, its length in 3, 0, modulus: without the 0 the
     * modulus is negative. */
    assert_int_equal(bad.key[8], 0);
    memmove(bad.key + 8, good.key + 9, good.length - 9);
    bad.length = good.length - 1;
    bad.key[3]--;
    bad.key[7]--;
    assert_false(accepted(x509, &bad));
    X509_free(x509);
}

static void ec_to_the_letter(void **state)
{
    (void)state;
    X509 *x509;
    struct claim good, bad;
    claim_of(PKI_EC_P256, &x509, &good);
    assert_true(accepted(x509, &good));
    bad = good;
    bad.value = OBJ_nid2obj(NID_secp384r1);
    assert_false(accepted(x509, &bad)); /* a point of another curve */
    bad = good;
    bad.value = OBJ_nid2obj(NID_secp256k1);
    assert_false(accepted(x509, &bad));
    bad = good;
    bad.key[64] ^= 1;
    assert_false(accepted(x509, &bad)); /* not on the curve */
    bad = good;
    bad.key[0] = 2 + (good.key[64] & 1);
    bad.length = 33;
    assert_false(accepted(x509, &bad)); /* compressed */
    bad.key[0] = 0;
    bad.length = 1;
    assert_false(accepted(x509, &bad)); /* infinity */
    X509_free(x509);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_key),
        cmocka_unit_test(read_without_key),
        cmocka_unit_test(rsa_to_the_letter),
        cmocka_unit_test(ec_to_the_letter),
    };
    return cmocka_run_group_tests(tests, make_ca, free_ca);
}

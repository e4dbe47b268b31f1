#include "deploy/sandbox/x509_make.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/text.h"

bool crypto_failure(struct failure *f, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    failure_set(f, FAILURE_SYSTEM, "%s: OpenSSL says: %s", what, reason ? reason : "no reason");
    ERR_clear_error();
    return false;
}

X509_NAME *name_make(const struct name_part *parts, size_t count, struct failure *f)
{
    _cleanup_(cleanup_x509_name) X509_NAME *name = X509_NAME_new();
    for (size_t i = 0; name && i < count; i++) {
        bool country = parts[i].type[0] == 'C' && !parts[i].type[1];
        if (!X509_NAME_add_entry_by_txt(name, parts[i].type,
                                        country ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING,
                                        (const unsigned char *)parts[i].value, -1, -1, 0)) {
            crypto_failure(f, "a distinguished name could not be made");
            return NULL;
        }
    }
    return TAKE(name);
}

GENERAL_NAMES *directory_names_make(const X509_NAME *name, struct failure *f)
{
    _cleanup_(cleanup_general_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
    _cleanup_(cleanup_general_name) GENERAL_NAME *general = GENERAL_NAME_new();
    X509_NAME *copy = X509_NAME_dup(name);
    if (!names || !general || !copy) {
        X509_NAME_free(copy);
        crypto_failure(f, "a directory name could not be made");
        return NULL;
    }
    GENERAL_NAME_set0_value(general, GEN_DIRNAME, copy);
    if (!sk_GENERAL_NAME_push(names, general)) {
        crypto_failure(f, "a directory name could not be kept");
        return NULL;
    }
    (void)TAKE(general);
    return TAKE(names);
}

static DIST_POINT *distribution_point_make(const X509_NAME *name, struct failure *f)
{
    GENERAL_NAMES *full_name = directory_names_make(name, f);
    DIST_POINT *point = full_name ? DIST_POINT_new() : NULL;
    DIST_POINT_NAME *point_name = point ? DIST_POINT_NAME_new() : NULL;
    if (!point_name) {
        GENERAL_NAMES_free(full_name);
        DIST_POINT_free(point);
        crypto_failure(f, "a distribution point could not be made");
        return NULL;
    }
    point_name->type = 0; /* fullName */
    point_name->name.fullname = full_name;
    point->distpoint = point_name;
    return point;
}

CRL_DIST_POINTS *distribution_points_make(const X509_NAME *name, struct failure *f)
{
    _cleanup_(cleanup_dist_points) CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = points ? distribution_point_make(name, f) : NULL;
    if (!point)
        return NULL;
    if (!sk_DIST_POINT_push(points, point)) {
        DIST_POINT_free(point);
        crypto_failure(f, "a distribution point could not be kept");
        return NULL;
    }
    return TAKE(points);
}

EVP_PKEY *key_make_rsa(struct failure *f)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    if (!key)
        crypto_failure(f, "an RSA key could not be made");
    return key;
}

EVP_PKEY *key_make_ec(const char *curve, struct failure *f)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    if (!key)
        crypto_failure(f, "an elliptic curve key could not be made");
    return key;
}

ASN1_TIME *asn1_time_make(instant at, struct failure *f)
{
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(at / INSTANT_SECOND));
    if (!time)
        crypto_failure(f, "a time could not be written");
    return time;
}

static bool certificate_set_serial(X509 *certificate, uint64_t serial)
{
    if (serial)
        return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
    BIGNUM *random = BN_new();
    bool done = random && BN_rand(random, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(random, X509_get_serialNumber(certificate));
    BN_free(random);
    return done;
}

static bool certificate_set_validity(X509 *certificate, instant from, instant to)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(from / INSTANT_SECOND)) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(to / INSTANT_SECOND));
}

X509 *certificate_begin(const struct certificate_order *order, struct failure *f)
{
    _cleanup_(cleanup_x509) X509 *certificate = X509_new();
    const X509_NAME *issuer = order->issuer ? X509_get_subject_name(order->issuer) : order->subject;
    if (!certificate || !X509_set_version(certificate, X509_VERSION_3) ||
        !certificate_set_serial(certificate, order->serial) ||
        !X509_set_subject_name(certificate, order->subject) ||
        !X509_set_issuer_name(certificate, issuer) ||
        !certificate_set_validity(certificate, order->from, order->to) ||
        !X509_set_pubkey(certificate, order->key)) {
        crypto_failure(f, "a certificate could not be begun");
        return NULL;
    }
    return TAKE(certificate);
}

bool certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value,
                        struct failure *f)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done || crypto_failure(f, "an extension could not be written");
}

bool certificate_add(X509 *certificate, int nid, const void *value, bool critical,
                     struct failure *f)
{
    /* OpenSSL reads the value only; its prototype forgets const. */
    return X509_add1_ext_i2d(certificate, nid, (void *)(uintptr_t)value, critical,
                             X509V3_ADD_APPEND) == 1 ||
           crypto_failure(f, "an extension could not be added");
}

bool certificate_finish(X509 *certificate, EVP_PKEY *issuer_key, struct failure *f)
{
    return X509_sign(certificate, issuer_key, EVP_sha256()) > 0 ||
           crypto_failure(f, "a certificate could not be signed");
}

bool certificate_der(const X509 *certificate, struct buffer *ret_der, struct failure *f)
{
    int length = i2d_X509(certificate, NULL);
    if (length <= 0)
        return crypto_failure(f, "a certificate could not be encoded");
    uint8_t *end = buffer_reserve(ret_der, (size_t)length);
    i2d_X509(certificate, &end);
    buffer_commit(ret_der, (size_t)length);
    return true;
}

bool certificate_fingerprint(const X509 *certificate, char ret_hex[65], struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    if (!certificate_der(certificate, &der, f))
        return false;
    sha256_hex(buffer_bytes(&der), ret_hex);
    return true;
}

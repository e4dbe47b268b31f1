#include "tests/support/pki.h"

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NUMBERS 8

DEFINE_CLEANUP(cleanup_bn, BIGNUM *, BN_free)
DEFINE_CLEANUP(cleanup_integer, ASN1_INTEGER *, ASN1_INTEGER_free)
DEFINE_CLEANUP(cleanup_time, ASN1_TIME *, ASN1_TIME_free)

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            ERR_print_errors_fp(stderr);                                                           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static EVP_PKEY *keys[PKI_KEYS][NUMBERS];

static void free_keys(void)
{
    for (int kind = 0; kind < PKI_KEYS; kind++)
        for (int number = 0; number < NUMBERS; number++)
            EVP_PKEY_free(keys[kind][number]);
}

static EVP_PKEY *make_rsa(int bits, unsigned long e)
{
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    _cleanup_(cleanup_bn) BIGNUM *exponent = BN_new();
    EVP_PKEY *key = NULL;
    MUST(context && BN_set_word(exponent, e) && EVP_PKEY_keygen_init(context) > 0);
    MUST(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) > 0);
    MUST(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) > 0);
    MUST(EVP_PKEY_generate(context, &key) > 0);
    return key;
}

static EVP_PKEY *make_dsa(void)
{
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    _cleanup_(cleanup_pkey) EVP_PKEY *parameters = NULL;
    EVP_PKEY *key = NULL;
    MUST(context && EVP_PKEY_paramgen_init(context) > 0);
    MUST(EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024) > 0);
    MUST(EVP_PKEY_generate(context, &parameters) > 0);
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new(parameters, NULL);
    MUST(maker && EVP_PKEY_keygen_init(maker) > 0 && EVP_PKEY_generate(maker, &key) > 0);
    return key;
}

static EVP_PKEY *make_key(enum pki_key kind)
{
    switch (kind) {
    case PKI_RSA_2048:
        return make_rsa(2048, 65537);
    case PKI_RSA_3072:
        return make_rsa(3072, 65537);
    case PKI_RSA_4096:
        return make_rsa(4096, 65537);
    case PKI_EC_P256:
        return EVP_EC_gen("P-256");
    case PKI_EC_P384:
        return EVP_EC_gen("P-384");
    case PKI_RSA_1024:
        return make_rsa(1024, 65537);
    case PKI_RSA_E3:
        return make_rsa(2048, 3);
    case PKI_EC_P521:
        return EVP_EC_gen("P-521");
    default:
        return make_dsa();
    }
}

EVP_PKEY *pki_key(enum pki_key kind, int number)
{
    static bool registered;
    if (!registered)
        atexit(free_keys);
    registered = true;
    if (!keys[kind][number])
        MUST(keys[kind][number] = make_key(kind));
    return keys[kind][number];
}

static const char *or_default(const char *text, const char *fallback)
{
    return text ? text : fallback;
}

static void add_entry(X509_NAME *name, const char *field, const char *text)
{
    int type = strcmp(field, "C") == 0 ? MBSTRING_ASC : V_ASN1_UTF8STRING;
    MUST(X509_NAME_add_entry_by_txt(name, field, type, (const uint8_t *)text, -1, -1, 0));
}

X509_NAME *pki_point_name(const char *city)
{
    X509_NAME *name = X509_NAME_new();
    add_entry(name, "C", "JP");
    add_entry(name, "O", "UKETSUKE-SANDBOX");
    add_entry(name, "OU", "JPKI for digital signature");
    add_entry(name, "OU", "CRL Distribution Points");
    add_entry(name, "OU", "Shiken-ken");
    add_entry(name, "CN", city);
    return name;
}

static ASN1_TIME *time_of(instant at, instant fallback)
{
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)((at ? at : fallback) / INSTANT_SECOND));
    MUST(time);
    return time;
}

static instant instant_of(const char *text)
{
    instant at;
    MUST(instant_parse(text, &at));
    return at;
}

static void set_validity(X509 *x509, instant from, instant to, const char *usual_from,
                         const char *usual_to)
{
    _cleanup_(cleanup_time) ASN1_TIME *before = time_of(from, instant_of(usual_from));
    _cleanup_(cleanup_time) ASN1_TIME *after = time_of(to, instant_of(usual_to));
    MUST(X509_set1_notBefore(x509, before) && X509_set1_notAfter(x509, after));
}

static ASN1_INTEGER *integer_of(const char *hex)
{
    _cleanup_(cleanup_bn) BIGNUM *number = NULL;
    MUST(BN_hex2bn(&number, hex));
    ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(number, NULL);
    MUST(integer);
    return integer;
}

static void set_serial(X509 *x509, const char *hex)
{
    _cleanup_(cleanup_integer) ASN1_INTEGER *serial = integer_of(hex);
    MUST(X509_set_serialNumber(x509, serial));
}

/* By OpenSSL's configuration text; `issuer` for the key id. */
static void add_extension(X509 *x509, X509 *issuer, const char *name, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    CONF *none = NCONF_new(NULL); /* policies are not read without one */
    X509V3_set_nconf(&context, none);
    X509_EXTENSION *extension = X509V3_EXT_nconf(none, &context, name, value);
    MUST(extension && X509_add_ext(x509, extension, -1));
    X509_EXTENSION_free(extension);
    NCONF_free(none);
}

static void sign(X509 *x509, EVP_PKEY *key, const char *digest)
{
    MUST(X509_sign(x509, key, EVP_get_digestbyname(or_default(digest, "SHA256"))) > 0);
}

struct pki_ca pki_ca_make(struct pki_ca_options options)
{
    struct pki_ca ca = {X509_new(), pki_key(options.kind, options.number)};
    X509 *x509 = ca.certificate;
    X509_NAME *name = X509_get_subject_name(x509);
    add_entry(name, "C", "JP");
    add_entry(name, "O", or_default(options.organization, "UKETSUKE-SANDBOX"));
    add_entry(name, "OU", or_default(options.unit, "JPKI for digital signature"));
    add_entry(name, "OU", "Sandbox Agency");
    MUST(X509_set_issuer_name(x509, name) && X509_set_version(x509, X509_VERSION_3));
    MUST(X509_set_pubkey(x509, ca.key));
    set_serial(x509, "01");
    set_validity(x509, options.from, options.to, "2015-01-01T00:00:00Z", "2035-01-01T00:00:00Z");
    if (!options.no_usage)
        add_extension(x509, x509, "keyUsage", "critical,keyCertSign,cRLSign");
    if (!options.no_ca)
        add_extension(x509, x509, "basicConstraints", "critical,CA:TRUE");
    add_extension(x509, x509, "subjectKeyIdentifier", "hash");
    sign(x509, ca.key, NULL);
    return ca;
}

void pki_ca_free(struct pki_ca *ca)
{
    X509_free(ca->certificate);
    ca->certificate = NULL;
}

static void add_fact(GENERAL_NAMES *names, int place, const char *text, int type)
{
    char oid[64];
    snprintf(oid, sizeof oid, "1.2.392.200149.8.5.5.%d", place);
    ASN1_STRING *string = ASN1_STRING_type_new(type);
    ASN1_TYPE *value = ASN1_TYPE_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    MUST(ASN1_STRING_set(string, text, -1));
    ASN1_TYPE_set(value, type, string);
    MUST(GENERAL_NAME_set0_othername(name, OBJ_txt2obj(oid, 1), value));
    MUST(sk_GENERAL_NAME_push(names, name));
}

/* In the order of real certificates. */
static void add_facts(X509 *x509, const struct pki_end *end)
{
    static const int order[] = {1, 4, 3, 5, 2, 6};
    static const char *const usual[] = {
        "桜野　花子",     "00000", "2", "419920401", "試験県桜野市本町一丁目２番３号",
        "000000000000000"};
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        int place = order[i];
        const char *text = or_default(end->facts[place - 1], usual[place - 1]);
        if (*text)
            add_fact(names, place, text, end->facts_type ? end->facts_type : V_ASN1_UTF8STRING);
    }
    if (sk_GENERAL_NAME_num(names) > 0)
        MUST(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND));
    GENERAL_NAMES_free(names);
}

static DIST_POINT_NAME *point_of(const char *city)
{
    DIST_POINT_NAME *point = DIST_POINT_NAME_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    point->type = 0;
    point->name.fullname = GENERAL_NAMES_new();
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, pki_point_name(city));
    MUST(sk_GENERAL_NAME_push(point->name.fullname, name));
    return point;
}

static void add_distribution_point(X509 *x509, const char *city)
{
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = DIST_POINT_new();
    point->distpoint = point_of(city);
    MUST(sk_DIST_POINT_push(points, point));
    MUST(X509_add1_ext_i2d(x509, NID_crl_distribution_points, points, 0, X509V3_ADD_APPEND));
    CRL_DIST_POINTS_free(points);
}

static void add_end_extensions(X509 *x509, const struct pki_ca *ca, const struct pki_end *end)
{
    char policy[256];
    const char *usage = or_default(end->usage, "critical,digitalSignature,nonRepudiation");
    snprintf(policy, sizeof policy, "critical,%s", or_default(end->policy, PKI_POLICY));
    if (*usage)
        add_extension(x509, ca->certificate, "keyUsage", usage);
    add_facts(x509, end);
    if (!end->policy || *end->policy)
        add_extension(x509, ca->certificate, "certificatePolicies", policy);
    if (!end->city || *end->city)
        add_distribution_point(x509, or_default(end->city, PKI_CITY));
    if (!end->no_key_id)
        add_extension(x509, ca->certificate, "authorityKeyIdentifier", "keyid");
    for (size_t i = 0; i < sizeof end->extra / sizeof *end->extra && end->extra[i][0]; i++)
        add_extension(x509, ca->certificate, end->extra[i][0], end->extra[i][1]);
}

X509 *pki_issue(const struct pki_ca *ca, EVP_PKEY *subject_key, const struct pki_end *end)
{
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    add_entry(name, "C", "JP");
    add_entry(name, "L", "Shiken-ken");
    add_entry(name, "L", "Sakurano-shi");
    add_entry(name, "CN", "2026010112000000001992011A");
    MUST(X509_set_version(x509, X509_VERSION_3) && X509_set_pubkey(x509, subject_key));
    MUST(X509_set_issuer_name(x509, X509_get_subject_name(ca->certificate)));
    set_serial(x509, or_default(end->serial, "01a2b3c4"));
    set_validity(x509, end->from, end->to, "2024-01-01T00:00:00Z", "2028-12-31T14:59:59Z");
    add_end_extensions(x509, ca, end);
    if (end->change)
        end->change(x509);
    sign(x509, ca->key, end->digest);
    return x509;
}

void pki_der(X509 *certificate, struct buffer *ret_der)
{
    uint8_t *der = NULL;
    int length = i2d_X509(certificate, &der);
    MUST(length > 0);
    buffer_append(ret_der, der, (size_t)length);
    OPENSSL_free(der);
}

void pki_append_pem(X509 *certificate, const char *path)
{
    FILE *file = fopen(path, "ae");
    MUST(file && PEM_write_X509(file, certificate) && fclose(file) == 0);
}

void pki_fingerprint(X509 *certificate, char ret_hex[65])
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(certificate, &der);
    sha256_hex(buffer_bytes(&der), ret_hex);
}

static void add_issuing_point(X509_CRL *crl, const struct pki_crl *options)
{
    if (options->idp) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf(NULL, NULL, "issuingDistributionPoint", options->idp);
        MUST(extension && X509_CRL_add_ext(crl, extension, -1));
        X509_EXTENSION_free(extension);
        return;
    }
    ISSUING_DIST_POINT *point = ISSUING_DIST_POINT_new();
    point->distpoint = point_of(or_default(options->city, PKI_CITY));
    point->onlyuser = 0xff;
    MUST(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, point, 1, X509V3_ADD_APPEND));
    ISSUING_DIST_POINT_free(point);
}

static void add_crl_extensions(X509_CRL *crl, const struct pki_ca *ca,
                               const struct pki_crl *options)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, ca->certificate, NULL, NULL, crl, 0);
    X509_EXTENSION *key_id = X509V3_EXT_conf(NULL, &context, "authorityKeyIdentifier", "keyid");
    MUST(key_id && X509_CRL_add_ext(crl, key_id, -1));
    X509_EXTENSION_free(key_id);
    if (options->number >= 0) {
        _cleanup_(cleanup_integer) ASN1_INTEGER *number = ASN1_INTEGER_new();
        MUST(ASN1_INTEGER_set(number, options->number ? options->number : 1));
        MUST(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_APPEND));
    }
    if (options->idp || !options->city || *options->city)
        add_issuing_point(crl, options);
}

static void add_revoked(X509_CRL *crl, const char *serial, instant date)
{
    _cleanup_(cleanup_integer) ASN1_INTEGER *number = integer_of(serial);
    _cleanup_(cleanup_time) ASN1_TIME *time = time_of(date, 0);
    X509_REVOKED *entry = X509_REVOKED_new();
    MUST(X509_REVOKED_set_serialNumber(entry, number) &&
         X509_REVOKED_set_revocationDate(entry, time));
    MUST(X509_CRL_add0_revoked(crl, entry));
}

void pki_crl_make(const struct pki_ca *ca, const struct pki_crl *options, struct buffer *ret_der)
{
    _cleanup_(cleanup_crl) X509_CRL *crl = X509_CRL_new();
    _cleanup_(cleanup_time) ASN1_TIME *from = time_of(options->from, 0);
    _cleanup_(cleanup_time) ASN1_TIME *to = time_of(options->to, 0);
    MUST(X509_CRL_set_version(crl, X509_CRL_VERSION_2));
    MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->certificate)));
    MUST(X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to));
    for (size_t i = 0; i < PKI_SERIALS_MAX && options->revoked[i].serial; i++)
        add_revoked(crl, options->revoked[i].serial, options->revoked[i].date);
    add_crl_extensions(crl, ca, options);
    if (options->change)
        options->change(crl);
    MUST(X509_CRL_sign(crl, ca->key, EVP_get_digestbyname(or_default(options->digest, "SHA256"))) >
         0);
    uint8_t *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    MUST(length > 0);
    buffer_append(ret_der, der, (size_t)length);
    OPENSSL_free(der);
}

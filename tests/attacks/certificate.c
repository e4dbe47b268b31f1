/* Certificates that are not what they claim: profile, encoding, path. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/attacks/attacks.h"

#define MOMENT "--at 2026-11-21T09:00:00+09:00"
#define CHECK                                                                                      \
    "certificate check --json --no-revocation " MOMENT " --policy " PKI_POLICY                     \
    " --trust {0}/root.der {}/certificate.der"
#define CHECK_PATH                                                                                 \
    "certificate check --json --profile rfc5280 --no-revocation " MOMENT " --trust {0}/root.der "  \
    "--untrusted {}/cross-1.der --untrusted {}/cross-2.der {}/certificate.der"

static void certificate_add(struct corpus *corpus, const char *name, const char *reason,
                            struct bytes der, const char *what)
{
    attack_file(corpus, name, "certificate.der", der);
    attack_add(corpus, &(struct attack){name, *reason ? 1 : 0, reason, CHECK, what});
}

static void issued_add(struct corpus *corpus, const char *name, const char *reason, X509 *x509,
                       const char *what)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(x509, &der);
    certificate_add(corpus, name, reason, buffer_bytes(&der), what);
    X509_free(x509);
}

static void negative_serial(X509 *x509)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x509), -5);
}

static void zero_serial(X509 *x509)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 0);
}

static void oversized_serial(X509 *x509)
{
    ASN1_STRING_set(X509_get_serialNumber(x509),
                    "\x01"
                    "12345678901234567890",
                    21);
}

static void repeat_extension(X509 *x509)
{
    X509_add_ext(x509, X509_get_ext(x509, 0), -1);
}

static void issuer_as_subject(X509 *x509)
{
    X509_set_subject_name(x509, X509_get_issuer_name(x509));
}

static void fact_replace(X509 *x509, const char *oid, const char *text, int length, int type)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        OTHERNAME *other = sk_GENERAL_NAME_value(names, i)->d.otherName;
        char dotted[64];
        OBJ_obj2txt(dotted, sizeof dotted, other->type_id, 1);
        if (strcmp(dotted, oid) != 0)
            continue;
        ASN1_STRING *string = ASN1_STRING_type_new(type);
        ASN1_STRING_set(string, text, length);
        ASN1_TYPE_set(other->value, type, string);
    }
    X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(names);
}

#define NAME_OID "1.2.392.200149.8.5.5.1"

static void name_with_nul(X509 *x509)
{
    fact_replace(x509, NAME_OID, "abcd\0", 5, V_ASN1_UTF8STRING);
}

/* '/' in two bytes, then three letters and more: five characters to who is lax. */
static void name_overlong(X509 *x509)
{
    fact_replace(x509, NAME_OID,
                 "\xc0\xaf"
                 "bcde",
                 6, V_ASN1_UTF8STRING);
}

static void name_surrogate(X509 *x509)
{
    fact_replace(x509, NAME_OID,
                 "\xed\xa0\x80"
                 "bcde",
                 7, V_ASN1_UTF8STRING);
}

static void name_as_t61(X509 *x509)
{
    fact_replace(x509, NAME_OID, "abcde", 5, V_ASN1_T61STRING);
}

static const struct departure {
    const char *name, *reason;
    struct pki_end end;
    enum pki_key key;
    const char *what;
} departures[] = {
    {"honest-certificate", "", {0}, PKI_RSA_2048, "nothing"},
    {"certificate-login",
     "certificate-purpose",
     {.usage = "critical,digitalSignature"},
     PKI_RSA_2048,
     "the certificate for logging in, not for signing"},
    {"certificate-login-policy",
     "certificate-policy",
     {.policy = "1.2.392.200149.8.5.1.3.30"},
     PKI_RSA_2048,
     "the policy of the login certificate"},
    {"certificate-usage-not-critical",
     "certificate-purpose",
     {.usage = "digitalSignature,nonRepudiation"},
     PKI_RSA_2048,
     "a key usage that may be ignored"},
    {"certificate-made-ca",
     "certificate-is-ca",
     {.extra = {{"basicConstraints", "critical,CA:TRUE"}}},
     PKI_RSA_2048,
     "a resident as a CA"},
    {"certificate-may-sign-certificates",
     "certificate-is-ca",
     {.usage = "critical,digitalSignature,nonRepudiation,keyCertSign"},
     PKI_RSA_2048,
     "a resident that may sign certificates"},
    {"certificate-named-ca",
     "certificate-is-ca",
     {.change = issuer_as_subject},
     PKI_RSA_2048,
     "a resident with the CA's own name"},
    {"certificate-unknown-critical",
     "certificate-extension",
     {.extra = {{"1.2.3.4", "critical,DER:0500"}}},
     PKI_RSA_2048,
     "a critical extension nobody knows"},
    {"certificate-serial-negative",
     "certificate-malformed",
     {.change = negative_serial},
     PKI_RSA_2048,
     "a negative serial number"},
    {"certificate-serial-zero",
     "certificate-malformed",
     {.change = zero_serial},
     PKI_RSA_2048,
     "serial number zero"},
    {"certificate-serial-oversized",
     "certificate-malformed",
     {.change = oversized_serial},
     PKI_RSA_2048,
     "a serial number of 21 bytes"},
    {"certificate-extension-twice",
     "certificate-malformed",
     {.change = repeat_extension},
     PKI_RSA_2048,
     "an extension twice"},
    {"certificate-exponent-3", "certificate-algorithm", {0}, PKI_RSA_E3, "exponent 3"},
    {"certificate-rsa-1024", "certificate-algorithm", {0}, PKI_RSA_1024, "a short key"},
    {"certificate-curve", "certificate-algorithm", {0}, PKI_EC_P521, "a curve off the list"},
    {"certificate-dsa", "certificate-algorithm", {0}, PKI_DSA, "an algorithm off the list"},
    {"certificate-sha1",
     "certificate-algorithm",
     {.digest = "SHA1"},
     PKI_RSA_2048,
     "signed over SHA-1"},
    {"certificate-name-nul",
     "certificate-facts",
     {.change = name_with_nul},
     PKI_RSA_2048,
     "a NUL that cuts the name short for who reads it as C does"},
    {"certificate-name-overlong",
     "certificate-facts",
     {.change = name_overlong},
     PKI_RSA_2048,
     "UTF-8 in more bytes than it takes"},
    {"certificate-name-surrogate",
     "certificate-facts",
     {.change = name_surrogate},
     PKI_RSA_2048,
     "half a surrogate pair"},
    {"certificate-name-t61",
     "certificate-facts",
     {.change = name_as_t61},
     PKI_RSA_2048,
     "a text of unknown encoding"},
    {"certificate-substituted-short",
     "certificate-facts",
     {.facts = {NULL, "0000"}},
     PKI_RSA_2048,
     "fewer substitution flags than characters"},
};

static void departures_make(struct corpus *corpus)
{
    for (size_t i = 0; i < sizeof departures / sizeof *departures; i++) {
        const struct departure *d = &departures[i];
        issued_add(corpus, d->name, d->reason, pki_issue(&corpus->ca, pki_key(d->key, 0), &d->end),
                   d->what);
    }
}

static void issuers_make(struct corpus *corpus)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 2);
    struct pki_ca stranger = pki_ca_make((struct pki_ca_options){.organization = "Stranger"});
    issued_add(corpus, "certificate-same-name-other-key", "certificate-untrusted",
               pki_issue(&corpus->next_ca, key, &(struct pki_end){0}),
               "issued under the CA's name with a key that is not pinned");
    issued_add(corpus, "certificate-no-key-id-other-key", "certificate-untrusted",
               pki_issue(&corpus->next_ca, key, &(struct pki_end){.no_key_id = true}),
               "the same, without the key id that would tell the keys apart");
    issued_add(corpus, "certificate-of-a-stranger", "certificate-issuer-unknown",
               pki_issue(&stranger, key, &(struct pki_end){0}), "of another CA");
    _cleanup_(cleanup_buffer) struct buffer root = {0};
    pki_der(corpus->ca.certificate, &root);
    certificate_add(corpus, "certificate-is-the-root", "certificate-is-ca", buffer_bytes(&root),
                    "the root itself as a signer");
    pki_ca_free(&stranger);
}

/* The bytes of a good one, encoded otherwise, or with something behind. */
static void encodings_make(struct corpus *corpus)
{
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&corpus->ca, pki_key(PKI_RSA_2048, 2), &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer der = {0}, bent = {0};
    pki_der(x509, &der);
    buffer_append(&bent, der.data, der.length);
    buffer_append(&bent, "\x05\x00", 2);
    certificate_add(corpus, "der-trailing", "certificate-malformed", buffer_bytes(&bent),
                    "bytes behind the certificate");
    buffer_clear(&bent);
    buffer_append(&bent, "\x30\x80", 2);
    buffer_append(&bent, der.data + 4, der.length - 4);
    buffer_append(&bent, "\0\0", 2);
    certificate_add(corpus, "der-indefinite", "certificate-malformed", buffer_bytes(&bent),
                    "an indefinite length (BER)");
    buffer_clear(&bent);
    uint8_t head[] = {0x30, 0x83, 0, der.data[2], der.data[3]};
    buffer_append(&bent, head, sizeof head);
    buffer_append(&bent, der.data + 4, der.length - 4);
    certificate_add(corpus, "der-long-length", "certificate-malformed", buffer_bytes(&bent),
                    "a length in more bytes than it takes");
    certificate_add(corpus, "der-truncated", "certificate-malformed",
                    bytes_of(der.data, der.length - 1), "one byte short");
}

/* Two that certify each other, and neither leads to the root. */
static void loop_make(struct corpus *corpus)
{
    static const char name[] = "path-loop";
    struct pki_ca one = pki_ca_make((struct pki_ca_options){.organization = "One", .number = 4});
    struct pki_ca two = pki_ca_make((struct pki_ca_options){.organization = "Two", .number = 5});
    X509_set_issuer_name(one.certificate, X509_get_subject_name(two.certificate));
    X509_set_issuer_name(two.certificate, X509_get_subject_name(one.certificate));
    X509_sign(one.certificate, two.key, EVP_sha256());
    X509_sign(two.certificate, one.key, EVP_sha256());
    X509 *leaf = pki_issue(&one, pki_key(PKI_RSA_2048, 2), &(struct pki_end){0});
    X509 *const parts[] = {one.certificate, two.certificate, leaf};
    static const char *const files[] = {"cross-1.der", "cross-2.der", "certificate.der"};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_(cleanup_buffer) struct buffer der = {0};
        pki_der(parts[i], &der);
        attack_file(corpus, name, files[i], buffer_bytes(&der));
    }
    attack_add(corpus, &(struct attack){name, 1, "certificate-issuer-unknown", CHECK_PATH,
                                        "two CAs that certify each other in a circle"});
    X509_free(leaf);
    pki_ca_free(&one);
    pki_ca_free(&two);
}

void make_certificate_attacks(struct corpus *corpus)
{
    departures_make(corpus);
    issuers_make(corpus);
    encodings_make(corpus);
    loop_make(corpus);
}

/* signature/certificate: a signing certificate of the profile passes; each departure from it is
 * refused by its own name; the facts are read to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/certificate.h"
#include "signature/der.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)
DEFINE_CLEANUP(cleanup_certificate, struct certificate *, certificate_free)

static struct pki_ca ca;
static struct trust *trust;

static int make_ca(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    trust = trust_of(&ca.certificate, 1);
    return 0;
}

static int free_ca(void **state)
{
    (void)state;
    trust_free(trust);
    pki_ca_free(&ca);
    return 0;
}

static instant at(const char *text)
{
    instant moment;
    assert_true(instant_parse(text, &moment));
    return moment;
}

#define NOW "2026-11-21T09:00:00+09:00"

static struct certificate *judge(X509 *x509, instant moment, char reason[64])
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(x509, &der);
    struct certificate *certificate = certificate_read(buffer_bytes(&der), trust, moment, checks);
    snprintf(reason, 64, "%s", checks_reason(checks) ? checks_reason(checks) : "");
    return certificate;
}

static const char *reason_at(const struct pki_end *end, const char *moment)
{
    static char reason[64];
    _cleanup_(cleanup_x509) X509 *x509 = pki_issue(&ca, pki_key(PKI_RSA_2048, 1), end);
    _cleanup_(cleanup_certificate) struct certificate *certificate =
        judge(x509, at(moment), reason);
    (void)certificate;
    return reason;
}

static const char *reason_of(struct pki_end end)
{
    return reason_at(&end, NOW);
}

static void a_good_one_passes(void **state)
{
    (void)state;
    char reason[64];
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){.serial = "00ff0a"});
    _cleanup_(cleanup_certificate) struct certificate *c = judge(x509, at(NOW), reason);
    assert_string_equal(reason, "");
    assert_string_equal(c->serial, "ff0a");
    assert_string_equal(c->ca, "sign");
    assert_int_equal(X509_cmp(c->issuer, ca.certificate), 0);
    assert_string_equal(c->facts.name, "桜野　花子");
    assert_string_equal(c->facts.name_substituted, "00000");
    assert_int_equal(c->facts.sex, '2');
    assert_string_equal(c->facts.birth_date, "1992-04-01");
    assert_string_equal(c->facts.address, "試験県桜野市本町一丁目２番３号");
    _cleanup_(cleanup_json) json_t *json = basic_facts_to_json(&c->facts);
    assert_string_equal(json_string_value(json_object_get(json, "sex")), "2");
    assert_int_equal(json_object_size(json), 8);
}

static void validity_to_the_second(void **state)
{
    (void)state;
    struct pki_end end = {.from = at("2026-01-01T00:00:00Z"), .to = at("2026-12-31T14:59:59Z")};
    assert_string_equal(reason_at(&end, "2026-01-01T08:59:59.999999+09:00"),
                        "certificate-not-yet-valid");
    assert_string_equal(reason_at(&end, "2026-01-01T09:00:00+09:00"), "");
    assert_string_equal(reason_at(&end, "2026-12-31T23:59:59.999999+09:00"), "");
    assert_string_equal(reason_at(&end, "2027-01-01T00:00:00+09:00"), "certificate-expired");
    struct pki_end long_lived = {.from = at("2010-01-01T00:00:00Z"),
                                 .to = at("2040-01-01T00:00:00Z")};
    assert_string_equal(reason_at(&long_lived, "2036-01-01T00:00:00Z"), "certificate-untrusted");
}

static const char *reason_with_key(enum pki_key kind)
{
    static char reason[64];
    _cleanup_(cleanup_x509) X509 *x509 = pki_issue(&ca, pki_key(kind, 1), &(struct pki_end){0});
    _cleanup_(cleanup_certificate) struct certificate *certificate = judge(x509, at(NOW), reason);
    (void)certificate;
    return reason;
}

static void keys_and_algorithms(void **state)
{
    (void)state;
    for (enum pki_key kind = PKI_RSA_2048; kind <= PKI_EC_P384; kind++)
        assert_string_equal(reason_with_key(kind), "");
    for (enum pki_key kind = PKI_RSA_1024; kind < PKI_KEYS; kind++)
        assert_string_equal(reason_with_key(kind), "certificate-algorithm");
    assert_string_equal(reason_of((struct pki_end){.digest = "SHA384"}), "");
    assert_string_equal(reason_of((struct pki_end){.digest = "SHA1"}), "certificate-algorithm");
}

static void issuers(void **state)
{
    (void)state;
    char reason[64];
    struct pki_ca strangers[] = {
        pki_ca_make((struct pki_ca_options){.number = 3}),
        pki_ca_make((struct pki_ca_options){.unit = "JPKI for user authentication"}),
        pki_ca_make((struct pki_ca_options){.organization = "JPKI-TEST"})};
    static const char *const reasons[] = {"certificate-untrusted", "certificate-issuer-unknown",
                                          "certificate-issuer-unknown"};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_(cleanup_x509) X509 *x509 =
            pki_issue(&strangers[i], pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
        _cleanup_(cleanup_certificate) struct certificate *c = judge(x509, at(NOW), reason);
        assert_string_equal(reason, reasons[i]);
        assert_null(c->issuer);
        pki_ca_free(&strangers[i]);
    }
}

static void drop_critical_policy(X509 *x509)
{
    int at = X509_get_ext_by_NID(x509, NID_certificate_policies, -1);
    X509_EXTENSION_set_critical(X509_get_ext(x509, at), 0);
}

/* Names the anchor's key and DN, but another serial number than the anchor's. */
static void name_other_issuer(X509 *x509)
{
    AUTHORITY_KEYID *named = X509_get_ext_d2i(x509, NID_authority_key_identifier, NULL, NULL);
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_get_issuer_name(x509)));
    named->issuer = GENERAL_NAMES_new();
    sk_GENERAL_NAME_push(named->issuer, name);
    named->serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(named->serial, 2);
    X509_add1_ext_i2d(x509, NID_authority_key_identifier, named, 0, X509V3_ADD_REPLACE);
    AUTHORITY_KEYID_free(named);
}

static void add_trailing_byte(X509 *x509)
{
    int at = X509_get_ext_by_NID(x509, NID_subject_alt_name, -1);
    ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(x509, at));
    int length = ASN1_STRING_length(value);
    uint8_t *longer = calloc(1, (size_t)length + 1);
    memcpy(longer, ASN1_STRING_get0_data(value), (size_t)length);
    ASN1_STRING_set(value, longer, length + 1);
    free(longer);
}

static void set_version_1(X509 *x509)
{
    X509_set_version(x509, X509_VERSION_1);
}

static void set_long_serial(X509 *x509)
{
    ASN1_INTEGER *serial = X509_get_serialNumber(x509);
    ASN1_STRING_set(serial,
                    "\x01"
                    "12345678901234567890",
                    21);
}

static void set_negative_serial(X509 *x509)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x509), -5);
}

static void set_zero_serial(X509 *x509)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 0);
}

static void repeat_extension(X509 *x509)
{
    X509_add_ext(x509, X509_get_ext(x509, 0), -1);
}

static void name_itself_issuer(X509 *x509)
{
    X509_set_subject_name(x509, X509_get_issuer_name(x509));
}

static void swap_validity(X509 *x509)
{
    ASN1_TIME *from = X509_getm_notBefore(x509), *to = X509_getm_notAfter(x509);
    ASN1_TIME *kept = ASN1_STRING_dup(from);
    X509_set1_notBefore(x509, to);
    X509_set1_notAfter(x509, kept);
    ASN1_TIME_free(kept);
}

static void spoil_validity(X509 *x509)
{
    ASN1_STRING_set(X509_getm_notBefore(x509), "26112109000", 11);
}

static void departures_from_the_profile(void **state)
{
    (void)state;
    static const struct {
        struct pki_end end;
        const char *reason;
    } cases[] = {
        {{.change = set_version_1}, "certificate-malformed"},
        {{.change = set_long_serial}, "certificate-malformed"},
        {{.change = set_negative_serial}, "certificate-malformed"},
        {{.change = set_zero_serial}, "certificate-malformed"},
        {{.change = swap_validity}, "certificate-malformed"},
        {{.change = spoil_validity}, "certificate-malformed"},
        {{.change = name_itself_issuer}, "certificate-is-ca"},
        {{.usage = ""}, "certificate-purpose"},
        {{.usage = "critical,digitalSignature"}, "certificate-purpose"}, /* the login key's */
        {{.usage = "digitalSignature,nonRepudiation"}, "certificate-purpose"},
        {{.usage = "critical,nonRepudiation"}, ""},
        {{.usage = "critical,digitalSignature,nonRepudiation,keyCertSign"}, "certificate-is-ca"},
        {{.usage = "critical,nonRepudiation,cRLSign"}, "certificate-is-ca"},
        {{.extra = {{"basicConstraints", "critical,CA:TRUE"}}}, "certificate-is-ca"},
        {{.extra = {{"basicConstraints", "critical,CA:FALSE"}}}, ""},
        {{.policy = ""}, "certificate-policy"},
        {{.change = drop_critical_policy}, "certificate-policy"},
        {{.change = name_other_issuer}, "certificate-untrusted"},
        {{.change = add_trailing_byte}, "certificate-extension"},
        {{.extra = {{"subjectKeyIdentifier", "hash"}}}, ""},
        {{.policy = "1.2.392.200149.8.5.1.3.30"}, "certificate-policy"}, /* the login policy */
        {{.policy = PKI_POLICY ",1.2.392.200149.8.5.1.3.30"}, "certificate-policy"},
        {{.policy = "1.2.392.200149.8.5.1.1.20"}, "certificate-policy"}, /* not configured */
        {{.extra = {{"1.2.3.4", "critical,DER:0500"}}}, "certificate-extension"},
        {{.extra = {{"1.2.3.4", "DER:0500"}}}, ""},
        {{.extra = {{"extendedKeyUsage", "critical,codeSigning"}}}, "certificate-extension"},
        {{.extra = {{"nameConstraints", "critical,permitted;DNS:x"}}}, "certificate-extension"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(reason_of(cases[i].end), cases[i].reason) != 0)
            fail_msg("case %zu: %s, not %s", i, reason_of(cases[i].end), cases[i].reason);
    /* OpenSSL itself calls it unreadable, or our own count finds it. */
    const char *twice = reason_of((struct pki_end){.change = repeat_extension});
    assert_true(strcmp(twice, "certificate-malformed") == 0 ||
                strcmp(twice, "certificate-extension") == 0);
}

static struct pki_end with_fact(int place, const char *text)
{
    struct pki_end end = {0};
    end.facts[place - 1] = text;
    return end;
}

static void facts_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        int place;
        const char *text;
    } cases[] = {
        {1, ""},
        {2, ""},
        {3, ""},
        {4, ""},
        {5, ""},
        {6, ""},
        {2, "0000"},
        {2, "000000"},
        {2, "0002a"},
        {6, "00"},
        {3, "0"},
        {3, "22"},
        {3, "男"},
        {4, "41992040"},
        {4, "4199204011"},
        {4, "619920401"},
        {4, "419920431"},
        {4, "41992-4-1"},
        {1, "a\x01"
            "bcd"},
        {1, "\xff"
            "abcd"},
        {1, "桜野\n花子"},
        {4, "４19920401"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(reason_of(with_fact(cases[i].place, cases[i].text)), "certificate-facts") != 0)
            fail_msg("case %zu: %s", i, reason_of(with_fact(cases[i].place, cases[i].text)));
    assert_string_equal(reason_of((struct pki_end){.facts_type = V_ASN1_IA5STRING}),
                        "certificate-facts");
    assert_string_equal(reason_of((struct pki_end){.facts_type = V_ASN1_T61STRING}),
                        "certificate-facts");
}

static void birth_dates(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"419920401", "1992-04-01"},
                                           {"520200229", "2020-02-29"},
                                           {"000000000", ""},
                                           {"319440000", ""},
                                           {"319440500", ""},
                                           {"300000501", ""},
                                           {"019920401", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char reason[64];
        struct pki_end end = with_fact(4, cases[i][0]);
        _cleanup_(cleanup_x509) X509 *x509 = pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &end);
        _cleanup_(cleanup_certificate) struct certificate *c = judge(x509, at(NOW), reason);
        assert_string_equal(reason, "");
        assert_string_equal(c->facts.birth_date, cases[i][1]);
    }
}

/* Further otherNames are to come (the name's reading): they are passed over; one of ours twice is
 * not. A NUL within hides what follows from a careless reader. */
static void add_to_names(X509 *x509, const char *oid, const char *text, int length)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_UTF8STRING);
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_STRING_set(string, text, length);
    ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string);
    GENERAL_NAME_set0_othername(name, OBJ_txt2obj(oid, 1), value);
    sk_GENERAL_NAME_push(names, name);
    X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(names);
}

static void add_reading(X509 *x509)
{
    add_to_names(x509, "1.2.392.200149.8.5.5.7", "サクラノ　ハナコ", -1);
    add_to_names(x509, "1.2.392.200149.8.5.5.1.1", "x", -1);
    add_to_names(x509, "1.2.392.200149.8.5.5.10", "x", -1);
}

static void add_second_name(X509 *x509)
{
    add_to_names(x509, "1.2.392.200149.8.5.5.1", "桜野　太郎", -1);
}

static void add_name_with_nul(X509 *x509)
{
    add_to_names(x509, "1.2.392.200149.8.5.5.1", "abcde\0xyz", 9);
}

static void names_beside_the_facts(void **state)
{
    (void)state;
    assert_string_equal(reason_of((struct pki_end){.change = add_reading}), "");
    assert_string_equal(reason_of((struct pki_end){.change = add_second_name}),
                        "certificate-facts");
    struct pki_end nul = with_fact(1, "");
    nul.change = add_name_with_nul;
    assert_string_equal(reason_of(nul), "certificate-facts");
}

/* The anchor itself may sign nothing but certificates; nor may the card's own copy of it. */
static void an_anchor_signs_no_application(void **state)
{
    (void)state;
    char reason[64];
    _cleanup_(cleanup_certificate) struct certificate *c = judge(ca.certificate, at(NOW), reason);
    assert_string_equal(reason, "certificate-is-ca");
    assert_string_equal(c->serial, "01");
}

static void only_canonical_der(void **state)
{
    (void)state;
    _cleanup_(cleanup_x509) X509 *x509 =
        pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_der(x509, &der);
    _cleanup_(cleanup_x509) X509 *again = certificate_parse(buffer_bytes(&der));
    assert_non_null(again);
    assert_null(certificate_parse(bytes_of(der.data, der.length - 1)));
    assert_null(certificate_parse(bytes_of(der.data, 0)));
    buffer_append(&der, "\0", 1);
    assert_null(certificate_parse(buffer_bytes(&der)));
    der.length--;
    /* The same in BER: the outermost length indefinite, its end marked by two zero bytes. */
    der.data[1] = 0x80;
    memmove(der.data + 2, der.data + 4, der.length - 4);
    der.length -= 2;
    buffer_append(&der, "\0\0", 2);
    assert_null(certificate_parse(buffer_bytes(&der)));
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    assert_null(certificate_read(bytes_of_text("x"), trust, at(NOW), checks));
    assert_string_equal(checks_reason(checks), "certificate-malformed");
}

static void der_has_one_form_only(void **state)
{
    (void)state;
    static const struct {
        const char *der;
        size_t length;
        bool strict;
    } cases[] = {
        {"\x03\x02\x07\x80", 4, true},
        {"\x03\x02\x07\xc0", 4, false}, /* a bit behind the last */
        {"\x03\x02\x08\x00", 4, false}, /* eight bits unused */
        {"\x03\x01\x00", 3, true},
        {"\x03\x01\x01", 3, false},
        {"\x03\x00", 2, false},
        {"\x23\x04\x03\x02\x00\xff", 6, false}, /* strings made of strings */
        {"\x24\x03\x04\x01\xff", 5, false},
        {"\x2c\x03\x0c\x01x", 5, false},
        {"\x10\x00", 2, false}, /* a SEQUENCE that is made of nothing else */
        {"\x30\x00", 2, true},
        {"\x31\x00", 2, true},
        {"\x05\x00", 2, true},
        {"\x05\x01\x00", 3, false},
        {"\xa0\x02\x05\x00", 4, true},
        {"\x80\x01\x00", 3, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (der_strict(bytes_of(cases[i].der, cases[i].length)) != cases[i].strict)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_passes),
        cmocka_unit_test(validity_to_the_second),
        cmocka_unit_test(keys_and_algorithms),
        cmocka_unit_test(issuers),
        cmocka_unit_test(departures_from_the_profile),
        cmocka_unit_test(facts_that_are_wrong),
        cmocka_unit_test(birth_dates),
        cmocka_unit_test(names_beside_the_facts),
        cmocka_unit_test(an_anchor_signs_no_application),
        cmocka_unit_test(only_canonical_der),
        cmocka_unit_test(der_has_one_form_only),
    };
    return cmocka_run_group_tests(tests, make_ca, free_ca);
}

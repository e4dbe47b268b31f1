/* signature/cms and signature/raw: keys and hashes, each way to cheat by its reason, and OpenSSL's
 * own CMS as the judge of what we accept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/signature.h"
#include "tests/support/cms.h"
#include "tests/support/crl_der.h"
#include "tests/support/dsig.h"
#include "tests/support/pki.h"

#define CONTENT "%PDF-1.7 what is signed"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static struct pki_ca ca;
static X509 *certificates[PKI_KEYS], *stranger;

static int make_signers(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    for (int kind = 0; kind < PKI_DSA; kind++)
        certificates[kind] = pki_issue(&ca, pki_key((enum pki_key)kind, 1), &(struct pki_end){0});
    stranger = pki_issue(&ca, pki_key(PKI_RSA_2048, 2), &(struct pki_end){.serial = "0badc0ffee"});
    return 0;
}

static int free_signers(void **state)
{
    (void)state;
    for (int kind = 0; kind < PKI_DSA; kind++)
        X509_free(certificates[kind]);
    X509_free(stranger);
    pki_ca_free(&ca);
    return 0;
}

struct trial {
    const char *container, *file;
    struct bytes signature, content, certificate;
    instant applied_at;
};

/* "" when it is accepted. */
static const char *reason_of(struct trial t)
{
    static char reason[64];
    static const struct xml_limits limits = XML_LIMITS_DEFAULT;
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    const struct signable member = {"a.pdf", t.content.data ? t.content : bytes_of_text(CONTENT)};
    const struct signable file = {t.file ? t.file : "signature/a.pdf.p7s", t.signature};
    const struct signature_input input = {.signables = &member,
                                          .signable_count = 1,
                                          .signatures = &file,
                                          .signature_count = 1,
                                          .xml_limits = &limits,
                                          .applied_at = t.applied_at,
                                          .certificate = t.certificate};
    struct signature_result result = {0};
    bool held = signature_container_find(t.container)->verify(&input, &result, checks);
    assert_true(held == (checks_indication(checks) == TOTAL_PASSED));
    if (held) {
        assert_int_equal(result.covered_count, 1);
        assert_int_equal(result.covered[0].coverage, COVERAGE_BYTES);
        assert_int_equal(result.signature_count, 1);
    }
    signature_result_free(&result);
    snprintf(reason, sizeof reason, "%s", held ? "" : checks_reason(checks));
    return reason;
}

static const char *cms_reason(const struct cms_der *cms)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    cms_der_make(cms, &der);
    return reason_of((struct trial){.container = "cms", .signature = buffer_bytes(&der)});
}

static struct cms_der good(bool attributes)
{
    return (struct cms_der){.key = pki_key(PKI_RSA_2048, 1),
                            .certificate = certificates[PKI_RSA_2048],
                            .content = bytes_of_text(CONTENT),
                            .attributes = attributes};
}

static const struct {
    enum pki_key key;
    const char *digest, *name, *reason;
} matrix[] = {
    {PKI_RSA_2048, "SHA256", "rsa-sha256", ""},
    {PKI_RSA_2048, "SHA384", "rsa-sha384", ""},
    {PKI_RSA_2048, "SHA512", "rsa-sha512", ""},
    {PKI_RSA_3072, "SHA256", "rsa-sha256", ""},
    {PKI_RSA_3072, "SHA384", "rsa-sha384", ""},
    {PKI_RSA_3072, "SHA512", "rsa-sha512", ""},
    {PKI_RSA_4096, "SHA256", "rsa-sha256", ""},
    {PKI_RSA_4096, "SHA384", "rsa-sha384", ""},
    {PKI_RSA_4096, "SHA512", "rsa-sha512", ""},
    {PKI_EC_P256, "SHA256", "ecdsa-sha256", ""},
    {PKI_EC_P256, "SHA384", "ecdsa-sha384", ""},
    {PKI_EC_P384, "SHA256", "ecdsa-sha256", ""},
    {PKI_EC_P384, "SHA384", "ecdsa-sha384", ""},
    {PKI_RSA_2048, "SHA1", "rsa-sha1", "signature-algorithm"},
    {PKI_RSA_2048, "SHA224", "rsa-sha224", "signature-algorithm"},
    {PKI_EC_P384, "SHA512", "ecdsa-sha512", "signature-algorithm"},
    {PKI_EC_P521, "SHA256", "ecdsa-sha256", "signature-algorithm"},
    {PKI_RSA_1024, "SHA256", "rsa-sha256", "signature-algorithm"},
    {PKI_RSA_E3, "SHA256", "rsa-sha256", "signature-algorithm"},
};

#define MATRIX_COUNT (sizeof matrix / sizeof *matrix)

static void cms_takes_keys_and_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * MATRIX_COUNT; i++) {
        _cleanup_(cleanup_buffer) struct buffer der = {0};
        enum pki_key kind = matrix[i / 2].key;
        assert_true(cms_make(pki_key(kind, 1), certificates[kind], matrix[i / 2].digest,
                             i % 2 ? 0 : CMS_NOATTR, bytes_of_text(CONTENT), &der));
        struct trial t = {.container = "cms", .signature = buffer_bytes(&der)};
        assert_string_equal(reason_of(t), matrix[i / 2].reason);
        t.content = bytes_of_text(CONTENT " and more");
        if (!*matrix[i / 2].reason)
            assert_string_equal(reason_of(t), i % 2 ? "signature-digest" : "signature-value");
    }
}

static void raw_takes_keys_and_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < MATRIX_COUNT; i++) {
        enum pki_key kind = matrix[i].key;
        _cleanup_(cleanup_buffer) struct buffer value = {0}, json = {0}, der = {0};
        raw_value(pki_key(kind, 1), matrix[i].digest, bytes_of_text(CONTENT), &value);
        raw_json(certificates[kind], "a.pdf", matrix[i].name, buffer_bytes(&value), &json);
        struct trial t = {"raw", "signature/raw.json", buffer_bytes(&json)};
        assert_string_equal(reason_of(t), matrix[i].reason);
        pki_der(certificates[kind], &der);
        t.signature = buffer_bytes(&value);
        t.certificate = buffer_bytes(&der);
        bool allowed = !*matrix[i].reason;
        assert_true(!*reason_of(t) == allowed);
        value.data[value.length - 1] ^= 1;
        assert_true(*reason_of(t));
    }
}

/* The same keys and hashes again, in the third container. */
static void xmldsig_takes_keys_and_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < MATRIX_COUNT; i++) {
        enum pki_key kind = matrix[i].key;
        bool sha1 = strcmp(matrix[i].digest, "SHA1") == 0;
        _cleanup_(cleanup_buffer) struct buffer file = {0};
        _cleanup_(cleanup_text) char *method =
            text_format("%s%s", sha1 ? DSIG_NS : DSIG_MORE, matrix[i].name);
        struct dsig dsig = {
            .key = pki_key(kind, 1), .certificate = certificates[kind], .method = method};
        dsig.references[0] =
            (struct dsig_reference){.uri = "a.pdf", .data = bytes_of_text(CONTENT)};
        dsig_detached(&dsig, &file);
        struct trial t = {"xmldsig", "signature/1.xml", buffer_bytes(&file)};
        assert_string_equal(reason_of(t), matrix[i].reason);
        t.content = bytes_of_text(CONTENT " and more");
        if (!*matrix[i].reason)
            assert_string_equal(reason_of(t), "signature-digest");
    }
}

/* A signature whose bare value, as the caller gives it, is said to be over a.pdf. */
static const char *raw_reason(const char *text)
{
    return reason_of((struct trial){"raw", "signature/raw.json", bytes_of_text(text)});
}

static void raw_is_read_strictly(void **state)
{
    (void)state;
    X509 *own = certificates[PKI_EC_P384];
    _cleanup_(cleanup_buffer) struct buffer value = {0}, json = {0}, loose = {0};
    raw_value(pki_key(PKI_EC_P384, 1), "SHA384", bytes_of_text(CONTENT), &value);
    raw_json(own, "b.pdf", "ecdsa-sha384", buffer_bytes(&value), &json);
    assert_string_equal(raw_reason(buffer_text(&json)), "signature-reference");
    buffer_clear(&json);
    raw_json(own, "a.pdf", "hmac-sha256", buffer_bytes(&value), &json);
    assert_string_equal(raw_reason(buffer_text(&json)), "signature-algorithm");
    buffer_clear(&json);
    raw_json(own, "a.pdf", "rsa-sha384", buffer_bytes(&value), &json);
    assert_string_equal(raw_reason(buffer_text(&json)), "signature-algorithm");
    buffer_clear(&json);
    raw_json(own, "a.pdf\",\"member\":\"a.pdf", "ecdsa-sha384", buffer_bytes(&value), &json);
    assert_string_equal(raw_reason(buffer_text(&json)), "signature-malformed");
    buffer_clear(&json);
    raw_json(own, "a.pdf\",\"more\":\"x", "ecdsa-sha384", buffer_bytes(&value), &json);
    assert_string_equal(raw_reason(buffer_text(&json)), "signature-malformed");
    buffer_clear(&json);
    buffer_append(&value, "", 1); /* behind the SEQUENCE */
    raw_json(own, "a.pdf", "ecdsa-sha384", buffer_bytes(&value), &json);
    assert_string_equal(raw_reason(buffer_text(&json)), "signature-value");
    assert_string_equal(raw_reason("{\"certificate\":\"AAAA\",\"signatures\":[]}"),
                        "signature-malformed");
    memset(buffer_reserve(&loose, (1 << 20) + 1), ' ', (1 << 20) + 1);
    buffer_commit(&loose, (1 << 20) + 1);
    assert_string_equal(raw_reason(buffer_text(&loose)), "signature-malformed");
}

static struct bytes hex(const char *text)
{
    static struct buffer kept[8];
    static size_t next;
    struct buffer *b = &kept[next++ % 8];
    buffer_free(b);
    der_put_hex(b, text);
    return buffer_bytes(b);
}

/* The certificate is named by its hash: not one bit of it may be another. */
static void cms_names_the_certificate(void **state)
{
    static const unsigned flags[] = {0, CMS_CADES};
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        _cleanup_(cleanup_buffer) struct buffer der = {0}, own = {0};
        assert_true(cms_make(pki_key(PKI_EC_P384, 1), certificates[PKI_EC_P384], "SHA384", flags[i],
                             bytes_of_text(CONTENT), &der));
        struct trial t = {.container = "cms", .signature = buffer_bytes(&der)};
        assert_string_equal(reason_of(t), "");
        pki_der(certificates[PKI_EC_P384], &own);
        uint8_t *at = memmem(der.data, der.length, own.data, own.length);
        assert_non_null(at);
        at[own.length - 1] ^= 1; /* of the CA's signature */
        assert_string_equal(reason_of(t), flags[i] & CMS_CADES ? "signature-attributes" : "");
    }
}

#define REFUSED(reason, part, is)                                                                  \
    do {                                                                                           \
        struct cms_der cms = good(true);                                                           \
        cms.part = is;                                                                             \
        assert_string_equal(cms_reason(&cms), reason);                                             \
    } while (0)

static void cms_is_read_strictly(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer two = {0};
    struct cms_der plain = good(false), with = good(true);
    assert_string_equal(cms_reason(&plain), "");
    assert_string_equal(cms_reason(&with), "");
    REFUSED("signature-malformed", behind, hex("00"));
    REFUSED("signature-malformed", version, hex("02 01 03"));
    REFUSED("signature-malformed", version, hex("02 02 00 01"));
    REFUSED("signature-malformed", signer_version, hex("02 01 03"));
    REFUSED("signature-malformed", lists, hex("a1 00"));
    REFUSED("signature-malformed", unsigned_attributes, hex("a1 00"));
    REFUSED("signature-malformed", more_signers, hex("30 00"));
    REFUSED("signature-embedded", embedded, hex("a0 03 04 01 41"));
    REFUSED("signature-certificates", certificates, bytes_of("", 0));
    REFUSED("signature-algorithm", digests, hex("31 0d 30 0b 06 09 608648016503040202"));
    REFUSED("signature-algorithm", digest, hex("30 0b 06 09 608648016503040202"));
    REFUSED("signature-algorithm", digest, hex("30 07 06 05 2b0e03021a"));
    /* RSASSA-PSS, and RSA with another hash than digestAlgorithm's */
    REFUSED("signature-algorithm", value_algorithm, hex("30 0b 06 09 2a864886f70d01010a"));
    REFUSED("signature-algorithm", value_algorithm, hex("30 0d 06 09 2a864886f70d01010d 05 00"));
    REFUSED("signature-algorithm", value_algorithm, hex("30 0a 06 08 2a8648ce3d040302"));
    pki_der(certificates[PKI_RSA_2048], &two);
    pki_der(stranger, &two);
    REFUSED("signature-certificates", certificates, buffer_bytes(&two));
}

/* The certificate in the file is not the one that signerIdentifier names, or whose key it was. */
static void cms_has_one_signer(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer other = {0};
    pki_der(stranger, &other);
    struct cms_der swapped = good(true);
    swapped.certificates = buffer_bytes(&other);
    assert_string_equal(cms_reason(&swapped), "signature-certificates");
    struct cms_der forged = good(true);
    forged.key = pki_key(PKI_RSA_2048, 2);
    assert_string_equal(cms_reason(&forged), "signature-value");
}

#define CONTENT_TYPE "30 18 06 09 2a864886f70d010903 31 0b 06 09 2a864886f70d010701"

static void cms_judges_attributes(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer set = {0}, der = {0}, bad = {0};
    /* behind in the order of what is there, though not in that of DER */
    REFUSED("signature-attributes", more_attributes, hex(CONTENT_TYPE));
    REFUSED("signature-attributes", all_attributes, hex(CONTENT_TYPE));
    REFUSED("signature-attributes", all_attributes, bytes_of("", 0));
    REFUSED(
        "signature-attributes", more_attributes,
        hex("30 2f 06 09 2a864886f70d010904 31 22 04 20 0000000000000000000000000000000000000000"
            "000000000000000000000000"));
    REFUSED("signature-attributes", more_attributes,
            hex("30 33 06 01 2a 31 2e 04 2c "
                "0000000000000000000000000000000000000000"
                "0000000000000000000000000000000000000000"
                "00000000"));
    /* signing-time, in OpenSSL's own */
    assert_true(cms_make(pki_key(PKI_RSA_2048, 1), certificates[PKI_RSA_2048], "SHA256", 0,
                         bytes_of_text(CONTENT), &der));
    struct trial t = {.container = "cms", .signature = buffer_bytes(&der)};
    t.applied_at = clock_now();
    assert_string_equal(reason_of(t), "");
    t.applied_at -= 6 * 60 * INSTANT_SECOND;
    assert_string_equal(reason_of(t), "signature-time");
    /* the attributes of one signature as the content of another */
    struct cms_der with = good(true), replay = good(false);
    cms_der_attributes(&with, &set);
    replay.content = buffer_bytes(&set);
    cms_der_make(&replay, &bad);
    assert_true(cms_openssl_accepts(buffer_bytes(&bad), buffer_bytes(&set)));
    assert_string_equal(reason_of((struct trial){.container = "cms",
                                                 .signature = buffer_bytes(&bad),
                                                 .content = buffer_bytes(&set)}),
                        "signature-attributes");
}

#define DIGEST_OF_CONTENT "30 2f 06 09 2a864886f70d010904 31 22 04 20 %s"
#define AT_NOON           "30 1c 06 09 2a864886f70d010905 31 0f 17 0d 3236303132313132303030305a"
#define AT_NOON_LONG                                                                               \
    "30 1e 06 09 2a864886f70d010905 "                                                              \
    "31 11 18 0f 32303236303132313132303030305a"
#define PROTECTION(length, outer, inner, digest, algorithm)                                        \
    "30 " length " 06 09 2a864886f70d010934 31 " outer " 30 " inner digest algorithm
#define SHA256_ID "30 0b 06 09 608648016503040201"
#define RSA_ID    "a1 0d 06 09 2a864886f70d010101 05 00"

/* One attribute, in its place between the two that have to be there. */
static const char *reason_with(const char *attribute, instant applied_at)
{
    char hash[65];
    _cleanup_(cleanup_buffer) struct buffer all = {0}, der = {0};
    sha256_hex(bytes_of_text(CONTENT), hash);
    _cleanup_(cleanup_text) char *text =
        text_format(CONTENT_TYPE "%s" DIGEST_OF_CONTENT, attribute, hash);
    der_put_hex(&all, text);
    struct cms_der cms = good(true);
    cms.all_attributes = buffer_bytes(&all);
    cms_der_make(&cms, &der);
    return reason_of((struct trial){
        .container = "cms", .signature = buffer_bytes(&der), .applied_at = applied_at});
}

/* Five minutes after applied-at, and not a microsecond more; before it, any time. */
static void cms_judges_time_to_the_edge(void **state)
{
    const instant skew = 5 * 60 * INSTANT_SECOND;
    instant noon;
    (void)state;
    assert_true(instant_parse("2026-01-21T12:00:00Z", &noon));
    assert_string_equal(reason_with(AT_NOON, noon - skew), "");
    assert_string_equal(reason_with(AT_NOON, noon - skew - 1), "signature-time");
    assert_string_equal(reason_with(AT_NOON, noon + 365 * INSTANT_DAY), "");
    assert_string_equal(reason_with(AT_NOON, 0), ""); /* not known: not judged */
    /* Not the form of RFC 5652 §11.3 for this year: judged all the same. */
    assert_string_equal(reason_with(AT_NOON_LONG, noon - skew - 1), "signature-time");
}

/* RFC 6211: exactly the two identifiers of the SignerInfo. */
static void cms_judges_protection(void **state)
{
    (void)state;
    assert_string_equal(reason_with(PROTECTION("2b", "1e", "1c", SHA256_ID, RSA_ID), 0), "");
    static const char *const wrong[] = {
        PROTECTION("2b", "1e", "1c", "30 0b 06 09 608648016503040202", RSA_ID),
        PROTECTION("2b", "1e", "1c", SHA256_ID, "a1 0d 06 09 2a864886f70d01010b 05 00"),
        PROTECTION("2b", "1e", "1c", SHA256_ID, "a2 0d 06 09 2a864886f70d010101 05 00"), /* a MAC */
        PROTECTION("29", "1c", "1a", SHA256_ID, "a1 0b 06 09 2a864886f70d010101"),
        PROTECTION("1c", "0f", "0d", SHA256_ID, ""),
        PROTECTION("2d", "20", "1e", "30 0d 06 09 608648016503040201 05 00", RSA_ID),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_string_equal(reason_with(wrong[i], 0), "signature-attributes");
}

static void files_name_their_member(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct cms_der cms = good(true);
    cms_der_make(&cms, &der);
    static const char *const wrong[] = {"signature/b.pdf.p7s", "a.pdf.p7s", "signature/.p7s",
                                        "signature/a.pdf", "signature/a.pdf.P7S"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_string_equal(reason_of((struct trial){"cms", wrong[i], buffer_bytes(&der)}),
                            "signature-reference");
    assert_ptr_equal(signature_container_of_file("signature/a.pdf.p7s"),
                     signature_container_find("cms"));
    assert_ptr_equal(signature_container_of_file("signature/raw.json"),
                     signature_container_find("raw"));
    assert_ptr_equal(signature_container_of_file("signature/a.xml"),
                     signature_container_find("xmldsig"));
    assert_null(signature_container_of_file("signature/x/raw.json"));
    assert_null(signature_container_of_file("signature/.p7s"));
    assert_null(signature_container_of_file("attachments/a.p7s"));
    assert_null(signature_container_find("jws"));
}

/* Why a file is refused here that OpenSSL takes: every reason that there may be. */
static struct {
    const char *reason, *why;
    size_t count;
} refused_here[] = {
    {"signature-malformed", "OpenSSL reads BER, other versions and what it does not know", 0},
    {"signature-attributes", "attributes it passes over: not known, or about other things", 0},
    {"signature-algorithm", "identifiers of algorithms that it does not look at", 0},
    {"signature-certificates", "it compares names without regard to their letters' case", 0},
    {"certificate-malformed", "it reads certificates that are not canonical", 0},
};

#define REASONS (sizeof refused_here / sizeof *refused_here)

static void refusal_count(const char *reason, size_t octet, uint8_t mask)
{
    for (size_t i = 0; i < REASONS; i++)
        if (strcmp(refused_here[i].reason, reason) == 0) {
            refused_here[i].count++;
            return;
        }
    fail_msg("octet %zu with %02x is refused here alone, as %s", octet, mask, reason);
}

/* Each octet of a good file altered: what is accepted here, OpenSSL accepts. */
static void openssl_accepts_what_we_accept(void **state)
{
    static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};
    size_t ours = 0, theirs = 0;
    (void)state;
    for (int attributes = 0; attributes < 2; attributes++) {
        _cleanup_(cleanup_buffer) struct buffer der = {0};
        assert_true(cms_make(pki_key(PKI_EC_P256, 1), certificates[PKI_EC_P256], "SHA256",
                             attributes ? 0 : CMS_NOATTR, bytes_of_text(CONTENT), &der));
        for (size_t i = 0; i < der.length * sizeof masks; i++) {
            uint8_t *at = &der.data[i / sizeof masks], mask = masks[i % sizeof masks];
            *at ^= mask;
            const char *reason =
                reason_of((struct trial){.container = "cms", .signature = buffer_bytes(&der)});
            bool accepted = !*reason;
            bool peer = cms_openssl_accepts(buffer_bytes(&der), bytes_of_text(CONTENT));
            if (accepted && !peer)
                fail_msg("octet %zu with %02x is accepted here alone", i / sizeof masks, mask);
            if (peer && !accepted)
                refusal_count(reason, i / sizeof masks, mask);
            ours += accepted;
            theirs += peer;
            *at ^= mask;
        }
    }
    print_message("altered files accepted: %zu here, %zu by OpenSSL; refused here alone:\n", ours,
                  theirs);
    for (size_t i = 0; i < REASONS; i++) {
        print_message("%6zu  %-24s %s\n", refused_here[i].count, refused_here[i].reason,
                      refused_here[i].why);
        theirs -= refused_here[i].count;
    }
    assert_int_equal(ours, theirs); /* every one has its reason */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cms_takes_keys_and_hashes),
        cmocka_unit_test(raw_takes_keys_and_hashes),
        cmocka_unit_test(xmldsig_takes_keys_and_hashes),
        cmocka_unit_test(raw_is_read_strictly),
        cmocka_unit_test(cms_is_read_strictly),
        cmocka_unit_test(cms_has_one_signer),
        cmocka_unit_test(cms_names_the_certificate),
        cmocka_unit_test(cms_judges_attributes),
        cmocka_unit_test(cms_judges_time_to_the_edge),
        cmocka_unit_test(cms_judges_protection),
        cmocka_unit_test(files_name_their_member),
        cmocka_unit_test(openssl_accepts_what_we_accept),
    };
    return cmocka_run_group_tests(tests, make_signers, free_signers);
}

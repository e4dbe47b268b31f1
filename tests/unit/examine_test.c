/* examine(): each way to a verdict, in the order of judgement, and the same report twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/xml.h"
#include "intake/examine.h"
#include "tests/support/cms.h"
#include "tests/support/package.h"
#include "tests/support/pki.h"
#include "tests/support/signed.h"
#include "tests/support/trust.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"
#define PDF        "%PDF-1.7 an attachment\nxref\nstartxref\n23\n%%EOF\n"
#define GOOD_FORM  PROCEDURES "/child-allowance/certification-claim/examples/good.xml"
#define BAD_FORM   PROCEDURES "/child-allowance/certification-claim/examples/bad-kojinbango.xml"

static struct pki_ca ca, stranger;
static X509 *certificate, *strange_certificate;
static struct trust *trust;
static struct procedures *procedures;
static struct package_limits limits;
static struct buffer good_form, bad_form;

static instant at(const char *text)
{
    instant result;
    assert_true(instant_parse(text, &result));
    return result;
}

static int set_up(void **state)
{
    (void)state;
    struct failure f = {0};
    xml_initialize();
    ca = pki_ca_make((struct pki_ca_options){0});
    stranger = pki_ca_make((struct pki_ca_options){.number = 3});
    certificate = pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    strange_certificate = pki_issue(&stranger, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    trust = trust_of(&ca.certificate, 1);
    limits = package_limits_default();
    test_file_read(GOOD_FORM, &good_form);
    test_file_read(BAD_FORM, &bad_form);
    return procedures_load(PROCEDURES, &procedures, &f) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_free(&good_form);
    buffer_free(&bad_form);
    procedures_free(procedures);
    trust_free(trust);
    X509_free(certificate);
    X509_free(strange_certificate);
    pki_ca_free(&ca);
    pki_ca_free(&stranger);
    return 0;
}

/* ---- an application, and what is different in it ---- */

struct application {
    struct signing signing; /* key and certificate are filled in */
    struct test_manifest manifest;
    const char *form;       /* NULL: the good one */
    const char *list_from;  /* thisUpdate; NULL: after the application; "": no list at all */
    const char *revoked_at; /* NULL: not revoked */
    const char *receipt, *city;
    instant promised_at;
    bool no_signature, alter_form, alter_attachment;
};

static void package_of(const struct application *a, struct buffer *ret_zip)
{
    struct signing how = a->signing;
    struct signed_members members;
    how.key = pki_key(PKI_RSA_2048, how.key ? 2 : 1);
    how.certificate = how.certificate ? how.certificate : certificate;
    how.document = a->form ? a->form : buffer_text(&good_form);
    sign_members(&how, &members);
    if (a->alter_form) {
        char *name = memmem(members.members[0].data, members.members[0].length, "employee", 8);
        assert_non_null(name);
        memcpy(name, "other   ", 8);
    }
    if (a->alter_attachment)
        members.members[1].data[members.members[1].length - 1] ^= 1;
    const struct test_part parts[] = {
        {"application.xml", buffer_bytes(&members.members[0]), false},
        {"attachments/1.pdf", buffer_bytes(&members.members[1]), false},
        {"signature/1.xml", buffer_bytes(&members.files[0]), false},
    };
    test_package_write(&a->manifest, parts, members.file_count && !a->no_signature ? 3 : 2,
                       ret_zip);
    signed_members_free(&members);
}

static struct crl_set *lists_of(const struct application *a)
{
    struct crl_set *set = crl_set_new();
    struct pki_crl crl = {
        .from = at(a->list_from && *a->list_from ? a->list_from : "2026-11-22T00:00:00+09:00"),
        .to = at("2026-11-30T00:00:00+09:00"),
    };
    if (a->revoked_at) {
        crl.revoked[0].serial = "01a2b3c4";
        crl.revoked[0].date = at(a->revoked_at);
    }
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct failure f = {0};
    pki_crl_make(&ca, &crl, &der);
    if ((!a->list_from || *a->list_from) && !crl_set_add(set, buffer_bytes(&der), trust, &f))
        fail_msg("%s", f.text);
    return set;
}

static void examine_zip(const struct application *a, struct bytes zip,
                        struct examination *ret_examination)
{
    struct crl_set *lists = lists_of(a);
    const struct examination_input input = {
        .package = zip,
        .receipt_number = a->receipt,
        .city_code = a->city,
        .applied_at = a->promised_at,
        .now = at("2026-11-22T06:00:00+09:00"),
        .limits = &limits,
        .trust = trust,
        .crls = lists,
        .revocation.crl_age_most = 3 * INSTANT_DAY,
        .procedures = procedures,
    };
    examine(&input, ret_examination);
    crl_set_free(lists);
}

static void cleanup_examination(struct examination *x)
{
    examination_free(x);
}

/* "accepted", or the verdict and its reason. */
static void comes_to(const struct application *a, const char *expected)
{
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    _cleanup_(cleanup_examination) struct examination x = {0};
    package_of(a, &zip);
    examine_zip(a, buffer_bytes(&zip), &x);
    _cleanup_(cleanup_text) char *found =
        text_format("%s%s%s", verdict_name(x.verdict), *x.reason ? " " : "", x.reason);
    assert_string_equal(found, expected);
    bool accepted = x.verdict == VERDICT_ACCEPTED;
    assert_true((x.record.length > 0) == accepted);
    if (x.verdict == VERDICT_REFUSED) { /* a refused certificate is nobody's */
        assert_string_equal(x.serial, "");
        assert_int_equal(x.facts.length, 0);
    }
}

/* ---- other containers ---- */

/* The good form and, with `pdf`, an attachment, under these signatures. */
static void parts_come_to(const struct test_part *signatures, size_t count, bool pdf,
                          const char *expected)
{
    const struct application plain = {.receipt = TEST_RECEIPT};
    struct test_part parts[5] = {{"application.xml", buffer_bytes(&good_form), false}};
    size_t part_count = 1;
    if (pdf)
        parts[part_count++] = (struct test_part){"attachments/1.pdf", bytes_of_text(PDF), false};
    for (size_t i = 0; i < count; i++)
        parts[part_count++] = signatures[i];
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    _cleanup_(cleanup_examination) struct examination x = {0};
    test_package_write(&plain.manifest, parts, part_count, &zip);
    examine_zip(&plain, buffer_bytes(&zip), &x);
    _cleanup_(cleanup_text) char *found =
        text_format("%s%s%s", verdict_name(x.verdict), *x.reason ? " " : "", x.reason);
    assert_string_equal(found, expected);
    assert_true((x.record.length > 0) == (x.verdict == VERDICT_ACCEPTED));
    /* CMS and raw values prove each file, and not that they belong together. */
    const char *report = buffer_text(&x.report);
    assert_null(strstr(report, "\"together\":true"));
    assert_true((strstr(report, "portal's word") != NULL) == (x.verdict == VERDICT_ACCEPTED));
}

static void test_containers(void **state)
{
    (void)state;
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 1);
    _cleanup_(cleanup_buffer) struct buffer form = {0}, pdf = {0}, value = {0}, raw = {0};
    assert_true(cms_make(key, certificate, "SHA256", CMS_NOATTR, buffer_bytes(&good_form), &form));
    assert_true(cms_make(key, certificate, "SHA512", CMS_NOATTR, bytes_of_text(PDF), &pdf));
    raw_value(key, "SHA384", buffer_bytes(&good_form), &value);
    raw_json(certificate, "application.xml", "rsa-sha384", buffer_bytes(&value), &raw);
    const struct test_part files[] = {
        {"signature/application.xml.p7s", buffer_bytes(&form), false},
        {"signature/attachments/1.pdf.p7s", buffer_bytes(&pdf), false},
        {"signature/raw.json", buffer_bytes(&raw), false},
    };
    parts_come_to(files, 2, true, "accepted");
    parts_come_to(files, 1, false, "accepted");
    parts_come_to(files + 2, 1, false, "accepted");
    parts_come_to(files, 1, true, "refused signature-coverage");
    parts_come_to(files + 2, 1, true, "refused signature-coverage");
    parts_come_to(files, 2, false, "refused signature-reference");
    parts_come_to(files + 1, 2, true, "refused signature-container");
    const struct test_part swapped = {"signature/attachments/1.pdf.p7s", buffer_bytes(&form)};
    parts_come_to(&swapped, 1, true, "refused signature-value");
}

/* ---- verdicts ---- */

static void test_accepted(void **state)
{
    (void)state;
    for (int container = DETACHED_BYTES; container <= DETACHED_TREE; container++)
        comes_to(&(struct application){.signing.container = (enum container)container,
                                       .receipt = TEST_RECEIPT,
                                       .city = TEST_CITY,
                                       .promised_at = at(TEST_APPLIED_AT)},
                 "accepted");
    comes_to(&(struct application){.signing.container = ENVELOPED}, "accepted");
    comes_to(&(struct application){.revoked_at = "2026-11-21T09:00:01+09:00"}, "accepted");
}

static void test_promise(void **state)
{
    (void)state;
    comes_to(&(struct application){.receipt = "20261121-00000002"},
             "refused manifest-receipt-number");
    comes_to(&(struct application){.promised_at = at(TEST_APPLIED_AT) + 1},
             "refused manifest-applied-at");
    comes_to(&(struct application){.city = "131016"}, "refused manifest-city");
}

/* Not refused for a certificate that will have expired by then. */
static void test_still_to_come(void **state)
{
    (void)state;
    comes_to(&(struct application){.manifest.applied_at = "2029-01-01T00:00:00+09:00"},
             "held manifest-applied-at-future");
    comes_to(&(struct application){.manifest.applied_at = "2026-11-22T06:05:00.001+09:00"},
             "held manifest-applied-at-future");
    comes_to(&(struct application){.manifest.applied_at = "2026-11-22T06:05:00+09:00"},
             "held revocation-not-yet");
}

static void test_procedure(void **state)
{
    (void)state;
    comes_to(&(struct application){.manifest.procedure = "child-allowance.change"},
             "held procedure-unknown");
    comes_to(&(struct application){.manifest.form_version = "2"}, "held procedure-unknown");
    /* what is bad today is bad when the procedure is known */
    comes_to(&(struct application){.manifest.form_version = "2", .alter_form = true},
             "refused signature-digest");
}

static void test_signature(void **state)
{
    (void)state;
    comes_to(&(struct application){.no_signature = true}, "refused signature-missing");
    comes_to(&(struct application){.alter_form = true}, "refused signature-digest");
    comes_to(&(struct application){.alter_attachment = true}, "refused signature-digest");
    comes_to(&(struct application){.signing.key = pki_key(PKI_RSA_2048, 2)},
             "refused signature-value");
    comes_to(&(struct application){.signing.leave_attachment = true}, "refused signature-coverage");
}

static void test_certificate(void **state)
{
    (void)state;
    comes_to(&(struct application){.signing.certificate = strange_certificate},
             "refused certificate-untrusted");
    _cleanup_(cleanup_x509) X509 *expired = pki_issue(
        &ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){.to = at("2026-11-20T14:59:59Z")});
    comes_to(&(struct application){.signing.certificate = expired}, "refused certificate-expired");
    comes_to(&(struct application){.manifest.applied_at = "2023-12-31T00:00:00+09:00"},
             "refused certificate-not-yet-valid");
}

static void test_revocation(void **state)
{
    (void)state;
    comes_to(&(struct application){.revoked_at = "2026-11-21T09:00:00+09:00"},
             "refused certificate-revoked");
    comes_to(&(struct application){.list_from = ""}, "held revocation-unavailable");
    comes_to(&(struct application){.list_from = "2026-11-21T08:59:59+09:00"},
             "held revocation-not-yet");
    /* an undecided check does not hide what refuses behind it */
    comes_to(&(struct application){.list_from = "", .form = buffer_text(&bad_form)},
             "refused form-kojinbango");
    comes_to(&(struct application){.list_from = "", .signing.leave_attachment = true},
             "refused signature-coverage");
}

static void test_form(void **state)
{
    (void)state;
    comes_to(&(struct application){.form = buffer_text(&bad_form)}, "refused form-kojinbango");
    comes_to(&(struct application){.form = "<application/>"}, "refused form-schema");
}

/* ---- the report ---- */

static const char *evidence_text(const json_t *report, const char *key)
{
    return json_string_value(json_object_get(json_object_get(report, "evidence"), key));
}

static void test_report(void **state)
{
    (void)state;
    const struct application a = {.signing.container = DETACHED_TREE};
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    _cleanup_(cleanup_examination) struct examination x = {0};
    package_of(&a, &zip);
    examine_zip(&a, buffer_bytes(&zip), &x);
    _cleanup_(cleanup_json) json_t *report = json_read(buffer_bytes(&x.report));
    char hash[65];
    pki_fingerprint(certificate, hash);
    assert_string_equal(evidence_text(report, "certificate_sha256"), hash);
    pki_fingerprint(ca.certificate, hash);
    assert_string_equal(evidence_text(report, "issuer_sha256"), hash);
    assert_string_equal(evidence_text(report, "algorithm"), "rsa-sha256");
    assert_string_equal(json_string_value(json_object_get(report, "judged_at")),
                        "2026-11-21T09:00:00.000000+09:00");
    const json_t *coverage = json_object_get(report, "coverage");
    static const char *const words[] = {"tree", "bytes", "signature"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *member = json_array_get(coverage, i);
        assert_string_equal(json_string_value(json_object_get(member, "coverage")), words[i]);
        assert_int_equal(json_is_true(json_object_get(member, "together")), i < 2);
    }
    assert_string_equal(json_string_value(json_object_get(report, "judged_at_source")), "manifest");
    assert_string_equal(x.ca, "sign");
    assert_string_equal(x.serial, "01a2b3c4");
    assert_true(x.facts.length > 0);
    /* nothing personal: neither the serial number nor the certificate's or the form's name */
    const char *text = buffer_text(&x.report);
    assert_null(strstr(text, "1a2b3c4"));
    assert_null(strstr(text, "桜野"));
}

static void test_deterministic(void **state)
{
    (void)state;
    const struct application cases[] = {{.signing.container = DETACHED_TREE},
                                        {.alter_form = true},
                                        {.list_from = ""},
                                        {.signing.container = ENVELOPED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        package_of(&cases[i], &zip);
        char *texts[3];
        for (int run = 0; run < 3; run++) {
            struct examination x = {0};
            clock_fix(at("2026-11-23T00:00:00Z") + run); /* the world's clock is not asked */
            /* one copy, elsewhere in memory */
            _cleanup_(cleanup_buffer) struct buffer copy = {0};
            if (run == 2)
                buffer_append(&copy, zip.data, zip.length);
            examine_zip(&cases[i], buffer_bytes(run == 2 ? &copy : &zip), &x);
            texts[run] = text_copy(buffer_text(&x.report));
            examination_free(&x);
        }
        clock_fix(0);
        assert_string_equal(texts[0], texts[1]);
        assert_string_equal(texts[0], texts[2]);
        for (int run = 0; run < 3; run++)
            free(texts[run]);
    }
}

/* Whatever is cut off or bent, it is refused with a report, never more. */
static void test_damaged(void **state)
{
    (void)state;
    const struct application a = {0};
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    package_of(&a, &zip);
    for (size_t length = 0; length < zip.length; length += 37) {
        _cleanup_(cleanup_examination) struct examination x = {0};
        examine_zip(&a, bytes_of(zip.data, length), &x);
        assert_int_equal(x.verdict, VERDICT_REFUSED);
        assert_string_equal(x.reason, "package-not-zip");
        assert_string_equal(x.procedure_id, "");
        assert_true(x.report.length > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers), cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_promise),    cmocka_unit_test(test_procedure),
        cmocka_unit_test(test_signature),  cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_revocation), cmocka_unit_test(test_form),
        cmocka_unit_test(test_report),     cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_damaged),    cmocka_unit_test(test_still_to_come),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

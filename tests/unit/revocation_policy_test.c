/* signature/revocation: which of OCSP and the list decides, and when to ask. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/revocation.h"
#include "tests/support/ocsp.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"
#include "tests/unit/check.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static struct pki_ca ca;
static struct trust *trust;
static struct certificate certificate;
static struct crl_set *no_lists, *lists, *revoking;
static instant applied, remembered; /* what the judgement before told of a suspension */

static struct crl_set *list_make(bool revoked)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct pki_crl crl = {.from = applied + 3600 * INSTANT_SECOND, .to = applied + INSTANT_DAY};
    if (revoked) {
        crl.revoked[0].serial = "01a2b3c4";
        crl.revoked[0].date = applied;
    }
    pki_crl_make(&ca, &crl, &der);
    struct crl_set *set = crl_set_new();
    assert_true(crl_set_add(set, buffer_bytes(&der), trust, NULL));
    return set;
}

static int make_all(void **state)
{
    (void)state;
    assert_true(instant_parse("2026-11-21T09:00:00+09:00", &applied));
    ca = pki_ca_make((struct pki_ca_options){0});
    trust = trust_of(&ca.certificate, 1);
    certificate.x509 = pki_issue(&ca, pki_key(PKI_RSA_2048, 1), &(struct pki_end){0});
    certificate.issuer = ca.certificate;
    no_lists = crl_set_new();
    lists = list_make(false);
    revoking = list_make(true);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    crl_set_free(no_lists);
    crl_set_free(lists);
    crl_set_free(revoking);
    X509_free(certificate.x509);
    trust_free(trust);
    pki_ca_free(&ca);
    return 0;
}

struct outcome {
    enum indication indication;
    char reason[64];
    size_t asked;
    char evidence[8];
    instant suspended;
};

static struct outcome judge(enum revocation_method method, const struct crl_set *crls,
                            struct ocsp_answer answer)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_buffer) struct buffer ask = {0};
    _cleanup_(cleanup_json) json_t *evidence = NULL;
    const struct revocation_policy policy = {
        .method = method, .crl_age_most = INSTANT_DAY, .ocsp.age_most = INSTANT_DAY};
    const struct revocation_input input = {
        .policy = &policy,
        .crls = crls,
        .trust = trust,
        .ocsp = answer,
        .applied_at = applied,
        .now = applied + 2 * 3600 * INSTANT_SECOND,
        .suspended = remembered,
    };
    instant suspended;
    bool passed = revocation_judge(&input, &certificate, checks, &ask, &evidence, &suspended);
    struct outcome outcome = {
        .indication = checks_indication(checks), .asked = ask.length, .suspended = suspended};
    const char *reason = checks_reason(checks);
    const char *kind = json_string_value(json_object_get(evidence, "kind"));
    snprintf(outcome.reason, sizeof outcome.reason, "%s", reason ? reason : "");
    snprintf(outcome.evidence, sizeof outcome.evidence, "%s", kind ? kind : "");
    assert_int_equal(passed, outcome.indication == TOTAL_PASSED);
    return outcome;
}

static void test_a_list_alone_never_asks(void **state)
{
    (void)state;
    struct outcome good = judge(REVOCATION_CRL_ONLY, lists, (struct ocsp_answer){0});
    assert_int_equal(good.indication, TOTAL_PASSED);
    assert_int_equal(good.asked, 0);
    assert_string_equal(good.evidence, "crl");
    assert_string_equal(judge(REVOCATION_CRL_ONLY, revoking, (struct ocsp_answer){0}).reason,
                        "certificate-revoked");
}

static void test_first_it_asks(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer id = {0};
    ocsp_certid(certificate.x509, certificate.issuer, OCSP_HASH_SHA256, &id);
    for (int method = REVOCATION_OCSP_THEN_CRL; method <= REVOCATION_OCSP_ONLY; method++) {
        struct outcome first = judge(method, lists, (struct ocsp_answer){0});
        assert_int_equal(first.indication, INDETERMINATE);
        assert_string_equal(first.reason, "revocation-ask");
        assert_string_equal(first.evidence, "");
        assert_int_equal(first.asked, id.length);
    }
}

static void test_without_a_response_the_list_decides(void **state)
{
    const struct ocsp_answer none = {.asked = true, .trouble = "ocsp-timeout"};
    (void)state;
    struct outcome good = judge(REVOCATION_OCSP_THEN_CRL, lists, none);
    assert_int_equal(good.indication, TOTAL_PASSED);
    assert_string_equal(good.evidence, "crl");
    assert_string_equal(judge(REVOCATION_OCSP_THEN_CRL, revoking, none).reason,
                        "certificate-revoked");
    /* Neither can tell: the trouble comes first. */
    struct outcome neither = judge(REVOCATION_OCSP_THEN_CRL, no_lists, none);
    assert_int_equal(neither.indication, INDETERMINATE);
    assert_string_equal(neither.reason, "ocsp-timeout");
    /* The list is not looked at. */
    struct outcome only = judge(REVOCATION_OCSP_ONLY, revoking, none);
    assert_int_equal(only.indication, INDETERMINATE);
    assert_string_equal(only.reason, "ocsp-timeout");
}

static struct outcome judge_response(enum revocation_method method, const struct crl_set *crls,
                                     int status, int reason)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    const struct pki_ocsp order = {.about = certificate.x509,
                                   .issuer = ca.certificate,
                                   .signer = ca.certificate,
                                   .key = ca.key,
                                   .status = status,
                                   .reason = reason,
                                   .revoked = applied,
                                   .this_update = applied + 3600 * INSTANT_SECOND};
    pki_ocsp_make(&order, &der);
    return judge(method, crls, (struct ocsp_answer){.asked = true, .response = buffer_bytes(&der)});
}

static void test_a_response_decides_before_the_list(void **state)
{
    (void)state;
    for (int method = REVOCATION_OCSP_THEN_CRL; method <= REVOCATION_OCSP_ONLY; method++) {
        struct outcome good = judge_response(method, revoking, V_OCSP_CERTSTATUS_GOOD, 0);
        assert_int_equal(good.indication, TOTAL_PASSED);
        assert_string_equal(good.evidence, "ocsp");
        struct outcome revoked = judge_response(method, lists, V_OCSP_CERTSTATUS_REVOKED, 1);
        assert_string_equal(revoked.reason, "certificate-revoked");
        assert_string_equal(revoked.evidence, "ocsp");
        struct outcome held = judge_response(method, lists, V_OCSP_CERTSTATUS_REVOKED,
                                             OCSP_REVOKED_STATUS_CERTIFICATEHOLD);
        assert_string_equal(held.reason, "revocation-on-hold");
    }
    /* The method without OCSP does not look at it. */
    assert_string_equal(
        judge_response(REVOCATION_CRL_ONLY, revoking, V_OCSP_CERTSTATUS_GOOD, 0).evidence, "crl");
}

static void test_an_unknown_certificate_may_be_in_the_list(void **state)
{
    const int unknown = V_OCSP_CERTSTATUS_UNKNOWN;
    (void)state;
    struct outcome good = judge_response(REVOCATION_OCSP_THEN_CRL, lists, unknown, 0);
    assert_int_equal(good.indication, TOTAL_PASSED);
    assert_string_equal(good.evidence, "crl");
    assert_string_equal(judge_response(REVOCATION_OCSP_THEN_CRL, revoking, unknown, 0).reason,
                        "certificate-revoked");
    assert_string_equal(judge_response(REVOCATION_OCSP_THEN_CRL, no_lists, unknown, 0).reason,
                        "ocsp-unknown");
    struct outcome only = judge_response(REVOCATION_OCSP_ONLY, lists, unknown, 0);
    assert_string_equal(only.reason, "ocsp-unknown");
    assert_int_equal(only.indication, INDETERMINATE);
}

/* The responder told of a suspension, then it is not reached: only what was issued later may say
 * that it was lifted, from wherever it comes. */
static void test_a_suspension_is_remembered(void **state)
{
    const struct ocsp_answer none = {.asked = true, .trouble = "ocsp-timeout"};
    const instant issued = applied + 3600 * INSTANT_SECOND; /* lists and responses alike */
    (void)state;
    struct outcome told = judge_response(REVOCATION_OCSP_THEN_CRL, lists, V_OCSP_CERTSTATUS_REVOKED,
                                         OCSP_REVOKED_STATUS_CERTIFICATEHOLD);
    assert_int_equal(told.suspended, issued);
    assert_int_equal(judge(REVOCATION_OCSP_THEN_CRL, lists, none).suspended, 0);
    for (int later = -1; later <= 1; later++) {
        remembered = issued + later * INSTANT_SECOND;
        bool lifted = later < 0;
        struct outcome list = judge(REVOCATION_CRL_ONLY, lists, none);
        struct outcome fallen = judge(REVOCATION_OCSP_THEN_CRL, lists, none);
        struct outcome response =
            judge_response(REVOCATION_OCSP_ONLY, lists, V_OCSP_CERTSTATUS_GOOD, 0);
        struct outcome unsure =
            judge_response(REVOCATION_OCSP_THEN_CRL, no_lists, V_OCSP_CERTSTATUS_GOOD, 0);
        assert_string_equal(list.reason, lifted ? "" : "revocation-on-hold");
        assert_string_equal(fallen.reason, lifted ? "" : "ocsp-timeout");
        assert_string_equal(response.reason, lifted ? "" : "revocation-on-hold");
        assert_string_equal(unsure.reason, lifted ? "" : "revocation-on-hold");
        assert_int_equal(list.suspended, remembered);
        assert_int_equal(fallen.suspended, remembered);
        assert_int_equal(response.suspended, remembered);
        /* A revocation needs no newer word. */
        assert_string_equal(judge(REVOCATION_OCSP_THEN_CRL, revoking, none).reason,
                            "certificate-revoked");
    }
    remembered = applied; /* told again, later */
    told = judge_response(REVOCATION_OCSP_ONLY, lists, V_OCSP_CERTSTATUS_REVOKED,
                          OCSP_REVOKED_STATUS_CERTIFICATEHOLD);
    assert_int_equal(told.suspended, issued);
    remembered = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_suspension_is_remembered),
        cmocka_unit_test(test_a_list_alone_never_asks),
        cmocka_unit_test(test_first_it_asks),
        cmocka_unit_test(test_a_response_decides_before_the_list),
        cmocka_unit_test(test_an_unknown_certificate_may_be_in_the_list),
        cmocka_unit_test(test_without_a_response_the_list_decides),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

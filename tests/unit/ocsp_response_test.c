/* What else stands in a response, or in its place. */
#include "tests/unit/ocsp_support.h"

/* --- nonce and extensions --------------------------------------------------------------------- */

static void test_nonce(void **state)
{
    static const uint8_t other[OCSP_NONCE_BYTES] = "another nonce of as many octets.";
    const struct bytes none = {other, 0}, replayed = {other, sizeof other},
                       shorter = {nonce_bytes, OCSP_NONCE_BYTES - 1};
    const struct ocsp_policy required = {.nonce_required = true};
    (void)state;
    assert_passes((struct trial){.policy = required});
    assert_undecided((struct trial){.response.nonce = replayed}, "ocsp-nonce");
    assert_undecided((struct trial){.response.nonce = shorter}, "ocsp-nonce");
    assert_passes((struct trial){.response.nonce = none});
    assert_undecided((struct trial){.response.nonce = none, .policy = required},
                     "ocsp-nonce-missing");
    /* A response from a file: nobody sent one. */
    assert_passes((struct trial){.no_nonce_sent = true, .policy = required});
    assert_passes((struct trial){.no_nonce_sent = true, .response.nonce = replayed});
    assert_undecided((struct trial){.response = {.nonce = replayed,
                                                 .status = V_OCSP_CERTSTATUS_REVOKED,
                                                 .revoked = applied}},
                     "ocsp-nonce");
}

static void add_nonce_again(OCSP_BASICRESP *basic)
{
    OCSP_BASICRESP_add_ext(basic, OCSP_BASICRESP_get_ext(basic, 0), -1);
}

static void add_unknown(OCSP_BASICRESP *basic, bool critical, bool single)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.392.200149.8.5.9.9", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05\x00", 2);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, value);
    if (single)
        OCSP_SINGLERESP_add_ext(OCSP_resp_get0(basic, 0), extension, -1);
    else
        OCSP_BASICRESP_add_ext(basic, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

static void add_critical(OCSP_BASICRESP *basic)
{
    add_unknown(basic, true, false);
}

static void add_critical_to_single(OCSP_BASICRESP *basic)
{
    add_unknown(basic, true, true);
}

static void add_others(OCSP_BASICRESP *basic)
{
    add_unknown(basic, false, false);
    add_unknown(basic, false, true);
}

static void test_extensions(void **state)
{
    (void)state;
    assert_passes((struct trial){.response.change = add_others});
    assert_undecided((struct trial){.response.change = add_critical}, "ocsp-extension");
    assert_undecided((struct trial){.response.change = add_critical_to_single}, "ocsp-extension");
    assert_undecided((struct trial){.response.change = add_nonce_again}, "ocsp-nonce");
}

/* --- no response ------------------------------------------------------------------------------ */

static void test_errors_of_the_responder(void **state)
{
    static const struct {
        int error;
        const char *reason;
    } errors[] = {
        {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, "ocsp-malformed-request"},
        {OCSP_RESPONSE_STATUS_INTERNALERROR, "ocsp-internal-error"},
        {OCSP_RESPONSE_STATUS_TRYLATER, "ocsp-try-later"},
        {OCSP_RESPONSE_STATUS_SIGREQUIRED, "ocsp-signature-required"},
        {OCSP_RESPONSE_STATUS_UNAUTHORIZED, "ocsp-unauthorized"},
        {4, "ocsp-malformed"}, /* not used, RFC 6960 §4.2.1 */
        {99, "ocsp-malformed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        assert_undecided((struct trial){.response.error = errors[i].error}, errors[i].reason);
}

static void assert_malformed(struct bytes der)
{
    struct outcome outcome = judge_bytes(&(struct trial){0}, der);
    assert_string_equal(outcome.reason, "ocsp-malformed");
    assert_null(outcome.evidence);
}

static void test_malformed(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0}, grown = {0};
    struct trial trial = {0};
    (void)state;
    complete(&trial);
    pki_ocsp_make(&trial.response, &der);
    assert_malformed((struct bytes){0});
    assert_malformed(bytes_of_text("<html>busy</html>"));
    for (size_t length = 1; length < der.length; length += 7)
        assert_malformed(bytes_of(der.data, length));
    buffer_append(&grown, der.data, der.length);
    buffer_append(&grown, "\0", 1);
    assert_malformed(buffer_bytes(&grown)); /* something behind it */
    buffer_reserve(&grown, OCSP_RESPONSE_MAX);
    memset(grown.data + der.length, 0, OCSP_RESPONSE_MAX);
    assert_malformed(bytes_of(grown.data, OCSP_RESPONSE_MAX + 1));
}

/* The outer length in more bytes than it needs: BER, not DER. */
static void test_not_canonical(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0}, longer = {0};
    struct trial trial = {0};
    (void)state;
    complete(&trial);
    pki_ocsp_make(&trial.response, &der);
    assert_memory_equal(der.data, "\x30\x82", 2);
    buffer_append(&longer, "\x30\x83\0", 3);
    buffer_append(&longer, der.data + 2, der.length - 2);
    assert_malformed(buffer_bytes(&longer));
}

static void test_trouble(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    const struct ocsp_policy policy = {.age_most = INSTANT_DAY};
    const struct ocsp_question question = {resident, ca.certificate, &policy, applied,
                                           applied + HOUR};
    const struct ocsp_answer answer = {.asked = true, .trouble = "ocsp-timeout"};
    json_t *evidence;
    (void)state;
    assert_false(ocsp_judge(&question, &answer, checks, &evidence));
    assert_null(evidence);
    assert_int_equal(checks_indication(checks), INDETERMINATE);
    assert_string_equal(checks_reason(checks), "ocsp-timeout");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void test_evidence(void **state)
{
    struct outcome outcome = judge((struct trial){.response.next_update = NONE_AT_ALL});
    json_t *evidence = outcome.evidence;
    char fingerprint[65];
    (void)state;
    pki_fingerprint(responder, fingerprint);
    assert_string_equal(json_string_value(json_object_get(evidence, "this_update")),
                        "2026-11-21T10:00:00.000000+09:00");
    assert_string_equal(json_string_value(json_object_get(evidence, "produced_at")),
                        "2026-11-21T10:00:00.000000+09:00");
    assert_true(json_is_null(json_object_get(evidence, "next_update")));
    assert_string_equal(json_string_value(json_object_get(evidence, "responder_sha256")),
                        fingerprint);
    assert_int_equal(strlen(json_string_value(json_object_get(evidence, "response_sha256"))), 64);
    assert_int_equal(strlen(json_string_value(json_object_get(evidence, "nonce"))),
                     2 * OCSP_NONCE_BYTES);
    json_decref(evidence);
}

static void test_choosing_a_response(void **state)
{
    (void)state;
    for (int hash = OCSP_HASH_SHA256; hash <= OCSP_HASH_SHA1; hash++) {
        _cleanup_(cleanup_buffer) struct buffer der = {0}, id = {0}, other = {0}, older = {0};
        struct trial trial = {.response.hash = hash};
        complete(&trial);
        pki_ocsp_make(&trial.response, &der);
        ocsp_certid(resident, ca.certificate, OCSP_HASH_SHA256, &id);
        ocsp_certid(neighbour, ca.certificate, hash, &other);
        ocsp_certid(resident, next_ca.certificate, hash, &older);
        assert_true(ocsp_response_concerns(buffer_bytes(&der), buffer_bytes(&id)));
        assert_false(ocsp_response_concerns(buffer_bytes(&der), buffer_bytes(&other)));
        assert_false(ocsp_response_concerns(buffer_bytes(&der), buffer_bytes(&older)));
        assert_false(ocsp_response_concerns(buffer_bytes(&id), buffer_bytes(&id)));
        assert_false(ocsp_response_concerns(buffer_bytes(&der), buffer_bytes(&der)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonce),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_errors_of_the_responder),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_not_canonical),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_choosing_a_response),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

/* What is asked, and whom and what about a response is believed. */
#include "tests/unit/ocsp_support.h"

/* --- asking ----------------------------------------------------------------------------------- */

static void test_request(void **state)
{
    static const int algorithms[] = {[OCSP_HASH_SHA256] = NID_sha256, [OCSP_HASH_SHA1] = NID_sha1};
    (void)state;
    for (int hash = OCSP_HASH_SHA256; hash <= OCSP_HASH_SHA1; hash++) {
        _cleanup_(cleanup_buffer) struct buffer id = {0}, der = {0};
        ocsp_certid(resident, ca.certificate, hash, &id);
        assert_true(ocsp_request(buffer_bytes(&id), nonce, &der));
        const uint8_t *at = der.data;
        _cleanup_(cleanup_request) OCSP_REQUEST *request =
            d2i_OCSP_REQUEST(NULL, &at, (long)der.length);
        assert_non_null(request);
        assert_ptr_equal(at, der.data + der.length);
        assert_int_equal(OCSP_request_onereq_count(request), 1);
        assert_false(OCSP_request_is_signed(request));
        OCSP_CERTID *asked = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0));
        OCSP_CERTID *ours = OCSP_cert_to_id(hash == OCSP_HASH_SHA1 ? EVP_sha1() : EVP_sha256(),
                                            resident, ca.certificate);
        ASN1_OBJECT *algorithm;
        assert_int_equal(OCSP_id_cmp(asked, ours), 0);
        OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, asked);
        assert_int_equal(OBJ_obj2nid(algorithm), algorithms[hash]);
        OCSP_CERTID_free(ours);
        /* RFC 9654: an OCTET STRING inside of the extension's. */
        int where = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
        const ASN1_OCTET_STRING *value =
            X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(request, where));
        assert_int_equal(ASN1_STRING_length(value), 2 + OCSP_NONCE_BYTES);
        assert_memory_equal(ASN1_STRING_get0_data(value), "\x04\x20", 2);
        assert_memory_equal(ASN1_STRING_get0_data(value) + 2, nonce.data, nonce.length);
    }
}

static void test_request_without_nonce_or_certid(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer id = {0}, der = {0};
    ocsp_certid(resident, ca.certificate, OCSP_HASH_SHA256, &id);
    assert_true(ocsp_request(buffer_bytes(&id), (struct bytes){0}, &der));
    const uint8_t *at = der.data;
    _cleanup_(cleanup_request) OCSP_REQUEST *request =
        d2i_OCSP_REQUEST(NULL, &at, (long)der.length);
    assert_int_equal(OCSP_REQUEST_get_ext_count(request), 0);
    size_t length = der.length;
    assert_false(ocsp_request(bytes_of(id.data, id.length - 1), nonce, &der));
    buffer_append(&id, "x", 1);
    assert_false(ocsp_request(buffer_bytes(&id), nonce, &der));
    assert_int_equal(der.length, length);
}

/* --- good and revoked ------------------------------------------------------------------------- */

static void test_good(void **state)
{
    (void)state;
    assert_passes((struct trial){0});
    assert_passes((struct trial){.response.hash = OCSP_HASH_SHA1});
    assert_passes((struct trial){.response.by_key = true});
    assert_passes((struct trial){.response = {.signer = ca.certificate, .key = ca.key}});
    assert_passes((struct trial){.response = {.signer = ca.certificate,
                                              .key = ca.key,
                                              .by_key = true,
                                              .without_certificates = true}});
    assert_passes((struct trial){.response.digest = "SHA512"});
    assert_passes((struct trial){.response.next_update = NONE_AT_ALL});
}

static void test_revoked_to_the_second(void **state)
{
    (void)state;
    const int revoked = V_OCSP_CERTSTATUS_REVOKED;
    assert_revoked(
        (struct trial){.response = {.status = revoked, .revoked = applied - INSTANT_DAY}});
    assert_revoked((struct trial){.response = {.status = revoked, .revoked = applied}});
    assert_passes((struct trial){.response = {.status = revoked, .revoked = applied + SECOND}});
    assert_revoked(
        (struct trial){.response = {.status = revoked, .revoked = applied, .reason = -1}});
    /* It is final: also when it was known before the application, or long ago. */
    assert_revoked((struct trial){.response = {.status = revoked,
                                               .revoked = applied - INSTANT_DAY,
                                               .this_update = applied - HOUR}});
    assert_revoked((struct trial){.now = applied + 9 * INSTANT_DAY,
                                  .response = {.status = revoked, .revoked = applied}});
}

static void test_on_hold(void **state)
{
    (void)state;
    struct pki_ocsp held = {.status = V_OCSP_CERTSTATUS_REVOKED,
                            .reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD,
                            .revoked = applied};
    assert_undecided((struct trial){.response = held}, "revocation-on-hold");
    held.revoked = applied + SECOND;
    assert_passes((struct trial){.response = held});
    held.revoked = applied;
    held.this_update = applied;
    assert_undecided((struct trial){.response = held}, "revocation-not-yet");
}

static void test_issued_after_the_application(void **state)
{
    (void)state;
    assert_undecided((struct trial){.response = {.this_update = applied - SECOND,
                                                 .next_update = applied + INSTANT_DAY}},
                     "revocation-not-yet");
    assert_undecided((struct trial){.response.this_update = applied}, "revocation-not-yet");
    /* Produced later from data of before: it is the data that counts. */
    assert_undecided(
        (struct trial){.response = {.this_update = applied, .produced_at = applied + HOUR}},
        "revocation-not-yet");
    assert_passes((struct trial){.response.this_update = applied + SECOND});
}

static void test_unknown(void **state)
{
    (void)state;
    assert_undecided((struct trial){.response.status = V_OCSP_CERTSTATUS_UNKNOWN}, "ocsp-unknown");
}

/* --- time ------------------------------------------------------------------------------------- */

static void test_stale(void **state)
{
    (void)state;
    const instant issued = applied + HOUR, until = issued + 15 * MINUTE;
    const struct pki_ocsp response = {.this_update = issued, .next_update = until};
    assert_passes((struct trial){.response = response, .now = until});
    assert_undecided((struct trial){.response = response, .now = until + SECOND}, "ocsp-stale");
    /* However long it says it lasts, and when it does not say. */
    const struct ocsp_policy policy = {.age_most = HOUR};
    struct pki_ocsp lasting = {.this_update = issued, .next_update = issued + INSTANT_DAY};
    for (int i = 0; i < 2; i++) {
        assert_passes((struct trial){lasting, .now = issued + HOUR, .policy = policy});
        assert_undecided((struct trial){lasting, .now = issued + HOUR + SECOND, .policy = policy},
                         "ocsp-stale");
        lasting.next_update = NONE_AT_ALL;
    }
}

static void test_future(void **state)
{
    (void)state;
    const instant now = applied + 2 * HOUR, most = now + 5 * MINUTE;
    assert_passes((struct trial){.response.this_update = most});
    assert_undecided((struct trial){.response.this_update = most + SECOND}, "ocsp-future");
    assert_passes((struct trial){.response.produced_at = most});
    assert_undecided((struct trial){.response.produced_at = most + SECOND}, "ocsp-future");
    /* Nor is a revocation believed that comes from there. */
    assert_undecided((struct trial){.response = {.status = V_OCSP_CERTSTATUS_REVOKED,
                                                 .revoked = applied,
                                                 .this_update = most + SECOND}},
                     "ocsp-future");
}

static void test_dates_that_make_no_sense(void **state)
{
    (void)state;
    const instant issued = applied + HOUR;
    assert_passes((struct trial){.response.next_update = issued, .now = issued});
    assert_undecided((struct trial){.response.next_update = issued - SECOND, .now = issued},
                     "ocsp-malformed");
    assert_passes((struct trial){.response.produced_at = issued - 5 * MINUTE});
    assert_undecided((struct trial){.response.produced_at = issued - 5 * MINUTE - SECOND},
                     "ocsp-malformed");
}

static void test_expired_certificate(void **state)
{
    (void)state;
    const instant end = applied + 10 * MINUTE;
    assert_passes((struct trial){.about = expired, .response.this_update = end});
    assert_undecided((struct trial){.about = expired, .response.this_update = end + SECOND},
                     "ocsp-expired");
    assert_passes((struct trial){.about = expired, .response.cutoff = end});
    assert_undecided((struct trial){.about = expired, .response.cutoff = end + SECOND},
                     "ocsp-expired");
    /* What is revoked is remembered. */
    assert_revoked((struct trial){
        .about = expired, .response = {.status = V_OCSP_CERTSTATUS_REVOKED, .revoked = applied}});
}

/* --- whose it is ------------------------------------------------------------------------------ */

static void test_other_certificate(void **state)
{
    (void)state;
    assert_undecided((struct trial){.response.about = neighbour}, "ocsp-other-certificate");
    /* The same serial number, but of the other generation. */
    assert_undecided((struct trial){.response.issuer = next_ca.certificate},
                     "ocsp-other-certificate");
    assert_undecided((struct trial){.response.twice = true}, "ocsp-malformed");
}

static void test_foreign_responder(void **state)
{
    X509 *const strangers[] = {next_responder,
                               for_servers,
                               for_anything,
                               encipherer,
                               resident /* any certificate of the issuer's */,
                               unchecked};
    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        struct pki_ocsp response = {.signer = strangers[i]};
        if (strangers[i] == resident)
            response.key = pki_key(PKI_RSA_2048, 3);
        assert_undecided((struct trial){.response = response}, "ocsp-responder");
        response.status = V_OCSP_CERTSTATUS_REVOKED;
        response.revoked = applied;
        assert_undecided((struct trial){.response = response}, "ocsp-responder");
    }
    /* The other generation itself: the very name of the issuer. */
    assert_undecided(
        (struct trial){.response = {.signer = next_ca.certificate, .key = next_ca.key}},
        "ocsp-responder");
    assert_undecided((struct trial){.response = {.signer = next_ca.certificate,
                                                 .key = next_ca.key,
                                                 .without_certificates = true}},
                     "ocsp-signature");
    assert_undecided(
        (struct trial){
            .response = {.signer = next_ca.certificate, .key = next_ca.key, .by_key = true}},
        "ocsp-responder");
    assert_undecided((struct trial){.response.without_certificates = true}, "ocsp-responder");
    assert_passes((struct trial){.response.signer = unchecked, .policy.nocheck_dispensed = true});
}

static void test_responder_in_force_when_it_answered(void **state)
{
    (void)state;
    const instant end = applied + HOUR - SECOND;
    assert_passes((struct trial){.response = {.signer = retired, .produced_at = end}});
    assert_undecided((struct trial){.response = {.signer = retired, .produced_at = end + SECOND}},
                     "ocsp-responder");
}

static void test_signature(void **state)
{
    struct pki_ocsp forged = {.forger = pki_key(PKI_RSA_2048, 4)};
    (void)state;
    assert_undecided((struct trial){.response = forged}, "ocsp-signature");
    forged.status = V_OCSP_CERTSTATUS_REVOKED;
    forged.revoked = applied;
    assert_undecided((struct trial){.response = forged}, "ocsp-signature");
    assert_undecided((struct trial){.response.digest = "SHA1"}, "ocsp-algorithm");
    assert_undecided((struct trial){.response.digest = "SHA224"}, "ocsp-algorithm");
}

/* Wherever a bit is turned over, nothing is said about the certificate. */
static void test_every_bit_counts(void **state)
{
    (void)state;
    for (int revoked = 0; revoked < 2; revoked++) {
        struct trial trial = {.response = {.signer = ca.certificate,
                                           .key = ca.key,
                                           .without_certificates = true,
                                           .status = revoked ? V_OCSP_CERTSTATUS_REVOKED : 0,
                                           .revoked = applied}};
        _cleanup_(cleanup_buffer) struct buffer der = {0};
        complete(&trial);
        pki_ocsp_make(&trial.response, &der);
        for (size_t bit = 0; bit < 8 * der.length; bit++) {
            der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct outcome outcome = judge_bytes(&trial, buffer_bytes(&der));
            if (outcome.indication != INDETERMINATE)
                fail_msg("bit %zu of %zu", bit, 8 * der.length);
            json_decref(outcome.evidence);
            der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_request_without_nonce_or_certid),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_revoked_to_the_second),
        cmocka_unit_test(test_on_hold),
        cmocka_unit_test(test_issued_after_the_application),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_future),
        cmocka_unit_test(test_dates_that_make_no_sense),
        cmocka_unit_test(test_expired_certificate),
        cmocka_unit_test(test_other_certificate),
        cmocka_unit_test(test_foreign_responder),
        cmocka_unit_test(test_responder_in_force_when_it_answered),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_every_bit_counts),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

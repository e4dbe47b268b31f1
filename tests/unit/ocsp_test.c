/* signature/ocsp: what is asked, and what each kind of answer says at the moment of application. */
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/certificate.h"
#include "signature/ocsp.h"
#include "tests/support/ocsp.h"
#include "tests/unit/check.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)
DEFINE_CLEANUP(cleanup_request, OCSP_REQUEST *, OCSP_REQUEST_free)

#define SECOND INSTANT_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static struct pki_ca ca, next_ca; /* two generations under one name */
static X509 *resident, *neighbour, *expired;
static X509 *responder, *next_responder, *unchecked, *for_servers, *for_anything, *encipherer,
    *retired;
static EVP_PKEY *responder_key;
static instant applied; /* 2026-11-21T09:00:00+09:00 */
static const uint8_t nonce_bytes[OCSP_NONCE_BYTES] = "a nonce of thirty-two octets ...";
static const struct bytes nonce = {nonce_bytes, sizeof nonce_bytes};

static int make_all(void **state)
{
    (void)state;
    assert_true(instant_parse("2026-11-21T09:00:00+09:00", &applied));
    ca = pki_ca_make((struct pki_ca_options){0});
    next_ca = pki_ca_make((struct pki_ca_options){.number = 1});
    responder_key = pki_key(PKI_RSA_2048, 2);
    resident = pki_issue(&ca, pki_key(PKI_RSA_2048, 3), &(struct pki_end){.serial = "0a"});
    neighbour = pki_issue(&ca, pki_key(PKI_RSA_2048, 3), &(struct pki_end){.serial = "0b"});
    expired = pki_issue(&ca, pki_key(PKI_RSA_2048, 3),
                        &(struct pki_end){.serial = "0d", .to = applied + 10 * MINUTE});
    responder = pki_responder(&ca, responder_key, &(struct pki_end){0});
    next_responder = pki_responder(&next_ca, responder_key, &(struct pki_end){0});
    unchecked = pki_responder(&ca, responder_key,
                              &(struct pki_end){.extra = {{"extendedKeyUsage", "OCSPSigning"}}});
    for_servers = pki_responder(
        &ca, responder_key,
        &(struct pki_end){.extra = {{"extendedKeyUsage", "serverAuth"}, {"noCheck", "ignored"}}});
    for_anything =
        pki_responder(&ca, responder_key,
                      &(struct pki_end){.extra = {{"extendedKeyUsage", "anyExtendedKeyUsage"},
                                                  {"noCheck", "ignored"}}});
    encipherer =
        pki_responder(&ca, responder_key, &(struct pki_end){.usage = "critical,keyEncipherment"});
    retired =
        pki_responder(&ca, responder_key, &(struct pki_end){.to = applied + HOUR - 1 * SECOND});
    return 0;
}

static int free_all(void **state)
{
    X509 *const all[] = {resident,  neighbour,   expired,      responder,  next_responder,
                         unchecked, for_servers, for_anything, encipherer, retired};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        X509_free(all[i]);
    pki_ca_free(&ca);
    pki_ca_free(&next_ca);
    return 0;
}

/* One judgement; NULL and 0: what an ordinary good one has. */
struct trial {
    struct pki_ocsp response;
    instant now; /* two hours after the application */
    struct ocsp_policy policy;
    X509 *about; /* the resident's certificate */
    bool no_nonce_sent;
};

struct outcome {
    enum indication indication;
    char reason[64], sub_indication[64];
    json_t *evidence;
};

static struct outcome judge_bytes(const struct trial *trial, struct bytes der)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    struct ocsp_policy policy = trial->policy;
    if (!policy.age_most)
        policy.age_most = INSTANT_DAY;
    const struct ocsp_question question = {
        .certificate = trial->about ? trial->about : resident,
        .issuer = ca.certificate,
        .policy = &policy,
        .applied_at = applied,
        .now = trial->now ? trial->now : applied + 2 * HOUR,
    };
    const struct ocsp_answer answer = {
        .asked = true, .response = der, .nonce = trial->no_nonce_sent ? (struct bytes){0} : nonce};
    struct outcome outcome = {0};
    bool passed = ocsp_judge(&question, &answer, checks, &outcome.evidence);
    outcome.indication = checks_indication(checks);
    assert_int_equal(passed, outcome.indication == TOTAL_PASSED);
    if (!passed) {
        snprintf(outcome.reason, sizeof outcome.reason, "%s", checks_reason(checks));
        snprintf(outcome.sub_indication, sizeof outcome.sub_indication, "%s",
                 checks_sub_indication(checks));
    }
    return outcome;
}

/* An hour after the application, for two hours, by the responder, with the nonce. */
static void complete(struct trial *trial)
{
    struct pki_ocsp *response = &trial->response;
    response->about = response->about ? response->about : trial->about ? trial->about : resident;
    response->issuer = response->issuer ? response->issuer : ca.certificate;
    response->signer = response->signer ? response->signer : responder;
    response->key = response->key ? response->key : responder_key;
    response->this_update = response->this_update ? response->this_update : applied + HOUR;
    if (!response->next_update)
        response->next_update = response->this_update + 2 * HOUR;
    else if (response->next_update < 0)
        response->next_update = 0; /* none at all */
    if (!response->nonce.data && !trial->no_nonce_sent)
        response->nonce = nonce;
}

static struct outcome judge(struct trial trial)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    complete(&trial);
    pki_ocsp_make(&trial.response, &der);
    return judge_bytes(&trial, buffer_bytes(&der));
}

#define NONE_AT_ALL (-1)

static void assert_passes(struct trial trial)
{
    struct outcome outcome = judge(trial);
    if (outcome.indication != TOTAL_PASSED)
        fail_msg("%s", outcome.reason);
    assert_string_equal(json_string_value(json_object_get(outcome.evidence, "kind")), "ocsp");
    json_decref(outcome.evidence);
}

static void assert_ends(struct trial trial, enum indication indication, const char *reason)
{
    struct outcome outcome = judge(trial);
    json_decref(outcome.evidence);
    assert_string_equal(outcome.reason, reason);
    assert_int_equal(outcome.indication, indication);
    assert_string_equal(outcome.sub_indication,
                        indication == TOTAL_FAILED ? "REVOKED" : "TRY_LATER");
}

static void assert_undecided(struct trial trial, const char *reason)
{
    assert_ends(trial, INDETERMINATE, reason);
}

static void assert_revoked(struct trial trial)
{
    assert_ends(trial, TOTAL_FAILED, "certificate-revoked");
}

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

/* For the tests of ocsp_judge: a CA of two generations, responders of each kind, and what is said
 * of a response. */
#ifndef UKETSUKE_TESTS_OCSP_SUPPORT_H
#define UKETSUKE_TESTS_OCSP_SUPPORT_H

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

static inline int make_all(void **state)
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

static inline int free_all(void **state)
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

static inline struct outcome judge_bytes(const struct trial *trial, struct bytes der)
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
static inline void complete(struct trial *trial)
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

static inline struct outcome judge(struct trial trial)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    complete(&trial);
    pki_ocsp_make(&trial.response, &der);
    return judge_bytes(&trial, buffer_bytes(&der));
}

#define NONE_AT_ALL (-1)

static inline void assert_passes(struct trial trial)
{
    struct outcome outcome = judge(trial);
    if (outcome.indication != TOTAL_PASSED)
        fail_msg("%s", outcome.reason);
    assert_string_equal(json_string_value(json_object_get(outcome.evidence, "kind")), "ocsp");
    json_decref(outcome.evidence);
}

static inline void assert_ends(struct trial trial, enum indication indication, const char *reason)
{
    struct outcome outcome = judge(trial);
    json_decref(outcome.evidence);
    assert_string_equal(outcome.reason, reason);
    assert_int_equal(outcome.indication, indication);
    assert_string_equal(outcome.sub_indication,
                        indication == TOTAL_FAILED ? "REVOKED" : "TRY_LATER");
}

static inline void assert_undecided(struct trial trial, const char *reason)
{
    assert_ends(trial, INDETERMINATE, reason);
}

static inline void assert_revoked(struct trial trial)
{
    assert_ends(trial, TOTAL_FAILED, "certificate-revoked");
}

#endif

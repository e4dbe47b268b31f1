#include "signature/revocation.h"

#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static const char check[] = "revocation.ocsp";

static const char on_hold[] = "revocation-on-hold";

/* What says that it is suspended, and when that was issued: 0 when it does not say so. */
static instant suspension_of(const struct checks *said, const json_t *evidence)
{
    const char *reason = checks_reason(said);
    const char *text = json_string_value(json_object_get(evidence, "this_update"));
    instant at = 0;
    return reason && strcmp(reason, on_hold) == 0 && text && instant_parse(text, &at) ? at : 0;
}

static void suspension_keep(instant told, instant *suspended)
{
    *suspended = told > *suspended ? told : *suspended;
}

static bool list_judge(const struct revocation_input *input, const struct certificate *certificate,
                       struct checks *checks, json_t **ret_evidence, instant *suspended)
{
    const struct crl_question question = {
        .set = input->crls,
        .trust = input->trust,
        .applied_at = input->applied_at,
        .now = input->now,
        .age_most = input->policy->crl_age_most,
        .suspended = *suspended,
    };
    _cleanup_(cleanup_checks) struct checks *list = checks_new();
    bool passed = crl_judge(&question, certificate, list, ret_evidence);
    suspension_keep(suspension_of(list, *ret_evidence), suspended);
    checks_append(checks, list);
    return passed;
}

static bool response_judge(const struct revocation_input *input,
                           const struct certificate *certificate, struct checks *checks,
                           json_t **ret_evidence)
{
    const struct ocsp_question question = {
        .certificate = certificate->x509,
        .issuer = certificate->issuer,
        .policy = &input->policy->ocsp,
        .applied_at = input->applied_at,
        .now = input->now,
        .suspended = input->suspended,
    };
    return ocsp_judge(&question, &input->ocsp, checks, ret_evidence);
}

static bool ask(const struct revocation_input *input, const struct certificate *certificate,
                struct checks *checks, struct buffer *ret_ask)
{
    ocsp_certid(certificate->x509, certificate->issuer, input->policy->ocsp.hash, ret_ask);
    return checks_undecided(checks, check, "TRY_LATER", "revocation-ask",
                            "the responder has not been asked yet");
}

/* Where a response tells of a suspension, a list could only know it later. */
static bool may_fall_back(const struct revocation_input *input, const struct checks *response,
                          const json_t *evidence)
{
    instant told = suspension_of(response, evidence);
    return input->policy->method == REVOCATION_OCSP_THEN_CRL &&
           checks_indication(response) == INDETERMINATE && (told == 0 || told <= input->suspended);
}

/* Where the list can tell, the trouble with the response is a remark; where it cannot either, it
 * is the first reason why nothing is decided. */
static bool fall_back(const struct revocation_input *input, const struct certificate *certificate,
                      struct checks *response, struct checks *checks, json_t **ret_evidence,
                      instant *suspended)
{
    _cleanup_(cleanup_checks) struct checks *list = checks_new();
    bool passed = list_judge(input, certificate, list, ret_evidence, suspended);
    if (checks_indication(list) == INDETERMINATE)
        checks_append(checks, response);
    else
        checks_pass(checks, check, "of no use (%s), so the list decides", checks_reason(response));
    checks_append(checks, list);
    return passed;
}

bool revocation_judge(const struct revocation_input *input, const struct certificate *certificate,
                      struct checks *checks, struct buffer *ret_ask, json_t **ret_evidence,
                      instant *ret_suspended)
{
    *ret_evidence = NULL;
    *ret_suspended = input->suspended;
    /* Without an issuer there is nobody to ask, and the certificate has failed already. */
    if (input->policy->method == REVOCATION_CRL_ONLY || !certificate->issuer)
        return list_judge(input, certificate, checks, ret_evidence, ret_suspended);
    if (!input->ocsp.asked)
        return ask(input, certificate, checks, ret_ask);
    _cleanup_(cleanup_checks) struct checks *response = checks_new();
    bool passed = response_judge(input, certificate, response, ret_evidence);
    if (may_fall_back(input, response, *ret_evidence)) {
        json_decref(*ret_evidence);
        return fall_back(input, certificate, response, checks, ret_evidence, ret_suspended);
    }
    suspension_keep(suspension_of(response, *ret_evidence), ret_suspended);
    checks_append(checks, response);
    return passed;
}

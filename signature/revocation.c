#include "signature/revocation.h"

#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static const char check[] = "revocation.ocsp";

static bool list_judge(const struct revocation_input *input, const struct certificate *certificate,
                       struct checks *checks, json_t **ret_evidence)
{
    return crl_judge(input->crls, certificate, input->trust, input->applied_at, input->now,
                     input->policy->crl_age_most, checks, ret_evidence);
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

/* Suspended is what the issuer says: no other source will know better. */
static bool may_fall_back(const struct revocation_input *input, const struct checks *response)
{
    return input->policy->method == REVOCATION_OCSP_THEN_CRL &&
           checks_indication(response) == INDETERMINATE &&
           strcmp(checks_reason(response), "revocation-on-hold") != 0;
}

/* Where the list can tell, the trouble with the response is a remark; where it cannot either, it
 * is the first reason why nothing is decided. */
static bool fall_back(const struct revocation_input *input, const struct certificate *certificate,
                      struct checks *response, struct checks *checks, json_t **ret_evidence)
{
    _cleanup_(cleanup_checks) struct checks *list = checks_new();
    bool passed = list_judge(input, certificate, list, ret_evidence);
    if (checks_indication(list) == INDETERMINATE)
        checks_append(checks, response);
    else
        checks_pass(checks, check, "of no use (%s), so the list decides", checks_reason(response));
    checks_append(checks, list);
    return passed;
}

bool revocation_judge(const struct revocation_input *input, const struct certificate *certificate,
                      struct checks *checks, struct buffer *ret_ask, json_t **ret_evidence)
{
    *ret_evidence = NULL;
    /* Without an issuer there is nobody to ask, and the certificate has failed already. */
    if (input->policy->method == REVOCATION_CRL_ONLY || !certificate->issuer)
        return list_judge(input, certificate, checks, ret_evidence);
    if (!input->ocsp.asked)
        return ask(input, certificate, checks, ret_ask);
    _cleanup_(cleanup_checks) struct checks *response = checks_new();
    bool passed = response_judge(input, certificate, response, ret_evidence);
    if (may_fall_back(input, response)) {
        json_decref(*ret_evidence);
        return fall_back(input, certificate, response, checks, ret_evidence);
    }
    checks_append(checks, response);
    return passed;
}

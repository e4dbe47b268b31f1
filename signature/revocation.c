#include "signature/revocation.h"

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static const char check[] = "revocation.ocsp";

static bool list_judge(const struct revocation_input *input, const struct certificate *certificate,
                       struct checks *checks, json_t **ret_evidence)
{
    return crl_judge(input->crls, certificate, input->trust, input->applied_at, input->now,
                     input->policy->crl_age_most, checks, ret_evidence);
}

static bool ask(const struct revocation_input *input, const struct certificate *certificate,
                struct checks *checks, struct buffer *ret_ask)
{
    ocsp_certid(certificate->x509, certificate->issuer, input->policy->ocsp_hash, ret_ask);
    return checks_undecided(checks, check, "TRY_LATER", "revocation-ask",
                            "the responder has not been asked yet");
}

/* No response can be used. Where the list can tell, that is a remark; where it cannot either, it is
 * the first reason why nothing is decided. */
static bool fall_back(const struct revocation_input *input, const struct certificate *certificate,
                      const char *trouble, struct checks *checks, json_t **ret_evidence)
{
    if (input->policy->method == REVOCATION_OCSP_ONLY)
        return checks_undecided(checks, check, "TRY_LATER", trouble, "there is no response");
    _cleanup_(cleanup_checks) struct checks *list = checks_new();
    bool passed = list_judge(input, certificate, list, ret_evidence);
    if (checks_indication(list) == INDETERMINATE)
        checks_undecided(checks, check, "TRY_LATER", trouble, "there is no response");
    else
        checks_pass(checks, check, "there is no response (%s): the list decides", trouble);
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
    return fall_back(input, certificate, input->ocsp.trouble, checks, ret_evidence);
}

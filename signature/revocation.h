/* Revocation judged: the policy over OCSP responses and revocation lists. Pure: whoever wants OCSP
 * examines twice. The first judgement is undecided with the reason revocation-ask and hands out
 * what to ask for; the caller asks (or does not), and the second judgement gets what came of it. */
#ifndef UKETSUKE_SIGNATURE_REVOCATION_H
#define UKETSUKE_SIGNATURE_REVOCATION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
#include "signature/certificate.h"
#include "signature/crl.h"
#include "signature/ocsp.h"
#include "signature/trust.h"

enum revocation_method {
    REVOCATION_CRL_ONLY,      /* 0: also what a policy of {0} means */
    REVOCATION_OCSP_THEN_CRL, /* the list decides when no response can be used */
    REVOCATION_OCSP_ONLY,
};

struct revocation_policy {
    enum revocation_method method;
    instant crl_age_most; /* as in crl_judge */
    struct ocsp_policy ocsp;
};

struct revocation_input {
    const struct revocation_policy *policy;
    const struct crl_set *crls;
    const struct trust *trust;
    struct ocsp_answer ocsp;
    instant applied_at, now;
    instant suspended; /* of an earlier judgement, as it came back; 0: none */
};

/* Judged at applied-at on data issued after it, by crl_judge and ocsp_judge; their checks and
 * reasons, and revocation-ask (undecided, TRY_LATER).
 * With REVOCATION_OCSP_THEN_CRL a response that leaves it undecided (but for revocation-on-hold)
 * gives way to the list: whatever is wrong with a response, a list is verified for itself. The
 * trouble is then a remark in a check that passes; only when the list cannot tell either, both
 * checks are undecided and the response's reason comes first.
 * Once a source has told that the certificate is suspended, only newer data may say otherwise:
 * *ret_suspended, thisUpdate of the newest that told so (or input.suspended), is for the next
 * judgement of the same application.
 * *ret_ask: the certID to ask for, appended with revocation-ask. *ret_evidence: what decided (new
 * reference; NULL: nothing did). True when it passed. */
bool revocation_judge(const struct revocation_input *input, const struct certificate *certificate,
                      struct checks *checks, struct buffer *ret_ask, json_t **ret_evidence,
                      instant *ret_suspended);

#endif

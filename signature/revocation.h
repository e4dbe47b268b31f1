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
    instant crl_age_most;     /* as in crl_judge */
    enum ocsp_hash ocsp_hash; /* of the certID that is asked for */
};

/* What came of asking. {0}: nobody has asked yet. */
struct ocsp_answer {
    bool asked;            /* or will not be: `trouble` says why */
    struct bytes response; /* DER; borrowed; empty with a trouble */
    struct bytes nonce;    /* that was sent; borrowed; empty: none */
    const char *trouble;   /* why there is no response: a reason, "ocsp-timeout"; NULL */
};

struct revocation_input {
    const struct revocation_policy *policy;
    const struct crl_set *crls;
    const struct trust *trust;
    struct ocsp_answer ocsp;
    instant applied_at, now;
};

/* Judged at applied-at on data issued after it: crl_judge says how a list is judged. Checks
 * "revocation.ocsp" and "revocation.crl"; further reasons: revocation-ask (TRY_LATER), and the
 * trouble of the answer when the policy allows no list. With REVOCATION_OCSP_THEN_CRL a trouble is
 * undecided only when the list is so too; else the check tells of it and passes.
 * *ret_ask: the certID to ask for, appended with revocation-ask. *ret_evidence: what decided (new
 * reference; NULL: nothing did). True when it passed. */
bool revocation_judge(const struct revocation_input *input, const struct certificate *certificate,
                      struct checks *checks, struct buffer *ret_ask, json_t **ret_evidence);

#endif

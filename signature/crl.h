/* Revocation by list (CRL提供方式): CRLs as bytes, one for each municipality's partition. */
#ifndef UKETSUKE_SIGNATURE_CRL_H
#define UKETSUKE_SIGNATURE_CRL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
#include "base/failure.h"
#include "signature/certificate.h"
#include "signature/trust.h"

struct crl_set; /* read-only after loading: may be shared between threads */

struct crl_set *crl_set_new(void);
void crl_set_free(struct crl_set *set);

struct crl_facts {       /* what a CRL says of itself */
    char partition[512]; /* DN of the issuingDistributionPoint, RFC 2253; "" when it has none */
    char number[43];     /* crlNumber, hexadecimal */
    instant this_update, next_update;
    size_t entries;
};

/* Verifies (DER or PEM): signed by an anchor that may sign CRLs, version 2, number, dates, no
 * unknown critical extension, IDP only with fullName directoryName and onlyContainsUserCerts. */
bool crl_check(struct bytes crl, const struct trust *trust, struct crl_facts *ret_facts,
               struct failure *f);
/* The same, and keeps it; of two for one partition and issuer the higher number stays. */
bool crl_set_add(struct crl_set *set, struct bytes crl, const struct trust *trust,
                 struct failure *f);
/* All regular files *.crl of a folder. A bad file is a failure that names it. */
bool crl_set_add_directory(struct crl_set *set, const char *path, const struct trust *trust,
                           struct failure *f);
size_t crl_set_count(const struct crl_set *set);

/* Judged at applied-at, on data issued after it (design §5): revoked when in the list with
 * revocationDate <= applied_at (of several entries the earliest): certificate-revoked,
 * sub-indication REVOKED; but undecided with revocation-on-hold (TRY_LATER, EN 319 102-1 §5.2.6)
 * when all it says is certificateHold, which may be lifted. Undecided with revocation-unavailable
 * (TRY_LATER) when there is no list for the certificate's distribution point and generation,
 * revocation-not-yet when its thisUpdate is not after applied_at, or still to come,
 * revocation-stale when nextUpdate has passed at `now` and thisUpdate lies more than `age_most`
 * before `now`. Passed otherwise, also when revoked later (the text says so). Evidence:
 * {"kind":"crl","number", "this_update","next_update","sha256"} in *ret_evidence (new reference;
 * NULL when there is none).
 */
bool crl_judge(const struct crl_set *set, const struct certificate *certificate,
               const struct trust *trust, instant applied_at, instant now, instant age_most,
               struct checks *checks, json_t **ret_evidence);

#endif

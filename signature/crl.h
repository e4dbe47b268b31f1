/* Revocation by list (CRL提供方式): one index for each municipality's partition, and what they say
 * of a certificate. */
#ifndef UKETSUKE_SIGNATURE_CRL_H
#define UKETSUKE_SIGNATURE_CRL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
#include "base/failure.h"
#include "signature/certificate.h"
#include "signature/crl_index.h"
#include "signature/trust.h"

struct crl_set; /* read-only after loading: may be shared between threads */

struct crl_set *crl_set_new(void);
void crl_set_free(struct crl_set *set);

/* The set owns the index from now on. Of two for one partition and issuer the newer stays. */
void crl_set_take(struct crl_set *set, struct crl_index *index);
/* Reads and verifies a list (signature/crl_stream.h), and takes its index. */
bool crl_set_add(struct crl_set *set, struct bytes list, const struct trust *trust,
                 struct failure *f);
bool crl_set_add_file(struct crl_set *set, const char *path, const struct trust *trust,
                      struct failure *f);

size_t crl_set_count(const struct crl_set *set);
const struct crl_index *crl_set_at(const struct crl_set *set, size_t i);
/* Out of the set: the caller's from now on. */
struct crl_index *crl_set_release(struct crl_set *set, size_t i);
/* The list of this issuer (SHA-256 of the anchor's DER, hexadecimal) and this partition, or NULL.
 * No partition: the list of all that the issuer issued. */
const struct crl_index *crl_set_find(const struct crl_set *set, const char *issuer_sha256,
                                     const X509_NAME *partition);

struct crl_question {
    const struct crl_set *set;
    const struct trust *trust;
    instant applied_at, now;
    instant age_most;  /* of a list past its nextUpdate */
    instant suspended; /* thisUpdate of what told before that it is suspended; 0: nothing did */
};

/* Judged at applied-at, on data issued after it (design §5): revoked when in the list with
 * revocationDate <= applied_at (of several entries the earliest): certificate-revoked,
 * sub-indication REVOKED; but undecided with revocation-on-hold (TRY_LATER, EN 319 102-1 §5.2.6)
 * when all it says is certificateHold, which may be lifted; nor does a list that was not issued
 * after `suspended` lift it, whatever it says. removeFromCRL is for lists of changes
 * only (RFC 5280 §5.3.1): here it says that the certificate is on the list. Undecided with
 * revocation-unavailable (TRY_LATER) when there is no list for the certificate's distribution point
 * and generation, revocation-not-yet when its thisUpdate is not after applied_at, or still to come,
 * revocation-stale when nextUpdate has passed at `now` and thisUpdate lies more than `age_most`
 * before `now`, revocation-expired when it is not in a list issued more than a day after its
 * notAfter: entries leave the lists then (RFC 5280 §3.3). Passed otherwise, also when revoked later
 * (the text says so). Evidence:
 * {"kind":"crl","number", "this_update","next_update","tbs_sha256" (of tbsCertList),
 * "index_sha256"} in *ret_evidence (new reference; NULL when there is none).
 */
bool crl_judge(const struct crl_question *question, const struct certificate *certificate,
               struct checks *checks, json_t **ret_evidence);

#endif

/* Certificate paths of any depth: profile `rfc5280` (RFC 5280 §6), judged at a given time.
 *
 * The path is found here (path_build.c), judged by OpenSSL's X509_verify_cert one candidate at a
 * time, with nothing in reach but that candidate's certificates; revocation by its CRL processing
 * (IDP, onlySomeReasons, indirect CRLs, delta CRLs) with our own judgement of times
 * (path_revocation.c). Nothing is fetched: distribution points and AIA are names only. */
#ifndef UKETSUKE_SIGNATURE_PATH_H
#define UKETSUKE_SIGNATURE_PATH_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/checks.h"
#include "base/clock.h"

#define PATH_LENGTH_MAX 20 /* certificates, the leaf and the anchor among them */
#define PATH_TRIES_MAX  32 /* paths to an anchor that are judged */
#define PATH_STEPS_MAX                                                                             \
    4096 /* certificates looked at on the way: what ends loops of cross-signing */

struct path_input {
    STACK_OF(X509) * anchors;   /* trusted as they are, self-signed or not */
    STACK_OF(X509) * untrusted; /* intermediates, and issuers of CRLs */
    STACK_OF(X509_CRL) * crls;
    const char *const *policies; /* user-initial-policy-set, dotted; none: any-policy */
    size_t policy_count;
    bool explicit_policy, inhibit_mapping, inhibit_any; /* the initial-… inputs of §6.1.1 */
    bool no_revocation;                                 /* leave revocation out */
    instant at;                                         /* as of when it is judged */
    instant now; /* a CRL that says it is issued after both is none yet */
};

/* Judges `leaf`: of several paths the first good one counts, else the first undecided one, else the
 * first of which the signatures hold. Checks "path.…"; each failure names the certificate by its
 * index in the path (0: the leaf) and its SHA-256. Reasons: certificate-issuer-unknown
 * (NO_CERTIFICATE_CHAIN_FOUND), certificate-untrusted, certificate-malformed, certificate-algorithm
 * (CRYPTO_CONSTRAINTS_FAILURE), certificate-expired, certificate-not-yet-valid,
 * certificate-chain-ca (an issuer is no CA, or may not sign certificates), certificate-path-length,
 * certificate-name-constraints, certificate-extension, certificate-policy
 * (POLICY_PROCESSING_ERROR), certificate-revoked.
 *
 * Revoked: the revocationDate is not after `at`. Undecided: revocation-on-hold,
 * revocation-unavailable (no CRL in whose scope the certificate lies, or none that can be
 * believed), revocation-stale (its nextUpdate is before `at`; TRY_LATER), revocation-algorithm
 * (signed with one that is not allowed). */
bool path_judge(X509 *leaf, const struct path_input *input, struct checks *checks);

#endif

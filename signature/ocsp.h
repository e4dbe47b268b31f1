/* Revocation by query (OCSPレスポンダ方式): RFC 6960, as bytes. Who asks, and where, is not known
 * here: the network is the caller's (intake/ocsp.h). */
#ifndef UKETSUKE_SIGNATURE_OCSP_H
#define UKETSUKE_SIGNATURE_OCSP_H

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"

#define OCSP_NONCE_BYTES  32          /* of our requests: RFC 9654 §2.1 */
#define OCSP_RESPONSE_MAX (64 * 1024) /* bytes; a response with its responder is near 2 KB */

/* How a certID names the issuer (RFC 6960 §4.1.1). SHA-1 is no weakness there: the issuer is known
 * already, and its key signs what counts. Older responders know nothing else. */
enum ocsp_hash { OCSP_HASH_SHA256, OCSP_HASH_SHA1 };

struct ocsp_policy {
    enum ocsp_hash hash;    /* of the certID that is asked for */
    instant age_most;       /* of thisUpdate, whatever nextUpdate says */
    bool nonce_required;    /* a response without the nonce that was sent is not used */
    bool nocheck_dispensed; /* a delegated responder needs no id-pkix-ocsp-nocheck */
};

/* The CertID of a certificate as DER: what a request asks for, and the key of a cache. Appended. */
void ocsp_certid(X509 *certificate, X509 *issuer, enum ocsp_hash hash, struct buffer *ret_der);
/* An unsigned OCSPRequest for one certID, with a nonce unless it is empty. Appended. False when
 * `certid` is none. */
bool ocsp_request(struct bytes certid, struct bytes nonce, struct buffer *ret_der);
/* Whether a response (DER) may be one for this certID: same serial number, and the same issuer as
 * far as both are hashed alike. For choosing among files; nothing is verified. */
bool ocsp_response_concerns(struct bytes response, struct bytes certid);
/* NULL for a basic response; else the reason that ocsp_judge would give: the responder's error, or
 * ocsp-malformed. */
const char *ocsp_response_error(struct bytes response);

/* When a response speaks: worth keeping until then. */
struct ocsp_span {
    instant this_update, next_update; /* thisUpdate again where it has no nextUpdate */
};

struct ocsp_question {
    X509 *certificate;
    X509 *issuer; /* the generation that signed it */
    const struct ocsp_policy *policy;
    instant applied_at, now;
    instant suspended; /* as in crl_question */
};

/* What came of asking. {0}: nobody has asked yet. */
struct ocsp_answer {
    bool asked;            /* or will not be: `trouble` says why */
    struct bytes response; /* DER; borrowed; empty with a trouble */
    struct bytes nonce;    /* that was sent; borrowed; empty: none */
    const char *trouble;   /* why there is no response: a reason, "ocsp-timeout"; NULL */
};

/* Judged at applied-at on data issued after it, like crl_judge (signature/crl.h): one check,
 * "revocation.ocsp". Only a response that is canonical DER and signed with an allowed algorithm
 * says anything: by the issuer itself, or by a responder of its own (RFC 6960 §4.2.2.2: issued by
 * that very key for id-kp-OCSPSigning, in force at producedAt, with id-pkix-ocsp-nocheck unless
 * that is dispensed with: nobody is asked about the responder).
 * Failed: certificate-revoked, when revocationTime <= applied_at. Passed: good, or revoked later.
 * Everything else is undecided (TRY_LATER): the answer's trouble, or
 *   ocsp-malformed         not one canonical basic response, or its dates make no sense
 *   ocsp-try-later, ocsp-unauthorized, ocsp-internal-error, ocsp-malformed-request,
 *   ocsp-signature-required  the responder's error, which is not signed
 *   ocsp-responder         not the issuer's responder (any more)
 *   ocsp-signature         the signature is not by its responder
 *   ocsp-algorithm         signed with one that is not allowed
 *   ocsp-other-certificate nothing about this certificate in it
 *   ocsp-nonce             another nonce than was sent: another's answer, replayed
 *   ocsp-nonce-missing     none, and the policy wants it
 *   ocsp-extension         something critical that is not known
 *   ocsp-future            produced or issued in the time to come
 *   ocsp-stale             past nextUpdate, or older than age_most
 *   ocsp-unknown           the responder does not know the certificate
 *   ocsp-expired           good, but said when the certificate had expired, which RFC 6960 §2.2
 *                          lets a responder say of any; its archiveCutoff does not reach back
 *   revocation-not-yet     thisUpdate is not after applied_at
 *   revocation-on-hold     certificateHold: may be lifted; or not issued after `suspended`
 * Evidence {"kind":"ocsp","produced_at","this_update","next_update" (null: none),
 * "responder_sha256","response_sha256","nonce" (hexadecimal; null: none was sent)} in *ret_evidence
 * (new reference) once the signature holds; else NULL. */
bool ocsp_judge(const struct ocsp_question *question, const struct ocsp_answer *answer,
                struct checks *checks, json_t **ret_evidence);

#endif

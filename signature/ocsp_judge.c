/* What a response says of a certificate at the moment of application. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/text.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/ocsp_internal.h"

/* How far the responder's clock may run before ours. */
#define CLOCK_SKEW_MOST (5 * 60 * INSTANT_SECOND)
#define NONCE_BYTES_MAX 127 /* whose length takes one byte of DER */

static const char check[] = "revocation.ocsp";

struct judging {
    const struct ocsp_question *question;
    const struct ocsp_answer *answer;
    struct checks *checks;
    OCSP_BASICRESP *basic;
    OCSP_SINGLERESP *single;
    X509 *signer;
    int status, reason;                        /* V_OCSP_CERTSTATUS_…, OCSP_REVOKED_STATUS_… */
    instant produced_at, this_update, revoked; /* `revoked` with V_OCSP_CERTSTATUS_REVOKED */
    instant next_update;                       /* INT64_MAX: it has none */
};

static bool undecided(const struct judging *j, const char *reason, const char *text)
{
    return checks_undecided(j->checks, check, "TRY_LATER", reason, "the response: %s", text);
}

/* --- what it is ------------------------------------------------------------------------------- */

static bool read_basic(struct judging *j)
{
    int status;
    j->basic = ocsp_basic_read(j->answer->response, &status);
    if (j->basic)
        return true;
    return undecided(j, ocsp_response_error(j->answer->response),
                     "an error, or not one canonical basic response");
}

static bool find_signer(struct judging *j)
{
    const struct ocsp_policy *policy = j->question->policy;
    struct ocsp_fault fault;
    if (!asn1_instant(OCSP_resp_get0_produced_at(j->basic), &j->produced_at))
        return undecided(j, "ocsp-malformed", "producedAt cannot be read");
    j->signer = ocsp_signer(j->basic, j->question->issuer, j->produced_at,
                            policy->nocheck_dispensed, &fault);
    return j->signer || undecided(j, fault.reason, fault.text);
}

/* By the hashes that the response itself chose; those of other algorithms mean nobody. */
static bool is_of(const OCSP_CERTID *id, const struct ocsp_question *question)
{
    ASN1_OBJECT *algorithm = NULL;
    OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)id);
    int nid = OBJ_obj2nid(algorithm);
    if (nid != NID_sha256 && nid != NID_sha1)
        return false;
    _cleanup_(cleanup_certid) OCSP_CERTID *own =
        OCSP_cert_to_id(nid == NID_sha1 ? EVP_sha1() : digest_md(DIGEST_SHA256),
                        question->certificate, question->issuer);
    return own && OCSP_id_issuer_cmp(own, id) == 0 && OCSP_id_cmp(own, id) == 0;
}

static bool find_single(struct judging *j)
{
    int found = 0;
    for (int i = 0; i < OCSP_resp_count(j->basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(j->basic, i);
        if (!is_of(OCSP_SINGLERESP_get0_id(single), j->question))
            continue;
        j->single = single;
        found++;
    }
    if (found == 0)
        return undecided(j, "ocsp-other-certificate", "it is not about this certificate");
    return found == 1 || undecided(j, "ocsp-malformed", "it is about this certificate twice");
}

/* --- whether it is an answer to us ------------------------------------------------------------ */

static bool extensions_judge(const struct judging *j)
{
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(j->basic); i++) {
        X509_EXTENSION *extension = OCSP_BASICRESP_get_ext(j->basic, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (X509_EXTENSION_get_critical(extension) && nid != NID_id_pkix_OCSP_Nonce)
            return undecided(j, "ocsp-extension", "an extension is critical and not known");
    }
    for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(j->single); i++)
        if (X509_EXTENSION_get_critical(OCSP_SINGLERESP_get_ext(j->single, i)))
            return undecided(j, "ocsp-extension", "an extension is critical and not known");
    return true;
}

/* RFC 9654 §2.1: the extension's value is an OCTET STRING with the nonce. */
static bool nonce_is(X509_EXTENSION *extension, struct bytes nonce)
{
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    uint8_t wanted[2 + NONCE_BYTES_MAX] = {V_ASN1_OCTET_STRING, (uint8_t)nonce.length};
    if (nonce.length > NONCE_BYTES_MAX)
        return false;
    memcpy(wanted + 2, nonce.data, nonce.length);
    return bytes_equal(bytes_of(wanted, 2 + nonce.length),
                       bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
}

static bool nonce_judge(const struct judging *j)
{
    int at = OCSP_BASICRESP_get_ext_by_NID(j->basic, NID_id_pkix_OCSP_Nonce, -1);
    struct bytes sent = j->answer->nonce;
    if (sent.length == 0)
        return true; /* we did not ask for one */
    if (at < 0 && j->question->policy->nonce_required)
        return undecided(j, "ocsp-nonce-missing", "it is without the nonce that was sent");
    if (at >= 0 && (OCSP_BASICRESP_get_ext_by_NID(j->basic, NID_id_pkix_OCSP_Nonce, at) >= 0 ||
                    !nonce_is(OCSP_BASICRESP_get_ext(j->basic, at), sent)))
        return undecided(j, "ocsp-nonce", "its nonce is not the one that was sent");
    return true;
}

static bool read_status(struct judging *j)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    j->reason = OCSP_REVOKED_STATUS_NOSTATUS;
    j->status =
        OCSP_single_get0_status(j->single, &j->reason, &revoked, &this_update, &next_update);
    j->next_update = INT64_MAX;
    if (!asn1_instant(this_update, &j->this_update) ||
        (next_update && !asn1_instant(next_update, &j->next_update)) ||
        (j->status == V_OCSP_CERTSTATUS_REVOKED && !asn1_instant(revoked, &j->revoked)))
        return undecided(j, "ocsp-malformed", "its dates cannot be read");
    if (j->next_update < j->this_update)
        return undecided(j, "ocsp-malformed", "thisUpdate lies after nextUpdate");
    return true;
}

/* --- what it says ----------------------------------------------------------------------------- */

static bool fresh(const struct judging *j)
{
    const struct ocsp_question *question = j->question;
    if (j->next_update < question->now ||
        question->now - j->this_update > question->policy->age_most)
        return undecided(j, "ocsp-stale", "it is too old");
    if (j->this_update <= question->applied_at)
        return undecided(j, "revocation-not-yet", "it was not issued after the application");
    return true;
}

/* "Good" is said of any certificate that has expired (RFC 6960 §2.2), but for those that the
 * responder still remembers: archiveCutoff (§4.4.4). */
static bool speaks_of_expired(const struct judging *j)
{
    instant expired, cutoff = INT64_MAX;
    if (asn1_instant(X509_get0_notAfter(j->question->certificate), &expired) &&
        j->this_update <= expired)
        return true;
    ASN1_GENERALIZEDTIME *date =
        OCSP_SINGLERESP_get1_ext_d2i(j->single, NID_id_pkix_OCSP_archiveCutoff, NULL, NULL);
    bool told = date && asn1_instant(date, &cutoff);
    ASN1_GENERALIZEDTIME_free(date);
    if (told && cutoff <= expired)
        return true;
    return undecided(j, "ocsp-expired", "it was issued when the certificate had expired");
}

/* A revocation is final, however old the response is; one that is on hold is none yet. */
static bool status_judge(const struct judging *j)
{
    char text[INSTANT_TEXT];
    bool before = j->status == V_OCSP_CERTSTATUS_REVOKED && j->revoked <= j->question->applied_at;
    bool on_hold = before && j->reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
    if (before && !on_hold)
        return checks_fail(j->checks, check, "REVOKED", "certificate-revoked",
                           "revoked on %s, before the application",
                           instant_text_jst(j->revoked, text));
    if (!fresh(j))
        return false;
    if (on_hold)
        return undecided(j, "revocation-on-hold", "suspended before the application");
    if (j->this_update <= j->question->suspended)
        return undecided(j, "revocation-on-hold", "it is no newer than what told of a suspension");
    if (j->status == V_OCSP_CERTSTATUS_REVOKED)
        checks_pass(j->checks, check, "revoked on %s, after the application: it counts",
                    instant_text_jst(j->revoked, text));
    else if (j->status != V_OCSP_CERTSTATUS_GOOD)
        return undecided(j, "ocsp-unknown", "the responder does not know the certificate");
    else if (!speaks_of_expired(j))
        return false;
    else
        checks_pass(j->checks, check, "good on %s", instant_text_jst(j->this_update, text));
    return true;
}

static bool not_from_the_future(const struct judging *j)
{
    instant most = j->question->now + CLOCK_SKEW_MOST;
    if (j->this_update > most || j->produced_at > most)
        return undecided(j, "ocsp-future", "it says that it was issued in the time to come");
    if (j->this_update > j->produced_at + CLOCK_SKEW_MOST)
        return undecided(j, "ocsp-malformed", "thisUpdate lies after producedAt");
    return true;
}

/* --- what is written down --------------------------------------------------------------------- */

static json_t *evidence_of(const struct judging *j)
{
    char produced[INSTANT_TEXT], from[INSTANT_TEXT], to[INSTANT_TEXT];
    char nonce[2 * NONCE_BYTES_MAX + 1] = "", response[65], responder[65];
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct bytes sent = j->answer->nonce;
    if (X509_digest(j->signer, digest_md(DIGEST_SHA256), hash, &length) != 1)
        abort();
    hex_encode(hash, length, responder);
    sha256_hex(j->answer->response, response);
    if (sent.length <= NONCE_BYTES_MAX)
        hex_encode(sent.data, sent.length, nonce);
    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s?}", "kind", "ocsp", "produced_at",
                     instant_text_jst(j->produced_at, produced), "this_update",
                     instant_text_jst(j->this_update, from), "next_update",
                     j->next_update == INT64_MAX ? NULL : instant_text_jst(j->next_update, to),
                     "responder_sha256", responder, "response_sha256", response, "nonce",
                     *nonce ? nonce : NULL);
}

static void inputs_tell(const struct judging *j)
{
    char text[INSTANT_TEXT];
    const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(j->basic);
    checks_input(j->checks, "produced_at", "%s", instant_text_jst(j->produced_at, text));
    checks_input(j->checks, "this_update", "%s", instant_text_jst(j->this_update, text));
    if (j->next_update != INT64_MAX)
        checks_input(j->checks, "next_update", "%s", instant_text_jst(j->next_update, text));
    checks_input(j->checks, "responder", "%s",
                 j->signer == j->question->issuer ? "issuer" : "delegated");
    checks_input(j->checks, "algorithm", "%s", OBJ_nid2sn(OBJ_obj2nid(algorithm->algorithm)));
}

static bool judge(struct judging *j, json_t **ret_evidence)
{
    if (!read_basic(j) || !find_signer(j) || !find_single(j) || !read_status(j))
        return false;
    *ret_evidence = evidence_of(j);
    inputs_tell(j);
    return extensions_judge(j) && nonce_judge(j) && not_from_the_future(j) && status_judge(j);
}

bool ocsp_judge(const struct ocsp_question *question, const struct ocsp_answer *answer,
                struct checks *checks, json_t **ret_evidence)
{
    struct judging j = {.question = question, .answer = answer, .checks = checks};
    *ret_evidence = NULL;
    if (answer->trouble)
        return checks_undecided(checks, check, "TRY_LATER", answer->trouble,
                                "there is no response");
    bool passed = judge(&j, ret_evidence);
    OCSP_BASICRESP_free(j.basic);
    ERR_clear_error();
    return passed;
}

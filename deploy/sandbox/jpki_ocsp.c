/* The OCSP responder (RFC 6960): a delegated certificate for each generation that is alive. */
#include <openssl/ocsp.h>
#include <string.h>

#include "deploy/sandbox/jpki.h"

DEFINE_CLEANUP(cleanup_ocsp_request, OCSP_REQUEST *, OCSP_REQUEST_free)
DEFINE_CLEANUP(cleanup_ocsp_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free)

#define OCSP_LIFE (15 * 60 * INSTANT_SECOND) /* the real responder's data are so fresh */

const struct jpki_manner jpki_manners[] = {
    {.name = "stale", .away = -INSTANT_DAY},
    {.name = "future", .away = INSTANT_DAY},
    {.name = "unknown", .unknown = true},
    {.name = "unauthorized", .error = OCSP_RESPONSE_STATUS_UNAUTHORIZED},
    {.name = "try-later", .error = OCSP_RESPONSE_STATUS_TRYLATER},
    {.name = "other", .other = true},
    {.name = "foreign", .foreign = true},
    {.name = "forged", .forged = true},
    {.name = "nonce-wrong", .nonce = NONCE_WRONG},
    {.name = "nonce-none", .nonce = NONCE_NONE},
    {.name = "suspended", .suspended = true},
};
const size_t jpki_manner_count = sizeof jpki_manners / sizeof *jpki_manners;

struct jpki_responder {
    struct jpki_authority signer[JPKI_GENERATION_LAST + 1]; /* by generation */
};

bool jpki_responder_open(const struct jpki *jpki, struct jpki_responder **ret_responder,
                         struct failure *f)
{
    struct jpki_responder *responder = memory_allocate(sizeof *responder);
    for (unsigned g = JPKI_GENERATION_LIVE; g <= JPKI_GENERATION_LAST; g++) {
        char pem[32], key[32];
        snprintf(pem, sizeof pem, "ocsp-%u.pem", g);
        snprintf(key, sizeof key, "ocsp-%u.key", g);
        responder->signer[g].certificate = certificate_load(jpki->folder, pem, f);
        responder->signer[g].key =
            responder->signer[g].certificate ? key_load(jpki->folder, key, f) : NULL;
        if (!responder->signer[g].key) {
            jpki_responder_close(responder);
            return false;
        }
    }
    *ret_responder = responder;
    return true;
}

void jpki_responder_close(struct jpki_responder *responder)
{
    for (unsigned g = 0; responder && g <= JPKI_GENERATION_LAST; g++) {
        X509_free(responder->signer[g].certificate);
        EVP_PKEY_free(responder->signer[g].key);
    }
    free(responder);
}

/* The generation whose name and key the request's hashes mean; 0: none of ours. */
static unsigned generation_asked(const struct jpki *jpki, OCSP_CERTID *id)
{
    ASN1_OBJECT *algorithm = NULL;
    if (!OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, id))
        return 0;
    const EVP_MD *digest = EVP_get_digestbyobj(algorithm);
    for (unsigned g = JPKI_GENERATION_LIVE; digest && g <= JPKI_GENERATION_LAST; g++) {
        OCSP_CERTID *ours = OCSP_cert_to_id(digest, NULL, jpki->sign[g].certificate);
        bool same = ours && OCSP_id_issuer_cmp(ours, id) == 0;
        OCSP_CERTID_free(ours);
        if (same)
            return g;
    }
    return 0;
}

static const struct jpki_entry *entry_asked(const struct jpki *jpki, OCSP_CERTID *id,
                                            unsigned generation)
{
    ASN1_INTEGER *number = NULL;
    uint64_t serial;
    if (!OCSP_id_get0_info(NULL, NULL, NULL, &number, id) ||
        !ASN1_INTEGER_get_uint64(&serial, number))
        return NULL;
    const struct jpki_entry *entry = jpki_entry_find(jpki, JPKI_SIGN, serial);
    return entry && entry->generation == generation ? entry : NULL;
}

static bool status_add(OCSP_BASICRESP *basic, OCSP_CERTID *id, const struct jpki_entry *entry,
                       instant now)
{
    ASN1_TIME *this_update = ASN1_GENERALIZEDTIME_set(NULL, (time_t)(now / INSTANT_SECOND));
    ASN1_TIME *next_update =
        ASN1_GENERALIZEDTIME_set(NULL, (time_t)((now + OCSP_LIFE) / INSTANT_SECOND));
    bool revoked = entry && entry->revoked_at && entry->revoked_at <= now;
    ASN1_TIME *at =
        revoked ? ASN1_GENERALIZEDTIME_set(NULL, (time_t)(entry->revoked_at / INSTANT_SECOND))
                : NULL;
    int status = revoked ? V_OCSP_CERTSTATUS_REVOKED
                 : entry ? V_OCSP_CERTSTATUS_GOOD
                         : V_OCSP_CERTSTATUS_UNKNOWN;
    bool done = this_update && next_update && (at || !revoked) &&
                OCSP_basic_add1_status(basic, id, status, revoked ? entry->reason : 0, at,
                                       this_update, next_update);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    ASN1_TIME_free(at);
    return done;
}

/* In place of what was asked for. */
static OCSP_CERTID *next_certificate(const struct jpki *jpki, OCSP_CERTID *id, unsigned generation)
{
    ASN1_INTEGER *number = NULL;
    uint64_t serial = 0;
    OCSP_id_get0_info(NULL, NULL, NULL, &number, id);
    ASN1_INTEGER_get_uint64(&serial, number);
    ASN1_INTEGER *next = ASN1_INTEGER_new();
    ASN1_INTEGER_set_uint64(next, serial + 1);
    const X509 *issuer = jpki->sign[generation].certificate;
    OCSP_CERTID *other = OCSP_cert_id_new(EVP_sha256(), X509_get_subject_name(issuer),
                                          X509_get0_pubkey_bitstr(issuer), next);
    ASN1_INTEGER_free(next);
    return other;
}

static bool nonce_add(OCSP_BASICRESP *basic, OCSP_REQUEST *request,
                      const struct jpki_manner *manner)
{
    if (manner->nonce == NONCE_GIVEN)
        return OCSP_copy_nonce(basic, request) != 0;
    return manner->nonce == NONCE_NONE || OCSP_basic_add1_nonce(basic, NULL, 32);
}

static bool basic_sign(const struct jpki_responder *responder, const struct jpki *jpki,
                       unsigned generation, const struct jpki_manner *manner, OCSP_BASICRESP *basic)
{
    const struct jpki_authority *signer =
        manner->foreign ? &jpki->foreign : &responder->signer[generation];
    if (!OCSP_basic_sign(basic, signer->certificate, signer->key, EVP_sha256(), NULL, 0))
        return false;
    return !manner->forged || ASN1_item_sign(ASN1_ITEM_rptr(OCSP_RESPDATA),
                                             (X509_ALGOR *)OCSP_resp_get0_tbs_sigalg(basic), NULL,
                                             (ASN1_BIT_STRING *)OCSP_resp_get0_signature(basic),
                                             (void *)OCSP_resp_get0_respdata(basic),
                                             jpki->foreign.key, EVP_sha256()) > 0;
}

static bool single_add(const struct jpki *jpki, const struct jpki_manner *manner, OCSP_CERTID *id,
                       unsigned generation, OCSP_BASICRESP *basic, instant now)
{
    const struct jpki_entry *entry =
        generation && !manner->unknown ? entry_asked(jpki, id, generation) : NULL;
    const struct jpki_entry held = {.revoked_at = now - 365 * INSTANT_DAY,
                                    .reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD};
    OCSP_CERTID *other =
        manner->other && generation ? next_certificate(jpki, id, generation) : NULL;
    if (entry && manner->suspended)
        entry = &held;
    bool done = status_add(basic, other ? other : id, entry, now + manner->away);
    OCSP_CERTID_free(other);
    return done;
}

/* NULL when it concerns none of our generations. */
static OCSP_BASICRESP *answer_sign(const struct jpki_responder *responder, const struct jpki *jpki,
                                   const struct jpki_manner *manner, OCSP_REQUEST *request,
                                   instant now)
{
    _cleanup_(cleanup_ocsp_basic) OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    unsigned signer = 0;
    for (int i = 0; basic && i < OCSP_request_onereq_count(request); i++) {
        OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, i));
        unsigned generation = generation_asked(jpki, id);
        if (!signer)
            signer = generation;
        /* One response has one signer, who may speak for its own generation only. */
        bool speaks = generation && generation == signer;
        if (!single_add(jpki, manner, id, speaks ? generation : 0, basic, now))
            return NULL;
    }
    if (!basic || !signer || !nonce_add(basic, request, manner) ||
        !basic_sign(responder, jpki, signer, manner, basic))
        return NULL;
    return TAKE(basic);
}

static bool response_encode(int status, OCSP_BASICRESP *basic, struct buffer *ret_der,
                            struct failure *f)
{
    OCSP_RESPONSE *response = OCSP_response_create(status, basic);
    int length = response ? i2d_OCSP_RESPONSE(response, NULL) : 0;
    if (length > 0) {
        uint8_t *end = buffer_reserve(ret_der, (size_t)length);
        i2d_OCSP_RESPONSE(response, &end);
        buffer_commit(ret_der, (size_t)length);
    }
    OCSP_RESPONSE_free(response);
    return length > 0 || crypto_failure(f, "an OCSP response could not be encoded");
}

bool jpki_responder_answer(const struct jpki_responder *responder, const struct jpki *jpki,
                           const struct jpki_manner *manner, struct bytes request, instant now,
                           struct buffer *ret_der, struct failure *f)
{
    static const struct jpki_manner well = {0};
    if (!manner)
        manner = &well;
    if (manner->error)
        return response_encode(manner->error, NULL, ret_der, f);
    const uint8_t *at = request.data;
    _cleanup_(cleanup_ocsp_request) OCSP_REQUEST *asked =
        d2i_OCSP_REQUEST(NULL, &at, (long)request.length);
    if (!asked || at != request.data + request.length || OCSP_request_onereq_count(asked) == 0)
        return response_encode(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, NULL, ret_der, f);
    _cleanup_(cleanup_ocsp_basic) OCSP_BASICRESP *basic =
        answer_sign(responder, jpki, manner, asked, now);
    return response_encode(basic ? OCSP_RESPONSE_STATUS_SUCCESSFUL
                                 : OCSP_RESPONSE_STATUS_UNAUTHORIZED,
                           basic, ret_der, f);
}

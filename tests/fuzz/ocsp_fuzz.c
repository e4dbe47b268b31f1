/* Any bytes as an OCSP response; where they parse, what they say once more about our certificate
 * and under our issuer's signature, so that what is behind the signature is reached too. */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/ocsp.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/pki.h"

DEFINE_CLEANUP(cleanup_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free)
DEFINE_CLEANUP(cleanup_response, OCSP_RESPONSE *, OCSP_RESPONSE_free)

static struct pki_ca ca;
static X509 *end;
static OCSP_CERTID *end_id;
static struct buffer certid;

static void tear_down(void)
{
    OCSP_CERTID_free(end_id);
    buffer_free(&certid);
    X509_free(end);
    pki_ca_free(&ca);
}

static void set_up(void)
{
    if (end)
        return;
    ca = pki_ca_make((struct pki_ca_options){.kind = PKI_EC_P256});
    end = pki_issue(&ca, pki_key(PKI_EC_P256, 1), &(struct pki_end){.serial = "0a"});
    end_id = OCSP_cert_to_id(EVP_sha256(), end, ca.certificate);
    ocsp_certid(end, ca.certificate, OCSP_HASH_SHA256, &certid);
    atexit(tear_down);
}

static void judge(struct bytes response, struct bytes nonce)
{
    struct checks *checks = checks_new();
    json_t *evidence = NULL;
    const instant now = 1795219200 * INSTANT_SECOND;
    const struct ocsp_policy policy = {.age_most = INSTANT_DAY};
    const struct ocsp_question question = {end, ca.certificate, &policy, now, now + INSTANT_DAY};
    const struct ocsp_answer answer = {.asked = true, .response = response, .nonce = nonce};
    bool passed = ocsp_judge(&question, &answer, checks, &evidence);
    if (passed != (checks_indication(checks) == TOTAL_PASSED))
        abort();
    /* Whatever decides about the certificate has evidence, and speaks of it. */
    if (checks_indication(checks) != INDETERMINATE &&
        (!evidence || !ocsp_response_concerns(response, buffer_bytes(&certid)) ||
         ocsp_response_error(response)))
        abort();
    json_decref(evidence);
    checks_free(checks);
}

static void copy_single(OCSP_BASICRESP *to, OCSP_SINGLERESP *from)
{
    int reason = -1;
    ASN1_GENERALIZEDTIME *revoked, *this_update, *next_update;
    int status = OCSP_single_get0_status(from, &reason, &revoked, &this_update, &next_update);
    OCSP_SINGLERESP *single =
        OCSP_basic_add1_status(to, end_id, status, reason, revoked, this_update, next_update);
    for (int i = 0; single && i < OCSP_SINGLERESP_get_ext_count(from); i++)
        OCSP_SINGLERESP_add_ext(single, OCSP_SINGLERESP_get_ext(from, i), -1);
}

static bool say_again(OCSP_BASICRESP *said, struct buffer *ret_der)
{
    _cleanup_(cleanup_basic) OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    for (int i = 0; i < OCSP_resp_count(said); i++)
        copy_single(basic, OCSP_resp_get0(said, i));
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(said); i++)
        OCSP_BASICRESP_add_ext(basic, OCSP_BASICRESP_get_ext(said, i), -1);
    ASN1_STRING_copy((ASN1_STRING *)OCSP_resp_get0_produced_at(basic),
                     OCSP_resp_get0_produced_at(said));
    _cleanup_(cleanup_response) OCSP_RESPONSE *response =
        OCSP_basic_sign(basic, ca.certificate, ca.key, EVP_sha256(), NULL, OCSP_NOTIME)
            ? OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)
            : NULL;
    uint8_t *der = NULL;
    int length = response ? i2d_OCSP_RESPONSE(response, &der) : 0;
    if (length > 0)
        buffer_append(ret_der, der, (size_t)length);
    OPENSSL_free(der);
    return length > 0;
}

static bool read_and_say_again(struct bytes response, struct buffer *ret_der)
{
    const uint8_t *at = response.data;
    _cleanup_(cleanup_response) OCSP_RESPONSE *whole =
        d2i_OCSP_RESPONSE(NULL, &at, (long)response.length);
    _cleanup_(cleanup_basic) OCSP_BASICRESP *said = whole ? OCSP_response_get1_basic(whole) : NULL;
    bool done = said && say_again(said, ret_der);
    ERR_clear_error();
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_buffer) struct buffer again = {0}, request = {0};
    const struct bytes bytes = {data, size}, nonce = {(const uint8_t *)"0123456789abcdef", 16};
    set_up();
    judge(bytes, nonce);
    ocsp_request(bytes, nonce, &request);
    if (!read_and_say_again(bytes, &again))
        return 0;
    judge(buffer_bytes(&again), nonce);
    judge(buffer_bytes(&again), (struct bytes){0});
    return 0;
}

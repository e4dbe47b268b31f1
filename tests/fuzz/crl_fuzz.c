/* Any bytes as a revocation list; where they parse, the same list once more under the name and the
 * signature of an anchor, so that what is behind the signature is reached too. */
#include <openssl/err.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/crl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

static struct pki_ca ca;
static struct trust *trust;
static X509 *end;

static void tear_down(void)
{
    X509_free(end);
    trust_free(trust);
    pki_ca_free(&ca);
}

static void set_up(void)
{
    if (trust)
        return;
    ca = pki_ca_make((struct pki_ca_options){.kind = PKI_EC_P256});
    trust = trust_of(&ca.certificate, 1);
    end = pki_issue(&ca, pki_key(PKI_EC_P256, 1), &(struct pki_end){.serial = "0a"});
    atexit(tear_down);
}

static bool sign_again(struct bytes bytes, struct buffer *ret_der)
{
    const uint8_t *at = bytes.data;
    _cleanup_(cleanup_crl) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)bytes.length);
    uint8_t *der = NULL;
    bool signed_again = crl &&
                        X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca.certificate)) &&
                        X509_CRL_sign(crl, ca.key, EVP_sha256()) > 0;
    int length = signed_again ? i2d_X509_CRL(crl, &der) : 0;
    if (length > 0)
        buffer_append(ret_der, der, (size_t)length);
    OPENSSL_free(der);
    ERR_clear_error();
    return length > 0;
}

static void judge(struct bytes bytes)
{
    struct crl_set *set = crl_set_new();
    struct checks *checks = checks_new();
    struct certificate certificate = {.x509 = end, .issuer = NULL};
    struct failure f = {0};
    json_t *evidence = NULL;
    instant now = 1795219200 * INSTANT_SECOND;
    if (crl_set_add(set, bytes, trust, &f) != (crl_set_count(set) == 1))
        abort();
    crl_judge(set, &certificate, trust, now, now + INSTANT_DAY, INSTANT_DAY, checks, &evidence);
    json_decref(evidence);
    checks_free(checks);
    crl_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_buffer) struct buffer again = {0};
    set_up();
    judge(bytes_of(data, size));
    if (sign_again(bytes_of(data, size), &again))
        judge(buffer_bytes(&again));
    return 0;
}

/* Any bytes as a revocation list, as the entries of one, and as the extensions of one, the latter
 * two signed, so that what is behind the signature is reached. What we take OpenSSL must take too,
 * with the same entries. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "signature/asn1.h"
#include "signature/crl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/crl_der.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

#define ENTRIES_MOST 4096

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

struct seen {
    struct crl_entry entries[ENTRIES_MOST];
    size_t count;
};

static bool see(void *context, const struct crl_entry *entry, struct failure *f)
{
    struct seen *seen = context;
    if (seen->count == ENTRIES_MOST)
        return failure_set(f, FAILURE_LIMIT, "enough");
    seen->entries[seen->count++] = *entry;
    return true;
}

static bool read_by(struct bytes list, size_t piece, struct seen *seen)
{
    struct crl_stream *stream = crl_stream_new(trust, see, seen);
    struct crl_facts facts;
    bool good = true;
    seen->count = 0;
    while (good && list.length > 0) {
        size_t size = list.length < piece ? list.length : piece;
        good = crl_stream_feed(stream, bytes_of(list.data, size), NULL);
        list = bytes_of(list.data + size, list.length - size);
    }
    good = good && crl_stream_end(stream, &facts, NULL);
    crl_stream_free(stream);
    return good;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void same_entry(const struct crl_entry *ours, const X509_REVOKED *theirs)
{
    const ASN1_INTEGER *number = X509_REVOKED_get0_serialNumber(theirs);
    struct serial serial;
    instant at;
    int critical;
    must(ASN1_STRING_type(number) == V_ASN1_INTEGER &&
         serial_read(bytes_of(ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number)),
                     &serial) &&
         serial_compare(&serial, &ours->serial) == 0);
    must(asn1_instant(X509_REVOKED_get0_revocationDate(theirs), &at) && at == ours->revoked_at);
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(theirs, NID_crl_reason, &critical, NULL);
    must(reason ? ASN1_ENUMERATED_get(reason) == (long)ours->reason
                : critical == -1 && ours->reason == CRL_UNSPECIFIED);
    ASN1_ENUMERATED_free(reason);
}

static void same_list(struct bytes list, const struct seen *seen)
{
    if (list.data[0] == '-')
        return; /* PEM */
    const uint8_t *at = list.data;
    _cleanup_(cleanup_crl) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)list.length);
    must(crl && at == list.data + list.length);
    must(X509_CRL_verify(crl, X509_get0_pubkey(ca.certificate)) == 1);
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    int count = sk_X509_REVOKED_num(entries);
    must((size_t)(count < 0 ? 0 : count) == seen->count);
    for (int i = 0; i < count; i++)
        same_entry(&seen->entries[i], sk_X509_REVOKED_value(entries, i));
    ERR_clear_error();
}

static void judge(struct bytes list, bool good)
{
    struct crl_set *set = crl_set_new();
    struct checks *checks = checks_new();
    struct certificate certificate = {.x509 = end, .issuer = NULL};
    struct failure f = {0};
    json_t *evidence = NULL;
    instant now = 1795219200 * INSTANT_SECOND;
    must(crl_set_add(set, list, trust, &f) == good);
    const struct crl_question question = {.set = set,
                                          .trust = trust,
                                          .applied_at = now,
                                          .now = now + INSTANT_DAY,
                                          .age_most = INSTANT_DAY};
    crl_judge(&question, &certificate, checks, &evidence);
    json_decref(evidence);
    checks_free(checks);
    crl_set_free(set);
}

static void try_list(struct bytes list)
{
    static struct seen whole, pieces;
    if (list.length == 0)
        return;
    bool good = read_by(list, list.length, &whole);
    must(read_by(list, 37, &pieces) == good); /* however it comes */
    must(!good || pieces.count == whole.count);
    if (good) {
        same_list(list, &whole);
        judge(list, good);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_buffer) struct buffer entries = {0}, extensions = {0};
    const struct bytes input = bytes_of(data, size);
    set_up();
    try_list(input);
    if (size == 0)
        return 0;
    crl_der_make(&ca, &(struct crl_der){.entries = input}, &entries);
    try_list(buffer_bytes(&entries));
    crl_der_make(&ca, &(struct crl_der){.extensions = input}, &extensions);
    try_list(buffer_bytes(&extensions));
    return 0;
}

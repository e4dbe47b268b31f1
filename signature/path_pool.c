#include "signature/path_pool.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "signature/certificate.h"
#include "signature/der.h"

typedef bool each_fn(void *context, struct bytes der, struct failure *f);

static bool each_der(struct bytes file, each_fn *each, void *context, struct failure *f)
{
    struct bytes rest = file, content;
    uint8_t tag;
    while (rest.length > 0) {
        const uint8_t *from = rest.data;
        if (!der_take_any(&rest, &tag, &content) || tag != DER_SEQUENCE)
            return failure_set(f, FAILURE_INPUT, "it should hold PEM or DER: it is neither");
        if (!each(context, bytes_of(from, (size_t)(rest.data - from)), f))
            return false;
    }
    return file.length > 0 || failure_set(f, FAILURE_INPUT, "it is empty");
}

/* 1: one more was taken, 0: there is none, -1: a failure. */
static int next_pem(BIO *in, const char *label, each_fn *each, void *context, struct failure *f)
{
    char *name = NULL, *header = NULL;
    uint8_t *data = NULL;
    long length = 0;
    int result = 1;
    if (!PEM_read_bio(in, &name, &header, &data, &length)) {
        bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        ERR_clear_error();
        if (end)
            return 0;
        failure_set(f, FAILURE_INPUT, "it holds PEM that cannot be read");
        return -1;
    }
    if (strcmp(name, label) != 0) {
        failure_set(f, FAILURE_INPUT, "it holds something else than %s", label);
        result = -1;
    } else if (!each(context, bytes_of(data, (size_t)length), f))
        result = -1;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return result;
}

bool pool_each(struct bytes file, const char *label, each_fn *each, void *context,
               struct failure *f)
{
    if (file.length == 0 || file.data[0] == DER_SEQUENCE)
        return each_der(file, each, context, f);
    if (file.length > INT32_MAX)
        return failure_set(f, FAILURE_LIMIT, "it is too large");
    _cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(file.data, (int)file.length);
    int result = 1;
    bool found = false;
    while (in && (result = next_pem(in, label, each, context, f)) == 1)
        found = true;
    if (result == 0 && !found)
        return failure_set(f, FAILURE_INPUT, "it holds no %s, neither in PEM nor in DER", label);
    return result == 0;
}

static bool add_certificate(void *context, struct bytes der, struct failure *f)
{
    STACK_OF(X509) *list = context;
    const uint8_t *at = der.data;
    if (sk_X509_num(list) >= POOL_MOST)
        return failure_set(f, FAILURE_LIMIT, "there are more than %d certificates", POOL_MOST);
    _cleanup_(cleanup_x509) X509 *x509 =
        der_strict(der) ? d2i_X509(NULL, &at, (long)der.length) : NULL;
    ERR_clear_error();
    if (!x509)
        return failure_set(f, FAILURE_INPUT, "it holds what is no certificate in DER");
    if (!sk_X509_push(list, x509))
        abort();
    x509 = NULL;
    return true;
}

static bool add_crl(void *context, struct bytes der, struct failure *f)
{
    STACK_OF(X509_CRL) *list = context;
    const uint8_t *at = der.data;
    if (sk_X509_CRL_num(list) >= POOL_MOST)
        return failure_set(f, FAILURE_LIMIT, "there are more than %d CRLs", POOL_MOST);
    _cleanup_(cleanup_crl) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.length);
    ERR_clear_error();
    if (!crl || at != der.data + der.length)
        return failure_set(f, FAILURE_INPUT, "it holds what is no CRL in DER");
    if (!sk_X509_CRL_push(list, crl))
        abort();
    crl = NULL;
    return true;
}

bool path_pool_add(struct path_input *input, enum pool_kind kind, struct bytes file,
                   struct failure *f)
{
    if (!input->anchors) {
        input->anchors = sk_X509_new_null();
        input->untrusted = sk_X509_new_null();
        input->crls = sk_X509_CRL_new_null();
    }
    if (kind == POOL_CRLS)
        return pool_each(file, "X509 CRL", add_crl, input->crls, f);
    return pool_each(file, "CERTIFICATE", add_certificate,
                     kind == POOL_ANCHORS ? input->anchors : input->untrusted, f);
}

bool path_pool_pinned(const struct path_input *input, const char *const *pins, size_t count,
                      struct failure *f)
{
    for (int i = 0; count > 0 && i < sk_X509_num(input->anchors); i++) {
        char fingerprint[65];
        bool pinned = false;
        certificate_sha256(sk_X509_value(input->anchors, i), fingerprint);
        for (size_t k = 0; k < count; k++)
            pinned = pinned || strcasecmp(pins[k], fingerprint) == 0;
        if (!pinned)
            return failure_set(f, FAILURE_USAGE, "the anchor %s is not pinned", fingerprint);
    }
    return true;
}

void path_pool_free(struct path_input *input)
{
    sk_X509_pop_free(input->anchors, X509_free);
    sk_X509_pop_free(input->untrusted, X509_free);
    sk_X509_CRL_pop_free(input->crls, X509_CRL_free);
    input->anchors = input->untrusted = NULL;
    input->crls = NULL;
}

bool path_judge_der(struct bytes der, const struct path_input *input, struct checks *checks)
{
    const uint8_t *at = der.data;
    _cleanup_(cleanup_x509) X509 *x509 =
        der_strict(der) ? d2i_X509(NULL, &at, (long)der.length) : NULL;
    ERR_clear_error();
    if (!x509)
        return checks_fail(checks, "path.form", "CHAIN_CONSTRAINTS_FAILURE",
                           "certificate-malformed",
                           "the bytes are not one certificate in canonical DER");
    return path_judge(x509, input, checks);
}

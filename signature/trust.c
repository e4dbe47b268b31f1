#include "signature/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/der.h"
#include "signature/jpki_roots.h"

#define ANCHORS_MAX 64

struct anchor {
    X509 *x509;
    uint8_t fingerprint[32];
};

struct trust {
    enum trust_mode mode;
    struct anchor anchors[ANCHORS_MAX];
    size_t count;
    char **policies;
    size_t policy_count;
};

DEFINE_CLEANUP(cleanup_trust, struct trust *, trust_free)

void trust_free(struct trust *trust)
{
    if (!trust)
        return;
    for (size_t i = 0; i < trust->count; i++)
        X509_free(trust->anchors[i].x509);
    for (size_t i = 0; i < trust->policy_count; i++)
        free(trust->policies[i]);
    free(trust->policies);
    free(trust);
}

size_t trust_count(const struct trust *trust)
{
    return trust->count;
}

const char *trust_fingerprint(const struct trust *trust, size_t index, char text[65])
{
    return hex_encode(trust->anchors[index].fingerprint, 32, text);
}

size_t trust_policy_count(const struct trust *trust)
{
    return trust->policy_count;
}

const char *trust_policy_at(const struct trust *trust, size_t index)
{
    return trust->policies[index];
}

enum trust_mode trust_mode(const struct trust *trust)
{
    return trust->mode;
}

bool trust_holds(const struct trust *trust, const X509 *certificate)
{
    for (size_t i = 0; i < trust->count; i++)
        if (X509_cmp(trust->anchors[i].x509, certificate) == 0)
            return true;
    return false;
}

static bool pinned(const struct trust_options *options, const uint8_t fingerprint[32])
{
    for (size_t i = 0; i < options->pin_count; i++) {
        uint8_t pin[32];
        if (strlen(options->pins[i]) == 64 && hex_decode(options->pins[i], pin, sizeof pin) &&
            memcmp(pin, fingerprint, sizeof pin) == 0)
            return true;
    }
    return false;
}

/* Which hierarchy a root belongs to decides where it may be trusted: the real one and the made-up
 * one never meet in one server. */
static bool belongs(const struct trust *trust, const struct anchor *anchor, const char *path,
                    struct failure *f)
{
    if (trust->mode == TRUST_PRODUCTION && !jpki_root_known(anchor->fingerprint))
        return failure_set(f, FAILURE_USAGE,
                           "%s holds a certificate that is not a root of the JPKI signing CA known "
                           "to this version: in production mode only those can be anchors",
                           path);
    if (trust->mode == TRUST_SANDBOX &&
        asn1_organization_is(X509_get_subject_name(anchor->x509), "JPKI"))
        return failure_set(f, FAILURE_USAGE,
                           "%s holds a real root (O=JPKI): sandbox mode must not trust it; set the "
                           "trust mode to production",
                           path);
    return true;
}

static bool is_root(X509 *x509)
{
    return X509_get_version(x509) == X509_VERSION_3 && X509_check_ca(x509) == 1 &&
           (X509_get_extension_flags(x509) & EXFLAG_KUSAGE) &&
           (X509_get_key_usage(x509) & KU_KEY_CERT_SIGN) && X509_self_signed(x509, 1) == 1 &&
           signature_nid_allowed(X509_get_signature_nid(x509)) &&
           key_allowed(X509_get0_pubkey(x509));
}

static bool known_already(const struct trust *trust, const uint8_t fingerprint[32])
{
    for (size_t i = 0; i < trust->count; i++)
        if (memcmp(trust->anchors[i].fingerprint, fingerprint, 32) == 0)
            return true;
    return false;
}

/* Takes a reference of its own. */
static bool add_anchor(struct trust *trust, const struct trust_options *options, X509 *x509,
                       const char *path, struct failure *f)
{
    struct anchor anchor = {.x509 = x509};
    unsigned length = sizeof anchor.fingerprint;
    char text[65];
    if (!X509_digest(x509, digest_md(DIGEST_SHA256), anchor.fingerprint, &length))
        return failure_set(f, FAILURE_INPUT, "%s holds a certificate that cannot be hashed", path);
    hex_encode(anchor.fingerprint, sizeof anchor.fingerprint, text);
    if (!options->named && !pinned(options, anchor.fingerprint))
        return failure_set(f, FAILURE_USAGE,
                           "%s holds a certificate that is not pinned: check its origin, then add "
                           "its SHA-256 %s to the pins",
                           path, text);
    if (!is_root(x509))
        return failure_set(f, FAILURE_USAGE,
                           "%s: certificate %s is not a self-signed CA with an allowed key", path,
                           text);
    if (!belongs(trust, &anchor, path, f))
        return false;
    if (known_already(trust, anchor.fingerprint))
        return true;
    if (trust->count == ANCHORS_MAX)
        return failure_set(f, FAILURE_LIMIT, "%s: more than %d anchors", path, ANCHORS_MAX);
    X509_up_ref(x509);
    trust->anchors[trust->count++] = anchor;
    return true;
}

/* One certificate in DER, and nothing behind it. */
static bool add_der(struct trust *trust, const struct trust_options *options, FILE *file,
                    const char *path, struct failure *f)
{
    _cleanup_(cleanup_x509) X509 *x509 = d2i_X509_fp(file, NULL);
    bool whole = x509 && fgetc(file) == EOF;
    ERR_clear_error();
    if (!whole)
        return failure_set(f, FAILURE_INPUT, "%s is not exactly one certificate in DER", path);
    return add_anchor(trust, options, x509, path, f);
}

static bool is_der(FILE *file)
{
    int first = fgetc(file);
    ungetc(first, file);
    return first == DER_SEQUENCE;
}

static bool add_file(struct trust *trust, const struct trust_options *options, const char *path,
                     struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "the trust anchors %s cannot be opened", path);
    if (is_der(file))
        return add_der(trust, options, file, path, f);
    size_t found = 0;
    for (;; found++) {
        ERR_clear_error();
        _cleanup_(cleanup_x509) X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
        if (!x509)
            break;
        if (!add_anchor(trust, options, x509, path, f))
            return false;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end || found == 0)
        return failure_set(f, FAILURE_INPUT, "%s %s: it should hold certificates in PEM form", path,
                           found ? "holds something that is no certificate"
                                 : "holds no certificate");
    return true;
}

static void copy_policies(struct trust *trust, const struct trust_options *options)
{
    trust->policies = memory_allocate((options->policy_count + 1) * sizeof *trust->policies);
    for (size_t i = 0; i < options->policy_count; i++)
        trust->policies[trust->policy_count++] = text_copy(options->policies[i]);
}

bool trust_load(const struct trust_options *options, struct trust **ret_trust, struct failure *f)
{
    _cleanup_(cleanup_trust) struct trust *trust = memory_allocate(sizeof *trust);
    trust->mode = options->mode;
    if (options->policy_count == 0)
        return failure_set(f, FAILURE_USAGE,
                           "no certificate policy is configured: no application could be accepted");
    copy_policies(trust, options);
    for (size_t i = 0; i < options->anchor_count; i++)
        if (!add_file(trust, options, options->anchors[i], f))
            return false;
    if (trust->count == 0)
        return failure_set(f, FAILURE_USAGE,
                           "no trust anchor is configured: no application could be accepted");
    *ret_trust = TAKE(trust);
    return true;
}

/* An absent key id on either side leaves the choice to the signature. */
static bool key_id_fits(const ASN1_OCTET_STRING *wanted, X509 *anchor)
{
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(anchor);
    return !wanted || !own || ASN1_OCTET_STRING_cmp(wanted, own) == 0;
}

X509 *trust_issuer(const struct trust *trust, X509 *certificate, bool *ret_name_known)
{
    *ret_name_known = false;
    for (size_t i = 0; i < trust->count; i++) {
        X509 *anchor = trust->anchors[i].x509;
        if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(anchor)) != 0)
            continue;
        *ret_name_known = true;
        if (!key_id_fits(X509_get0_authority_key_id(certificate), anchor))
            continue;
        int verified = X509_verify(certificate, X509_get0_pubkey(anchor));
        ERR_clear_error();
        if (verified == 1)
            return anchor;
    }
    return NULL;
}

bool trust_name_known(const struct trust *trust, const X509_NAME *name)
{
    for (size_t i = 0; i < trust->count; i++)
        if (X509_NAME_cmp(name, X509_get_subject_name(trust->anchors[i].x509)) == 0)
            return true;
    return false;
}

X509 *trust_list_issuer(const struct trust *trust, const struct list_signature *signature)
{
    for (size_t i = 0; i < trust->count; i++) {
        X509 *anchor = trust->anchors[i].x509;
        if (X509_NAME_cmp(signature->issuer, X509_get_subject_name(anchor)) == 0 &&
            key_id_fits(signature->key_id, anchor) && X509_get_key_usage(anchor) & KU_CRL_SIGN &&
            signature_hash_holds(signature->algorithm, X509_get0_pubkey(anchor), signature->hash,
                                 signature->value))
            return anchor;
    }
    return NULL;
}

bool trust_policy_accepted(const struct trust *trust, const char *oid)
{
    for (size_t i = 0; i < trust->policy_count; i++)
        if (strcmp(trust->policies[i], oid) == 0)
            return true;
    return false;
}

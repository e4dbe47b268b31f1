#include "signature/path.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/certificate.h"
#include "signature/extensions.h"
#include "signature/path_internal.h"

DEFINE_CLEANUP(cleanup_store, X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(cleanup_context, X509_STORE_CTX *, X509_STORE_CTX_free)
DEFINE_CLEANUP(cleanup_stack, STACK_OF(X509) *, sk_X509_free)

/* What OpenSSL may find, and under which check, sub-indication and reason it is told. */
static const struct kind {
    const char *check, *sub_indication, *reason;
    int errors[14]; /* 0 ends; the last kind takes what is not listed */
} kinds[] = {
    {"path.issuer",
     "NO_CERTIFICATE_CHAIN_FOUND",
     "certificate-issuer-unknown",
     {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_SUBJECT_ISSUER_MISMATCH,
      X509_V_ERR_AKID_SKID_MISMATCH, X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH}},
    {"path.not-before",
     "NOT_YET_VALID",
     "certificate-not-yet-valid",
     {X509_V_ERR_CERT_NOT_YET_VALID}},
    {"path.not-after", "EXPIRED", "certificate-expired", {X509_V_ERR_CERT_HAS_EXPIRED}},
    {"path.times",
     "CHAIN_CONSTRAINTS_FAILURE",
     "certificate-malformed",
     {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD}},
    {"path.ca",
     "CHAIN_CONSTRAINTS_FAILURE",
     "certificate-chain-ca",
     {X509_V_ERR_INVALID_CA, X509_V_ERR_KEYUSAGE_NO_CERTSIGN, X509_V_ERR_INVALID_NON_CA,
      X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED}},
    {"path.length",
     "CHAIN_CONSTRAINTS_FAILURE",
     "certificate-path-length",
     {X509_V_ERR_PATH_LENGTH_EXCEEDED, X509_V_ERR_CERT_CHAIN_TOO_LONG}},
    {"path.names",
     "CHAIN_CONSTRAINTS_FAILURE",
     "certificate-name-constraints",
     {X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION, X509_V_ERR_SUBTREE_MINMAX,
      X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
      X509_V_ERR_UNSUPPORTED_NAME_SYNTAX}},
    {"path.extensions",
     "CHAIN_CONSTRAINTS_FAILURE",
     "certificate-extension",
     {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, X509_V_ERR_INVALID_EXTENSION}},
    {"path.policy",
     "POLICY_PROCESSING_ERROR",
     "certificate-policy",
     {X509_V_ERR_NO_EXPLICIT_POLICY, X509_V_ERR_INVALID_POLICY_EXTENSION}},
    {"path.work", /* a tree of policies, or of names against constraints, without measure */
     "CHAIN_CONSTRAINTS_FAILURE",
     "certificate-malformed",
     {X509_V_ERR_OUT_OF_MEM, X509_V_ERR_UNSPECIFIED}},
    {"path.signature", "CERTIFICATE_CHAIN_GENERAL_FAILURE", "certificate-untrusted", {0}},
};

#define KINDS (sizeof kinds / sizeof *kinds)

/* The first of each kind that was found. */
struct faults {
    const struct path *path;
    instant at;
    struct {
        int error, index;
    } found[KINDS];
};

static size_t kind_of(int error)
{
    for (size_t k = 0; k < KINDS - 1; k++)
        for (size_t i = 0; kinds[k].errors[i]; i++)
            if (kinds[k].errors[i] == error)
                return k;
    return KINDS - 1;
}

/* notAfter includes its second (RFC 5280 §4.1.2.5); to OpenSSL that is when it has expired. */
static bool in_last_second(const X509 *x509, instant at)
{
    instant to;
    return x509 && asn1_instant(X509_get0_notAfter(x509), &to) && at < to + INSTANT_SECOND;
}

/* Notes what was found and has OpenSSL go on: a report tells all that is wrong. */
static int note(int ok, X509_STORE_CTX *context)
{
    struct faults *faults = X509_STORE_CTX_get_app_data(context);
    int error = X509_STORE_CTX_get_error(context);
    if (ok || (error == X509_V_ERR_CERT_HAS_EXPIRED &&
               in_last_second(X509_STORE_CTX_get_current_cert(context), faults->at)))
        return 1;
    size_t k = kind_of(error);
    if (!faults->found[k].error) {
        faults->found[k].error = error;
        faults->found[k].index = X509_STORE_CTX_get_error_depth(context);
    }
    return 1;
}

void path_input_certificate(struct checks *checks, int index, const X509 *x509)
{
    char fingerprint[65];
    checks_input(checks, "certificate_index", "%d", index);
    if (!x509)
        return;
    certificate_sha256(x509, fingerprint);
    checks_input(checks, "certificate_sha256", "%s", fingerprint);
}

static X509 *at_index(const struct path *path, int index)
{
    return index >= 0 && (size_t)index < path->length ? path->certificates[index] : NULL;
}

static void tell_faults(const struct faults *faults, const struct path *path, struct checks *checks)
{
    for (size_t k = 0; k < KINDS; k++) {
        int error = faults->found[k].error, index = faults->found[k].index;
        if (!error) {
            checks_pass(checks, kinds[k].check, "good");
            continue;
        }
        path_input_certificate(checks, index, at_index(path, index));
        bool work = error == X509_V_ERR_OUT_OF_MEM || error == X509_V_ERR_UNSPECIFIED;
        checks_fail(checks, kinds[k].check, kinds[k].sub_indication, kinds[k].reason,
                    "certificate %d of the path: %s", index,
                    work ? "its policies or names would take too much work to judge"
                         : X509_verify_cert_error_string(error));
    }
}

/* Of each certificate but the anchor, which is trusted as it is. */
static void judge_forms(const struct path *path, struct checks *checks)
{
    static const char name[] = "path.form";
    for (size_t i = 0; i + 1 < path->length; i++) {
        const char *fault = certificate_form_fault(path->certificates[i]);
        const char *extensions = extensions_fault(path->certificates[i]);
        if (!fault && !extensions)
            continue;
        path_input_certificate(checks, (int)i, path->certificates[i]);
        checks_fail(checks, name, "CHAIN_CONSTRAINTS_FAILURE",
                    fault ? "certificate-malformed" : "certificate-extension",
                    "certificate %zu of the path: %s", i, fault ? fault : extensions);
        return;
    }
    checks_pass(checks, name, "canonical");
}

/* The anchor's key counts, the signature on it does not. */
static void judge_algorithms(const struct path *path, struct checks *checks)
{
    static const char name[] = "path.algorithm";
    for (size_t i = 0; i < path->length; i++) {
        X509 *x509 = path->certificates[i];
        bool anchor = i + 1 == path->length;
        if ((anchor || signature_nid_allowed(X509_get_signature_nid(x509))) &&
            key_allowed(X509_get0_pubkey(x509)))
            continue;
        path_input_certificate(checks, (int)i, x509);
        checks_input(checks, "algorithm", "%s", OBJ_nid2sn(X509_get_signature_nid(x509)));
        checks_fail(checks, name, "CRYPTO_CONSTRAINTS_FAILURE", "certificate-algorithm",
                    "certificate %zu of the path: its key, or the algorithm it is signed with, is "
                    "not allowed",
                    i);
        return;
    }
    checks_pass(checks, name, "allowed throughout");
}

static void set_policies(X509_VERIFY_PARAM *param, const struct path_input *input)
{
    unsigned long flags = X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_PARTIAL_CHAIN;
    flags |= input->explicit_policy ? X509_V_FLAG_EXPLICIT_POLICY : 0;
    flags |= input->inhibit_mapping ? X509_V_FLAG_INHIBIT_MAP : 0;
    flags |= input->inhibit_any ? X509_V_FLAG_INHIBIT_ANY : 0;
    X509_VERIFY_PARAM_set_flags(param, flags);
    if (input->policy_count == 0) /* RFC 5280 §6.1.1 (c): no set is any-policy */
        X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy));
    for (size_t i = 0; i < input->policy_count; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(input->policies[i], 1);
        if (oid && !X509_VERIFY_PARAM_add0_policy(param, oid))
            ASN1_OBJECT_free(oid);
    }
}

/* It goes the path that was found, also where two certificates of one authority would fit. The
 * issuer of a list has a path of its own. */
static int is_next(X509_STORE_CTX *context, X509 *x509, X509 *issuer)
{
    if (X509_STORE_CTX_get0_parent_ctx(context))
        return X509_check_issued(issuer, x509) == X509_V_OK;
    const struct faults *faults = X509_STORE_CTX_get_app_data(context);
    const struct path *path = faults->path;
    for (size_t i = 0; i + 1 < path->length; i++)
        if (X509_cmp(path->certificates[i], x509) == 0)
            return X509_cmp(path->certificates[i + 1], issuer) == 0;
    return 0;
}

/* Nothing is in its reach but this path. The context borrows `store` and `between`. */
static X509_STORE_CTX *context_for(const struct path *path, const struct path_input *input,
                                   X509_STORE *store, STACK_OF(X509) * between)
{
    _cleanup_(cleanup_context) X509_STORE_CTX *context = X509_STORE_CTX_new();
    for (size_t i = 1; i + 1 < path->length; i++)
        if (!sk_X509_push(between, path->certificates[i]))
            abort();
    if (store)
        X509_STORE_set_check_issued(store, is_next);
    if (!store || !context || !X509_STORE_add_cert(store, path->certificates[path->length - 1]) ||
        !X509_STORE_CTX_init(context, store, path->certificates[0], between))
        abort(); /* only for want of memory */
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)(input->at / INSTANT_SECOND));
    X509_VERIFY_PARAM_set_depth(param, PATH_LENGTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, 0); /* the allow-list decides */
    set_policies(param, input);
    X509_STORE_CTX_set_verify_cb(context, note);
    return TAKE(context);
}

static void tell_path(const struct path *path, const struct path_input *input,
                      struct checks *checks)
{
    char text[INSTANT_TEXT], fingerprint[65];
    _cleanup_(cleanup_buffer) struct buffer list = {0};
    for (size_t i = 0; i < path->length; i++) {
        certificate_sha256(path->certificates[i], fingerprint);
        buffer_format(&list, "%s%s", i ? " " : "", fingerprint);
    }
    checks_input(checks, "at", "%s", instant_text_jst(input->at, text));
    checks_input(checks, "path_sha256", "%s", buffer_text(&list));
    checks_pass(checks, "path.build", "%zu certificates from the leaf to an anchor", path->length);
}

static struct checks *judge_path(const struct path *path, const struct path_input *input)
{
    struct checks *checks = checks_new();
    struct faults faults = {.path = path, .at = input->at};
    _cleanup_(cleanup_stack) STACK_OF(X509) *between = sk_X509_new_null();
    _cleanup_(cleanup_store) X509_STORE *store = X509_STORE_new();
    _cleanup_(cleanup_context) X509_STORE_CTX *context = context_for(path, input, store, between);
    X509_STORE_CTX_set_app_data(context, &faults);
    tell_path(path, input, checks);
    judge_forms(path, checks);
    judge_algorithms(path, checks);
    if (X509_verify_cert(context) <= 0) {
        /* It stopped without asking: what it says is the fault, and there must be one. */
        if (X509_STORE_CTX_get_error(context) == X509_V_OK)
            X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED);
        note(0, context);
    }
    tell_faults(&faults, path, checks);
    if (checks_indication(checks) == TOTAL_PASSED && !input->no_revocation && path->length > 1)
        path_judge_revocation(context, input, checks);
    ERR_clear_error();
    return checks;
}

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

struct best {
    const struct path_input *input;
    struct checks *checks;
};

/* A path by a key that signed nothing of it says least. */
static int badness(const struct checks *checks)
{
    const char *reason = checks_reason(checks);
    return 2 * (int)checks_indication(checks) +
           (reason && strcmp(reason, "certificate-untrusted") == 0);
}

static bool keep_better(void *context, const struct path *path)
{
    struct best *best = context;
    _cleanup_(cleanup_checks) struct checks *checks = judge_path(path, best->input);
    bool good = checks_indication(checks) == TOTAL_PASSED;
    if (!best->checks || badness(checks) < badness(best->checks)) {
        struct checks *worse = best->checks;
        best->checks = checks;
        checks = worse;
    }
    return good;
}

bool path_judge(X509 *leaf, const struct path_input *input, struct checks *checks)
{
    struct best best = {.input = input};
    bool limit;
    size_t tries = path_each(leaf, input, keep_better, &best, &limit);
    checks_input(checks, "anchors", "%d", sk_X509_num(input->anchors));
    checks_input(checks, "untrusted", "%d", sk_X509_num(input->untrusted));
    checks_input(checks, "paths", "%zu", tries);
    if (tries == 0) {
        path_input_certificate(checks, 0, leaf);
        return checks_fail(checks, "path.found", "NO_CERTIFICATE_CHAIN_FOUND",
                           "certificate-issuer-unknown", "no path leads to an anchor%s",
                           limit ? " within the limits of length and steps" : "");
    }
    checks_pass(checks, "path.found", "%s%s", "a path leads to an anchor",
                limit ? "; some were left out by the limits" : "");
    checks_append(checks, best.checks);
    checks_free(best.checks);
    return checks_indication(checks) == TOTAL_PASSED;
}

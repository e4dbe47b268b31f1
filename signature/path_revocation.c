#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/extensions.h"
#include "signature/path_internal.h"

#define CULPRITS_MAX 32 /* lists that may be left aside, one after the other */

DEFINE_CLEANUP(cleanup_crls, STACK_OF(X509_CRL) *, sk_X509_CRL_free)
DEFINE_CLEANUP(cleanup_idp, ISSUING_DIST_POINT *, ISSUING_DIST_POINT_free)

struct finding {
    int error, index;
    X509 *x509;        /* borrowed from the path */
    X509_CRL *culprit; /* the list that could not be used, or a delta of it; NULL */
    X509 *issuer;      /* the culprit's, when it is known; borrowed */
    bool listed, revoked, hold;
    instant date;
};

struct look {
    const struct path_input *input;
    STACK_OF(X509_CRL) * usable;
    struct finding finding;
};

enum use { USE_GOOD, USE_STALE, USE_ALGORITHM, USE_NEVER };

static bool time_read(const ASN1_TIME *time, instant *ret_at)
{
    return time && asn1_instant(time, ret_at);
}

static bool of_some_reasons(const X509_CRL *crl)
{
    _cleanup_(cleanup_idp) ISSUING_DIST_POINT *point =
        X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    return point && point->onlysomereasons;
}

static bool is_delta(const X509_CRL *crl)
{
    return X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0;
}

/* OpenSSL would take a delta CRL of some reasons for a complete one. One that is left aside costs
 * nothing: they are an addition (RFC 5280 §5.2.4). */
static enum use use_of(const X509_CRL *crl, const struct path_input *input)
{
    instant from, to, latest = input->at > input->now ? input->at : input->now;
    if (!time_read(X509_CRL_get0_lastUpdate(crl), &from) || from > latest ||
        extensions_twice(X509_CRL_get0_extensions(crl)) || (is_delta(crl) && of_some_reasons(crl)))
        return USE_NEVER;
    if (!signature_nid_allowed(X509_CRL_get_signature_nid(crl)))
        return USE_ALGORITHM;
    if (from >= input->at)
        return USE_GOOD;
    return time_read(X509_CRL_get0_nextUpdate(crl), &to) && to >= input->at ? USE_GOOD : USE_STALE;
}

static bool is_list_error(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_CERT_REVOKED:
        return true;
    default:
        return false;
    }
}

/* Of the certificate's entries that count at `at`: one for good outweighs one on hold, then the
 * earliest. */
static void note_entry(X509_CRL *crl, X509 *x509, instant at, struct finding *finding)
{
    X509_REVOKED *entry;
    instant date;
    if (!crl || X509_CRL_get0_by_cert(crl, &entry, x509) != 1)
        return;
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    bool hold = reason && ASN1_ENUMERATED_get(reason) == CRL_REASON_CERTIFICATE_HOLD;
    ASN1_ENUMERATED_free(reason);
    if (!asn1_instant(X509_REVOKED_get0_revocationDate(entry), &date))
        date = 0; /* a date that nobody can read revokes at once */
    finding->listed = true;
    if (date > at || (finding->revoked &&
                      (hold > finding->hold || (hold == finding->hold && date >= finding->date))))
        return;
    finding->revoked = true;
    finding->date = date;
    finding->hold = hold;
}

static bool delta_fits(const X509_CRL *delta, const struct finding *finding)
{
    return is_delta(delta) && finding->culprit &&
           X509_NAME_cmp(X509_CRL_get_issuer(delta), X509_CRL_get_issuer(finding->culprit)) == 0;
}

/* With the key of the list that it adds to. */
static bool delta_signed(X509_CRL *delta, const struct finding *finding)
{
    return finding->issuer && X509_CRL_verify(delta, X509_get0_pubkey(finding->issuer)) == 1;
}

/* OpenSSL tells which complete list it used, not whether a delta CRL held the entry. */
static bool revoked_at(const struct look *look, struct finding *finding)
{
    instant at = look->input->at;
    note_entry(finding->culprit, finding->x509, at, finding);
    for (int i = 0; finding->culprit && i < sk_X509_CRL_num(look->usable); i++) {
        X509_CRL *delta = sk_X509_CRL_value(look->usable, i);
        if (delta_fits(delta, finding) && delta_signed(delta, finding))
            note_entry(delta, finding->x509, at, finding);
    }
    return finding->revoked || !finding->listed;
}

/* The path of a list's issuer is read without a look at the time: it is looked at here. */
static bool issuer_good(X509_STORE_CTX *context, const struct path_input *input)
{
    X509 *x509 = X509_STORE_CTX_get_current_cert(context);
    int last = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
    bool anchor = X509_STORE_CTX_get_error_depth(context) == last;
    instant from, to;
    return asn1_instant(X509_get0_notBefore(x509), &from) &&
           asn1_instant(X509_get0_notAfter(x509), &to) && input->at >= from &&
           input->at < to + INSTANT_SECOND && key_allowed(X509_get0_pubkey(x509)) &&
           (anchor || signature_nid_allowed(X509_get_signature_nid(x509)));
}

static int decide_error(X509_STORE_CTX *context, struct look *look, bool nested)
{
    int error = X509_STORE_CTX_get_error(context);
    int index = X509_STORE_CTX_get_error_depth(context);
    int last = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
    struct finding finding = {.error = error,
                              .index = index,
                              .x509 = X509_STORE_CTX_get_current_cert(context),
                              .culprit = X509_STORE_CTX_get0_current_crl(context),
                              .issuer = X509_STORE_CTX_get0_current_issuer(context)};
    if (index == last && is_list_error(error))
        return 1; /* nobody revokes an anchor */
    if (error == X509_V_ERR_CERT_REVOKED) {
        if (!revoked_at(look, &finding))
            return 1;
        finding.revoked = true;
    }
    if (!nested)
        look->finding = finding;
    return 0;
}

static int on_event(int ok, X509_STORE_CTX *context)
{
    X509_STORE_CTX *parent = X509_STORE_CTX_get0_parent_ctx(context);
    struct look *look = X509_STORE_CTX_get_app_data(parent ? parent : context);
    if (!ok)
        return decide_error(context, look, parent);
    if (!parent || issuer_good(context, look->input))
        return 1;
    X509_STORE_CTX_set_error(context, X509_V_ERR_CRL_PATH_VALIDATION_ERROR);
    return 0;
}

static void tell_undecided(const struct look *look, const struct finding *finding,
                           struct checks *checks)
{
    static const struct {
        const char *sub_indication, *reason, *text;
    } words[] = {
        [USE_STALE] = {"TRY_LATER", "revocation-stale",
                       "its issuer's CRL was not current at that time"},
        [USE_ALGORITHM] = {"CRYPTO_CONSTRAINTS_FAILURE", "revocation-algorithm",
                           "its issuer's CRL is signed with an algorithm that is not allowed"},
        [USE_NEVER] = {"TRY_LATER", "revocation-unavailable", NULL},
    };
    enum use why = USE_NEVER;
    for (int i = 0; finding->x509 && i < sk_X509_CRL_num(look->input->crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(look->input->crls, i);
        enum use use = use_of(crl, look->input);
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(finding->x509)) == 0 &&
            use != USE_GOOD && use < why)
            why = use;
    }
    bool missing =
        finding->error == X509_V_ERR_UNABLE_TO_GET_CRL ||
        finding->error == X509_V_ERR_DIFFERENT_CRL_SCOPE; /* another's, for want of one */
    if (!missing)
        why = USE_NEVER;
    checks_undecided(checks, "path.revocation", words[why].sub_indication, words[why].reason,
                     "certificate %d of the path: %s", finding->index,
                     words[why].text ? words[why].text
                                     : X509_verify_cert_error_string(finding->error));
}

static void tell(const struct look *look, const struct finding *finding, struct checks *checks)
{
    static const char name[] = "path.revocation";
    char text[INSTANT_TEXT];
    path_input_certificate(checks, finding->index, finding->x509);
    if (!finding->revoked) {
        tell_undecided(look, finding, checks);
        return;
    }
    checks_input(checks, "revocation_date", "%s", instant_text_jst(finding->date, text));
    if (finding->hold)
        checks_undecided(checks, name, "TRY_LATER", "revocation-on-hold",
                         "certificate %d of the path is suspended, which may be lifted",
                         finding->index);
    else
        checks_fail(checks, name, "REVOKED", "certificate-revoked",
                    "certificate %d of the path was revoked", finding->index);
}

static bool look_once(X509_STORE_CTX *context, struct look *look)
{
    memset(&look->finding, 0, sizeof look->finding);
    X509_STORE_CTX_set_error(context, X509_V_OK);
    X509_STORE_CTX_set0_crls(context, look->usable);
    bool good = X509_STORE_CTX_get_check_revocation(context)(context) > 0;
    ERR_clear_error();
    return good;
}

/* OpenSSL does not tell a fault of the delta from one of the list: deltas that another key signed
 * go first. */
static bool leave_aside(struct look *look)
{
    const struct finding *finding = &look->finding;
    STACK_OF(X509_CRL) *lists = look->usable;
    int count = sk_X509_CRL_num(lists);
    for (int i = count - 1; finding->issuer && i >= 0; i--)
        if (delta_fits(sk_X509_CRL_value(lists, i), finding) &&
            !delta_signed(sk_X509_CRL_value(lists, i), finding))
            sk_X509_CRL_delete(lists, i);
    if (sk_X509_CRL_num(lists) < count)
        return true;
    for (int i = 0; finding->culprit && i < count; i++)
        if (sk_X509_CRL_value(lists, i) == finding->culprit)
            return sk_X509_CRL_delete(lists, i);
    return false;
}

/* A list that cannot be used must not stand in the way of one that can: it is left aside, and the
 * first complaint is told when nothing better comes of it. */
static bool look_until_told(X509_STORE_CTX *context, struct look *look)
{
    struct finding first = {0};
    for (int i = 0; i < CULPRITS_MAX; i++) {
        if (look_once(context, look))
            return true;
        if (look->finding.revoked)
            return false;
        if (i == 0)
            first = look->finding;
        if (!leave_aside(look))
            break;
    }
    look->finding = first;
    return false;
}

void path_judge_revocation(X509_STORE_CTX *context, const struct path_input *input,
                           struct checks *checks)
{
    _cleanup_(cleanup_crls) STACK_OF(X509_CRL) *usable = sk_X509_CRL_new_null();
    struct look look = {.input = input, .usable = usable};
    for (int i = 0; i < sk_X509_CRL_num(input->crls); i++)
        if (use_of(sk_X509_CRL_value(input->crls, i), input) == USE_GOOD &&
            !sk_X509_CRL_push(usable, sk_X509_CRL_value(input->crls, i)))
            abort();
    checks_input(checks, "crls", "%d", sk_X509_CRL_num(input->crls));
    checks_input(checks, "crls_usable", "%d", sk_X509_CRL_num(usable));
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    /* Times are judged here: OpenSSL would prefer an old list that was current then to a later one
     * that knows more. */
    X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME);
    X509_VERIFY_PARAM_set_flags(
        param, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
                   X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS);
    X509_STORE_CTX_set0_untrusted(context, input->untrusted);
    X509_STORE_CTX_set_verify_cb(context, on_event);
    X509_STORE_CTX_set_app_data(context, &look);
    if (look_until_told(context, &look))
        checks_pass(checks, "path.revocation", "no certificate of the path was revoked");
    else
        tell(&look, &look.finding, checks);
}

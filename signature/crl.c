#include "signature/crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"
#include "signature/asn1.h"

DEFINE_CLEANUP(cleanup_points, CRL_DIST_POINTS *, CRL_DIST_POINTS_free)

/* How far the issuer's clock may run before ours. */
#define CLOCK_SKEW_MOST (5 * 60 * INSTANT_SECOND)

/* An entry stays on one regular list issued beyond the certificate's validity (RFC 5280 §3.3), and
 * JPKI's lists come daily (reference §1.6): for so long a list may still be silent about nobody. */
#define EXPIRED_LISTED (INSTANT_DAY)

struct crl_set {
    struct crl_index **lists;
    size_t count;
};

struct crl_set *crl_set_new(void)
{
    return memory_allocate(sizeof(struct crl_set));
}

void crl_set_free(struct crl_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        crl_index_free(set->lists[i]);
    free(set->lists);
    free(set);
}

size_t crl_set_count(const struct crl_set *set)
{
    return set->count;
}

const struct crl_index *crl_set_at(const struct crl_set *set, size_t i)
{
    return set->lists[i];
}

struct crl_index *crl_set_release(struct crl_set *set, size_t i)
{
    struct crl_index *index = set->lists[i];
    set->lists[i] = set->lists[--set->count];
    return index;
}

/* Its place in the set; the set's count when there is none. */
static size_t place_of(const struct crl_set *set, const char *issuer_sha256,
                       const X509_NAME *partition)
{
    size_t i = 0;
    for (; i < set->count; i++) {
        const X509_NAME *own = crl_index_partition(set->lists[i]);
        if (strcmp(crl_index_facts(set->lists[i])->issuer_sha256, issuer_sha256) == 0 &&
            !own == !partition && (!own || X509_NAME_cmp(own, partition) == 0))
            break;
    }
    return i;
}

const struct crl_index *crl_set_find(const struct crl_set *set, const char *issuer_sha256,
                                     const X509_NAME *partition)
{
    size_t i = place_of(set, issuer_sha256, partition);
    return i < set->count ? set->lists[i] : NULL;
}

void crl_set_take(struct crl_set *set, struct crl_index *index)
{
    const struct crl_facts *facts = crl_index_facts(index);
    size_t i = place_of(set, facts->issuer_sha256, crl_index_partition(index));
    if (i == set->count) {
        set->lists = memory_resize(set->lists, (set->count + 1) * sizeof *set->lists);
        set->lists[set->count++] = index;
        return;
    }
    /* Of one number there should be one list; if not, the order of loading decides nothing. */
    bool newer = crl_facts_compare(facts, crl_index_facts(set->lists[i])) > 0;
    crl_index_free(newer ? set->lists[i] : index);
    if (newer)
        set->lists[i] = index;
}

bool crl_set_add(struct crl_set *set, struct bytes list, const struct trust *trust,
                 struct failure *f)
{
    struct crl_index *index;
    if (!crl_index_of_list(list, trust, &index, f))
        return false;
    crl_set_take(set, index);
    return true;
}

bool crl_set_add_file(struct crl_set *set, const char *path, const struct trust *trust,
                      struct failure *f)
{
    struct crl_index *index;
    if (!crl_index_of_list_file(path, trust, &index, f))
        return false;
    crl_set_take(set, index);
    return true;
}

/* The certificate names its partition; only a list of that very partition speaks for it, or one
 * that covers all of the generation. */
static const struct crl_index *find(const struct crl_set *set, X509 *x509, const X509 *issuer)
{
    uint8_t fingerprint[32];
    char issuer_sha256[65];
    const struct crl_index *found = NULL;
    if (!X509_digest(issuer, openssl_sha256(), fingerprint, NULL))
        return NULL;
    hex_encode(fingerprint, sizeof fingerprint, issuer_sha256);
    _cleanup_(cleanup_points) CRL_DIST_POINTS *points =
        X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
    ERR_clear_error();
    for (int i = 0; i < sk_DIST_POINT_num(points) && !found; i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        /* A point for some reasons only, or with another issuer, is not of the profile. */
        if (point->reasons || point->CRLissuer || !asn1_directory_name(point->distpoint))
            continue;
        found = crl_set_find(set, issuer_sha256, asn1_directory_name(point->distpoint));
    }
    return found ? found : crl_set_find(set, issuer_sha256, NULL);
}

static json_t *evidence_of(const struct crl_index *list)
{
    const struct crl_facts *facts = crl_index_facts(list);
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "crl", "number", facts->number,
                     "this_update", instant_text_jst(facts->this_update, from), "next_update",
                     instant_text_jst(facts->next_update, to), "tbs_sha256", facts->tbs_sha256,
                     "index_sha256", crl_index_sha256(list));
}

static bool lookup(const struct crl_index *list, const X509 *x509, struct crl_entry *ret_entry)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    return ASN1_STRING_type(serial) == V_ASN1_INTEGER &&
           crl_index_lookup(
               list, bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
               ret_entry);
}

static const char check[] = "revocation.crl";

static void inputs_note(const struct crl_index *list, struct checks *checks)
{
    const struct crl_facts *facts = crl_index_facts(list);
    char text[INSTANT_TEXT];
    checks_input(checks, "list_number", "%s", facts->number);
    checks_input(checks, "this_update", "%s", instant_text_jst(facts->this_update, text));
    checks_input(checks, "next_update", "%s", instant_text_jst(facts->next_update, text));
    checks_input(checks, "issuer_sha256", "%s", facts->issuer_sha256);
}

/* Whether the entry of a certificate that has expired may have left the list by now. */
static bool may_have_left(const struct crl_facts *facts, const X509 *x509)
{
    instant expired;
    return !asn1_instant(X509_get0_notAfter(x509), &expired) ||
           facts->this_update > expired + EXPIRED_LISTED;
}

/* Whether the list is of a time about which it may speak. */
static bool is_current(const struct crl_question *question, const struct crl_facts *facts,
                       struct checks *checks)
{
    char text[INSTANT_TEXT], told[INSTANT_TEXT];
    instant_text_jst(facts->this_update, text);
    if (facts->this_update <= question->applied_at)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-not-yet",
                                "the list of %s was not issued after the application", text);
    if (facts->this_update > question->now + CLOCK_SKEW_MOST)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-not-yet",
                                "the list says that it was issued on %s, which is to come", text);
    if (facts->next_update < question->now &&
        question->now - facts->this_update > question->age_most)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-stale",
                                "the list of %s is too old", text);
    if (facts->this_update <= question->suspended)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-on-hold",
                                "the list of %s is no newer than what told on %s that it is "
                                "suspended",
                                text, instant_text_jst(question->suspended, told));
    return true;
}

static bool judge_list(const struct crl_question *question, const struct crl_index *list,
                       X509 *x509, struct checks *checks)
{
    const instant applied_at = question->applied_at;
    const struct crl_facts *facts = crl_index_facts(list);
    struct crl_entry entry = {0};
    bool listed = lookup(list, x509, &entry);
    char text[INSTANT_TEXT];
    inputs_note(list, checks);
    if (listed && entry.revoked_at <= applied_at && entry.reason == CRL_CERTIFICATE_HOLD)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-on-hold",
                                "suspended on %s, before the application: it may be lifted",
                                instant_text_jst(entry.revoked_at, text));
    if (listed && entry.revoked_at <= applied_at)
        return checks_fail(checks, check, "REVOKED", "certificate-revoked",
                           "revoked on %s, before the application",
                           instant_text_jst(entry.revoked_at, text));
    if (!is_current(question, facts, checks))
        return false;
    if (!listed && may_have_left(facts, x509))
        return checks_undecided(checks, check, "TRY_LATER", "revocation-expired",
                                "the list of %s may have dropped certificates expired by then",
                                instant_text_jst(facts->this_update, text));
    if (listed)
        checks_pass(checks, check, "revoked on %s, after the application: it counts",
                    instant_text_jst(entry.revoked_at, text));
    else
        checks_pass(checks, check, "not in the list of %s",
                    instant_text_jst(facts->this_update, text));
    return true;
}

bool crl_judge(const struct crl_question *question, const struct certificate *certificate,
               struct checks *checks, json_t **ret_evidence)
{
    bool name_known;
    X509 *issuer = certificate->issuer
                       ? certificate->issuer
                       : trust_issuer(question->trust, certificate->x509, &name_known);
    const struct crl_index *list = issuer ? find(question->set, certificate->x509, issuer) : NULL;
    *ret_evidence = list ? evidence_of(list) : NULL;
    if (!list)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-unavailable",
                                "there is no list for the certificate's distribution point");
    return judge_list(question, list, certificate->x509, checks);
}

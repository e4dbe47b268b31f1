#include "signature/crl.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "signature/asn1.h"
#include "signature/crl_list.h"

DEFINE_CLEANUP(cleanup_points, CRL_DIST_POINTS *, CRL_DIST_POINTS_free)
DEFINE_CLEANUP(cleanup_directory, DIR *, closedir)
DEFINE_CLEANUP(cleanup_revoked, X509_REVOKED *, X509_REVOKED_free)
DEFINE_CLEANUP(cleanup_enumerated, ASN1_ENUMERATED *, ASN1_ENUMERATED_free)

/* How far the issuer's clock may run before ours. */
#define CLOCK_SKEW_MOST (5 * 60 * INSTANT_SECOND)

struct crl_set {
    struct crl_list **lists;
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
        crl_list_free(set->lists[i]);
    free(set->lists);
    free(set);
}

size_t crl_set_count(const struct crl_set *set)
{
    return set->count;
}

static bool same_place(const struct crl_list *a, const struct crl_list *b)
{
    if (X509_cmp(a->issuer, b->issuer) != 0 || !a->partition != !b->partition)
        return false;
    return !a->partition || X509_NAME_cmp(a->partition, b->partition) == 0;
}

/* Both without leading zero bytes: the longer is the greater. */
static int number_compare(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    return la != lb ? (la < lb ? -1 : 1) : strcmp(a, b);
}

static void set_keep(struct crl_set *set, struct crl_list *list)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!same_place(set->lists[i], list))
            continue;
        const struct crl_facts *facts = &list->facts, *kept = &set->lists[i]->facts;
        int order = number_compare(facts->number, kept->number);
        /* Of one number there should be one list; if not, the order of the folder decides nothing.
         */
        bool newer = order > 0 || (order == 0 && facts->this_update > kept->this_update);
        crl_list_free(newer ? set->lists[i] : list);
        if (newer)
            set->lists[i] = list;
        return;
    }
    set->lists = memory_resize(set->lists, (set->count + 1) * sizeof(struct crl_list *));
    set->lists[set->count++] = list;
}

bool crl_set_add(struct crl_set *set, struct bytes crl, const struct trust *trust,
                 struct failure *f)
{
    struct crl_list *list;
    if (!crl_list_read(crl, trust, &list, f))
        return false;
    set_keep(set, list);
    return true;
}

static bool read_file(const char *path, struct buffer *ret_bytes, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0)
        return failure_errno(f, "the revocation list %s cannot be read", path);
    if (status.st_size > CRL_BYTES_MAX)
        return failure_set(f, FAILURE_LIMIT, "the revocation list %s is larger than %d bytes", path,
                           CRL_BYTES_MAX);
    size_t length = (size_t)status.st_size;
    uint8_t *at = buffer_reserve(ret_bytes, length + 1);
    if (fread(at, 1, length, file) != length)
        return failure_set(f, FAILURE_SYSTEM, "the revocation list %s cannot be read whole", path);
    buffer_commit(ret_bytes, length);
    return true;
}

static bool add_file(struct crl_set *set, const char *path, const struct trust *trust,
                     struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer bytes = {0};
    if (!read_file(path, &bytes, f))
        return false;
    if (!crl_set_add(set, buffer_bytes(&bytes), trust, f))
        return failure_prefix(f, "%s", path);
    return true;
}

static bool is_list_file(const char *path, const char *name)
{
    size_t length = strlen(name);
    struct stat status;
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".crl") == 0 &&
           stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool crl_set_add_directory(struct crl_set *set, const char *path, const struct trust *trust,
                           struct failure *f)
{
    _cleanup_(cleanup_directory) DIR *directory = opendir(path);
    if (!directory)
        return failure_errno(f, "the folder of revocation lists %s cannot be opened", path);
    for (struct dirent *entry; (entry = readdir(directory));) {
        _cleanup_(cleanup_text) char *file = text_format("%s/%s", path, entry->d_name);
        if (is_list_file(file, entry->d_name) && !add_file(set, file, trust, f))
            return false;
    }
    return true;
}

/* The certificate names its partition; only a list of that very partition speaks for it, or one
 * that covers all of the generation. */
static const struct crl_list *find_in(const struct crl_set *set, X509 *issuer, X509_NAME *partition)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct crl_list *list = set->lists[i];
        if (X509_cmp(list->issuer, issuer) == 0 && !list->partition == !partition &&
            (!partition || X509_NAME_cmp(list->partition, partition) == 0))
            return list;
    }
    return NULL;
}

static const struct crl_list *find(const struct crl_set *set, X509 *x509, X509 *issuer)
{
    const struct crl_list *found = NULL;
    _cleanup_(cleanup_points) CRL_DIST_POINTS *points =
        X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
    ERR_clear_error();
    for (int i = 0; i < sk_DIST_POINT_num(points) && !found; i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        /* A point for some reasons only, or with another issuer, is not of the profile. */
        if (point->reasons || point->CRLissuer || !asn1_directory_name(point->distpoint))
            continue;
        found = find_in(set, issuer, asn1_directory_name(point->distpoint));
    }
    return found ? found : find_in(set, issuer, NULL);
}

static json_t *evidence_of(const struct crl_list *list)
{
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", "crl", "number", list->facts.number,
                     "this_update", instant_text_jst(list->facts.this_update, from), "next_update",
                     instant_text_jst(list->facts.next_update, to), "sha256", list->sha256);
}

/* What the list says of one serial number. */
struct finding {
    bool listed;
    bool on_hold; /* certificateHold: may be lifted again */
    instant date; /* the earliest; of one that cannot be read: before everything */
};

static bool is_hold(const X509_REVOKED *entry)
{
    _cleanup_(cleanup_enumerated) ASN1_ENUMERATED *reason =
        X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    return reason && ASN1_ENUMERATED_get(reason) == CRL_REASON_CERTIFICATE_HOLD;
}

static void add_entry(struct finding *finding, const X509_REVOKED *entry)
{
    instant date;
    if (!asn1_instant(X509_REVOKED_get0_revocationDate(entry), &date))
        date = INT64_MIN;
    bool hold = is_hold(entry);
    finding->on_hold = hold && (!finding->listed || finding->on_hold);
    if (!finding->listed || date < finding->date)
        finding->date = date;
    finding->listed = true;
}

/* A list may name a serial number more than once (held, then revoked): all of its entries count,
 * and they stand side by side, for the list is sorted. X509_CRL_get0_by_serial gives any of them.
 */
static struct finding find_entries(const struct crl_list *list, X509 *x509)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list->crl);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    _cleanup_(cleanup_revoked) X509_REVOKED *wanted = X509_REVOKED_new();
    struct finding finding = {0};
    if (!wanted || !X509_REVOKED_set_serialNumber(wanted, (ASN1_INTEGER *)serial))
        abort();
    int at = sk_X509_REVOKED_find(entries, wanted); /* the first of them */
    for (; at >= 0 && at < sk_X509_REVOKED_num(entries); at++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, at);
        if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(entry), serial) != 0)
            break;
        add_entry(&finding, entry);
    }
    return finding;
}

static const char check[] = "revocation.crl";

static bool judge_list(const struct crl_list *list, X509 *x509, instant applied_at, instant now,
                       instant age_most, struct checks *checks)
{
    const struct finding found = find_entries(list, x509);
    char text[INSTANT_TEXT];
    if (found.listed && found.date <= applied_at && found.on_hold)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-on-hold",
                                "suspended on %s, before the application: it may be lifted",
                                instant_text_jst(found.date, text));
    if (found.listed && found.date <= applied_at)
        return checks_fail(checks, check, "REVOKED", "certificate-revoked",
                           "revoked on %s, before the application",
                           instant_text_jst(found.date, text));
    if (list->facts.this_update <= applied_at)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-not-yet",
                                "the list of %s was not issued after the application",
                                instant_text_jst(list->facts.this_update, text));
    if (list->facts.this_update > now + CLOCK_SKEW_MOST)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-not-yet",
                                "the list says that it was issued on %s, which is to come",
                                instant_text_jst(list->facts.this_update, text));
    if (list->facts.next_update < now && now - list->facts.this_update > age_most)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-stale",
                                "the list of %s is too old",
                                instant_text_jst(list->facts.this_update, text));
    if (found.listed)
        checks_pass(checks, check, "revoked on %s, after the application: it counts",
                    instant_text_jst(found.date, text));
    else
        checks_pass(checks, check, "not in the list of %s",
                    instant_text_jst(list->facts.this_update, text));
    return true;
}

bool crl_judge(const struct crl_set *set, const struct certificate *certificate,
               const struct trust *trust, instant applied_at, instant now, instant age_most,
               struct checks *checks, json_t **ret_evidence)
{
    bool name_known;
    X509 *issuer = certificate->issuer ? certificate->issuer
                                       : trust_issuer(trust, certificate->x509, &name_known);
    const struct crl_list *list = issuer ? find(set, certificate->x509, issuer) : NULL;
    *ret_evidence = list ? evidence_of(list) : NULL;
    if (!list)
        return checks_undecided(checks, check, "TRY_LATER", "revocation-unavailable",
                                "there is no list for the certificate's distribution point");
    return judge_list(list, certificate->x509, applied_at, now, age_most, checks);
}

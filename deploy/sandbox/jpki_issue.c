/* Residents' certificates: the profile of the reference, §1.2 and §1.3, extension by extension and
 * in the order seen on real cards. */
#include <string.h>

#include "base/text.h"
#include "deploy/sandbox/jpki.h"

/* Test environment: like the production OIDs …1.1.20 and …1.3.30 but for one arc. */
#define POLICY_SIGN  "1.2.392.200149.8.5.1.0.20"
#define POLICY_LOGIN "1.2.392.200149.8.5.1.2.30"
#define POLICY_CPS   "http://www.jpki.sandbox.invalid/cps.html"
#define OCSP_URI     "OCSP;URI:http://ocspsignnorm.jpki.sandbox.invalid"

instant jpki_fifth_birthday(struct day birth_day, instant issued)
{
    struct day day = day_of_instant(issued);
    struct day birthday = {day.year, birth_day.month, birth_day.day};
    birthday.year += day_compare(birthday, day) > 0 ? 4 : 5;
    if (!day_valid(birthday)) /* 29 February */
        birthday.day = 28;
    return day_start(birthday) + INSTANT_DAY - INSTANT_SECOND;
}

/* Time of the request, sequence number, window: 28 characters, no name. */
static void subject_id(const struct jpki_order *order, uint64_t serial, char ret_id[64])
{
    char at[INSTANT_TEXT];
    instant_text_jst(order->issued, at);
    snprintf(ret_id, 64, "%.4s%.2s%.2s%.2s%.2s%.2s%05u%.5s001A", at, at + 5, at + 8, at + 11,
             at + 14, at + 17, (unsigned)(serial % 100000), order->partition->city_code);
}

static X509_NAME *subject_make(const struct jpki_order *order, uint64_t serial, struct failure *f)
{
    char id[64];
    subject_id(order, serial, id);
    if (order->ca == JPKI_AUTH) {
        const struct name_part parts[] = {{"C", "JP"}, {"CN", id}};
        return name_make(parts, 2, f);
    }
    const struct name_part parts[] = {
        {"C", "JP"}, {"L", "Shiken-ken"}, {"L", order->partition->city_romaji}, {"CN", id}};
    return name_make(parts, 4, f);
}

static bool policies_add(X509 *made, const char *oid, struct failure *f)
{
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    POLICYINFO *policy = POLICYINFO_new();
    POLICYQUALINFO *qualifier = POLICYQUALINFO_new();
    policy->policyid = OBJ_txt2obj(oid, 1);
    policy->qualifiers = sk_POLICYQUALINFO_new_null();
    qualifier->pqualid = OBJ_nid2obj(NID_id_qt_cps);
    qualifier->d.cpsuri = ASN1_IA5STRING_new();
    bool done = ASN1_STRING_set(qualifier->d.cpsuri, POLICY_CPS, -1) &&
                sk_POLICYQUALINFO_push(policy->qualifiers, qualifier) &&
                sk_POLICYINFO_push(policies, policy);
    done = done ? certificate_add(made, NID_certificate_policies, policies, true, f)
                : crypto_failure(f, "a policy could not be made");
    CERTIFICATEPOLICIES_free(policies);
    return done;
}

static bool other_name_push(GENERAL_NAMES *names, int last_arc, const char *value)
{
    char oid[64];
    snprintf(oid, sizeof oid, "1.2.392.200149.8.5.5.%d", last_arc);
    _cleanup_(cleanup_general_name) GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_UTF8STRING *text = ASN1_UTF8STRING_new();
    ASN1_TYPE *any = ASN1_TYPE_new();
    if (!name || !text || !any || !ASN1_STRING_set(text, value, -1))
        return false;
    ASN1_TYPE_set(any, V_ASN1_UTF8STRING, text);
    if (!GENERAL_NAME_set0_othername(name, OBJ_txt2obj(oid, 1), any) ||
        !sk_GENERAL_NAME_push(names, name))
        return false;
    (void)TAKE(name);
    return true;
}

/* EYYYYMMDD: the era's digit, then the Gregorian date. */
static void birth_text(struct day day, char ret_text[16])
{
    static const struct {
        struct day from;
        char digit;
    } eras[] = {{{2019, 5, 1}, '5'},
                {{1989, 1, 8}, '4'},
                {{1926, 12, 25}, '3'},
                {{1912, 7, 30}, '2'},
                {{1868, 1, 25}, '1'}};
    char digit = '0';
    for (size_t i = 0; i < sizeof eras / sizeof eras[0]; i++)
        if (day_compare(day, eras[i].from) >= 0) {
            digit = eras[i].digit;
            break;
        }
    snprintf(ret_text, 16, "%c%04d%02d%02d", digit, day.year, day.month, day.day);
}

/* One '0' for each character: nothing was substituted. */
static char *not_substituted(const char *text)
{
    size_t length = utf8_length(text);
    char *positions = memory_allocate(length + 1);
    memset(positions, '0', length);
    return positions;
}

static bool facts_add(X509 *made, const struct jpki_facts *facts, struct failure *f)
{
    _cleanup_(cleanup_general_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
    _cleanup_(cleanup_text) char *name_positions =
        facts->name_substituted ? text_copy(facts->name_substituted) : not_substituted(facts->name);
    _cleanup_(cleanup_text) char *address_positions = not_substituted(facts->address);
    char birth[16];
    birth_text(facts->birth_day, birth);
    /* The order of real certificates. */
    if (!names || !other_name_push(names, 1, facts->name) || !other_name_push(names, 4, birth) ||
        !other_name_push(names, 3, (const char[]){facts->sex, '\0'}) ||
        !other_name_push(names, 5, facts->address) || !other_name_push(names, 2, name_positions) ||
        !other_name_push(names, 6, address_positions))
        return crypto_failure(f, "the four basic facts could not be written");
    return certificate_add(made, NID_subject_alt_name, names, false, f);
}

static bool issuer_name_add(X509 *made, X509 *issuer, struct failure *f)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(issuer, NID_subject_alt_name, NULL, NULL);
    bool done = names && certificate_add(made, NID_issuer_alt_name, names, false, f);
    GENERAL_NAMES_free(names);
    return done || crypto_failure(f, "the issuer's other name could not be written");
}

static bool distribution_point_add(X509 *made, const struct jpki_order *order, struct failure *f)
{
    _cleanup_(cleanup_x509_name) X509_NAME *name =
        jpki_partition_name(order->partition, order->ca == JPKI_AUTH, f);
    _cleanup_(cleanup_dist_points) CRL_DIST_POINTS *points =
        name ? distribution_points_make(name, f) : NULL;
    return points && certificate_add(made, NID_crl_distribution_points, points, false, f);
}

static bool resident_extend(X509 *made, X509 *issuer, const struct jpki_order *order,
                            struct failure *f)
{
    bool login = order->login || order->ca == JPKI_AUTH;
    return certificate_extend(made, issuer, NID_key_usage,
                              login ? "critical,digitalSignature"
                                    : "critical,digitalSignature,nonRepudiation",
                              f) &&
           (order->ca == JPKI_AUTH || facts_add(made, order->facts, f)) &&
           policies_add(made, login ? POLICY_LOGIN : POLICY_SIGN, f) &&
           issuer_name_add(made, issuer, f) && distribution_point_add(made, order, f) &&
           certificate_extend(made, issuer, NID_info_access, OCSP_URI, f) &&
           certificate_extend(made, issuer, NID_authority_key_identifier,
                              "keyid:always,issuer:always", f) &&
           certificate_extend(made, issuer, NID_subject_key_identifier, "hash", f);
}

static const struct jpki_authority *authority_of(const struct jpki *jpki,
                                                 const struct jpki_order *order)
{
    if (order->ca == JPKI_SIGN)
        return &jpki->sign[order->generation];
    return order->ca == JPKI_AUTH ? &jpki->auth : &jpki->foreign;
}

X509 *jpki_issue(struct jpki *jpki, const struct jpki_order *order, uint64_t *ret_serial,
                 struct failure *f)
{
    const struct jpki_authority *ca = authority_of(jpki, order);
    uint64_t serial =
        order->serial ? order->serial : jpki_serial_next(jpki, order->ca, order->generation);
    if (!serial) {
        failure_set(f, FAILURE_LIMIT, "the sandbox CA has no serial numbers left: init it anew");
        return NULL;
    }
    _cleanup_(cleanup_x509_name) X509_NAME *subject = subject_make(order, serial, f);
    if (!subject)
        return NULL;
    struct certificate_order plain = {
        .serial = serial,
        .subject = subject,
        .key = order->key,
        .issuer = ca->certificate,
        .from = order->issued,
        .to = order->expires ? order->expires
                             : jpki_fifth_birthday(order->facts->birth_day, order->issued),
    };
    _cleanup_(cleanup_x509) X509 *made = certificate_begin(&plain, f);
    if (!made || !resident_extend(made, ca->certificate, order, f) ||
        !certificate_finish(made, ca->key, f))
        return NULL;
    if (!order->serial)
        jpki_ledger_add(jpki, &(struct jpki_entry){.serial = serial,
                                                   .ca = order->ca,
                                                   .generation = order->generation,
                                                   .partition = order->partition});
    *ret_serial = serial;
    return TAKE(made);
}

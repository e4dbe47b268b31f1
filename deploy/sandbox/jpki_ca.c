/* The sandbox's JPKI: its authorities, made once and opened again. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/text.h"
#include "deploy/sandbox/jpki.h"

const struct jpki_partition jpki_partitions[] = {
    {"sakurano", "992011", "Sakurano-shi", "桜野市", true},
    {"wakaba", "992020", "Wakaba-shi", "若葉市", true},
    /* Its lists are never published: what is signed by its residents can't be judged. */
    {"mizumori", "992038", "Mizumori-shi", "水守市", false},
};
const size_t jpki_partition_count = sizeof jpki_partitions / sizeof jpki_partitions[0];

const struct jpki_partition *jpki_partition_find(const char *key)
{
    for (size_t i = 0; i < jpki_partition_count; i++)
        if (strcmp(jpki_partitions[i].key, key) == 0)
            return &jpki_partitions[i];
    return NULL;
}

X509_NAME *jpki_partition_name(const struct jpki_partition *partition, bool auth, struct failure *f)
{
    char common_name[64];
    snprintf(common_name, sizeof common_name, "%s CRLDP", partition->city_romaji);
    const struct name_part parts[] = {
        {"C", "JP"},
        {"O", "UKETSUKE-SANDBOX"},
        {"OU", auth ? "JPKI for user authentication" : "JPKI for digital signature"},
        {"OU", "CRL Distribution Points"},
        {"OU", "Shiken-ken"},
        {"CN", common_name}};
    return name_make(parts, sizeof parts / sizeof parts[0], f);
}

static X509_NAME *jpki_ca_name(bool auth, struct failure *f)
{
    const struct name_part parts[] = {
        {"C", "JP"},
        {"O", "UKETSUKE-SANDBOX"},
        {"OU", auth ? "JPKI for user authentication" : "JPKI for digital signature"},
        {"OU", "Sandbox Agency"}};
    return name_make(parts, sizeof parts / sizeof parts[0], f);
}

/* As the real roots: alternative name in Japanese, list of authorities by directory name, key id,
 * and no authority key id. */
static bool ca_extend(X509 *made, const X509_NAME *name, X509 *key_id_of, struct failure *f)
{
    static const struct name_part service[] = {{"C", "JP"},
                                               {"O", "受付サンドボックス認証サービス"}};
    _cleanup_(cleanup_x509_name) X509_NAME *service_name = name_make(service, 2, f);
    _cleanup_(cleanup_general_names) GENERAL_NAMES *names =
        service_name ? directory_names_make(service_name, f) : NULL;
    _cleanup_(cleanup_dist_points) CRL_DIST_POINTS *points =
        names ? distribution_points_make(name, f) : NULL;
    return points &&
           certificate_extend(made, NULL, NID_key_usage, "critical,keyCertSign,cRLSign", f) &&
           certificate_extend(made, NULL, NID_basic_constraints, "critical,CA:TRUE", f) &&
           certificate_add(made, NID_subject_alt_name, names, false, f) &&
           certificate_add(made, NID_crl_distribution_points, points, false, f) &&
           (key_id_of ? certificate_add(made, NID_subject_key_identifier,
                                        X509_get0_subject_key_id(key_id_of), false, f)
                      : certificate_extend(made, NULL, NID_subject_key_identifier, "hash", f));
}

struct ca_plan {
    const char *file;
    bool auth;
    uint64_t serial; /* a position in the same counter that numbers the residents' certificates */
    int from_year, to_year; /* relative to now */
};

static const struct ca_plan ca_plans[] = {
    {"sign-1", false, 0x01, -11, -1},
    {"sign-2", false, 0x0132C4AB, -7, 3},
    {"sign-3", false, 0x067C6A21, -3, 7},
    {"auth", true, 0x06D18006, -3, 7},
};

/* Midnight JST of the first of the month, so many years away. */
static instant years_from(instant now, int years)
{
    struct day day = day_of_instant(now);
    return day_start((struct day){day.year + years, day.month, 1});
}

static X509 *ca_certificate_make(const struct ca_plan *plan, EVP_PKEY *key, instant now,
                                 X509 *key_id_of, struct failure *f)
{
    _cleanup_(cleanup_x509_name) X509_NAME *name = jpki_ca_name(plan->auth, f);
    if (!name)
        return NULL;
    struct certificate_order order = {
        .serial = plan->serial,
        .subject = name,
        .key = key,
        .from = years_from(now, plan->from_year),
        .to = years_from(now, plan->to_year) - INSTANT_SECOND, /* 23:59:59 JST */
    };
    _cleanup_(cleanup_x509) X509 *made = certificate_begin(&order, f);
    bool done = made && ca_extend(made, name, key_id_of, f) && certificate_finish(made, key, f);
    return done ? TAKE(made) : NULL;
}

static bool authority_write(const char *folder, const char *name,
                            const struct jpki_authority *authority, struct failure *f)
{
    _cleanup_(cleanup_text) char *pem = text_format("%s.pem", name);
    _cleanup_(cleanup_text) char *key = text_format("%s.key", name);
    return certificate_write(folder, pem, &authority->certificate, 1, f) &&
           key_write(folder, key, authority->key, f);
}

static bool authority_load(const char *folder, const char *name,
                           struct jpki_authority *ret_authority, struct failure *f)
{
    _cleanup_(cleanup_text) char *pem = text_format("%s.pem", name);
    _cleanup_(cleanup_text) char *key = text_format("%s.key", name);
    ret_authority->certificate = certificate_load(folder, pem, f);
    ret_authority->key = ret_authority->certificate ? key_load(folder, key, f) : NULL;
    return ret_authority->key != NULL;
}

static bool authority_make(const char *folder, const char *file, const struct ca_plan *plan,
                           instant now, X509 *key_id_of, struct jpki_authority *ret_authority,
                           struct failure *f)
{
    ret_authority->key = key_make_rsa(f);
    ret_authority->certificate =
        ret_authority->key ? ca_certificate_make(plan, ret_authority->key, now, key_id_of, f)
                           : NULL;
    return ret_authority->certificate && authority_write(folder, file, ret_authority, f);
}

static void authority_clear(struct jpki_authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    *authority = (struct jpki_authority){0};
}

/* RFC 6960 §4.2.2.2: issued by the very key whose certificates it answers for. */
static bool responder_make(const struct jpki *jpki, unsigned generation, instant now,
                           struct failure *f)
{
    static const struct name_part parts[] = {{"C", "JP"},
                                             {"O", "UKETSUKE-SANDBOX"},
                                             {"OU", "JPKI for digital signature"},
                                             {"CN", "Sandbox OCSP Responder"}};
    const struct jpki_authority *ca = &jpki->sign[generation];
    _cleanup_(cleanup_x509_name) X509_NAME *name = name_make(parts, 4, f);
    _cleanup_(cleanup_pkey) EVP_PKEY *key = name ? key_make_rsa(f) : NULL;
    if (!key)
        return false;
    struct certificate_order order = {.subject = name,
                                      .key = key,
                                      .issuer = ca->certificate,
                                      .from = now - INSTANT_DAY,
                                      .to = now + 800 * INSTANT_DAY};
    _cleanup_(cleanup_x509) X509 *made = certificate_begin(&order, f);
    char file[16];
    snprintf(file, sizeof file, "ocsp-%u", generation);
    return made &&
           certificate_extend(made, ca->certificate, NID_key_usage, "critical,digitalSignature",
                              f) &&
           certificate_extend(made, ca->certificate, NID_ext_key_usage, "critical,OCSPSigning",
                              f) &&
           certificate_extend(made, ca->certificate, NID_id_pkix_OCSP_noCheck, "ignored", f) &&
           certificate_extend(made, ca->certificate, NID_authority_key_identifier, "keyid:always",
                              f) &&
           certificate_extend(made, ca->certificate, NID_subject_key_identifier, "hash", f) &&
           certificate_finish(made, ca->key, f) &&
           authority_write(jpki->folder, file, &(struct jpki_authority){made, key}, f);
}

static bool anchors_write(const struct jpki *jpki, struct failure *f)
{
    X509 *anchors[JPKI_GENERATION_LAST];
    _cleanup_(cleanup_buffer) struct buffer pins = {0};
    for (unsigned i = 0; i < JPKI_GENERATION_LAST; i++) {
        char pin[65];
        anchors[i] = jpki->sign[i + 1].certificate;
        if (!certificate_fingerprint(anchors[i], pin, f))
            return false;
        buffer_format(&pins, "%s\n", pin);
    }
    return text_write(jpki->folder, "sign-anchors.pins", buffer_bytes(&pins), f) &&
           certificate_write(jpki->folder, "sign-anchors.pem", anchors, JPKI_GENERATION_LAST, f);
}

static struct jpki *jpki_new(const char *folder)
{
    struct jpki *jpki = memory_allocate(sizeof *jpki);
    jpki->folder = text_copy(folder);
    jpki->lock = -1;
    return jpki;
}

bool jpki_init(const char *folder, instant now, struct failure *f)
{
    struct jpki *jpki = jpki_new(folder);
    bool done = folder_make(folder, f);
    for (unsigned i = 1; done && i <= JPKI_GENERATION_LAST; i++)
        done = authority_make(folder, ca_plans[i - 1].file, &ca_plans[i - 1], now, NULL,
                              &jpki->sign[i], f);
    done = done && authority_make(folder, "auth", &ca_plans[3], now, NULL, &jpki->auth, f) &&
           authority_make(folder, "foreign", &ca_plans[2], now,
                          jpki->sign[JPKI_GENERATION_LAST].certificate, &jpki->foreign, f);
    for (unsigned i = JPKI_GENERATION_LIVE; done && i <= JPKI_GENERATION_LAST; i++)
        done = responder_make(jpki, i, now, f);
    done = done && text_write(folder, "ledger.csv", (struct bytes){0}, f) &&
           text_write(folder, "crl-number", bytes_of_text("0\n"), f) && anchors_write(jpki, f);
    jpki_close(jpki);
    return done;
}

static bool ledger_lock(struct jpki *jpki, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/ledger.csv", jpki->folder);
    jpki->lock = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (jpki->lock < 0 || flock(jpki->lock, LOCK_EX) != 0)
        return failure_errno(f, "%s cannot be locked", path);
    return true;
}

bool jpki_open(const char *folder, bool issuing, struct jpki **ret_jpki, struct failure *f)
{
    struct jpki *jpki = jpki_new(folder);
    bool done = !issuing || ledger_lock(jpki, f);
    for (unsigned i = 1; done && i <= JPKI_GENERATION_LAST; i++)
        done = authority_load(folder, ca_plans[i - 1].file, &jpki->sign[i], f);
    done = done && authority_load(folder, "auth", &jpki->auth, f) &&
           authority_load(folder, "foreign", &jpki->foreign, f) && jpki_ledger_read(jpki, f);
    if (!done) {
        jpki_close(jpki);
        return failure_prefix(f, "the sandbox JPKI of %s", folder);
    }
    *ret_jpki = jpki;
    return true;
}

void jpki_close(struct jpki *jpki)
{
    if (!jpki)
        return;
    for (unsigned i = 1; i <= JPKI_GENERATION_LAST; i++)
        authority_clear(&jpki->sign[i]);
    authority_clear(&jpki->auth);
    authority_clear(&jpki->foreign);
    if (jpki->lock >= 0)
        close(jpki->lock);
    free(jpki->entries);
    buffer_free(&jpki->pending);
    free(jpki->folder);
    free(jpki);
}

/* CRLs: one for each municipality and generation of the signing CA. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

#include "deploy/sandbox/jpki.h"

#define CRL_LIFE                                                                                   \
    (INSTANT_DAY + 2 * 3600 * INSTANT_SECOND) /* a list a day, and time to fetch it                \
                                               */

/* The counter is shared by all lists and by every process that makes them. */
static bool crl_number_next(const struct jpki *jpki, int64_t *ret_number, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/crl-number", jpki->folder);
    _cleanup_(cleanup_fd) int fd = open(path, O_RDWR | O_CLOEXEC);
    char text[32] = "";
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || pread(fd, text, sizeof text - 1, 0) <= 0)
        return failure_errno(f, "%s cannot be read", path);
    int64_t number = strtoll(text, NULL, 10) + 1;
    int length = snprintf(text, sizeof text, "%" PRId64 "\n", number);
    if (pwrite(fd, text, (size_t)length, 0) != length)
        return failure_errno(f, "%s cannot be written", path);
    *ret_number = number;
    return true;
}

static bool crl_revoke(X509_CRL *crl, const struct jpki_entry *entry)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)(entry->revoked_at / INSTANT_SECOND));
    bool done = revoked && serial && reason && at &&
                ASN1_INTEGER_set_uint64(serial, entry->serial) &&
                ASN1_ENUMERATED_set(reason, entry->reason) &&
                X509_REVOKED_set_serialNumber(revoked, serial) &&
                X509_REVOKED_set_revocationDate(revoked, at) &&
                (entry->reason == CRL_REASON_UNSPECIFIED || /* absent, RFC 5280 §5.3.1 */
                 X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, 0) == 1) &&
                X509_CRL_add0_revoked(crl, revoked);
    if (!done)
        X509_REVOKED_free(revoked);
    ASN1_INTEGER_free(serial);
    ASN1_ENUMERATED_free(reason);
    ASN1_TIME_free(at);
    return done;
}

/* RFC 5280 §5.2.5: the same name as in the certificates' distribution point. */
static bool crl_partition_add(X509_CRL *crl, const struct jpki_partition *partition,
                              struct failure *f)
{
    _cleanup_(cleanup_x509_name) X509_NAME *name = jpki_partition_name(partition, false, f);
    GENERAL_NAMES *names = name ? directory_names_make(name, f) : NULL;
    ISSUING_DIST_POINT *idp = names ? ISSUING_DIST_POINT_new() : NULL;
    DIST_POINT_NAME *point = idp ? DIST_POINT_NAME_new() : NULL;
    bool done = false;
    if (point) {
        point->type = 0;
        point->name.fullname = TAKE(names);
        idp->distpoint = point;
        idp->onlyuser = 0xFF;
        done = X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, idp, 1, 0) == 1;
    }
    GENERAL_NAMES_free(names);
    ISSUING_DIST_POINT_free(idp);
    return done || crypto_failure(f, "a CRL's partition could not be written");
}

static bool crl_number_add(X509_CRL *crl, int64_t number, struct failure *f)
{
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    bool done = value && ASN1_INTEGER_set_int64(value, number) &&
                X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
    ASN1_INTEGER_free(value);
    return done || crypto_failure(f, "a CRL's number could not be written");
}

static bool crl_key_id_add(X509_CRL *crl, X509 *issuer, struct failure *f)
{
    AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
    if (id)
        id->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(issuer));
    bool done =
        id && id->keyid && X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, 0) == 1;
    AUTHORITY_KEYID_free(id);
    return done || crypto_failure(f, "a CRL's key id could not be written");
}

static bool crl_begin(X509_CRL *crl, const X509 *issuer, instant now)
{
    ASN1_TIME *this_update = ASN1_TIME_set(NULL, (time_t)(now / INSTANT_SECOND));
    ASN1_TIME *next_update = ASN1_TIME_set(NULL, (time_t)((now + CRL_LIFE) / INSTANT_SECOND));
    bool done = this_update && next_update && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) &&
                X509_CRL_set1_lastUpdate(crl, this_update) &&
                X509_CRL_set1_nextUpdate(crl, next_update);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    return done;
}

static bool crl_encode(X509_CRL *crl, struct buffer *ret_der, struct failure *f)
{
    int length = i2d_X509_CRL(crl, NULL);
    if (length <= 0)
        return crypto_failure(f, "a CRL could not be encoded");
    uint8_t *end = buffer_reserve(ret_der, (size_t)length);
    i2d_X509_CRL(crl, &end);
    buffer_commit(ret_der, (size_t)length);
    return true;
}

bool jpki_crl_make(const struct jpki *jpki, const struct jpki_partition *partition,
                   unsigned generation, instant now, struct buffer *ret_der, struct failure *f)
{
    const struct jpki_authority *ca = &jpki->sign[generation];
    int64_t number = 0;
    _cleanup_(cleanup_crl) X509_CRL *crl = X509_CRL_new();
    if (!crl || !crl_begin(crl, ca->certificate, now))
        return crypto_failure(f, "a CRL could not be begun");
    for (size_t i = 0; i < jpki->entry_count; i++) {
        const struct jpki_entry *entry = &jpki->entries[i];
        if (entry->ca == JPKI_SIGN && entry->generation == generation &&
            entry->partition == partition && entry->revoked_at && entry->revoked_at <= now &&
            !crl_revoke(crl, entry))
            return crypto_failure(f, "a CRL's entry could not be written");
    }
    return crl_number_next(jpki, &number, f) && crl_key_id_add(crl, ca->certificate, f) &&
           crl_number_add(crl, number, f) && crl_partition_add(crl, partition, f) &&
           X509_CRL_sort(crl) == 1 &&
           (X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0 ||
            crypto_failure(f, "a CRL could not be signed")) &&
           crl_encode(crl, ret_der, f);
}

size_t jpki_lists(struct jpki_list ret_lists[JPKI_LISTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < jpki_partition_count; i++)
        for (unsigned g = JPKI_GENERATION_LAST; g >= JPKI_GENERATION_LIVE; g--) {
            const struct jpki_partition *partition = &jpki_partitions[i];
            if (!partition->published || count == JPKI_LISTS_MAX)
                continue;
            struct jpki_list *list = &ret_lists[count++];
            list->partition = partition;
            list->generation = g;
            if (g == JPKI_GENERATION_LAST)
                snprintf(list->file, sizeof list->file, "%s.crl", partition->key);
            else
                snprintf(list->file, sizeof list->file, "%s-%u.crl", partition->key, g);
        }
    return count;
}

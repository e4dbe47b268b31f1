#include "signature/crl_element.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/asn1.h"
#include "signature/der.h"

DEFINE_CLEANUP(cleanup_key_id, AUTHORITY_KEYID *, AUTHORITY_KEYID_free)
DEFINE_CLEANUP(cleanup_point, ISSUING_DIST_POINT *, ISSUING_DIST_POINT_free)

/* All that we know begins with 2.5.29 (id-ce). */
enum {
    ID_NOT_CE = -1,
    ID_CRL_NUMBER = 20,
    ID_REASON_CODE = 21,
    ID_INVALIDITY_DATE = 24,
    ID_DELTA_CRL_INDICATOR = 27,
    ID_ISSUING_DISTRIBUTION_POINT = 28,
    ID_CERTIFICATE_ISSUER = 29,
    ID_AUTHORITY_KEY_IDENTIFIER = 35,
};

static int extension_id(const struct der_extension *extension)
{
    const struct bytes oid = extension->oid;
    return oid.length == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d ? oid.data[2] : ID_NOT_CE;
}

/* RFC 5280 §4.2 and §5.2: of each extension one. */
struct extensions {
    struct der_extension seen[CRL_EXTENSIONS_MOST];
    size_t count;
};

static const char *extension_next(struct bytes *in, struct extensions *extensions,
                                  struct der_extension *ret_extension)
{
    if (extensions->count == CRL_EXTENSIONS_MOST)
        return "has too many extensions";
    if (!der_take_extension(in, ret_extension))
        return "has an extension that is malformed";
    for (size_t i = 0; i < extensions->count; i++)
        if (bytes_equal(extensions->seen[i].oid, ret_extension->oid))
            return "has an extension twice";
    extensions->seen[extensions->count++] = *ret_extension;
    return NULL;
}

/* --- entry ------------------------------------------------------------------------------------ */

static bool reason_known(uint8_t reason)
{
    return reason <= CRL_REASON_LAST && reason != 7; /* which is not used */
}

static const char *reason_read(struct bytes value, enum crl_reason *ret_reason)
{
    struct bytes content;
    if (!der_take(&value, DER_ENUMERATED, &content) || value.length != 0 || content.length != 1)
        return "has a reason that is malformed";
    if (!reason_known(content.data[0]))
        return "has a reason that is not known";
    *ret_reason = content.data[0];
    return NULL;
}

/* It does not count (RFC 5280 §5.3.2: the CA revoked as of revocationDate), but must be one. */
static const char *invalidity_read(struct bytes value)
{
    struct bytes content;
    instant at;
    bool good = der_take(&value, DER_GENERALIZED_TIME, &content) && value.length == 0 &&
                der_time(DER_GENERALIZED_TIME, content, &at);
    return good ? NULL : "has an invalidityDate that is malformed";
}

static const char *entry_extension_read(const struct der_extension *extension,
                                        struct crl_entry *entry)
{
    int id = extension_id(extension);
    /* That entry, and all behind it, would be another issuer's: also where it is not marked
     * critical as it should be. */
    if (id == ID_CERTIFICATE_ISSUER)
        return "names another issuer: an indirect list is not of the profile";
    if (extension->critical)
        return "has a critical extension";
    if (id == ID_REASON_CODE)
        return reason_read(extension->value, &entry->reason);
    return id == ID_INVALIDITY_DATE ? invalidity_read(extension->value) : NULL;
}

/* By far the most usual: a reasonCode, not marked critical, and nothing else. */
static bool reason_alone(struct bytes content, enum crl_reason *ret_reason)
{
    static const uint8_t before[] = {
        DER_SEQUENCE, 12, DER_SEQUENCE,     10, DER_OID,        3, 0x55,
        0x1d,         21, DER_OCTET_STRING, 3,  DER_ENUMERATED, 1};
    if (content.length != sizeof before + 1 || memcmp(content.data, before, sizeof before) != 0)
        return false;
    uint8_t reason = content.data[sizeof before];
    *ret_reason = reason;
    return reason_known(reason);
}

static const char *entry_extensions_read(struct bytes content, struct crl_entry *entry)
{
    struct extensions extensions; /* not all of it is cleared: once for each entry that has any */
    struct bytes list;
    extensions.count = 0;
    if (!der_take(&content, DER_SEQUENCE, &list) || content.length != 0 || list.length == 0)
        return "is malformed";
    while (list.length > 0) {
        struct der_extension extension;
        const char *wrong = extension_next(&list, &extensions, &extension);
        if (!wrong)
            wrong = entry_extension_read(&extension, entry);
        if (wrong)
            return wrong;
    }
    return NULL;
}

const char *crl_entry_read(struct bytes content, struct crl_entry *ret_entry)
{
    struct bytes number, time;
    uint8_t tag;
    ret_entry->reason = CRL_UNSPECIFIED;
    if (!der_take(&content, DER_INTEGER, &number) || !der_number(number, &number) ||
        !serial_read(number, &ret_entry->serial))
        return "has a serial number that is none (positive, at most 20 octets)";
    if (!der_take_any(&content, &tag, &time) || !der_time(tag, time, &ret_entry->revoked_at))
        return "has a revocationDate that is none";
    if (content.length == 0 || reason_alone(content, &ret_entry->reason))
        return NULL;
    return entry_extensions_read(content, ret_entry);
}

/* --- extensions of the list ------------------------------------------------------------------- */

static const char *number_read(struct bytes value, struct crl_facts *facts)
{
    struct bytes number;
    if (!der_take(&value, DER_INTEGER, &number) || value.length != 0 ||
        !der_number(number, &number) || number.length > SERIAL_OCTETS_MOST)
        return "has a number (crlNumber) that is none";
    hex_encode(number.data, number.length, facts->number);
    return NULL;
}

static const char *key_id_read(struct bytes value, ASN1_OCTET_STRING **ret_key_id)
{
    const uint8_t *at = value.data;
    _cleanup_(cleanup_key_id) AUTHORITY_KEYID *authority =
        der_strict(value) ? d2i_AUTHORITY_KEYID(NULL, &at, (long)value.length) : NULL;
    ERR_clear_error();
    if (!authority || at != value.data + value.length)
        return "has an authorityKeyIdentifier that is malformed";
    *ret_key_id = TAKE(authority->keyid);
    return NULL;
}

/* The form that RFC 5280 §5.2.5 leaves when a list is one municipality's, of residents'
 * certificates only: no reasons, no attribute certificates, nothing of other issuers. */
static const char *partition_read(struct bytes value, struct crl_facts *facts)
{
    const uint8_t *at = value.data;
    _cleanup_(cleanup_point) ISSUING_DIST_POINT *point =
        der_strict(value) ? d2i_ISSUING_DIST_POINT(NULL, &at, (long)value.length) : NULL;
    ERR_clear_error();
    if (!point || at != value.data + value.length)
        return "has an issuingDistributionPoint that is malformed";
    if (point->indirectCRL > 0 || point->onlyattr > 0 || point->onlyCA > 0 ||
        point->onlysomereasons)
        return "has an issuingDistributionPoint that is not of the profile";
    X509_NAME *name = asn1_directory_name(point->distpoint);
    if (!name)
        return "has an issuingDistributionPoint without a directoryName";
    int length = i2d_X509_NAME(name, NULL);
    if (length <= 0 || length > CRL_PARTITION_MOST)
        return "has a partition's name that is too long";
    uint8_t *to = facts->partition_der;
    facts->partition_length = (size_t)i2d_X509_NAME(name, &to);
    asn1_name_text(name, facts->partition, sizeof facts->partition);
    return NULL;
}

static const char *extension_read(const struct der_extension *extension, struct crl_facts *facts,
                                  ASN1_OCTET_STRING **ret_key_id)
{
    switch (extension_id(extension)) {
    case ID_CRL_NUMBER:
        return number_read(extension->value, facts);
    case ID_AUTHORITY_KEY_IDENTIFIER:
        return key_id_read(extension->value, ret_key_id);
    case ID_ISSUING_DISTRIBUTION_POINT:
        return partition_read(extension->value, facts);
    case ID_DELTA_CRL_INDICATOR: /* however it is marked */
        return "tells changes only (a delta list)";
    default:
        return extension->critical ? "has a critical extension that is not known" : NULL;
    }
}

const char *crl_extensions_read(struct bytes content, struct crl_facts *facts,
                                ASN1_OCTET_STRING **ret_key_id)
{
    struct extensions extensions;
    extensions.count = 0;
    while (content.length > 0) {
        struct der_extension extension;
        const char *wrong = extension_next(&content, &extensions, &extension);
        if (!wrong)
            wrong = extension_read(&extension, facts, ret_key_id);
        if (wrong)
            return wrong;
    }
    return *facts->number ? NULL : "has no number (crlNumber)";
}

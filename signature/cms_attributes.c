#include "signature/cms_attributes.h"

#include <string.h>

#include "base/cleanup.h"
#include "signature/der.h"

#define SKEW_MOST      (5 * 60 * INSTANT_SECOND)
#define ATTRIBUTES_MAX 16

#define PKCS9               "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define OID_CONTENT_TYPE    PKCS9 "\x03"
#define OID_MESSAGE_DIGEST  PKCS9 "\x04"
#define OID_SIGNING_TIME    PKCS9 "\x05"
#define OID_CAPABILITIES    PKCS9 "\x0f"
#define OID_CERTIFICATE_V2  PKCS9 "\x10\x02\x2f"
#define OID_PROTECTION      PKCS9 "\x34"
#define OID_DATA            "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define DIRECTORY_NAME      0xa4 /* GeneralName [4] */
#define PROTECTED_SIGNATURE 0xa1 /* CMSAlgorithmProtection [1] */

static bool bad(struct checks *checks, const char *text)
{
    return checks_fail(checks, "signature.attributes", "SIG_CONSTRAINTS_FAILURE",
                       "signature-attributes", "%s", text);
}

/* Where the value of an attribute of this type goes; NULL for one that is not known. */
static struct bytes *place_of(struct bytes oid, struct cms_attributes *a, struct bytes *unread)
{
    const struct {
        const char *oid;
        struct bytes *place;
    } known[] = {
        {OID_CONTENT_TYPE, &a->content_type}, {OID_MESSAGE_DIGEST, &a->message_digest},
        {OID_SIGNING_TIME, &a->time},         {OID_CERTIFICATE_V2, &a->certificate},
        {OID_PROTECTION, &a->protection},     {OID_CAPABILITIES, unread},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (bytes_equal(oid, bytes_of(known[i].oid, strlen(known[i].oid))))
            return known[i].place;
    return NULL;
}

static bool attribute_read(struct bytes in, struct cms_attributes *a, struct bytes *unread)
{
    struct bytes oid, values, value, rest;
    uint8_t tag;
    if (!der_take(&in, DER_OID, &oid) || !der_take(&in, DER_SET, &values) || in.length != 0)
        return false;
    rest = values;
    struct bytes *place = place_of(oid, a, unread);
    if (!place || place->data || !der_take_any(&rest, &tag, &value) || rest.length != 0)
        return false;
    *place = values;
    return true;
}

/* X.690 §11.6: as octet strings, the shorter padded with zeros; equal ones would be doubled. */
static bool before(struct bytes a, struct bytes b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.data, b.data, common);
    return order < 0 || (order == 0 && a.length < b.length);
}

bool cms_attributes_read(struct bytes content, struct cms_attributes *ret_attributes,
                         struct checks *checks)
{
    struct cms_attributes a = {0};
    struct bytes last = {0}, unread = {0}, one;
    for (size_t count = 0; content.length > 0; count++) {
        struct bytes start = content;
        if (count == ATTRIBUTES_MAX || !der_take(&content, DER_SEQUENCE, &one) ||
            !attribute_read(one, &a, &unread))
            return bad(checks, "a signed attribute is not known, stands there twice, or has not "
                               "exactly one value");
        start.length -= content.length;
        if (last.data && !before(last, start))
            return bad(checks, "the signed attributes are not in the order of DER");
        last = start;
    }
    struct bytes type, digest;
    if (!der_take(&a.content_type, DER_OID, &type) ||
        !bytes_equal(type, bytes_of(OID_DATA, strlen(OID_DATA))))
        return bad(checks, "the attribute content-type is not id-data");
    if (!der_take(&a.message_digest, DER_OCTET_STRING, &digest))
        return bad(checks, "there is no attribute message-digest");
    a.content_type = type;
    a.message_digest = digest;
    *ret_attributes = a;
    return true;
}

bool cms_names_signer(X509 *signer, struct bytes issuer, struct bytes serial)
{
    const uint8_t *name;
    size_t length;
    struct bytes own, content;
    uint8_t *der = NULL;
    if (!X509_NAME_get0_der(X509_get_issuer_name(signer), &name, &length) ||
        !bytes_equal(issuer, bytes_of(name, length)))
        return false;
    int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(signer), &der);
    own = bytes_of(der, size > 0 ? (size_t)size : 0);
    bool same = der_take(&own, DER_INTEGER, &content) && bytes_equal(content, serial);
    OPENSSL_free(der);
    return same;
}

static bool issuer_serial_fits(struct bytes in, X509 *signer)
{
    struct bytes names, name, serial;
    return der_take(&in, DER_SEQUENCE, &names) && der_take(&in, DER_INTEGER, &serial) &&
           in.length == 0 && der_take(&names, DIRECTORY_NAME, &name) && names.length == 0 &&
           cms_names_signer(signer, name, serial);
}

/* SigningCertificateV2: exactly one ESSCertIDv2, no policies. */
static bool certificate_fits(struct bytes value, const struct cms_form *form, X509 *signer)
{
    struct bytes whole, list, id, algorithm, hash, issuer;
    enum digest digest = DIGEST_SHA256; /* the default, which DER leaves out */
    if (!der_take(&value, DER_SEQUENCE, &whole) || !der_take(&whole, DER_SEQUENCE, &list) ||
        whole.length != 0 || !der_take(&list, DER_SEQUENCE, &id) || list.length != 0)
        return false;
    if (der_take(&id, DER_SEQUENCE, &algorithm) && !cms_digest_read(algorithm, &digest))
        return false;
    uint8_t own[DIGEST_MAX];
    digest_of(digest, form->certificate, own);
    if (!der_take(&id, DER_OCTET_STRING, &hash) ||
        !bytes_equal(hash, bytes_of(own, digest_length(digest))))
        return false;
    return id.length == 0 || (der_take(&id, DER_SEQUENCE, &issuer) && id.length == 0 &&
                              issuer_serial_fits(issuer, signer));
}

static bool protection_fits(struct bytes value, const struct cms_form *form)
{
    struct bytes in, digest, algorithm;
    return der_take(&value, DER_SEQUENCE, &in) && der_take(&in, DER_SEQUENCE, &digest) &&
           der_take(&in, PROTECTED_SIGNATURE, &algorithm) && in.length == 0 &&
           bytes_equal(digest, form->digest_algorithm) &&
           bytes_equal(algorithm, form->value_algorithm);
}

static bool time_judge(struct bytes value, instant applied_at, struct checks *checks)
{
    struct bytes content;
    uint8_t tag;
    instant at;
    char text[INSTANT_TEXT];
    if (!der_take_any(&value, &tag, &content) || !der_time(tag, content, &at))
        return bad(checks, "the attribute signing-time is not a moment");
    checks_input(checks, "signing_time", "%s", instant_text_jst(at, text));
    if (applied_at != 0 && at > applied_at + SKEW_MOST)
        return checks_fail(checks, "signature.attributes", "SIG_CONSTRAINTS_FAILURE",
                           "signature-time", "signing-time lies after applied-at");
    return true;
}

bool cms_attributes_judge(const struct cms_attributes *a, const struct cms_form *form, X509 *signer,
                          instant applied_at, struct checks *checks)
{
    if (a->certificate.data && !certificate_fits(a->certificate, form, signer))
        return bad(checks, "signing-certificate-v2 does not name the signer's certificate");
    if (a->protection.data && !protection_fits(a->protection, form))
        return bad(checks, "cmsAlgorithmProtection does not name the algorithms that are used");
    if (a->time.data && !time_judge(a->time, applied_at, checks))
        return false;
    checks_pass(checks, "signature.attributes", "the signed attributes hold");
    return true;
}

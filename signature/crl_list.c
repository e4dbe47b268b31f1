#include "signature/crl_list.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"

DEFINE_CLEANUP(cleanup_list, struct crl_list *, crl_list_free)
DEFINE_CLEANUP(cleanup_idp, ISSUING_DIST_POINT *, ISSUING_DIST_POINT_free)
DEFINE_CLEANUP(cleanup_enumerated, ASN1_ENUMERATED *, ASN1_ENUMERATED_free)
DEFINE_CLEANUP(cleanup_integer, ASN1_INTEGER *, ASN1_INTEGER_free)

void crl_list_free(struct crl_list *list)
{
    X509_CRL_free(list->crl);
    X509_NAME_free(list->partition);
    X509_free(list->issuer);
    free(list);
}

static X509_CRL *crl_from_pem(struct bytes text)
{
    _cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(text.data, (int)text.length);
    return in ? PEM_read_bio_X509_CRL(in, NULL, NULL, NULL) : NULL;
}

static X509_CRL *crl_from_der(struct bytes der)
{
    const uint8_t *at = der.data;
    _cleanup_(cleanup_crl) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.length);
    return crl && at == der.data + der.length ? TAKE(crl) : NULL;
}

static X509_CRL *crl_parse(struct bytes bytes)
{
    static const char mark[] = "-----BEGIN";
    if (bytes.length == 0 || bytes.length > CRL_BYTES_MAX)
        return NULL;
    bool pem = bytes.length > sizeof mark && memcmp(bytes.data, mark, sizeof mark - 1) == 0;
    X509_CRL *crl = pem ? crl_from_pem(bytes) : crl_from_der(bytes);
    ERR_clear_error();
    return crl;
}

/* The form that RFC 5280 §5.2.5 leaves when a list is one municipality's, of residents'
 * certificates only: no indirect list, no reasons, no attribute certificates. */
static bool partition_read(struct crl_list *list, struct failure *f)
{
    int critical;
    _cleanup_(cleanup_idp) ISSUING_DIST_POINT *point =
        X509_CRL_get_ext_d2i(list->crl, NID_issuing_distribution_point, &critical, NULL);
    if (!point && critical == -1)
        return true;
    if (!point || point->indirectCRL > 0 || point->onlyattr > 0 || point->onlyCA > 0 ||
        point->onlysomereasons)
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list's issuingDistributionPoint is not of the profile");
    X509_NAME *name = asn1_directory_name(point->distpoint);
    if (!name)
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list's issuingDistributionPoint has no directoryName");
    list->partition = X509_NAME_dup(name);
    asn1_name_text(name, list->facts.partition, sizeof list->facts.partition);
    return true;
}

static bool extension_known(int nid)
{
    return nid == NID_issuing_distribution_point || nid == NID_crl_number ||
           nid == NID_authority_key_identifier;
}

/* A list of changes only is none, however it is marked. */
static bool extensions_known(const X509_CRL *crl)
{
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
        return false;
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);
        if (X509_CRL_get_ext_by_OBJ(crl, oid, i) >= 0 ||
            (X509_EXTENSION_get_critical(extension) && !extension_known(OBJ_obj2nid(oid))))
            return false;
    }
    return true;
}

/* An entry whose date or reason cannot be read, or that means more than we understand
 * (certificateIssuer of an indirect list, also where it is not critical as it should be), would be
 * judged wrongly later: it is refused now. */
static bool entry_known(const X509_REVOKED *entry)
{
    instant date;
    int critical;
    _cleanup_(cleanup_enumerated) ASN1_ENUMERATED *reason =
        X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, NULL);
    return asn1_instant(X509_REVOKED_get0_revocationDate(entry), &date) &&
           (reason || critical == -1) && X509_REVOKED_get_ext_by_critical(entry, 1, -1) < 0 &&
           X509_REVOKED_get_ext_by_NID(entry, NID_certificate_issuer, -1) < 0;
}

static bool entries_known(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
        if (!entry_known(sk_X509_REVOKED_value(entries, i)))
            return false;
    return true;
}

static bool number_read(const X509_CRL *crl, char text[ASN1_NUMBER_TEXT])
{
    _cleanup_(cleanup_integer) ASN1_INTEGER *number =
        X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    return asn1_number(number, true, text);
}

static bool facts_read(struct crl_list *list, struct failure *f)
{
    X509_CRL *crl = list->crl;
    struct crl_facts *facts = &list->facts;
    if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2)
        return failure_set(f, FAILURE_INPUT, "the revocation list is not of version 2");
    if (!number_read(crl, facts->number))
        return failure_set(f, FAILURE_INPUT, "the revocation list has no number (crlNumber)");
    if (!asn1_instant(X509_CRL_get0_lastUpdate(crl), &facts->this_update) ||
        !asn1_instant(X509_CRL_get0_nextUpdate(crl), &facts->next_update) ||
        facts->next_update <= facts->this_update)
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list has no thisUpdate and later nextUpdate");
    if (!extensions_known(crl))
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list has a critical extension that is not known");
    if (!entries_known(crl))
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list has an entry that cannot be understood");
    facts->entries = (size_t)sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
    if (sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) < 0)
        facts->entries = 0; /* no revokedCertificates at all */
    return partition_read(list, f);
}

static bool hash(struct crl_list *list)
{
    uint8_t *der = NULL;
    int length = i2d_X509_CRL(list->crl, &der);
    if (length > 0)
        sha256_hex(bytes_of(der, (size_t)length), list->sha256);
    OPENSSL_free(der);
    return length > 0;
}

/* Parses and verifies all of it; *ret_list is the caller's. */
bool crl_list_read(struct bytes bytes, const struct trust *trust, struct crl_list **ret_list,
                   struct failure *f)
{
    _cleanup_(cleanup_list) struct crl_list *list = memory_allocate(sizeof *list);
    list->crl = crl_parse(bytes);
    if (!list->crl || !hash(list))
        return failure_set(f, FAILURE_INPUT, "it is not one revocation list in DER or PEM");
    X509 *issuer = trust_crl_issuer(trust, list->crl);
    if (!issuer || !signature_nid_allowed(X509_CRL_get_signature_nid(list->crl)))
        return failure_set(f, FAILURE_INPUT,
                           "the revocation list is not signed by a trust anchor that may");
    X509_up_ref(issuer);
    list->issuer = issuer;
    if (!facts_read(list, f))
        return false;
    /* Sorted now, a lookup only reads: threads share the set. */
    X509_CRL_sort(list->crl);
    *ret_list = TAKE(list);
    return true;
}

bool crl_check(struct bytes crl, const struct trust *trust, struct crl_facts *ret_facts,
               struct failure *f)
{
    _cleanup_(cleanup_list) struct crl_list *list = NULL;
    if (!crl_list_read(crl, trust, &list, f))
        return false;
    *ret_facts = list->facts;
    return true;
}

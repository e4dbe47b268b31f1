/* Who may answer for an issuer: RFC 6960 §4.2.2.2. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/ocsp_internal.h"
#include "signature/public_key.h"

#define CERTIFICATES_MAX 8 /* that a response may carry */

static const struct ocsp_fault foreign = {
    "ocsp-responder", "no certificate of the issuer's for answering is in the response"};

/* responderID: a name, or SHA-1 of the key. It only points at a certificate. */
static bool is_named(const OCSP_BASICRESP *basic, X509 *x509)
{
    const ASN1_OCTET_STRING *key = NULL;
    const X509_NAME *name = NULL;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned length;
    if (!OCSP_resp_get0_id(basic, &key, &name))
        return false;
    if (name)
        return X509_NAME_cmp(name, X509_get_subject_name(x509)) == 0;
    return X509_pubkey_digest(x509, EVP_sha1(), hash, &length) == 1 &&
           bytes_equal(bytes_of(hash, length),
                       bytes_of(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key)));
}

static bool issued_by(X509 *x509, X509 *issuer)
{
    _cleanup_(cleanup_pkey) EVP_PKEY *key = public_key_of(issuer);
    return key && X509_NAME_cmp(X509_get_issuer_name(x509), X509_get_subject_name(issuer)) == 0 &&
           signature_nid_allowed(X509_get_signature_nid(x509)) && X509_verify(x509, key) == 1;
}

static bool in_force(X509 *x509, instant at)
{
    instant from, to;
    return asn1_instant(X509_get0_notBefore(x509), &from) &&
           asn1_instant(X509_get0_notAfter(x509), &to) && at >= from &&
           at < to + INSTANT_SECOND; /* notAfter includes its second */
}

/* extendedKeyUsage has to be there and say so; anyExtendedKeyUsage is not enough (§4.2.2.2). */
static bool is_for_answers(X509 *x509)
{
    uint32_t flags = X509_get_extension_flags(x509);
    uint32_t usage = X509_get_key_usage(x509); /* all bits when there is no keyUsage */
    return !(flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) && flags & EXFLAG_XKUSAGE &&
           X509_get_extended_key_usage(x509) & XKU_OCSP_SIGN &&
           usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

static bool delegated(X509 *x509, X509 *issuer, instant produced_at, bool nocheck_dispensed,
                      struct ocsp_fault *ret_fault)
{
    static const char reason[] = "ocsp-responder";
    if (!issued_by(x509, issuer))
        *ret_fault = foreign;
    else if (!is_for_answers(x509))
        *ret_fault = (struct ocsp_fault){reason, "its certificate is not for answering (OCSP)"};
    else if (!in_force(x509, produced_at))
        *ret_fault = (struct ocsp_fault){reason, "its certificate was not in force at producedAt"};
    else if (!nocheck_dispensed && X509_get_ext_by_NID(x509, NID_id_pkix_OCSP_noCheck, -1) < 0)
        *ret_fault = (struct ocsp_fault){reason, "its certificate is without ocsp-nocheck"};
    else
        return true;
    return false;
}

static bool signed_by(const OCSP_BASICRESP *basic, X509 *x509)
{
    _cleanup_(cleanup_pkey) EVP_PKEY *key = public_key_of(x509);
    return key &&
           ASN1_item_verify(ASN1_ITEM_rptr(OCSP_RESPDATA), OCSP_resp_get0_tbs_sigalg(basic),
                            OCSP_resp_get0_signature(basic),
                            (void *)OCSP_resp_get0_respdata((OCSP_BASICRESP *)basic), key) == 1;
}

static X509 *signer_find(const OCSP_BASICRESP *basic, X509 *issuer, instant produced_at,
                         bool nocheck_dispensed, struct ocsp_fault *ret_fault)
{
    static const struct ocsp_fault not_signed = {"ocsp-signature",
                                                 "the signature is not by its responder"};
    if (is_named(basic, issuer)) {
        if (signed_by(basic, issuer))
            return issuer;
        *ret_fault = not_signed; /* unless a responder has the issuer's name */
    }
    const STACK_OF(X509) *certificates = OCSP_resp_get0_certs(basic);
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *x509 = sk_X509_value(certificates, i);
        if (!is_named(basic, x509) ||
            !delegated(x509, issuer, produced_at, nocheck_dispensed, ret_fault))
            continue;
        if (signed_by(basic, x509))
            return x509;
        *ret_fault = not_signed;
    }
    return NULL;
}

/* The signature does not cover its own algorithm: parameters can only be the NULL of RFC 4055 §5,
 * or none. */
static bool algorithm_allowed(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid;
    int parameters;
    X509_ALGOR_get0(&oid, &parameters, NULL, algorithm);
    return signature_nid_allowed(OBJ_obj2nid(oid)) &&
           (parameters == V_ASN1_NULL || parameters == V_ASN1_UNDEF);
}

X509 *ocsp_signer(const OCSP_BASICRESP *basic, X509 *issuer, instant produced_at,
                  bool nocheck_dispensed, struct ocsp_fault *ret_fault)
{
    *ret_fault = foreign;
    if (!algorithm_allowed(OCSP_resp_get0_tbs_sigalg(basic)))
        *ret_fault = (struct ocsp_fault){"ocsp-algorithm",
                                         "it is signed with an algorithm that is not allowed"};
    else if (sk_X509_num(OCSP_resp_get0_certs(basic)) > CERTIFICATES_MAX)
        *ret_fault = (struct ocsp_fault){"ocsp-malformed", "it carries too many certificates"};
    else {
        X509 *signer = signer_find(basic, issuer, produced_at, nocheck_dispensed, ret_fault);
        ERR_clear_error();
        return signer;
    }
    return NULL;
}

#include "signature/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/facts.h"
#include "signature/public_key.h"

#define CERTIFICATE_BYTES_MAX (64 * 1024) /* a signing certificate is near 2 KB */
#define EXTENSIONS_MAX        32

DEFINE_CLEANUP(cleanup_names, GENERAL_NAMES *, GENERAL_NAMES_free)
DEFINE_CLEANUP(cleanup_policies, CERTIFICATEPOLICIES *, CERTIFICATEPOLICIES_free)

/* What one judgement looks at. */
struct judgement {
    struct certificate *certificate;
    X509 *x509;
    const EVP_PKEY *key;
    const struct trust *trust;
    instant at;
    struct checks *checks;
};

void certificate_free(struct certificate *certificate)
{
    if (!certificate)
        return;
    X509_free(certificate->x509);
    free(certificate);
}

X509 *certificate_parse(struct bytes der)
{
    if (der.length == 0 || der.length > CERTIFICATE_BYTES_MAX)
        return NULL;
    const uint8_t *at = der.data;
    _cleanup_(cleanup_x509) X509 *x509 = x509_without_key(&at, (long)der.length);
    ERR_clear_error();
    if (!x509 || at != der.data + der.length)
        return NULL;
    uint8_t *again = NULL;
    int length = i2d_X509(x509, &again);
    bool same = length > 0 && bytes_equal(bytes_of(again, (size_t)length), der);
    OPENSSL_free(again);
    return same ? TAKE(x509) : NULL;
}

static void judge_form(const struct judgement *j)
{
    static const char name[] = "certificate.form";
    /* OpenSSL reads the extensions here, once for all that follows. */
    uint32_t flags = X509_get_extension_flags(j->x509);
    ERR_clear_error();
    if (X509_get_version(j->x509) != X509_VERSION_3)
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-malformed",
                    "the certificate is not of version 3");
    else if (flags & EXFLAG_INVALID)
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-malformed",
                    "an extension of the certificate cannot be read");
    else if (!asn1_number(X509_get0_serialNumber(j->x509), false, j->certificate->serial))
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-malformed",
                    "the serial number is not a positive number of at most %d bytes", SERIAL_BYTES);
    else
        checks_pass(j->checks, name, "version 3, canonical, with a positive serial number");
}

static void judge_algorithm(const struct judgement *j)
{
    static const char name[] = "certificate.algorithm";
    if (!signature_nid_allowed(X509_get_signature_nid(j->x509)))
        checks_fail(j->checks, name, "CRYPTO_CONSTRAINTS_FAILURE", "certificate-algorithm",
                    "the certificate is signed with an algorithm that is not allowed");
    else if (!key_allowed(j->key))
        checks_fail(j->checks, name, "CRYPTO_CONSTRAINTS_FAILURE", "certificate-algorithm",
                    "the key is not RSA of 2048 to 8192 bits with e from 65537, P-256 or P-384");
    else
        checks_pass(j->checks, name, "allowed key, signed with %s",
                    OBJ_nid2sn(X509_get_signature_nid(j->x509)));
    ERR_clear_error();
}

static void judge_issuer(const struct judgement *j)
{
    static const char name[] = "certificate.issuer";
    bool name_known;
    /* Production knows one organization; every other hierarchy is a test's, or nobody's. */
    bool jpki = asn1_organization_is(X509_get_issuer_name(j->x509), "JPKI");
    j->certificate->issuer = trust_issuer(j->trust, j->x509, &name_known);
    if (trust_mode(j->trust) == TRUST_PRODUCTION && !jpki)
        checks_fail(j->checks, name, "NO_CERTIFICATE_CHAIN_FOUND", "certificate-test-hierarchy",
                    "the issuer is not O=JPKI: a test hierarchy is refused in production mode");
    else if (!name_known)
        checks_fail(j->checks, name, "NO_CERTIFICATE_CHAIN_FOUND", "certificate-issuer-unknown",
                    "no anchor has the issuer's name");
    else if (!j->certificate->issuer)
        checks_fail(j->checks, name, "CERTIFICATE_CHAIN_GENERAL_FAILURE", "certificate-untrusted",
                    "anchors have the issuer's name, none of their keys signed the certificate");
    else
        checks_pass(j->checks, name, "signed by a pinned anchor");
}

static bool validity_read(X509 *x509, instant *ret_from, instant *ret_to)
{
    return asn1_instant(X509_get0_notBefore(x509), ret_from) &&
           asn1_instant(X509_get0_notAfter(x509), ret_to) && *ret_from <= *ret_to;
}

static bool in_force(X509 *x509, instant at, bool *ret_expired)
{
    instant from, to;
    if (!validity_read(x509, &from, &to))
        return false;
    *ret_expired = at >= to + INSTANT_SECOND; /* notAfter includes its second */
    return at >= from && !*ret_expired;
}

static void judge_validity(const struct judgement *j)
{
    static const char name[] = "certificate.validity";
    bool expired = false, issuer_expired = false;
    instant from, to;
    if (!validity_read(j->x509, &from, &to))
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-malformed",
                    "notBefore and notAfter are no span of time");
    else if (!in_force(j->x509, j->at, &expired))
        checks_fail(j->checks, name, expired ? "EXPIRED" : "NOT_YET_VALID",
                    expired ? "certificate-expired" : "certificate-not-yet-valid",
                    "the certificate was %s at the moment of application",
                    expired ? "expired" : "not yet valid");
    else if (j->certificate->issuer && !in_force(j->certificate->issuer, j->at, &issuer_expired))
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-untrusted",
                    "its issuer's own certificate was not in force at the moment of application");
    else
        checks_pass(j->checks, name, "in force at the moment of application");
}

static bool usage_is_critical(X509 *x509)
{
    int at = X509_get_ext_by_NID(x509, NID_key_usage, -1);
    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x509, at));
}

static void judge_purpose(const struct judgement *j)
{
    bool is_issuer = X509_get_extension_flags(j->x509) & (EXFLAG_CA | EXFLAG_SI);
    uint32_t usage = X509_get_key_usage(j->x509); /* all bits when there is no keyUsage */
    bool present = X509_get_extension_flags(j->x509) & EXFLAG_KUSAGE;
    if (is_issuer || (present && usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)))
        checks_fail(j->checks, "certificate.end-entity", "CHAIN_CONSTRAINTS_FAILURE",
                    "certificate-is-ca", "the certificate is a CA's or its own issuer's");
    else
        checks_pass(j->checks, "certificate.end-entity", "not a CA");
    if (!present || !usage_is_critical(j->x509) || !(usage & KU_NON_REPUDIATION))
        checks_fail(j->checks, "certificate.key-usage", "CHAIN_CONSTRAINTS_FAILURE",
                    "certificate-purpose",
                    "keyUsage is not critical with nonRepudiation: not a signing certificate");
    else
        checks_pass(j->checks, "certificate.key-usage", "critical, with nonRepudiation");
}

static bool policies_accepted(const struct trust *trust, const CERTIFICATEPOLICIES *policies)
{
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        int length = OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        if (length <= 0 || length >= (int)sizeof oid || !trust_policy_accepted(trust, oid))
            return false;
    }
    return sk_POLICYINFO_num(policies) > 0;
}

static void judge_policy(const struct judgement *j)
{
    _cleanup_(cleanup_policies) CERTIFICATEPOLICIES *policies =
        X509_get_ext_d2i(j->x509, NID_certificate_policies, NULL, NULL);
    ERR_clear_error();
    if (!policies || !policies_accepted(j->trust, policies))
        checks_fail(j->checks, "certificate.policy", "CHAIN_CONSTRAINTS_FAILURE",
                    "certificate-policy", "the certificate's policy is not one that is accepted");
    else
        checks_pass(j->checks, "certificate.policy", "accepted");
}

/* The extensions of the profile: what is critical beyond them carries a meaning that we would
 * miss. */
static bool extension_known(int nid)
{
    switch (nid) {
    case NID_key_usage:
    case NID_basic_constraints:
    case NID_certificate_policies:
    case NID_subject_alt_name:
    case NID_issuer_alt_name:
    case NID_crl_distribution_points:
    case NID_info_access:
    case NID_authority_key_identifier:
    case NID_subject_key_identifier:
        return true;
    default:
        return false;
    }
}

static const char *extensions_fault(X509 *x509)
{
    int count = X509_get_ext_count(x509);
    if (count > EXTENSIONS_MAX)
        return "there are too many extensions";
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);
        if (X509_get_ext_by_OBJ(x509, oid, i) >= 0)
            return "an extension stands there twice";
        if (X509_EXTENSION_get_critical(extension) && !extension_known(OBJ_obj2nid(oid)))
            return "an extension is critical and not known";
    }
    return NULL;
}

static void judge_extensions(const struct judgement *j)
{
    const char *fault = extensions_fault(j->x509);
    if (fault)
        checks_fail(j->checks, "certificate.extensions", "CHAIN_CONSTRAINTS_FAILURE",
                    "certificate-extension", "%s", fault);
    else
        checks_pass(j->checks, "certificate.extensions", "nothing critical that is not known");
}

static void judge_facts(const struct judgement *j)
{
    const char *fault = "there is no subjectAltName that can be read";
    _cleanup_(cleanup_names) GENERAL_NAMES *names =
        X509_get_ext_d2i(j->x509, NID_subject_alt_name, NULL, NULL);
    ERR_clear_error();
    if (!names || !basic_facts_read(names, &j->certificate->facts, &fault))
        checks_fail(j->checks, "certificate.facts", "CHAIN_CONSTRAINTS_FAILURE",
                    "certificate-facts", "the four basic facts: %s", fault);
    else
        checks_pass(j->checks, "certificate.facts", "the four basic facts are complete");
}

struct certificate *certificate_judge(X509 *x509, const EVP_PKEY *key, const struct trust *trust,
                                      instant at, struct checks *checks)
{
    struct certificate *certificate = memory_allocate(sizeof *certificate);
    X509_up_ref(x509);
    certificate->x509 = x509;
    memcpy(certificate->ca, "sign", sizeof "sign");
    const struct judgement j = {certificate, x509, key, trust, at, checks};
    judge_form(&j);
    judge_algorithm(&j);
    judge_issuer(&j);
    judge_validity(&j);
    judge_purpose(&j);
    judge_policy(&j);
    judge_extensions(&j);
    judge_facts(&j);
    return certificate;
}

struct certificate *certificate_read(struct bytes der, const struct trust *trust, instant at,
                                     struct checks *checks)
{
    _cleanup_(cleanup_x509) X509 *x509 = certificate_parse(der);
    _cleanup_(cleanup_pkey) EVP_PKEY *key = x509 ? public_key_of(x509) : NULL;
    if (x509)
        return certificate_judge(x509, key, trust, at, checks);
    checks_fail(checks, "certificate.form", "CHAIN_CONSTRAINTS_FAILURE", "certificate-malformed",
                "the bytes are not one certificate in canonical DER");
    return NULL;
}

bool certificate_issuer_sha256(const struct certificate *certificate, char ret_text[65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!certificate->issuer ||
        X509_digest(certificate->issuer, EVP_sha256(), digest, &length) != 1)
        return false;
    hex_encode(digest, length, ret_text);
    return true;
}

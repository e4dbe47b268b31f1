#include "signature/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/algorithm.h"
#include "signature/asn1.h"
#include "signature/der.h"
#include "signature/extensions.h"
#include "signature/public_key.h"

#define CERTIFICATE_BYTES_MAX (64 * 1024) /* a signing certificate is near 2 KB */

DEFINE_CLEANUP(cleanup_policies, CERTIFICATEPOLICIES *, CERTIFICATEPOLICIES_free)

/* What one judgement looks at. */
struct judgement {
    struct certificate *certificate;
    X509 *x509;
    const EVP_PKEY *key;
    const struct trust *trust;
    instant at;
    struct checks *checks;
    char fingerprint[65]; /* SHA-256 of the certificate's DER */
};

void certificate_free(struct certificate *certificate)
{
    if (!certificate)
        return;
    X509_free(certificate->x509);
    free(certificate);
}

void certificate_sha256(const X509 *x509, char ret_text[65])
{
    uint8_t digest[DIGEST_MAX];
    if (X509_digest(x509, digest_md(DIGEST_SHA256), digest, NULL) != 1)
        abort(); /* only for want of memory */
    hex_encode(digest, digest_length(DIGEST_SHA256), ret_text);
}

bool certificate_issuer_sha256(const struct certificate *certificate, char ret_text[65])
{
    if (!certificate->issuer)
        return false;
    certificate_sha256(certificate->issuer, ret_text);
    return true;
}

X509 *certificate_parse(struct bytes der)
{
    if (der.length > CERTIFICATE_BYTES_MAX || !der_strict(der))
        return NULL;
    const uint8_t *at = der.data;
    _cleanup_(cleanup_x509) X509 *x509 = x509_without_key(&at, (long)der.length);
    ERR_clear_error();
    return x509 && at == der.data + der.length ? TAKE(x509) : NULL;
}

const char *certificate_form_fault(X509 *x509)
{
    const X509_ALGOR *outer;
    /* OpenSSL reads the extensions here, once for all that follows. */
    uint32_t flags = X509_get_extension_flags(x509);
    ERR_clear_error();
    X509_get0_signature(NULL, &outer, x509);
    if (ASN1_STRING_length(X509_get0_serialNumber(x509)) > SERIAL_BYTES)
        return "the serial number has more than 20 bytes";
    if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(x509)) != 0)
        return "the algorithm outside is not the one that is signed";
    if (flags & EXFLAG_INVALID)
        return "an extension cannot be read, or contradicts another";
    return NULL;
}

/* What the profile asks for beyond: nothing that RFC 5280 forbids to issue. */
static const char *profile_form_fault(X509 *x509, char ret_serial[2 * SERIAL_BYTES + 1])
{
    const ASN1_BIT_STRING *issuer_id, *subject_id;
    const char *fault = certificate_form_fault(x509);
    X509_get0_uids(x509, &issuer_id, &subject_id);
    if (!asn1_number(X509_get0_serialNumber(x509), false, ret_serial) && !fault)
        return "the serial number is not a positive number of at most 20 bytes";
    if (!fault && (issuer_id || subject_id))
        return "it has a unique identifier, which nobody may use (RFC 5280 §4.1.2.8)";
    if (!fault && X509_get_version(x509) != X509_VERSION_3)
        return "it is not of version 3";
    return fault;
}

static void judge_form(const struct judgement *j)
{
    static const char name[] = "certificate.form";
    const char *fault = profile_form_fault(j->x509, j->certificate->serial);
    checks_input(j->checks, "certificate_sha256", "%s", j->fingerprint);
    if (fault)
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-malformed",
                    "the certificate: %s", fault);
    else
        checks_pass(j->checks, name, "version 3, canonical, with a positive serial number");
}

static void judge_algorithm(const struct judgement *j)
{
    static const char name[] = "certificate.algorithm";
    checks_input(j->checks, "algorithm", "%s", OBJ_nid2sn(X509_get_signature_nid(j->x509)));
    if (j->key) {
        checks_input(j->checks, "key_type", "%s", OBJ_nid2sn(EVP_PKEY_get_base_id(j->key)));
        checks_input(j->checks, "key_bits", "%d", EVP_PKEY_get_bits(j->key));
    }
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
    X509 *issuer = j->certificate->issuer = trust_issuer(j->trust, j->x509, &name_known);
    char fingerprint[65];
    checks_input(j->checks, "anchors", "%zu", trust_count(j->trust));
    if (certificate_issuer_sha256(j->certificate, fingerprint))
        checks_input(j->checks, "issuer_sha256", "%s", fingerprint);
    if (trust_mode(j->trust) == TRUST_PRODUCTION && !jpki)
        checks_fail(j->checks, name, "NO_CERTIFICATE_CHAIN_FOUND", "certificate-test-hierarchy",
                    "the issuer is not O=JPKI: a test hierarchy is refused in production mode");
    else if (!name_known)
        checks_fail(j->checks, name, "NO_CERTIFICATE_CHAIN_FOUND", "certificate-issuer-unknown",
                    "no anchor has the issuer's name");
    else if (!issuer)
        checks_fail(j->checks, name, "CERTIFICATE_CHAIN_GENERAL_FAILURE", "certificate-untrusted",
                    "anchors have the issuer's name, none of their keys signed the certificate");
    else if (!extension_names_issuer(j->x509, issuer))
        checks_fail(j->checks, name, "CERTIFICATE_CHAIN_GENERAL_FAILURE", "certificate-untrusted",
                    "its authorityKeyIdentifier names another certificate than its issuer's");
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

static void input_time(struct checks *checks, const char *name, instant at)
{
    char text[INSTANT_TEXT];
    checks_input(checks, name, "%s", instant_text_jst(at, text));
}

static void judge_validity(const struct judgement *j)
{
    static const char name[] = "certificate.validity";
    bool expired = false, issuer_expired = false;
    instant from, to;
    bool span = validity_read(j->x509, &from, &to);
    input_time(j->checks, "at", j->at);
    if (span) {
        input_time(j->checks, "not_before", from);
        input_time(j->checks, "not_after", to);
    }
    if (!span)
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

static void judge_end_entity(const struct judgement *j)
{
    static const char name[] = "certificate.end-entity";
    uint32_t flags = X509_get_extension_flags(j->x509);
    uint32_t usage = flags & EXFLAG_KUSAGE ? X509_get_key_usage(j->x509) : 0;
    const char *fault = NULL;
    if (trust_holds(j->trust, j->x509))
        fault = "the certificate is an anchor itself";
    else if (flags & EXFLAG_SI)
        fault = "the certificate is its own issuer's";
    else if (flags & EXFLAG_CA || usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
        fault = "the certificate is a CA's";
    if (fault)
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-is-ca", "%s", fault);
    else
        checks_pass(j->checks, name, "not a CA");
}

static void judge_usage(const struct judgement *j)
{
    static const char name[] = "certificate.key-usage";
    bool critical;
    bool present = extension_find(j->x509, NID_key_usage, NULL, &critical);
    uint32_t usage = present ? X509_get_key_usage(j->x509) : 0;
    checks_input(j->checks, "key_usage", "0x%04x%s", usage, present && critical ? " critical" : "");
    if (!present || !critical || !(usage & KU_NON_REPUDIATION))
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-purpose",
                    "keyUsage is not critical with nonRepudiation: not a signing certificate");
    else
        checks_pass(j->checks, name, "critical, with nonRepudiation");
}

/* RFC 5280 §4.2.1.4: a policy stands there once. */
static bool stands_before(const CERTIFICATEPOLICIES *policies, int at)
{
    for (int i = 0; i < at; i++)
        if (OBJ_cmp(sk_POLICYINFO_value(policies, i)->policyid,
                    sk_POLICYINFO_value(policies, at)->policyid) == 0)
            return true;
    return false;
}

/* All of them; they are listed in `oids`. */
static bool policies_accepted(const struct trust *trust, const CERTIFICATEPOLICIES *policies,
                              struct buffer *oids)
{
    bool accepted = sk_POLICYINFO_num(policies) > 0;
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        int length = OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        bool whole = length > 0 && length < (int)sizeof oid;
        buffer_format(oids, "%s%s", i > 0 ? " " : "", whole ? oid : "?");
        accepted =
            accepted && whole && trust_policy_accepted(trust, oid) && !stands_before(policies, i);
    }
    return accepted;
}

static void judge_policy(const struct judgement *j)
{
    static const char name[] = "certificate.policy";
    bool critical = false;
    _cleanup_(cleanup_policies) CERTIFICATEPOLICIES *policies =
        X509_get_ext_d2i(j->x509, NID_certificate_policies, NULL, NULL);
    _cleanup_(cleanup_buffer) struct buffer oids = {0};
    ERR_clear_error();
    extension_find(j->x509, NID_certificate_policies, NULL, &critical);
    bool accepted = policies && policies_accepted(j->trust, policies, &oids);
    checks_input(j->checks, "policies", "%s", buffer_text(&oids));
    if (!accepted)
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-policy",
                    "the certificate's policy is not one that is accepted");
    else if (!critical)
        checks_fail(j->checks, name, "CHAIN_CONSTRAINTS_FAILURE", "certificate-policy",
                    "the certificate's policy is not critical");
    else
        checks_pass(j->checks, name, "accepted");
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

static bool critical_unknown(const X509 *x509)
{
    for (int i = 0; i < X509_get_ext_count(x509); i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (X509_EXTENSION_get_critical(extension) && !extension_known(nid))
            return true;
    }
    return false;
}

static void judge_extensions(const struct judgement *j)
{
    const char *fault = extensions_fault(j->x509);
    checks_input(j->checks, "extensions", "%d", X509_get_ext_count(j->x509));
    if (!fault && critical_unknown(j->x509))
        fault = "an extension is critical and not known";
    if (fault)
        checks_fail(j->checks, "certificate.extensions", "CHAIN_CONSTRAINTS_FAILURE",
                    "certificate-extension", "%s", fault);
    else
        checks_pass(j->checks, "certificate.extensions", "nothing critical that is not known");
}

bool certificate_facts(const X509 *x509, struct basic_facts *ret_facts, const char **ret_fault)
{
    struct bytes names;
    *ret_fault = "there is no subjectAltName";
    return extension_find(x509, NID_subject_alt_name, &names, NULL) &&
           basic_facts_read(names, ret_facts, ret_fault);
}

static void judge_facts(const struct judgement *j)
{
    const char *fault;
    if (!certificate_facts(j->x509, &j->certificate->facts, &fault))
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
    struct judgement j = {certificate, x509, key, trust, at, checks, ""};
    certificate_sha256(x509, j.fingerprint);
    judge_form(&j);
    judge_algorithm(&j);
    judge_issuer(&j);
    judge_validity(&j);
    judge_end_entity(&j);
    judge_usage(&j);
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

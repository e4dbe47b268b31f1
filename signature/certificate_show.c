#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/asn1.h"
#include "signature/certificate.h"

#define NAME_TEXT 1024

DEFINE_CLEANUP(cleanup_policies, CERTIFICATEPOLICIES *, CERTIFICATEPOLICIES_free)

static json_t *text_or_null(const char *text)
{
    json_t *string = json_string(text); /* NULL when it is not UTF-8 */
    return string ? string : json_null();
}

static json_t *name_to_json(const X509_NAME *name)
{
    char text[NAME_TEXT];
    asn1_name_text(name, text, sizeof text);
    return text_or_null(text);
}

/* As long as it is, also when it is negative. */
static json_t *serial_to_json(const X509 *x509)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(x509);
    size_t length = (size_t)ASN1_STRING_length(number);
    _cleanup_(cleanup_text) char *text = memory_allocate(2 * length + 2);
    bool negative = ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER;
    if (negative)
        *text = '-';
    hex_encode(ASN1_STRING_get0_data(number), length, text + negative);
    return json_string(text);
}

static json_t *time_to_json(const ASN1_TIME *time)
{
    instant at;
    char text[INSTANT_TEXT];
    return asn1_instant(time, &at) ? json_string(instant_text_jst(at, text)) : json_null();
}

static json_t *policies_to_json(const X509 *x509)
{
    json_t *array = json_array();
    _cleanup_(cleanup_policies) CERTIFICATEPOLICIES *policies =
        X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        json_array_append_new(array, json_string(oid));
    }
    return array;
}

static json_t *usages_to_json(X509 *x509)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } usages[] = {{KU_DIGITAL_SIGNATURE, "digitalSignature"},
                  {KU_NON_REPUDIATION, "nonRepudiation"},
                  {KU_KEY_ENCIPHERMENT, "keyEncipherment"},
                  {KU_DATA_ENCIPHERMENT, "dataEncipherment"},
                  {KU_KEY_AGREEMENT, "keyAgreement"},
                  {KU_KEY_CERT_SIGN, "keyCertSign"},
                  {KU_CRL_SIGN, "cRLSign"}};
    json_t *array = json_array();
    bool present = X509_get_extension_flags(x509) & EXFLAG_KUSAGE;
    for (size_t i = 0; present && i < sizeof usages / sizeof *usages; i++)
        if (X509_get_key_usage(x509) & usages[i].bit)
            json_array_append_new(array, json_string(usages[i].name));
    return array;
}

static json_t *facts_to_json(const X509 *x509)
{
    struct basic_facts facts;
    const char *fault;
    return certificate_facts(x509, &facts, &fault) ? basic_facts_to_json(&facts) : json_null();
}

json_t *certificate_to_json(struct bytes der)
{
    char fingerprint[65];
    _cleanup_(cleanup_x509) X509 *x509 = certificate_parse(der);
    if (!x509)
        return NULL;
    certificate_sha256(x509, fingerprint);
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "format",
                  "uketsuke-certificate-facts-1", "certificate_sha256", fingerprint, "version",
                  (int)X509_get_version(x509) + 1, "serial", serial_to_json(x509), "issuer",
                  name_to_json(X509_get_issuer_name(x509)), "subject",
                  name_to_json(X509_get_subject_name(x509)), "not_before",
                  time_to_json(X509_get0_notBefore(x509)), "not_after",
                  time_to_json(X509_get0_notAfter(x509)), "policies", policies_to_json(x509),
                  "key_usage", usages_to_json(x509), "ca",
                  (X509_get_extension_flags(x509) & EXFLAG_CA) != 0, "facts", facts_to_json(x509));
    json_object_set_new(json, "algorithm", json_string(OBJ_nid2sn(X509_get_signature_nid(x509))));
    ERR_clear_error();
    return json;
}

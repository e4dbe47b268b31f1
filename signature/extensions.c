#include "signature/extensions.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "signature/der.h"

DEFINE_CLEANUP(cleanup_aki, AUTHORITY_KEYID *, AUTHORITY_KEYID_free)

static struct bytes value_of(X509_EXTENSION *extension)
{
    const ASN1_STRING *value = X509_EXTENSION_get_data(extension);
    return bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

bool extension_find(const X509 *x509, int nid, struct bytes *ret_value, bool *ret_critical)
{
    int at = X509_get_ext_by_NID(x509, nid, -1);
    if (at < 0)
        return false;
    X509_EXTENSION *extension = X509_get_ext(x509, at);
    if (ret_value)
        *ret_value = value_of(extension);
    if (ret_critical)
        *ret_critical = X509_EXTENSION_get_critical(extension);
    return true;
}

bool extensions_twice(const STACK_OF(X509_EXTENSION) * list)
{
    for (int i = 0; i < X509v3_get_ext_count(list); i++) {
        X509_EXTENSION *extension = X509v3_get_ext(list, i);
        if (X509v3_get_ext_by_OBJ(list, X509_EXTENSION_get_object(extension), i) >= 0)
            return true;
    }
    return false;
}

const char *extensions_fault(const X509 *x509)
{
    int count = X509_get_ext_count(x509);
    if (count > EXTENSIONS_MAX)
        return "there are too many extensions";
    if (extensions_twice(X509_get0_extensions(x509)))
        return "an extension stands there twice";
    for (int i = 0; i < count; i++)
        if (!der_strict(value_of(X509_get_ext(x509, i))))
            return "an extension is not one value in DER";
    return NULL;
}

/* It is a directoryName alone, and the issuer's own issuer. */
static bool issuer_fits(const GENERAL_NAMES *names, const X509 *issuer)
{
    if (sk_GENERAL_NAME_num(names) != 1)
        return false;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    return name->type == GEN_DIRNAME &&
           X509_NAME_cmp(name->d.directoryName, X509_get_issuer_name(issuer)) == 0;
}

bool extension_names_issuer(const X509 *x509, const X509 *issuer)
{
    int critical;
    _cleanup_(cleanup_aki) AUTHORITY_KEYID *named =
        X509_get_ext_d2i(x509, NID_authority_key_identifier, &critical, NULL);
    ERR_clear_error();
    if (!named)
        return critical == -1; /* there is none */
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id((X509 *)issuer);
    if (named->keyid && key_id && ASN1_OCTET_STRING_cmp(named->keyid, key_id) != 0)
        return false;
    if (!named->issuer != !named->serial)
        return false; /* both or none */
    return !named->issuer || (issuer_fits(named->issuer, issuer) &&
                              ASN1_INTEGER_cmp(named->serial, X509_get0_serialNumber(issuer)) == 0);
}

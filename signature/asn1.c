#include "signature/asn1.h"

#include <openssl/bio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"

bool asn1_instant(const ASN1_TIME *time, instant *ret_instant)
{
    struct tm tm;
    if (!time || !ASN1_TIME_to_tm(time, &tm))
        return false;
    *ret_instant = (instant)timegm(&tm) * INSTANT_SECOND;
    return true;
}

bool asn1_number(const ASN1_INTEGER *number, bool zero_allowed, char ret_text[ASN1_NUMBER_TEXT])
{
    if (!number || ASN1_STRING_type(number) != V_ASN1_INTEGER)
        return false;
    const uint8_t *data = ASN1_STRING_get0_data(number);
    size_t length = (size_t)ASN1_STRING_length(number);
    for (; length > 1 && *data == 0; length--)
        data++;
    bool zero = length == 0 || (length == 1 && *data == 0);
    if (length > (ASN1_NUMBER_TEXT - 1) / 2 || (zero && !zero_allowed))
        return false;
    hex_encode(data, length, ret_text);
    return true;
}

X509_NAME *asn1_directory_name(const DIST_POINT_NAME *point)
{
    if (!point || point->type != 0 || sk_GENERAL_NAME_num(point->name.fullname) != 1)
        return NULL;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(point->name.fullname, 0);
    return name->type == GEN_DIRNAME ? name->d.directoryName : NULL;
}

bool asn1_organization_is(const X509_NAME *name, const char *organization)
{
    int at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_organizationName, at) >= 0)
        return false;
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    return bytes_equal(bytes_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)),
                       bytes_of_text(organization));
}

void asn1_name_text(const X509_NAME *name, char *text, size_t size)
{
    _cleanup_(cleanup_bio) BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    text[0] = '\0';
    if (!out || X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return;
    long length = BIO_get_mem_data(out, &data);
    if (length > 0)
        snprintf(text, size, "%.*s", (int)length, data);
}

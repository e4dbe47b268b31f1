/* What certificates and revocation lists say in ASN.1, in the house's own types. */
#ifndef UKETSUKE_SIGNATURE_ASN1_H
#define UKETSUKE_SIGNATURE_ASN1_H

#include <openssl/asn1.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define ASN1_NUMBER_TEXT 41 /* 20 bytes (RFC 5280 §4.1.2.2 and §5.2.3) in hexadecimal and NUL */

bool asn1_instant(const ASN1_TIME *time, instant *ret_instant);

/* Hexadecimal, lower case, without leading zero bytes. False for a negative number, for one of more
 * than 20 bytes, and for zero unless it is allowed. */
bool asn1_number(const ASN1_INTEGER *number, bool zero_allowed, char ret_text[ASN1_NUMBER_TEXT]);

/* The directoryName that a distribution point's fullName holds, and nothing else in it; NULL when
 * it is of another form. Borrowed. */
X509_NAME *asn1_directory_name(const DIST_POINT_NAME *point);

/* The name has exactly one organizationName, and it is `organization`. */
bool asn1_organization_is(const X509_NAME *name, const char *organization);

/* RFC 2253, cut off at `size`. */
void asn1_name_text(const X509_NAME *name, char *text, size_t size);

#endif

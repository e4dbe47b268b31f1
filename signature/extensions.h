/* The extensions of a certificate, as bytes. */
#ifndef UKETSUKE_SIGNATURE_EXTENSIONS_H
#define UKETSUKE_SIGNATURE_EXTENSIONS_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"

#define EXTENSIONS_MAX 32

/* The value of the first extension of this kind; borrowed. Both results may be NULL. */
bool extension_find(const X509 *x509, int nid, struct bytes *ret_value, bool *ret_critical);

/* One of them stands there twice, which RFC 5280 §4.2 and §5.2 forbid. */
bool extensions_twice(const STACK_OF(X509_EXTENSION) * list);

/* What is wrong with their form: more than EXTENSIONS_MAX, one that stands there twice (RFC 5280
 * §4.2), a value that is not one value in strict DER (der_strict). NULL: nothing; else a literal.
 */
const char *extensions_fault(const X509 *x509);

/* authorityKeyIdentifier, as far as it says something (RFC 5280 §4.2.1.1): key id, and issuer with
 * serial number, are those of `issuer`. */
bool extension_names_issuer(const X509 *x509, const X509 *issuer);

#endif

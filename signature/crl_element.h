/* The elements of a revocation list that are read whole: one entry, and the list's extensions. */
#ifndef UKETSUKE_SIGNATURE_CRL_ELEMENT_H
#define UKETSUKE_SIGNATURE_CRL_ELEMENT_H

#include <openssl/x509.h>

#include "signature/crl_stream.h"

/* Content of one entry of revokedCertificates. NULL, or what is wrong with it (a literal). */
const char *crl_entry_read(struct bytes content, struct crl_entry *ret_entry);

/* Content of crlExtensions' SEQUENCE: number and partition into *facts, the authority key id into
 * *ret_key_id (the caller's; stays NULL when there is none). */
const char *crl_extensions_read(struct bytes content, struct crl_facts *facts,
                                ASN1_OCTET_STRING **ret_key_id);

#endif

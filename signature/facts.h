/* The four basic facts as the signing certificate carries them (reference: J-LIS profile of the
 * 署名用電子証明書): otherNames of the subjectAltName, chosen by OID, each a UTF8String. */
#ifndef UKETSUKE_SIGNATURE_FACTS_H
#define UKETSUKE_SIGNATURE_FACTS_H

#include <openssl/x509v3.h>
#include <stdbool.h>

#include "signature/certificate.h"

/* All six otherNames, each once; those of other OIDs are passed over (the name's reading is to
 * come). *ret_fault is a literal that tells what is wrong with which, never what stands there. */
bool basic_facts_read(const GENERAL_NAMES *names, struct basic_facts *ret_facts,
                      const char **ret_fault);

#endif

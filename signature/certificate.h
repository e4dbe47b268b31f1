/* The signing certificate (署名用電子証明書): profile `jpki`, judged at a given time. */
#ifndef UKETSUKE_SIGNATURE_CERTIFICATE_H
#define UKETSUKE_SIGNATURE_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/checks.h"
#include "base/clock.h"
#include "signature/facts.h"
#include "signature/trust.h"

#define SERIAL_BYTES 20 /* RFC 5280 §4.1.2.2 */

struct certificate {
    X509 *x509;                        /* owned */
    X509 *issuer;                      /* the anchor that signed it, borrowed from trust; NULL */
    char ca[16];                       /* which counter the serial belongs to: "sign" */
    char serial[2 * SERIAL_BYTES + 1]; /* hexadecimal, lower case, no leading zero byte */
    struct basic_facts facts;
};

/* Reads DER (the whole of it, canonical) and judges it as the signer of an application at `at`:
 * version, key and algorithm, issuer and its signature (pinned roots only), validity, critical
 * keyUsage with nonRepudiation, no CA, policy, critical extensions known, the four facts.
 * Checks "certificate.…", reasons certificate-malformed, certificate-issuer-unknown,
 * certificate-untrusted (the DN is known, the signature is not by any of its keys),
 * certificate-test-hierarchy, certificate-expired, certificate-not-yet-valid, certificate-purpose,
 * certificate-is-ca, certificate-policy, certificate-extension, certificate-facts,
 * certificate-algorithm. NULL only when it could not be parsed at all. Free with certificate_free.
 */
struct certificate *certificate_read(struct bytes der, const struct trust *trust, instant at,
                                     struct checks *checks);

/* The same for one that is parsed already (signature_result.x509; takes a reference of its own),
 * with its public_key_of. */
struct certificate *certificate_judge(X509 *x509, const EVP_PKEY *key, const struct trust *trust,
                                      instant at, struct checks *checks);
/* The whole of `der` as one canonical certificate (trailing bytes and other forms of BER are
 * refused), or NULL. */
X509 *certificate_parse(struct bytes der);
void certificate_free(struct certificate *certificate);
/* Which generation issued it: SHA-256 of the anchor's DER as 64 hexadecimal digits. False when no
 * anchor did. */
bool certificate_issuer_sha256(const struct certificate *certificate, char ret_text[65]);

/* SHA-256 of its DER. */
void certificate_sha256(const X509 *x509, char ret_text[65]);

/* What is wrong with its form, whatever the profile: algorithm inside and outside (RFC 5280
 * §4.1.1.2), extensions that OpenSSL cannot read, a serial number of more than 20 bytes (§4.1.2.2).
 * A literal, or NULL. */
const char *certificate_form_fault(X509 *x509);

/* From its subjectAltName. *ret_fault, a literal, says why not. */
bool certificate_facts(const X509 *x509, struct basic_facts *ret_facts, const char **ret_fault);

/* What the certificate in `der` says of itself, judged by nothing: docs/formats/certificate.md,
 * "certificate show". New reference; NULL when it is no certificate. */
json_t *certificate_to_json(struct bytes der);

#endif

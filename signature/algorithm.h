/* The algorithms that exist here: RSA of 2048 bits or more with SHA-256, SHA-384 or SHA-512
 * (PKCS #1 v1.5), ECDSA on P-256 or P-384 with SHA-256 or SHA-384. Nothing else, SHA-1 included. */
#ifndef UKETSUKE_SIGNATURE_ALGORITHM_H
#define UKETSUKE_SIGNATURE_ALGORITHM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"

#define DIGEST_MAX 64 /* bytes of SHA-512 */

enum digest { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

struct signature_algorithm {
    const char *name; /* "rsa-sha256" */
    const char *uri;  /* RFC 9231 §2.3 */
    int key_type;     /* EVP_PKEY_RSA, EVP_PKEY_EC */
    enum digest digest;
};

/* By their XML identifiers (RFC 9231 §2.1, XML Encryption §5.7); NULL and false for what is not
 * allowed. */
const struct signature_algorithm *signature_algorithm_find(const char *uri);
bool digest_find(const char *uri, enum digest *ret_digest);

/* "rsa-sha256"; NULL for any other. */
const struct signature_algorithm *signature_algorithm_named(const char *name);
/* By EVP_PKEY_RSA or EVP_PKEY_EC and the hash; NULL when the two do not go together here. */
const struct signature_algorithm *signature_algorithm_for(int key_type, enum digest digest);

size_t digest_length(enum digest digest);
/* Fetched from the provider once: an EVP_MD that is fetched again for each use costs a lock. */
const EVP_MD *digest_md(enum digest digest);
void digest_of(enum digest digest, struct bytes data, uint8_t ret_value[DIGEST_MAX]);

/* RSA: at least 2048 bits (at most 8192, which bounds the work) and e odd, 65537 or more; EC: the
 * named curves P-256 and P-384. */
bool key_allowed(const EVP_PKEY *key);
/* What a certificate or CRL is signed with, by its NID. */
bool signature_nid_allowed(int nid);

/* An AlgorithmIdentifier of those allowed, whole and in the one form that it has in DER (RFC 4055
 * §5: NULL parameters; RFC 5758 §3.2: none); NULL for any other. */
const struct signature_algorithm *signature_algorithm_of_der(struct bytes identifier);
/* `value` is the signature over data of this hash by `key`, as X.509 has it: for ECDSA in DER. */
bool signature_hash_holds(const struct signature_algorithm *algorithm, EVP_PKEY *key,
                          const uint8_t *hash, struct bytes value);

/* `value` is the signature over `data` by `key`, in the form of XML Signature: for ECDSA r and s in
 * a row, each of the length of the curve's order (RFC 6931 §2.3.6). */
bool signature_value_holds(const struct signature_algorithm *algorithm, EVP_PKEY *key,
                           struct bytes data, struct bytes value);

#endif

/* The algorithms that we use everywhere, looked up once: OpenSSL 3 searches its providers anew,
 * under locks, each time EVP_sha256() and its like are used, which costs more than to hash a short
 * text. Held until the process ends; thread-safe. */
#ifndef UKETSUKE_BASE_OPENSSL_H
#define UKETSUKE_BASE_OPENSSL_H

#include <openssl/evp.h>

const EVP_MD *openssl_sha256(void);
const EVP_CIPHER *openssl_aes_256_gcm(void);

#endif

#include "base/openssl.h"

#include <pthread.h>
#include <stdlib.h>

static EVP_MD *sha256_fetched;
static EVP_CIPHER *aes_256_gcm_fetched;

static void fetch(void)
{
    sha256_fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    aes_256_gcm_fetched = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!sha256_fetched || !aes_256_gcm_fetched)
        abort(); /* OpenSSL without these is no ground to stand on */
}

static void fetch_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
}

const EVP_MD *openssl_sha256(void)
{
    fetch_once();
    return sha256_fetched;
}

const EVP_CIPHER *openssl_aes_256_gcm(void)
{
    fetch_once();
    return aes_256_gcm_fetched;
}

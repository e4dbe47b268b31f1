#include "signature/envelope.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/openssl.h"

#define ITERATIONS 100000 /* the password has 100 bits of chance: more would only take time */

DEFINE_CLEANUP(cleanup_cms, CMS_ContentInfo *, CMS_ContentInfo_free)

void envelope_password_make(char ret_password[ENVELOPE_PASSWORD])
{
    static const char signs[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; /* 32: no I, O, 0, 1 */
    uint8_t chance[20];
    if (RAND_bytes(chance, sizeof chance) != 1)
        abort();
    char *to = ret_password;
    for (size_t i = 0; i < sizeof chance; i++) {
        if (i > 0 && i % 5 == 0)
            *to++ = '-';
        *to++ = signs[chance[i] % 32];
    }
    *to = '\0';
    OPENSSL_cleanse(chance, sizeof chance);
}

/* The recipient takes the password over when it could be made. */
static bool recipient_add(CMS_ContentInfo *cms, const char *password)
{
    unsigned char *own = (unsigned char *)OPENSSL_strdup(password);
    if (own && CMS_add0_recipient_password(cms, ITERATIONS, NID_id_alg_PWRI_KEK, -1, own,
                                           (ossl_ssize_t)strlen(password), EVP_aes_256_cbc()))
        return true;
    OPENSSL_free(own);
    return false;
}

static bool envelope_write(CMS_ContentInfo *cms, struct buffer *ret_file)
{
    unsigned char *der = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);
    if (length > 0)
        buffer_append(ret_file, der, (size_t)length);
    OPENSSL_free(der);
    return length > 0;
}

bool envelope_seal(struct bytes content, const char *password, struct buffer *ret_file,
                   struct failure *f)
{
    _cleanup_(cleanup_bio) BIO *in = BIO_new_mem_buf(content.data, (int)content.length);
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms =
        in ? CMS_encrypt(NULL, NULL, openssl_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL) : NULL;
    bool done = cms && recipient_add(cms, password) && CMS_final(cms, in, NULL, CMS_BINARY) &&
                envelope_write(cms, ret_file);
    ERR_clear_error();
    return done || failure_set(f, FAILURE_SYSTEM, "OpenSSL cannot encrypt a file (CMS)");
}

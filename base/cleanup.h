/* Cleanup by scope: `_cleanup_(free_text) char *s = …`. The wrappers for the libraries that more
 * than one room uses; base/db.h and base/http_*.h bring their own. */
#ifndef UKETSUKE_BASE_CLEANUP_H
#define UKETSUKE_BASE_CLEANUP_H

#include <jansson.h>
#include <libxml/tree.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Gives a value away: returns it and clears the variable, so that its cleanup does nothing. */
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define DEFINE_CLEANUP(name, type, function)                                                       \
    static inline void name(type *p)                                                               \
    {                                                                                              \
        if (*p)                                                                                    \
            function(*p);                                                                          \
    }

DEFINE_CLEANUP(cleanup_text, char *, free)
DEFINE_CLEANUP(cleanup_file, FILE *, fclose)
DEFINE_CLEANUP(cleanup_json, json_t *, json_decref)
DEFINE_CLEANUP(cleanup_xml_doc, xmlDoc *, xmlFreeDoc)
DEFINE_CLEANUP(cleanup_x509, X509 *, X509_free)
DEFINE_CLEANUP(cleanup_crl, X509_CRL *, X509_CRL_free)
DEFINE_CLEANUP(cleanup_pkey, EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(cleanup_pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(cleanup_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(cleanup_cipher_ctx, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(cleanup_bio, BIO *, BIO_free_all)

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_buffer(struct buffer *b)
{
    buffer_free(b);
}

static inline void cleanup_secret_buffer(struct buffer *b)
{
    buffer_erase_free(b);
}

#endif

/* The Ed25519 keys of the audit trail, as PEM files. */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/audit_internal.h"
#include "base/cleanup.h"
#include "base/secret_file.h"
#include "base/text.h"

#define KEY_FILE_MOST 4096

static int no_pass_phrase(char *text, int size, int writing, void *context)
{
    (void)text, (void)size, (void)writing, (void)context;
    return -1; /* never ask the terminal */
}

static bool is_ed25519(EVP_PKEY *key, const char *path, struct failure *f)
{
    if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return true;
    return failure_set(f, FAILURE_USAGE,
                       "audit key %s is not an Ed25519 key in PEM without a pass phrase: "
                       "`uketsuke audit key create` makes one",
                       path);
}

bool audit_private_key_load(const char *path, EVP_PKEY **ret_key, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer pem = {0};
    if (!secret_file_read("audit key", path, KEY_FILE_MOST, &pem, f))
        return false;
    _cleanup_(cleanup_bio) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    _cleanup_(cleanup_pkey) EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;
    if (!is_ed25519(key, path, f))
        return false;
    *ret_key = TAKE(key);
    return true;
}

bool audit_public_key_load(const char *path, EVP_PKEY **ret_key, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (!in)
        return failure_errno(f, "audit public key %s", path);
    _cleanup_(cleanup_pkey) EVP_PKEY *key = PEM_read_PUBKEY(in, NULL, no_pass_phrase, NULL);
    if (!is_ed25519(key, path, f))
        return false;
    *ret_key = TAKE(key);
    return true;
}

bool audit_key_id(EVP_PKEY *key, char ret_id[65], struct failure *f)
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    if (length <= 0)
        return failure_set(f, FAILURE_SYSTEM, "OpenSSL cannot encode the audit key");
    sha256_hex(bytes_of(der, (size_t)length), ret_id);
    OPENSSL_free(der);
    return true;
}

static bool key_write(const char *what, const char *path, mode_t mode, BIO *pem, struct failure *f)
{
    char *data;
    long length = BIO_get_mem_data(pem, &data);
    return secret_file_create(what, path, mode, bytes_of(data, (size_t)length), f);
}

bool audit_key_create(const char *path, struct failure *f)
{
    _cleanup_(cleanup_pkey) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    _cleanup_(cleanup_bio) BIO *private = BIO_new(BIO_s_secmem());
    _cleanup_(cleanup_bio) BIO *public = BIO_new(BIO_s_mem());
    _cleanup_(cleanup_text) char *public_path = text_format("%s.pub", path);
    if (!key || !private || !public ||
        PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_PUBKEY(public, key) != 1)
        return failure_set(f, FAILURE_SYSTEM, "OpenSSL cannot make an Ed25519 key");
    if (!key_write("audit key", path, 0400, private, f))
        return false;
    if (key_write("audit public key", public_path, 0444, public, f))
        return true;
    unlink(path); /* a pair, or nothing */
    return false;
}

bool audit_signing_key_load(const struct config *config, EVP_PKEY **ret_key, char ret_id[65],
                            struct failure *f)
{
    const char *path = config_text(config_group(config, "audit"), "signing-key");
    _cleanup_(cleanup_pkey) EVP_PKEY *key = NULL;
    if (!*path)
        return failure_set(f, FAILURE_USAGE,
                           "[audit] signing-key is not given; make one with "
                           "`uketsuke audit key create`");
    if (!audit_private_key_load(path, &key, f) || !audit_key_id(key, ret_id, f))
        return false;
    *ret_key = TAKE(key);
    return true;
}

bool audit_sign(EVP_PKEY *key, const char *text, uint8_t ret_signature[AUDIT_SIGNATURE],
                struct failure *f)
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t length = AUDIT_SIGNATURE;
    if (ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(ctx, ret_signature, &length, (const uint8_t *)text, strlen(text)) == 1 &&
        length == AUDIT_SIGNATURE)
        return true;
    return failure_set(f, FAILURE_SYSTEM, "OpenSSL cannot sign for the audit trail");
}

void audit_keys_free(struct audit_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->key[i]);
    keys->count = 0;
}

bool audit_keys_load(const struct config *config, struct audit_keys *ret, struct failure *f)
{
    const struct config_group *group = config_group(config, "audit");
    size_t count = config_list_length(group, "public-key");
    if (count > AUDIT_KEYS_MOST)
        return failure_set(f, FAILURE_USAGE, "[audit] public-key names more than %d keys",
                           AUDIT_KEYS_MOST);
    for (size_t i = 0; i < count; i++) {
        const char *path = config_list_item(group, "public-key", i);
        if (!audit_public_key_load(path, &ret->key[i], f))
            return false;
        ret->count = i + 1;
        if (!audit_key_id(ret->key[i], ret->id[i], f))
            return false;
    }
    return true;
}

bool audit_signature_good(const struct audit_keys *keys, const char *key_id, const char *text,
                          struct bytes signature)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->id[i], key_id) != 0)
            continue;
        _cleanup_(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        return ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, keys->key[i]) == 1 &&
               EVP_DigestVerify(ctx, signature.data, signature.length, (const uint8_t *)text,
                                strlen(text)) == 1;
    }
    return false;
}

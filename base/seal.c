/* AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces: each application has its own key, under
 * which a few dozen messages are sealed at most; the city's key wraps one key an application, which
 * stays within the 2^32 messages of SP 800-38D 8.3 for any city. */
#include "base/seal.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/secret_file.h"
#include "base/text.h"

#define VERSION      0x01
#define NONCE_LENGTH 12
#define TAG_LENGTH   16
#define KEY_LENGTH   32
#define KEY_DIGITS   (2 * KEY_LENGTH)
#define SEALED_MOST  ((size_t)1 << 30) /* EVP counts in int */

static_assert(SEAL_OVERHEAD == 1 + NONCE_LENGTH + TAG_LENGTH, "wire format");
static_assert(SEAL_WRAPPED_LENGTH == SEAL_OVERHEAD + KEY_LENGTH, "wire format");

#define LABELS_MOST  8
#define LABEL_LENGTH 32

/* Ways to hash that were asked for, begun with their keys: to derive one takes longer than to hash
 * some dozen values, and a batch hashes the numbers of all who apply. */
struct lookups {
    pthread_mutex_t lock;
    size_t count;
    struct lookup {
        char label[LABEL_LENGTH];
        EVP_MAC_CTX *begun;
    } all[LABELS_MOST];
};

struct city_key {
    uint8_t data[KEY_LENGTH];
    struct lookups *lookups;
};

/* purpose NUL context; a purpose holds no NUL, so two different pairs never look the same. */
static void additional_data(const char *purpose, const char *context, struct buffer *ret)
{
    buffer_append(ret, purpose, strlen(purpose) + 1);
    buffer_append_text(ret, context);
}

static bool crypto_failure(const char *what, struct failure *f)
{
    return failure_set(f, FAILURE_SYSTEM,
                       "%s: OpenSSL failed; is the system out of entropy or "
                       "memory?",
                       what);
}

static bool gcm_encrypt(const uint8_t key[KEY_LENGTH], struct bytes additional, struct bytes plain,
                        uint8_t *ret_sealed, struct failure *f)
{
    _cleanup_(cleanup_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *nonce = ret_sealed + 1, *text = nonce + NONCE_LENGTH, *tag = text + plain.length;
    int n = 0;
    ret_sealed[0] = VERSION;
    if (!ctx || RAND_bytes(nonce, NONCE_LENGTH) != 1 ||
        EVP_EncryptInit_ex(ctx, openssl_aes_256_gcm(), NULL, key, nonce) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, additional.data, (int)additional.length) != 1 ||
        (plain.length && EVP_EncryptUpdate(ctx, text, &n, plain.data, (int)plain.length) != 1) ||
        EVP_EncryptFinal_ex(ctx, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LENGTH, tag) != 1)
        return crypto_failure("seal", f);
    return true;
}

/* *ret_plain has room for the plain text; it holds nothing of worth when this returns false. */
static bool gcm_decrypt(const uint8_t key[KEY_LENGTH], struct bytes additional, struct bytes sealed,
                        uint8_t *ret_plain)
{
    _cleanup_(cleanup_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t *nonce = sealed.data + 1, *text = nonce + NONCE_LENGTH;
    int length = (int)(sealed.length - SEAL_OVERHEAD), n = 0;
    return ctx && sealed.data[0] == VERSION &&
           EVP_DecryptInit_ex(ctx, openssl_aes_256_gcm(), NULL, key, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LENGTH, (void *)(text + length)) ==
               1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, additional.data, (int)additional.length) == 1 &&
           (!length || EVP_DecryptUpdate(ctx, ret_plain, &n, text, length) == 1) &&
           EVP_DecryptFinal_ex(ctx, ret_plain + length, &n) == 1;
}

/* --- the city's key ----------------------------------------------------------------------------
 */

bool city_key_load(const char *path, struct city_key **ret_key, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
    if (!secret_file_read("city key", path, KEY_DIGITS + 1, &text, f))
        return false;
    bool good = text.length == KEY_DIGITS + 1 && text.data[KEY_DIGITS] == '\n';
    struct city_key *key = memory_allocate(sizeof *key);
    key->lookups = memory_allocate(sizeof *key->lookups);
    pthread_mutex_init(&key->lookups->lock, NULL);
    if (good)
        text.data[KEY_DIGITS] = '\0';
    if (good && hex_decode((const char *)text.data, key->data, KEY_LENGTH)) {
        *ret_key = key;
        return true;
    }
    city_key_free(key);
    return failure_set(f, FAILURE_USAGE,
                       "city key %s is not %d hexadecimal digits and a line feed: "
                       "`uketsuke key create` makes one",
                       path, KEY_DIGITS);
}

void city_key_free(struct city_key *key)
{
    if (!key)
        return;
    for (size_t i = 0; i < key->lookups->count; i++)
        EVP_MAC_CTX_free(key->lookups->all[i].begun); /* erases */
    pthread_mutex_destroy(&key->lookups->lock);
    free(key->lookups);
    OPENSSL_cleanse(key, sizeof *key);
    free(key);
}

bool city_key_create(const char *path, struct failure *f)
{
    uint8_t key[KEY_LENGTH];
    char text[KEY_DIGITS + 2];
    if (RAND_priv_bytes(key, sizeof key) != 1)
        return crypto_failure("city key", f);
    hex_encode(key, sizeof key, text);
    memcpy(text + KEY_DIGITS, "\n", 2);
    OPENSSL_cleanse(key, sizeof key);
    bool done = secret_file_create("city key", path, 0400, bytes_of_text(text), f);
    OPENSSL_cleanse(text, sizeof text);
    return done;
}

/* --- an application's key -----------------------------------------------------------------------
 */

static const char wrap_purpose[] = "application-key";

bool application_key_make(const struct city_key *city, const char *context,
                          struct application_key *ret_key, uint8_t ret_wrapped[SEAL_WRAPPED_LENGTH],
                          struct failure *f)
{
    struct application_key key;
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    _cleanup_(cleanup_buffer) struct buffer additional = {0};
    additional_data(wrap_purpose, context, &additional);
    if (RAND_priv_bytes(key.data, sizeof key.data) != 1)
        return crypto_failure("application key", f);
    bool good = gcm_encrypt(city->data, buffer_bytes(&additional),
                            bytes_of(key.data, sizeof key.data), wrapped, f);
    if (good) {
        *ret_key = key;
        memcpy(ret_wrapped, wrapped, sizeof wrapped);
    }
    application_key_erase(&key);
    return good;
}

bool application_key_unwrap(const struct city_key *city, const char *context, struct bytes wrapped,
                            struct application_key *ret_key, struct failure *f)
{
    struct application_key key;
    _cleanup_(cleanup_buffer) struct buffer additional = {0};
    additional_data(wrap_purpose, context, &additional);
    bool good = wrapped.length == SEAL_WRAPPED_LENGTH &&
                gcm_decrypt(city->data, buffer_bytes(&additional), wrapped, key.data);
    if (good)
        *ret_key = key;
    application_key_erase(&key);
    return good || failure_set(f, FAILURE_INPUT,
                               "the key of application %s does not open with this city key: "
                               "is [city] key the one it was sealed with?",
                               context);
}

void application_key_erase(struct application_key *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

/* --- sealing ------------------------------------------------------------------------------------
 */

bool seal(const struct application_key *key, const char *purpose, const char *context,
          struct bytes plain, struct buffer *ret_sealed, struct failure *f)
{
    if (plain.length > SEALED_MOST)
        return failure_set(f, FAILURE_LIMIT, "seal: %zu bytes are too many", plain.length);
    _cleanup_(cleanup_buffer) struct buffer additional = {0};
    additional_data(purpose, context, &additional);
    uint8_t *room = buffer_reserve(ret_sealed, plain.length + SEAL_OVERHEAD);
    if (!gcm_encrypt(key->data, buffer_bytes(&additional), plain, room, f))
        return false;
    buffer_commit(ret_sealed, plain.length + SEAL_OVERHEAD);
    return true;
}

bool unseal(const struct application_key *key, const char *purpose, const char *context,
            struct bytes sealed, struct buffer *ret_plain, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer additional = {0};
    bool good = sealed.length >= SEAL_OVERHEAD && sealed.length <= SEALED_MOST + SEAL_OVERHEAD;
    if (good) {
        size_t length = sealed.length - SEAL_OVERHEAD;
        additional_data(purpose, context, &additional);
        uint8_t *room = buffer_reserve(ret_plain, length ? length : 1);
        good = gcm_decrypt(key->data, buffer_bytes(&additional), sealed, room);
        if (good)
            buffer_commit(ret_plain, length);
        else
            OPENSSL_cleanse(room, length); /* GCM writes before it knows */
    }
    return good || failure_set(f, FAILURE_INPUT,
                               "the sealed %s of application %s does not open: "
                               "it was altered, or belongs elsewhere",
                               purpose, context);
}

/* --- lookups ------------------------------------------------------------------------------------
 */

static bool lookup_key(const struct city_key *city, const char *label, uint8_t ret_key[KEY_LENGTH])
{
    size_t length = KEY_LENGTH;
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    static const char info_prefix[] = "uketsuke lookup ";
    return ctx && EVP_PKEY_derive_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_hkdf_md(ctx, openssl_sha256()) == 1 &&
           EVP_PKEY_CTX_set1_hkdf_key(ctx, city->data, KEY_LENGTH) == 1 &&
           EVP_PKEY_CTX_add1_hkdf_info(ctx, (const uint8_t *)info_prefix,
                                       (int)strlen(info_prefix)) == 1 &&
           EVP_PKEY_CTX_add1_hkdf_info(ctx, (const uint8_t *)label, (int)strlen(label)) == 1 &&
           EVP_PKEY_derive(ctx, ret_key, &length) == 1;
}

static EVP_MAC_CTX *lookup_begin(const struct city_key *city, const char *label)
{
    uint8_t key[KEY_LENGTH];
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *begun = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    bool good =
        begun && lookup_key(city, label, key) && EVP_MAC_init(begun, key, sizeof key, params) == 1;
    OPENSSL_cleanse(key, sizeof key);
    EVP_MAC_free(hmac);
    if (good)
        return begun;
    EVP_MAC_CTX_free(begun);
    return NULL;
}

/* A context of the caller's own, for one value. */
static EVP_MAC_CTX *lookup_copy(const struct city_key *city, const char *label)
{
    struct lookups *lookups = city->lookups;
    EVP_MAC_CTX *copy = NULL;
    size_t i = 0;
    pthread_mutex_lock(&lookups->lock);
    while (i < lookups->count && strcmp(lookups->all[i].label, label) != 0)
        i++;
    if (i == lookups->count && i < LABELS_MOST && strlen(label) < LABEL_LENGTH) {
        struct lookup *lookup = &lookups->all[i];
        snprintf(lookup->label, sizeof lookup->label, "%s", label);
        lookup->begun = lookup_begin(city, label);
        lookups->count += lookup->begun != NULL;
    }
    if (i < lookups->count)
        copy = EVP_MAC_CTX_dup(lookups->all[i].begun);
    pthread_mutex_unlock(&lookups->lock);
    return copy ? copy : lookup_begin(city, label);
}

void city_key_hash(const struct city_key *city, const char *label, struct bytes value,
                   uint8_t ret_hash[32])
{
    EVP_MAC_CTX *lookup = lookup_copy(city, label);
    size_t length;
    bool good = lookup && EVP_MAC_update(lookup, value.data, value.length) == 1 &&
                EVP_MAC_final(lookup, ret_hash, &length, 32) == 1;
    EVP_MAC_CTX_free(lookup);
    if (!good) { /* only without memory: nothing sensible can go on */
        fprintf(stderr, "seal: OpenSSL cannot derive a key\n");
        abort();
    }
}

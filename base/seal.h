/* Sealing: what is personal is kept encrypted at rest.
 *
 * Each application has its own random key (AES-256-GCM), wrapped by the city's key. Destroying the
 * wrapped key forgets the application, in the backups too. The city's key is a file of 64
 * hexadecimal digits that nobody but its owner may read.
 *
 * Wire format of what seal() makes: version byte 0x01, 12-byte random nonce, ciphertext, 16-byte
 * tag. The additional data is purpose NUL context, so that a sealed thing can't stand in another's
 * place. */
#ifndef UKETSUKE_BASE_SEAL_H
#define UKETSUKE_BASE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

#define SEAL_WRAPPED_LENGTH 61 /* version, nonce, 32 bytes, tag */
#define SEAL_OVERHEAD       29

struct city_key;

struct application_key {
    uint8_t data[32];
};

/* Refuses a file that group or others can read, or that is not exactly 64 digits and a newline. */
bool city_key_load(const char *path, struct city_key **ret_key, struct failure *f);
void city_key_free(struct city_key *key); /* erases */
/* Writes a new random key file with mode 0400; refuses to overwrite. */
bool city_key_create(const char *path, struct failure *f);

/* `context` binds the key to its application: "<city code>/<application id>". */
bool application_key_make(const struct city_key *city, const char *context,
                          struct application_key *ret_key, uint8_t ret_wrapped[SEAL_WRAPPED_LENGTH],
                          struct failure *f);
bool application_key_unwrap(const struct city_key *city, const char *context, struct bytes wrapped,
                            struct application_key *ret_key, struct failure *f);
void application_key_erase(struct application_key *key);

/* purpose: "package", "report", "record", "item", … */
bool seal(const struct application_key *key, const char *purpose, const char *context,
          struct bytes plain, struct buffer *ret_sealed, struct failure *f);
bool unseal(const struct application_key *key, const char *purpose, const char *context,
            struct bytes sealed, struct buffer *ret_plain, struct failure *f);

/* HMAC-SHA-256 under a key derived (HKDF) from the city's key for `label`: lookups by 個人番号. */
void city_key_hash(const struct city_key *city, const char *label, struct bytes value,
                   uint8_t ret_hash[32]);

#endif

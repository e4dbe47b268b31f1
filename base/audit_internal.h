/* What the audit*.c files share. */
#ifndef UKETSUKE_BASE_AUDIT_INTERNAL_H
#define UKETSUKE_BASE_AUDIT_INTERNAL_H

#include <openssl/evp.h>

#include "base/audit.h"

#define AUDIT_HASH      32
#define AUDIT_SIGNATURE 64 /* RFC 8032, 5.1.6 */
#define AUDIT_KEYS_MOST 16

struct audit_link { /* an entry's place in its chain */
    const char *chain;
    int64_t position;
    const uint8_t *previous; /* AUDIT_HASH bytes */
    instant at;
};

void audit_hash(const struct audit_link *link, const struct audit_entry *entry,
                uint8_t ret_hash[AUDIT_HASH]);

/* audit_key.c */
bool audit_private_key_load(const char *path, EVP_PKEY **ret_key, struct failure *f);
bool audit_public_key_load(const char *path, EVP_PKEY **ret_key, struct failure *f);
/* SHA-256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal. */
bool audit_key_id(EVP_PKEY *key, char ret_id[65], struct failure *f);
/* [audit] signing-key. */
bool audit_signing_key_load(const struct config *config, EVP_PKEY **ret_key, char ret_id[65],
                            struct failure *f);
bool audit_sign(EVP_PKEY *key, const char *text, uint8_t ret_signature[AUDIT_SIGNATURE],
                struct failure *f);
struct audit_keys { /* [audit] public-key; {0} to begin; free, also after a failure */
    EVP_PKEY *key[AUDIT_KEYS_MOST];
    char id[AUDIT_KEYS_MOST][65];
    size_t count;
};
bool audit_keys_load(const struct config *config, struct audit_keys *ret_keys, struct failure *f);
void audit_keys_free(struct audit_keys *keys);
bool audit_signature_good(const struct audit_keys *keys, const char *key_id, const char *text,
                          struct bytes signature);

/* audit_checkpoint.c: what the checkpoints say must be there. */
struct audit_promise {
    char chain[64];
    int64_t position;
    uint8_t hash[AUDIT_HASH];
    int64_t checkpoint;
    bool met;
};
struct audit_promises { /* sorted by chain and position */
    struct audit_promise *list;
    size_t count, capacity;
    int64_t checkpoints;
    instant last;
};
typedef void audit_fault_teller(void *context, const char *chain, int64_t position,
                                const char *what);
/* Reads and checks every checkpoint; one that is not good is handed to `fault` and promises
 * nothing. */
bool audit_promises_load(struct db *db, const struct config *config, audit_fault_teller *fault,
                         void *context, struct audit_promises *ret_promises, struct failure *f);
void audit_promises_free(struct audit_promises *promises);

/* audit_walk.c: along a chain, from the database or from its archive. */
struct audit_verification {
    struct db *db;
    void (*report)(const struct audit_fault *fault, void *context);
    void (*progress)(int64_t entries, void *context);
    void *context;
    bool intact;
    int64_t entries, chains;
    struct audit_promises promises;
};
void audit_tell(void *verification, const char *chain, int64_t position, const char *what);

struct audit_seen { /* an entry as it was found */
    int64_t position;
    instant at;
    struct audit_entry entry;
    struct bytes previous, hash;
};
struct audit_walk {
    struct audit_verification *v;
    const char *chain;
    int64_t position;
    uint8_t hash[AUDIT_HASH]; /* of the entry before */
    bool linked;              /* the entry before is there, so that the link can be compared */
    size_t promise;           /* the first that was not looked at yet */
    int64_t head_position;    /* -1: the head is not looked at */
    uint8_t head_hash[AUDIT_HASH];
    bool head_met;
};
void audit_walk_entry(struct audit_walk *w, const struct audit_seen *seen);
void audit_walk_fault(struct audit_walk *w, int64_t position, const char *what);
/* Is what the database has behind `after` as a page of entries (at most AUDIT_PAGE); they are read
 * by audit_seen_read. */
#define AUDIT_PAGE 1000
bool audit_page(struct db *db, const char *chain, int64_t after, struct db_rows **ret_rows,
                struct failure *f);
struct audit_seen audit_seen_read(const struct db_rows *rows, size_t row); /* borrowed */

#endif

/* What the audit*.c files share. */
#ifndef UKETSUKE_BASE_AUDIT_INTERNAL_H
#define UKETSUKE_BASE_AUDIT_INTERNAL_H

#include <openssl/evp.h>

#include "base/audit.h"

#define AUDIT_HASH 32

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
/* Reads and checks every checkpoint; one that is not good is handed to `fault` and promises
 * nothing. */
bool audit_promises_load(struct db *db, const struct config *config,
                         void (*fault)(void *context, const char *chain, int64_t position,
                                       const char *what),
                         void *context, struct audit_promises *ret_promises, struct failure *f);
void audit_promises_free(struct audit_promises *promises);

#endif

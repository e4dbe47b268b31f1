/* The audit trail: append-only, each entry carries the hash of the one before.
 *
 * Every role writes its own chain (chain = the role's name), so that roles do not wait for each
 * other's commits; a chain's head row is locked from the first append to the end of the
 * transaction, so append last. (The commit lets go of it before it is flushed: db_flush_late.)
 * Checkpoints sign the heads of all chains (Ed25519).
 *
 * hash = SHA-256 over the entry's fields, each as 4-byte big-endian length and bytes (an absent
 * field is length 0xffffffff), in the order: chain, position (decimal), previous hash (32 raw
 * bytes), at (RFC 3339 JST text), action, actor, terminal, city code, application id, reason,
 * detail. Who, when, from which terminal, what action, on which application, why. */
#ifndef UKETSUKE_BASE_AUDIT_H
#define UKETSUKE_BASE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/db.h"
#include "base/failure.h"

extern const struct config_section audit_config_section; /* [audit] */

struct audit_entry {      /* strings are borrowed; NULL where there is nothing to say */
    const char *action;   /* "application.move", "item.delivered", "registry.import" */
    const char *actor;    /* "role:examine", "business:child-allowance", "staff:<account>" */
    const char *terminal; /* address or certificate of where it came from */
    const char *city_code;
    const char *application_id;
    const char *reason;
    const char *detail; /* JSON object, no personal data */
};

bool audit_append(struct db_tx *tx, const char *chain, const struct audit_entry *entries,
                  size_t count, struct failure *f);

struct audit_fault {
    char chain[64];
    int64_t position;
    char what[256]; /* "hash does not match", "entry missing", "checkpoint signature wrong" … */
};
struct audit_summary {
    int64_t entries, chains, checkpoints;
    int64_t archived;        /* entries that left the database (base/audit_archive.h) */
    char archived_to[8];     /* the last month of them, "2025-03"; "" */
    instant last_checkpoint; /* 0: none */
};
/* Walks every chain from its start (or from where its archive ends) and every checkpoint.
 * *ret_intact says whether all holds; `report` is called for each fault (may be NULL), `progress`
 * now and then (may be NULL). Fails when a stop is asked for. */
bool audit_verify(struct db *db, const struct config *config,
                  void (*report)(const struct audit_fault *fault, void *context),
                  void (*progress)(int64_t entries, void *context), void *context, bool *ret_intact,
                  struct audit_summary *ret_summary, struct failure *f);
/* Signs the present heads with [audit] signing-key, stores the checkpoint, and logs the SHA-256 of
 * the signed text as "audit.checkpoint". */
bool audit_checkpoint(struct db *db, const struct config *config, struct failure *f);
/* Is the checkpoint of this SHA-256 (64 hexadecimal digits) still there? Whether it and all that it
 * signed are good, audit_verify says. */
bool audit_checkpoint_exists(struct db *db, const char *hash, bool *ret_exists, struct failure *f);
/* Makes an Ed25519 key pair: <path> (0400) and <path>.pub. Refuses to overwrite. */
bool audit_key_create(const char *path, struct failure *f);

#endif

/* What the audit_archive*.c files share. */
#ifndef UKETSUKE_BASE_AUDIT_ARCHIVE_INTERNAL_H
#define UKETSUKE_BASE_AUDIT_ARCHIVE_INTERNAL_H

#include <stdio.h>

#include "base/audit_archive.h"
#include "base/audit_internal.h"
#include "base/file_store.h"

#define AUDIT_CHAIN       64 /* of a chain's name, NUL included */
#define AUDIT_CHAINS_MOST 64
#define AUDIT_PATH        4096

/* --- audit_archive_file.c: one sealed file -----------------------------------------------------
 */

struct audit_writer;
/* `context` binds the file to its place: "CITY/MONTH/CHAIN". `out` stays the caller's. */
bool audit_writer_open(FILE *out, const struct city_key *key, const char *context,
                       struct audit_writer **ret_writer, struct failure *f);
bool audit_writer_add(struct audit_writer *writer, const struct audit_seen *seen,
                      struct failure *f);
/* Writes the end, and says what was written; `out` is flushed to disk. */
bool audit_writer_end(struct audit_writer *writer, int64_t *ret_size, uint8_t ret_sha256[32],
                      struct failure *f);
void audit_writer_free(struct audit_writer *writer); /* NULL is fine */

#define AUDIT_CHUNK_MOST (16u << 20) /* sealed bytes of a chunk; an entry is never longer */
/* Reads to the end. *ret_damage is NULL, or what is wrong, in a sentence; what `each` got until
 * then is good. `previous` of an entry is empty: its file does not keep it. A failure is of our own
 * disk or memory. */
bool audit_read(FILE *in, const struct city_key *key, const char *context,
                void (*each)(const struct audit_seen *seen, void *to), void *to, int64_t *ret_size,
                uint8_t ret_sha256[32], const char **ret_damage, struct failure *f);

/* --- audit_archive_manifest.c ------------------------------------------------------------------
 */

struct audit_range { /* of one chain */
    char chain[AUDIT_CHAIN];
    int64_t first, last;
    uint8_t previous[AUDIT_HASH]; /* that the first follows */
    uint8_t hash[AUDIT_HASH];     /* of the last */
    int64_t size;
    uint8_t sha256[32]; /* of the file */
};
struct audit_month {
    char month[AUDIT_MONTH];
    char before[65]; /* SHA-256 of the manifest before; "": the first */
    char key_id[65];
    struct audit_range range[AUDIT_CHAINS_MOST]; /* sorted by chain, each once */
    size_t count;
    char *text; /* the manifest; free with audit_month_free */
    char text_hash[65];
    uint8_t signature[AUDIT_SIGNATURE];
};
void audit_month_free(struct audit_month *month);
/* Writes and signs the text from the rest. */
bool audit_month_sign(struct audit_month *month, const char *city_code, EVP_PKEY *key,
                      const char *key_id, struct failure *f);
/* NULL when it is a good manifest, else what is wrong with it. The signature is checked before
 * anything is read. */
const char *audit_month_read(const struct audit_keys *keys, const char *text,
                             struct bytes signature, struct audit_month *ret_month);
/* The same without the signature: what a hostile text meets. */
const char *audit_month_parse(const char *text, struct audit_month *ret_month);

/* --- audit_archive_tail.c: where the archived part of each chain ends ---------------------------
 */

struct audit_tail {
    char chain[AUDIT_CHAIN];
    int64_t position;
    uint8_t hash[AUDIT_HASH];
};
struct audit_tails {
    struct audit_tail tail[AUDIT_CHAINS_MOST];
    size_t count;
    char month[AUDIT_MONTH]; /* the last; "" */
    char text_hash[65];      /* of its manifest; "" */
    int64_t entries;         /* until there, of all chains */
};
/* Of a chain that has nothing archived: position 0, NULL when there are too many chains. */
struct audit_tail *audit_tail_of(struct audit_tails *tails, const char *chain);
/* Tells what does not follow, and goes on from the month in any case. */
void audit_tails_take(struct audit_tails *tails, const struct audit_month *month,
                      audit_fault_teller *fault, void *context);
/* What left the database, month by month, each checked and handed to `each` (may be NULL). */
bool audit_tails_load(struct db *db, const struct config *config, audit_fault_teller *fault,
                      void *context, void (*each)(const struct audit_month *month, void *to),
                      void *to, struct audit_tails *ret_tails, struct failure *f);

/* audit_verify.c: every chain behind its tail, as audit_verify; then what no checkpoint found. */
bool audit_online_verify(struct audit_verification *v, struct audit_tails *tails,
                         struct audit_summary *ret_summary, struct failure *f);
static inline void audit_verification_end(struct audit_verification *v)
{
    audit_promises_free(&v->promises);
}

/* --- audit_archive_folder.c --------------------------------------------------------------------
 */

/* *ret_found false: there is none, or none that is good: that is told. */
bool audit_month_load(struct file_store *store, const struct audit_keys *keys, const char *name,
                      bool *ret_found, struct audit_month *ret_month, audit_fault_teller *fault,
                      void *context, struct failure *f);
/* Signature, then manifest, each whole or not at all. */
bool audit_month_store(struct file_store *store, const struct audit_month *month,
                       struct failure *f);
/* Opens NAME for writing under a temporary name; audit_file_done gives it its name. */
bool audit_file_begin(const char *folder, const char *name, FILE **ret_file, struct failure *f);
bool audit_file_done(const char *folder, const char *name, struct failure *f);
void audit_file_name(const char *month, const char *chain, char ret_name[AUDIT_PATH]);
void audit_file_context(const char *city_code, const char *month, const char *chain,
                        char ret_context[AUDIT_PATH]);
/* Reads every file of a month, and proves it against the manifest. Each entry is handed to `each`
 * (may be NULL), too. */
bool audit_month_prove(struct audit_verification *v, const struct audit_archive *archive,
                       const struct audit_month *month,
                       void (*each)(const struct audit_archive_entry *entry, void *to), void *to,
                       struct failure *f);
/* "2025-03.json" gives "2025-03"; false for other names. */
bool audit_month_of_name(const char *name, char ret_month[AUDIT_MONTH]);

#endif

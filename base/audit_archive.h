/* The archive of the audit trail: what is older than [audit] online leaves the database by whole
 * months, as sealed files in a folder (docs/formats/audit-archive.md), and is proven there.
 *
 *   MONTH-CHAIN.trail   the entries of a chain: sealed (base/seal.h) with a key of its own
 *   MONTH.json.sig      Ed25519 over MONTH.json, by [audit] signing-key; 64 bytes
 *   MONTH.json          the manifest, written last: a month without it was not finished
 *
 * A manifest names the one before it by its SHA-256, and of each chain the range of positions, the
 * hash that its first entry follows, that of its last, and the file's size and SHA-256. When a
 * month leaves the database, its manifest and signature stay there (table audit_archive), as the
 * place from which the chains go on: so audit_verify still proves what is online, and nobody
 * without the signing key can say of a missing beginning that it was archived. */
#ifndef UKETSUKE_BASE_AUDIT_ARCHIVE_H
#define UKETSUKE_BASE_AUDIT_ARCHIVE_H

#include "base/audit.h"
#include "base/seal.h"

#define AUDIT_MONTH 8 /* "2025-03", NUL included */

struct audit_archive {
    const char *folder;
    const struct city_key *key;
    const char *city_code;
    void (*report)(const struct audit_fault *fault, void *context); /* may be NULL */
    void (*progress)(int64_t entries, void *context);               /* may be NULL */
    void *context;
};

struct audit_archived {
    int64_t months, entries; /* proven in the folder, now or before */
    int64_t written;         /* months that this call wrote */
    int64_t removed;         /* entries that left the database now */
    char last[AUDIT_MONTH];  /* "": none */
    bool intact;             /* false: something was reported, and nothing done from there on */
};
/* Writes what may leave and is not in the folder, reads all of it back and proves it. What a call
 * that was interrupted left there is finished or written anew. With `administrator` (the database
 * as that role), each month leaves the database after it was proven, with an entry
 * audit.archive by `actor` in the same transaction; NULL: nothing leaves. */
bool audit_archive_run(struct db *db, struct db *administrator, const struct config *config,
                       const struct audit_archive *archive, const char *actor,
                       struct audit_archived *ret_archived, struct failure *f);

/* audit_verify, and the same of the folder's months: each file against its manifest, each chain
 * from file to file and on to what is online, every checkpoint. `month` NULL: all of them, and each
 * that left the database must be there; else that one. */
bool audit_archive_verify(struct db *db, const struct config *config,
                          const struct audit_archive *archive, const char *month, bool *ret_intact,
                          struct audit_summary *ret_summary, struct audit_archived *ret_archived,
                          struct failure *f);

/* Hands the entries of a file to `each`, in order; the strings are borrowed. A file that is damaged
 * is reported, behind what could be read of it, and *ret_intact is false. */
struct audit_archive_entry {
    const char *chain;
    int64_t position;
    instant at;
    struct audit_entry entry;
};
bool audit_archive_list(const struct config *config, const struct audit_archive *archive,
                        const char *month,
                        void (*each)(const struct audit_archive_entry *entry, void *context),
                        bool *ret_intact, struct failure *f);
/* "YYYY-MM", a month that exists. */
bool audit_month_valid(const char *month);

#endif

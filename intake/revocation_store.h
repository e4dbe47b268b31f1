/* The folder of the indexes: <folder>/NAME.idx is the list NAME in use, <folder>/archive/SHA256.idx
 * each that ever was, by its own hash (a hard link, so that it costs nothing while it is in use),
 * <folder>/NAME.last which list was the last one in use: also when its index is damaged or gone,
 * no older one may come in.
 * Readers see the old index or the new one, never a part; a power cut leaves one of them. */
#ifndef UKETSUKE_INTAKE_REVOCATION_STORE_H
#define UKETSUKE_INTAKE_REVOCATION_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/failure.h"
#include "signature/crl_stream.h"

/* An index that is being written. {.output = -1, .scratch = -1, .folder = -1} to begin. */
struct index_draft {
    char *path, *name;
    int folder; /* locked: one draft at a time, of all processes */
    int output, scratch;
};

char *index_path(const char *folder, const char *name);
char *index_archive_path(const char *folder, const char *index_sha256);

/* Makes the folder when there is none; waits for another draft. */
bool index_draft_open(const char *folder, const char *name, struct index_draft *ret_draft,
                      struct failure *f);
/* Flushes the output, archives it (in the place of what has its name there, which may be damaged),
 * writes NAME.last, and puts it in the place of NAME.idx. */
bool index_draft_store(struct index_draft *draft, const char *index_sha256,
                       const struct crl_facts *facts, struct failure *f);
/* The index in use is this very one, and good: makes what is missing of the rest. */
bool index_draft_keep(const struct index_draft *draft, const char *index_sha256,
                      const struct crl_facts *facts, struct failure *f);
/* What was not stored is gone. */
void index_draft_close(struct index_draft *draft);

/* What crl_facts_compare and revocation_replaces look at, of the last list that was in use. False
 * with FAILURE_INPUT when the file is damaged; *ret_there: whether there is one. */
bool index_last_read(const char *folder, const char *name, struct crl_facts *ret_facts,
                     bool *ret_there, struct failure *f);

/* Removes from the archive what has been out of use for longer than `keep`. */
bool index_archive_prune(const char *folder, instant keep, size_t *ret_removed, struct failure *f);

#endif

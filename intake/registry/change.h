/* What imports changed, for whoever keeps something that depends on it (candidates). */
#ifndef UKETSUKE_INTAKE_REGISTRY_CHANGE_H
#define UKETSUKE_INTAKE_REGISTRY_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/db.h"
#include "base/failure.h"
#include "intake/registry/resident.h"

#define REGISTRY_CHANGES_MOST                                                                      \
    10000 /* rows of one import; beyond, one row stands for everything                             \
           */

struct registry_change {
    bool everything;         /* else: */
    const char *atenabango;  /* a resident who changed, or whose link did; borrowed from `rows` */
    const char *ca, *serial; /* the link; "" when it was the resident */
};

/* Takes up to `most` changes, oldest first, out of the table registry_change: an import writes
 * them in its own transaction and wakes identification. They are gone when this transaction
 * commits. `ret_changes` has room for `most`; free *ret_rows with db_rows_free. */
bool registry_changes_take(struct db_tx *tx, const char *city_code, size_t most,
                           struct registry_change *ret_changes, size_t *ret_count,
                           struct db_rows **ret_rows, struct failure *f);

#endif

/* Taking a registry feed in: read whole and checked whole before anything changes, then one
 * transaction. docs/formats/registry-feed.md says what a feed looks like. */
#ifndef UKETSUKE_INTAKE_REGISTRY_IMPORT_H
#define UKETSUKE_INTAKE_REGISTRY_IMPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/db.h"
#include "base/failure.h"
#include "base/seal.h"
#include "intake/registry/fault.h"
#include "intake/registry/feed.h"

extern const struct config_section registry_config_section; /* [registry] */

struct registry_options { /* borrowed */
    const char *city_code;
    const struct city_key *city_key;
    const char *actor;        /* who imports: a name of a person or an account */
    int64_t removals_most;    /* percent of what is in force that a feed may remove or end */
    int64_t protections_most; /* percent of the protected whose protection it may lift */
    instant approval_lasts;
    bool keep_juminhyo_code; /* 住民票コード are kept, sealed; else forgotten at once */
    bool compare_only;       /* count what would change, and change nothing */
    void (*tell)(void *context, const char *doing); /* what begins now; may be NULL */
    void *context;
};
/* City, limits and what is kept, from the configuration; the rest is the caller's. */
struct registry_options registry_options_read(const struct config *config, const char *city_code,
                                              const struct city_key *city_key, const char *actor);

struct registry_import_result {
    int64_t import_id; /* 0 when nothing was written */
    int64_t rows;      /* of the feed */
    int64_t before;    /* in force before; counted for a full load and for what waits */
    int64_t added, changed, removed;
    int64_t ended; /* of the changed: 転出, 死亡, 職権消除; a link without another one of its CA */
    int64_t lifted; /* of the changed: residents who were protected at as_of, and are no more */
    bool waiting;   /* a feed that removes, ends or lifts too many waits for registry_approve */
};

/* `in` is read to its end; one that can't be read again (a pipe) is fine. A full load replaces all
 * of the source's rows, a differential one adds, changes, and removes what says so; what is no
 * longer in force stays in …_past. FAILURE_INPUT: the feed is faulty, `faults` (which the caller
 * frees) tell, and the text is the first of them. FAILURE_USAGE: another import is under way. */
bool registry_import(struct db *db, const struct feed *feed, FILE *in,
                     const struct registry_options *options,
                     struct registry_import_result *ret_result, struct feed_faults *faults,
                     struct failure *f);

/* The last sequence of the feed's source and kind that was taken in; 0: none. */
bool registry_last_sequence(struct db *db, const char *city_code, const struct feed *feed,
                            int64_t *ret_sequence, struct failure *f);

/* The second person, as database role administrator: import `import_id` may do what it was weighed
 * to do; the same feed is imported again then, within [registry] approval-lasts. The approval
 * covers that feed (its bytes, and all that its manifest says) with that outcome (all counts, and
 * every row that would be lost) and nothing else. FAILURE_USAGE when it does not wait, or `actor`
 * imported it. */
bool registry_approve(struct db *db, const char *city_code, int64_t import_id, const char *actor,
                      struct failure *f);
/* The same in the caller's transaction, who writes the entry of the audit trail; *ret_moved false
 * when it does not wait, or `actor` imported it. */
bool registry_approve_in(struct db_tx *tx, const char *city_code, int64_t import_id,
                         const char *actor, bool *ret_moved, struct failure *f);

#endif

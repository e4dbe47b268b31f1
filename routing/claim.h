/* Claims: several consumers of one destination share what waits. Who claims items holds them until
 * a time; then they are anybody's again, by themselves.
 *
 * A claim is a row in outbox_claim for each run of ids, not a mark on every item: all that waits in
 * a run is held. Ids appear in their order (routing/outbox.h), so nothing new comes into one; what
 * is delivered again is taken out of it (claim_free). Runs never overlap. To be handed out under a
 * claim is a try of the item; it is noted there when the claim ends, so whoever asks for tries
 * reads the view outbox_tried, or asks outbox_claimed(). */
#ifndef UKETSUKE_ROUTING_CLAIM_H
#define UKETSUKE_ROUTING_CLAIM_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/failure.h"

#define CLAIM_TEXT 80 /* room for one as text, NUL included */

struct claim {
    char id[37];         /* UUID, as it stands with each item */
    int64_t first, last; /* all of its items lie between: nothing else need be looked at */
    instant until;
};

/* "<id>.<first>.<last>"; opaque to consumers. Returns text. */
const char *claim_text(const struct claim *claim, char text[CLAIM_TEXT]);
bool claim_read(const char *text, struct claim *ret_claim);

struct claim_place {
    const char *city_code, *destination;
    int64_t floor; /* nothing waits up to here (routing/floor.h) */
};

/* Until the transaction ends nobody else claims: who must know whether an item may have been read
 * looks in a statement behind this one. Before any lock on an item. */
bool claim_lock(struct db_tx *tx, const struct claim_place *place, struct failure *f);
/* Claims up to `most` of the oldest items that nobody holds; *ret_ids has room for them, and gets
 * them in their order; *ret_claim is set when there are any. Others of the destination wait until
 * the transaction ends. */
bool claim_make(struct db_tx *tx, const struct claim_place *place, int64_t most, int64_t seconds,
                struct claim *ret_claim, int64_t *ret_ids, size_t *ret_count, struct failure *f);
/* Holds what is still held under the claim for so many seconds from now; how many items those are.
 */
bool claim_renew(struct db_tx *tx, const struct claim_place *place, struct claim *claim,
                 int64_t seconds, int64_t *ret_count, struct failure *f);
/* What lies behind `last` was not handed out, and is given back. */
bool claim_cut(struct db_tx *tx, const struct claim_place *place, struct claim *claim, int64_t last,
               struct failure *f);
/* Takes an id out of whatever claim it lies in: it is about to wait again. Locks as claim_lock. */
bool claim_free(struct db_tx *tx, const struct claim_place *place, int64_t id, struct failure *f);
/* Gives back what is held under the claim. */
bool claim_release(struct db_tx *tx, const struct claim_place *place, const struct claim *claim,
                   int64_t *ret_count, struct failure *f);

/* --- when a claim ends --------------------------------------------------------------------------
 * Nobody tells when a claim runs out: who waits to claim what another holds is woken by the clock.
 */

struct claim_end {      /* of one destination, as this process knows; {0} to begin; thread-safe */
    _Atomic int64_t at; /* clock_monotonic of the earliest; 0: none */
};
void claim_end_note(struct claim_end *end, instant in); /* one ends, or ended, so much later */
bool claim_end_passed(struct claim_end *end);           /* since it was asked last */
/* How long until then, at most `most`. */
instant claim_end_patience(const struct claim_end *end, instant most);
/* When the first of the oldest that are held (by whatever process) is free again; 0: none is. */
bool claim_end_find(struct db_tx *tx, const struct claim_place *place, instant *ret_in,
                    struct failure *f);

#endif

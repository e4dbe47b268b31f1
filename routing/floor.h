/* The id up to which nothing waits for a destination any more, as this process last saw it.
 *
 * What was received leaves dead entries in the index until they are vacuumed, and for as long as
 * some transaction is open anywhere, they can't be: who begins at the oldest id would read over all
 * of them each time. Ids appear in their order (routing/outbox.h), so what is below the oldest that
 * waits is over; but for a redelivery, of which every process is told (redelivery_channel), and
 * which it would find when it looks from the beginning again, FLOOR_LIFE later at the most.
 * Thread-safe. */
#ifndef UKETSUKE_ROUTING_FLOOR_H
#define UKETSUKE_ROUTING_FLOOR_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/db.h"

#define FLOOR_LIFE (10 * INSTANT_SECOND)

struct floor { /* {0} to begin */
    _Atomic int64_t id;
    _Atomic int64_t until; /* clock_monotonic; 0: look from the beginning */
};

/* Looks for the oldest that waits, from the floor on; 0: nothing does. Raises the floor to it. */
bool floor_oldest(struct floor *floor, struct db_tx *tx, const char *city_code,
                  const char *destination, int64_t *ret_oldest, struct failure *f);
/* The same in parts, to be asked for together with more (db_look): where to begin, the oldest that
 * waits by ($1 city, $2 destination, $3 where to begin), and what was found. */
int64_t floor_begin(struct floor *floor);
extern const struct db_statement floor_first;
int64_t floor_found(struct floor *floor, const struct db_rows *rows);
/* Something below it waits again: look from the beginning. */
void floor_reset(struct floor *floor);

#endif

/* What a worker does with a claim that it can't decide now. A claim is recognised by its number of
 * attempts: once the lease ran out and another worker claimed the application, nothing here
 * touches it any more. */
#ifndef UKETSUKE_INTAKE_LEASE_H
#define UKETSUKE_INTAKE_LEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/db.h"
#include "intake/state.h"
#include "intake/work.h"

struct pace { /* [work]: how fast, how often, how long */
    size_t batch;
    instant lease;
    int64_t download_tries;          /* then what differs from the promise is held */
    instant retry_least, retry_most; /* back-off of one application */
    instant retry_held;              /* of what is held for an operator or a person */
    instant retry_unmatched;         /* of what waits for the next feed, which wakes it anyway */
};
struct pace pace_read(const struct config *config);
/* When an application that failed is tried again. */
instant pace_retry_at(const struct pace *pace, int attempts);

/* Gives claims back at once, as if they had never been made. */
bool lease_release(struct db *db, enum stage stage, const struct work_item *items, size_t count,
                   struct failure *f);
/* Tries again at due_at; `note` says why. `settled`: this try had a result, so attempts count from
 * 0 again. *ret_mine false: the claim was ours no more, nothing was done. */
bool lease_defer(struct db_tx *tx, enum stage stage, const struct work_item *item, bool settled,
                 instant due_at, const char *note, bool *ret_mine, struct failure *f);

/* Runs `work` over all of `items` in one transaction. When the database refuses that, each one has
 * its own transaction, and the one that it can't take is tried again later: one bad application
 * never stops the others. False when nothing more can be done now. */
typedef bool lease_work(struct db_tx *tx, void *context, size_t first, size_t count,
                        struct failure *f);
bool lease_settle(struct db *db, enum stage stage, const struct pace *pace,
                  const struct work_item *items, size_t count, lease_work *work, void *context,
                  struct failure *f);
/* True when the transaction itself is broken: nothing more can be done in it. Any other failure is
 * about the one application that met it. */
bool lease_transaction_broken(const struct failure *f);

#endif

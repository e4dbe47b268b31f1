/* Somebody may have come under protection (支援措置, 不開示) while an item waited: before its
 * content goes out, whoever knows of residents is asked again. Only about what waits since before
 * the last such change (or an earlier day); for all else it is one look at the outbox. */
#ifndef UKETSUKE_ROUTING_RECHECK_H
#define UKETSUKE_ROUTING_RECHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/db.h"
#include "base/failure.h"

#define RECHECK_MOST 100 /* items of one question */

struct recheck_item {
    int64_t outbox_id;
    char application_id[37];
    bool may_leave; /* out */
};
/* Sets may_leave of each. What may not is taken out of the outbox by the caller; to put it before
 * people is up to who is asked. */
typedef bool recheck_ask(struct db_tx *tx, const char *destination, struct recheck_item *items,
                         size_t count, void *context, struct failure *f);

struct recheck {
    const char *city_code, *destination;
    recheck_ask *ask; /* NULL: nobody knows of residents, and nothing is asked */
    void *context;
};
/* Of items that wait here: those that may not leave any more wait no longer.
 * *ret_taken_back (may be NULL): how many. The rows asked about are locked until the transaction
 * ends. Call it first in the transaction that reads the content. */
bool recheck_items(struct db_tx *tx, const struct recheck *recheck, const int64_t *ids,
                   size_t count, size_t *ret_taken_back, struct failure *f);
/* The day, as protection_epoch() in the schema wants it. */
int64_t recheck_today(void);
/* Where the protection stands now: outbox_entry.checked. Read it before asking. */
bool recheck_epoch(struct db_tx *tx, const char *city_code, int64_t *ret_epoch, struct failure *f);

#endif

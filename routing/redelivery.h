/* Redelivery: a destination that lost what it had accepted gets it again, under the same id and
 * with the same bytes, for as long as they are kept ([routing] keep). */
#ifndef UKETSUKE_ROUTING_REDELIVERY_H
#define UKETSUKE_ROUTING_REDELIVERY_H

#include "base/db.h"
#include "base/failure.h"
#include "routing/outbox.h"

enum redelivery {
    REDELIVERY_DONE,      /* it waits (or waited already) */
    REDELIVERY_UNKNOWN,   /* this destination has accepted no such item */
    REDELIVERY_GONE,      /* its bytes are kept no longer */
    REDELIVERY_NEWER,     /* another item of the application waits already */
    REDELIVERY_WITHDRAWN, /* the application was taken back, and that is its end */
};

/* Notified when something waits again: it is older than what a process may have begun its looks
 * from (routing/floor.h). */
#define REDELIVERY_CHANNEL OUTBOX_CHANNEL /* room for it, NUL included */
const char *redelivery_channel(const char *destination, char text[REDELIVERY_CHANNEL]);
/* *ret_application_id is set with REDELIVERY_DONE. */
bool redelivery_ask(struct db_tx *tx, const char *city_code, const char *destination,
                    int64_t outbox_id, enum redelivery *ret_result, char ret_application_id[37],
                    struct failure *f);
/* Forgets bytes of items that were accepted before `before`, some at a time; how many. */
bool redelivery_forget(struct db_tx *tx, instant before, int64_t most, int64_t *ret_count,
                       struct failure *f);

#endif

/* The outbox: what waits for each destination. The hot table `outbox` has no payload; the sealed
 * content is in outbox_item, the past in delivery. At least once, in order for each destination,
 * with a stable id (outbox_id, decimal). */
#ifndef UKETSUKE_ROUTING_OUTBOX_H
#define UKETSUKE_ROUTING_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/failure.h"

struct outbox_entry {
    const char *city_code;
    const char *destination; /* a [destination] name, or "portal" for a status */
    const char *application_id;
    struct bytes sealed;   /* the item, sealed under the application's key, purpose "item" */
    const uint8_t *sha256; /* 32 bytes: hash of the plain item, which the receipt must quote */
    const char *status;    /* for "portal": the status to register; else NULL */
};

/* One row each in outbox (and outbox_item when sealed is there); one item a destination and
 * application at a time: putting it again does nothing. Notifies "outbox_<destination>". */
bool outbox_put(struct db_tx *tx, const struct outbox_entry *entries, size_t count,
                struct failure *f);

struct outbox_row {
    int64_t outbox_id;
    char application_id[37];
    char receipt_number[65];
    char channel[33];
    char procedure_id[129];
    char status[64];
    char sha256[65];
    instant created_at;
    int attempts;
};

/* What waits after `after` (0: from the start), oldest first. */
bool outbox_list(struct db_tx *tx, const char *city_code, const char *destination, int64_t after,
                 struct outbox_row *ret_rows, size_t most, size_t *ret_count, struct failure *f);
/* The sealed item with its application's wrapped key; *ret_found false when it does not wait here.
 * Counts the attempt. */
bool outbox_fetch(struct db_tx *tx, const char *city_code, const char *destination,
                  int64_t outbox_id, bool *ret_found, char ret_application_id[37],
                  struct buffer *ret_sealed, struct buffer *ret_wrapped_key, struct failure *f);

enum receipt_result {
    RECEIPT_TAKEN,    /* moved to delivery */
    RECEIPT_REPEATED, /* the same receipt came before: counted, nothing done */
    RECEIPT_UNKNOWN,  /* no such item for this destination */
    RECEIPT_WRONG_HASH,
    RECEIPT_CONFLICT, /* another result came before */
};
/* sha256: 64 hexadecimal digits as the receiver quotes them. */
bool outbox_receive(struct db_tx *tx, const char *city_code, const char *destination,
                    int64_t outbox_id, const char *sha256, bool accepted, const char *problems,
                    enum receipt_result *ret_result, char ret_application_id[37],
                    struct failure *f);
/* A delivery that did not work: attempts + 1, last error, tried again from due_at on. */
bool outbox_defer(struct db_tx *tx, const char *city_code, const char *destination,
                  int64_t outbox_id, const char *error, instant due_at, struct failure *f);

#endif

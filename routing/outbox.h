/* The outbox: what waits for each destination. The hot table `outbox` has no payload; the sealed
 * content is in outbox_item, the past in delivery. At least once, in order for each destination,
 * with a stable id (outbox_id, decimal).
 *
 * The ids of one destination's items become visible in their order (outbox_put holds a lock on the
 * destination until its transaction ends), so a reader who has seen id N never misses a smaller one
 * that commits later. Statuses for "portal" need no such order between applications, and take no
 * lock: those of one application are put one transaction after the other. */
#ifndef UKETSUKE_ROUTING_OUTBOX_H
#define UKETSUKE_ROUTING_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/failure.h"

#define OUTBOX_PORTAL "portal" /* the destination of statuses that the resident sees */

struct outbox_entry {
    const char *city_code;
    const char *destination; /* a [destination] name, or "portal" for a status */
    const char *application_id;
    struct bytes sealed;   /* the item, sealed under the application's key, purpose "item" */
    const uint8_t *sha256; /* 32 bytes: hash of the plain item, which the receipt must quote */
    const char *status;    /* for "portal": the status to register; else NULL */
    int64_t message_id;    /* what the resident reads with it (resident_message); 0: nothing */
    int64_t checked; /* protection_epoch when its people were asked about (routing/recheck.h) */
};

/* One row each in outbox (and outbox_item when sealed is there); one item a destination and
 * application at a time: putting it again does nothing. Notifies outbox_channel(destination), once
 * for each destination. */
bool outbox_put(struct db_tx *tx, const struct outbox_entry *entries, size_t count,
                struct failure *f);
/* The LISTEN channel of a destination: "outbox_child_allowance" for child-allowance. */
#define OUTBOX_CHANNEL 64 /* room for it, NUL included */
const char *outbox_channel(const char *destination, char text[OUTBOX_CHANNEL]);

struct outbox_row {
    int64_t outbox_id;
    char application_id[37];
    char receipt_number[65];
    char channel[33];
    char procedure_id[129];
    char status[64];
    char sha256[65]; /* "" for a status */
    instant created_at;
    instant claimed_until; /* 0: nobody claims it */
    int attempts;
    int64_t message_id; /* 0: none */
};

struct outbox_query {
    const char *city_code, *destination;
    const char *channel;      /* only of applications that came by it; NULL: any */
    const char *procedure_id; /* only of this procedure; NULL: any */
    instant since;            /* only what waits since then or later; 0: all */
    int64_t after;            /* only greater ids; 0: from the start */
};

/* What waits and is due, oldest first. Of one application only the oldest row: what follows it
 * waits until it is delivered, so that a resident never sees an older status over a newer one. */
bool outbox_list(struct db_tx *tx, const struct outbox_query *query, struct outbox_row *ret_rows,
                 size_t most, size_t *ret_count, struct failure *f);
/* The same, of what waits for `destination` from the floor on (routing/floor.h), in one round trip.
 */
struct floor;
bool outbox_look(struct db *db, struct floor *floor, const struct outbox_query *query,
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
    RECEIPT_CLAIMED,  /* another consumer's claim is in force */
};
const char *receipt_result_name(enum receipt_result result); /* "taken", "wrong-hash", … */

struct outbox_receipt {
    int64_t outbox_id;
    char sha256[65]; /* 64 hexadecimal digits, as the receiver quotes them */
    bool accepted;
    const char *problems; /* JSON; NULL when accepted; borrowed; see routing/problems.h */
    char claim[37];       /* the claim it was got under; "" without */
    /* out */
    enum receipt_result result;
    char application_id[37]; /* "" unless taken */
    bool notice;             /* it was no application, but told something about one */
    bool again;              /* taken after a redelivery: it had been accepted before */
    const char *moved_to;    /* the state that it brought the application to; NULL: none */
};
/* Any number of receipts in two round trips (three when some are repeated). The same id may stand
 * in `receipts` more than once. */
bool outbox_receive(struct db_tx *tx, const char *city_code, const char *destination,
                    struct outbox_receipt *receipts, size_t count, struct failure *f);
/* Notes rows as delivered without a receipt (statuses that the portal took). */
bool outbox_deliver(struct db_tx *tx, const char *city_code, const char *destination,
                    const int64_t *outbox_ids, size_t count, struct failure *f);
/* Deliveries that did not work: attempts + 1, last error, tried again from due_at on. */
bool outbox_defer(struct db_tx *tx, const char *city_code, const char *destination,
                  const int64_t *outbox_ids, size_t count, const char *error, instant due_at,
                  struct failure *f);

#endif

/* Shared by the files collect*.c only: the loop, the list, the download, the store. */
#ifndef UKETSUKE_INTAKE_COLLECT_INTERNAL_H
#define UKETSUKE_INTAKE_COLLECT_INTERNAL_H

#include "base/bytes.h"
#include "intake/collect.h"
#include "intake/lease.h"
#include "routing/portal.h"

/* One commit carries at most so much: a commit is a disk flush, and a batch is memory. */
#define PARCELS_BYTES_MOST ((size_t)8 << 20)
#define PARCELS_TIME_MOST  (INSTANT_SECOND / 2)

struct channel {
    const char *name;
    struct portal *portal;
    instant interval;
    int64_t poll_at;   /* clock_monotonic */
    int64_t down_till; /* clock_monotonic: nothing is asked before; 0: it answers */
    unsigned failures; /* in a row */
};

enum outcome {
    OUTCOME_PROMISED, /* came as promised */
    OUTCOME_MISMATCH, /* complete, but other bytes */
    OUTCOME_BROKEN,   /* the portal could not be reached, or broke off */
    OUTCOME_PEER,     /* the portal answered with an error */
    OUTCOME_TOO_LARGE,
    OUTCOME_COUNT,
};

struct parcel { /* one application on its way in */
    const struct work_item *item;
    int64_t promised_size;
    char promised_sha256[65];
    bool promise_known;
    struct buffer body;
    enum outcome outcome;
    bool silent; /* broken without a single byte */
};

/* All pages of the list of what has this status at the portal, and applied at `since` or later (0:
 * all); announces what is new. */
bool channel_list(struct role *role, struct channel *channel, const char *status, instant since,
                  struct failure *f);

/* What residents took back: noted for the role routing. */
bool channel_list_withdrawals(struct role *role, struct channel *channel, struct failure *f);

/* The promises of `count` claimed items. */
bool parcels_load(struct role *role, const struct work_item *items, size_t count,
                  struct parcel *parcels, struct failure *f);
/* Downloads and compares; never fails: the outcome tells. */
void parcel_download(struct parcel *parcel, struct portal *portal, size_t size_most);
/* One transaction: stores what came and decides. */
bool parcels_settle(struct role *role, const struct pace *pace, const struct parcel *parcels,
                    size_t count, struct failure *f);
const char *outcome_name(enum outcome outcome);

#endif

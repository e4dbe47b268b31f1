/* The hot queue: which application is due for which stage. No payload stands here. A claim is a
 * lease: due_at is pushed into the future and attempts counted, in a transaction of its own, so
 * that nothing is locked while the work is done, and a worker that dies just lets the lease run
 * out. */
#ifndef UKETSUKE_INTAKE_WORK_H
#define UKETSUKE_INTAKE_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/db.h"
#include "base/failure.h"
#include "intake/state.h"

extern const struct config_section work_config_section; /* [work] lease, batch, retry-… */

#define WORK_BATCH_MOST 128 /* items of one claim: [work] batch is at most this */

struct work_item {
    char city_code[7];
    char application_id[37];
    char receipt_number[65];
    char channel[33];
    enum state state;
    int version;  /* of the application when it was claimed: decide() moves no later one */
    int attempts; /* this one included */
};

/* Up to `most` due items of `stage`, oldest first (FOR UPDATE SKIP LOCKED). */
bool work_claim(struct db *db, const struct config *config, enum stage stage, size_t most,
                struct work_item *ret_items, size_t *ret_count, struct failure *f);
/* Gives an item back, to be tried again at `due_at`; says why in work.note (no personal data). */
bool work_return(struct db_tx *tx, const struct work_item *item, instant due_at, const char *note,
                 struct failure *f);
/* The keys of items as two columns, for statements over a whole batch; at most WORK_BATCH_MOST. */
struct work_columns {
    const char *city_codes[WORK_BATCH_MOST], *application_ids[WORK_BATCH_MOST]; /* borrowed */
    size_t count;
};
void work_columns_fill(struct work_columns *ret_columns, const struct work_item *items,
                       size_t count);
#define WORK_COLUMNS(c)                                                                            \
    db_texts((c).city_codes, (c).count), db_texts((c).application_ids, (c).count)

/* The channels on which decide() notifies: "work_collect", "work_examine", … */
const char *work_channel(enum stage stage);

#endif

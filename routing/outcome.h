/* Outcomes (申請処理状況): what a business system decided about an item that it has received. */
#ifndef UKETSUKE_ROUTING_OUTCOME_H
#define UKETSUKE_ROUTING_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/db.h"
#include "base/failure.h"
#include "base/seal.h"

enum outcome_kind {
    OUTCOME_COMPLETED,  /* 完了 */
    OUTCOME_REJECTED,   /* 却下 */
    OUTCOME_INCOMPLETE, /* 不備: the resident has to correct it */
};
const char *outcome_kind_name(enum outcome_kind kind); /* "completed", … */
bool outcome_kind_from_name(const char *name, enum outcome_kind *ret_kind);

enum outcome_result {
    OUTCOME_TAKEN,
    OUTCOME_REPEATED, /* the same came before: counted, nothing done */
    OUTCOME_UNKNOWN,  /* no item of this destination that it has accepted */
    OUTCOME_CONFLICT, /* another one stands, or the application can take none now */
};
const char *outcome_result_name(enum outcome_result result); /* "taken", … */

struct outcome {
    int64_t outbox_id;       /* 0: by receipt number; set when found */
    char receipt_number[65]; /* "" when outbox_id tells */
    enum outcome_kind kind;
    const char *content; /* canonical JSON {"message", "reasons": [{"code","item","message"}…]} */
    const char *message; /* for the resident (personal); NULL */
    /* out */
    enum outcome_result result;
    char application_id[37]; /* "" unless found */
    bool moved;              /* what `tell` says */
};

/* Decides what the outcomes mean for the applications, in the transaction: sets `moved` of those
 * that the application took; the others become OUTCOME_CONFLICT. */
typedef bool outcome_tell(struct db_tx *tx, const char *destination, struct outcome *outcomes,
                          size_t count, const char *terminal, void *context, struct failure *f);

struct outcome_taker { /* who takes them, for outcomes_take */
    const struct city_key *city_key;
    const char *city_code, *destination, *terminal;
    outcome_tell *tell; /* NULL: none is taken */
    void *context;
};
/* All in the caller's transaction: finds, locks, tells, keeps what was taken (sealed). */
bool outcomes_take(struct db_tx *tx, const struct outcome_taker *taker, struct outcome *outcomes,
                   size_t count, struct failure *f);

#endif

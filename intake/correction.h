/* 訂正: an application that the resident sends in the place of another (application.corrects). It
 * takes that one's place by itself only when the other waits for it, is of the same procedure and
 * by the same person; else people decide. */
#ifndef UKETSUKE_INTAKE_CORRECTION_H
#define UKETSUKE_INTAKE_CORRECTION_H

#include <stdbool.h>

#include "base/db.h"
#include "intake/decide.h"
#include "intake/work.h"

struct correction {
    bool claimed;            /* it says that it corrects another */
    bool possible;           /* and may, now, or … */
    bool settled;            /* … did already */
    char receipt_number[65]; /* of the other … */
    char application_id[37];
    int version;
};

/* `corrects`: what the portal's list says, `manifest`: what the package says; NULL for what
 * corrects nothing. If they differ, it is claimed, but not possible. Locks both until the
 * transaction ends. The same person is who has the same 宛名番号, or, while the other had none,
 * signed by the same certificate. */
bool correction_find(struct db_tx *tx, const struct work_item *item, const char *corrects,
                     const char *manifest, struct correction *ret_correction, struct failure *f);
/* Notes who takes the other's place; goes with the decision. */
bool correction_note(struct db_tx *tx, const struct work_item *item,
                     const struct correction *correction, struct failure *f);
/* The decision that the other is superseded, to be made together with that on `item`. */
void correction_supersede(const struct correction *correction, const struct work_item *item,
                          struct decision *ret_decision);

#endif

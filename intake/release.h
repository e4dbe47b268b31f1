/* What leaves the house, and who must agree before it does. An approval binds the hash of exactly
 * what was looked at: record as cut for the destination, 宛名番号, destination, and why people were
 * asked. If any of it is another one at hand-over, the approval is void and people are asked again.
 */
#ifndef UKETSUKE_INTAKE_RELEASE_H
#define UKETSUKE_INTAKE_RELEASE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/db.h"
#include "intake/work.h"
#include "routing/route.h"

enum release_demand {
    RELEASE_FINDING = 1,   /* a rule of the form wants staff to look */
    RELEASE_ROUTE = 2,     /* the route demands approval */
    RELEASE_PROTECTED = 4, /* somebody concerned is protected (支援措置, 不開示): two people */
    RELEASE_CORRECTION = 8, /* corrects what it can't take the place of by itself */
};

struct release {
    unsigned demands; /* 0: may go */
    int persons;   /* how many people must agree: 0, 1, 2; more, when the route asks for checkers */
    bool superior; /* the last of them is a 管理責任者 */
    uint8_t sha256[32];
};

/* Does the report (docs/formats/report.md) have a finding of severity review? */
bool release_has_finding(const json_t *report);
/* `record` as cut for the route's destination; `undone`: how often staff took back who the
 * applicant is, which voids what was approved before, even of the same resident. */
void release_make(const json_t *record, const char *atenabango, int64_t undone,
                  const struct route *route, unsigned demands, struct release *ret_release);
/* "review-protected", "review-correction", "review-route", "review-finding": the gravest. */
const char *release_reason(const struct release *release);

/* Do as many agree to exactly this as must? */
bool release_approved(struct db_tx *tx, const struct work_item *item, const struct release *release,
                      bool *ret_approved, struct failure *f);
/* Notes what is in review now, in place of what was before. */
bool release_ask(struct db_tx *tx, const struct work_item *item, const struct release *release,
                 const char *destination, struct failure *f);

#endif

/* What was handed over to a destination in a period, by whichever way (routing/reconcile.h). */
#ifndef UKETSUKE_ROUTING_HANDED_OVER_H
#define UKETSUKE_ROUTING_HANDED_OVER_H

#include "base/db.h"
#include "routing/reconcile.h"

struct handed_over_query {
    const char *city_code, *destination;
    instant from, to;                   /* from ≤ when < to */
    const struct reconcile_list *named; /* of these ids, what was handed over outside, too; NULL */
};
/* What was received (pulled, or by files), by when its receipt was taken or its batch was written;
 * and what lies in a batch that was written and has no answer. What a batch hands over again after
 * a redelivery stays where it was first. Reads as operator may. */
bool handed_over_read(struct db *db, const struct handed_over_query *query,
                      struct reconcile_list *ret_list, struct failure *f);

#endif

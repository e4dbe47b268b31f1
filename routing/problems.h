/* Why a business system rejected an item: kept sealed with the delivery. */
#ifndef UKETSUKE_ROUTING_PROBLEMS_H
#define UKETSUKE_ROUTING_PROBLEMS_H

#include "base/seal.h"
#include "routing/outbox.h"

/* For those of `receipts` that were taken and have problems; after outbox_receive, in its
 * transaction. */
bool problems_keep(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                   const char *destination, const struct outbox_receipt *receipts, size_t count,
                   struct failure *f);

#endif

/* One entry of the audit trail for many items: what one answer handed over, or one request
 * received. It names each item and application, so it proves as much as an entry for each would,
 * for one row and one hash. `audit_of_application` (schema) finds the entries that name one. */
#ifndef UKETSUKE_ROUTING_TRAIL_H
#define UKETSUKE_ROUTING_TRAIL_H

#include "routing/endpoints.h"

#define TRAIL_MOST 500 /* items of one entry; of more there are several */

struct trail_item { /* strings are borrowed, and need no escaping: codes and ids of ours */
    int64_t id;
    const char *application_id;
    const char *result; /* "accepted", "rejected"; NULL of what was delivered */
    const char *state;  /* what it moved the application to; NULL: nothing */
};

/* Detail: {"first":"7","last":"9","items":[["7","<application>","accepted","received"],…]}, the
 * least and the greatest id first. Append last in the transaction. */
bool trail_append(struct db_tx *tx, const struct routing_context *context,
                  const struct routing_caller *caller, const char *action, const char *reason,
                  const struct trail_item *items, size_t count, struct failure *f);

#endif

/* The pull API (docs/api/routing.yaml): business systems list what waits for them, fetch each item,
 * send receipts. mTLS; the client certificate is the destination's identity. */
#ifndef UKETSUKE_ROUTING_SERVER_H
#define UKETSUKE_ROUTING_SERVER_H

#include <stdbool.h>

#include "base/config.h"
#include "base/db.h"
#include "base/failure.h"
#include "base/seal.h"
#include "routing/outbox.h"
#include "routing/outcome.h"
#include "routing/recheck.h"

extern const struct config_section routing_config_section; /* [routing] address, TLS files, … */

struct routing_server;

struct routing_options { /* all borrowed until routing_server_stop */
    const struct config *config;
    struct db *db;
    const struct city_key *city_key;
    const char *city_code;
    /* Called in the transaction that takes receipts, with those that were taken: what they mean for
     * the applications is the caller's to decide, and to tell in moved_to; the audit trail's entry
     * of the receipts says it. `terminal` is where they came from. */
    bool (*on_receipts)(struct db_tx *tx, const char *destination,
                        struct outbox_receipt *const *taken, size_t count, const char *terminal,
                        void *context, struct failure *f);
    /* The same for outcomes of items that were received. */
    outcome_tell *on_outcomes;
    /* Asked in the transaction that hands content out; NULL: what waits may leave. */
    recheck_ask *on_recheck;
    void *context;
};

bool routing_server_start(const struct routing_options *options, struct routing_server **ret_server,
                          struct failure *f);
unsigned routing_server_port(const struct routing_server *server);
void routing_server_stop(struct routing_server *server);

#endif

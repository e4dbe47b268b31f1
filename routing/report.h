/* The way back: states that the resident should see go from the outbox "portal" to the portal. */
#ifndef UKETSUKE_ROUTING_REPORT_H
#define UKETSUKE_ROUTING_REPORT_H

#include "base/config.h"
#include "base/db.h"
#include "base/process.h"
#include "base/seal.h"
#include "routing/portal.h"

extern const struct config_section report_config_section; /* [report] interval, batch, retry-… */

struct report_context {
    const struct config *config;
    struct db *db;
    const char *city_code;
    const struct city_key *city_key; /* for messages to residents */
    struct portal *portal;           /* of one channel */
    const char *channel;
};

/* One batch of waiting statuses: register, then note as delivered; in order for each application.
 * What the portal does not take is tried again, later each time. For work_loop_run. */
enum work_result report_step(void *context, struct failure *f);

#endif

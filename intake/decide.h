/* The only way to change an application's state. State, event (written by the database's trigger),
 * next work, outbox, portal status and audit entry change in the caller's transaction. */
#ifndef UKETSUKE_INTAKE_DECIDE_H
#define UKETSUKE_INTAKE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/db.h"
#include "forms/procedure.h"
#include "intake/state.h"
#include "routing/outbox.h"

struct decision {
    const char *city_code;
    const char *application_id;
    enum state from, to;
    int version;                       /* what was seen when this was decided; 0: any */
    const char *reason;                /* stable code for held, unmatched and refused; else NULL */
    enum stage next;                   /* STAGE_NONE takes it out of the work table */
    instant due_at;                    /* when the next stage may take it; 0: now */
    const char *actor;                 /* "role:examine", "business:child-allowance" */
    const char *terminal;              /* may be NULL */
    const struct outbox_entry *outbox; /* put in the same transaction; NULL */
    const struct form_term *term;      /* by when it has to be done, from now on; NULL: as before */
    int64_t message_id;                /* goes to the resident with the status (intake/message.h);
                                          0: none */
    /* out */
    bool moved; /* false: the application was no longer in `from`, or is another
                   version than was seen (two stages share `held`): nothing was done */
};

/* What the portal is told of a state: [channel] status-<state>; "" when nothing. */
const char *decide_status(const struct config *config, const char *channel, enum state state);
/* Announces an application to the portal's resident by [channel] status-<state>, where configured.
 * `chain` is the audit chain of the calling role; NULL: an entry of the caller's own tells what
 * moved. Set-based: many applications share round trips.
 * A transition that the table does not allow is a bug and fails. */
bool decide(struct db_tx *tx, const struct config *config, const char *chain,
            struct decision *decisions, size_t count, struct failure *f);

#endif

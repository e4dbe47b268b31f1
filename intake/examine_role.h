/* The worker around the pure function: loads sealed packages, has them examined in processes that
 * can do nothing else (intake/examiner_pool.h), stores report and record, decides. One commit a
 * batch.
 *
 * A package that kills its examiner, or needs more than [examine] allows, stops no other: it alone
 * is held, as examination-crashed or examination-limit, for a person to look at, and tried again
 * every [work] retry-held. A batch ends when half of its lease is over; what it had not begun is
 * given back, so that slow packages cannot take the claims of the others away. */
#ifndef UKETSUKE_INTAKE_EXAMINE_ROLE_H
#define UKETSUKE_INTAKE_EXAMINE_ROLE_H

#include "base/process.h"
#include "intake/command.h"
#include "intake/examiner_pool.h"
#include "intake/lease.h"
#include "intake/ocsp_health.h"

struct examine_worker {
    struct role *role;
    struct pace pace;
    struct examiner_pool examiners;
    struct ocsp_client *responders; /* NULL: nobody is asked */
    const char *argv[5];            /* how an examiner is started */
    struct ocsp_health health;      /* what was kept of how they answer */
    struct db_listener *listener;   /* hears of new work */
    instant revocation_retry;       /* until revocation data may have come */
};

bool examine_worker_open(struct role *role, struct examine_worker *ret_worker, struct failure *f);
void examine_worker_close(struct examine_worker *worker);
/* For work_loop_run; context: the worker. Wake it by work_channel(STAGE_EXAMINE). */
enum work_result examine_step(void *context, struct failure *f);

#endif

/* The worker around the pure function: loads sealed packages, examines, stores report and record,
 * decides. One commit a batch.
 *
 * A package that kills the examiner must not stop the queue. An application that was claimed before
 * without a result is taken alone, and after [work] attempts-most such claims it is held as
 * examination-crashed for a person to look at, to be tried again every [work] retry-held. */
#ifndef UKETSUKE_INTAKE_EXAMINE_ROLE_H
#define UKETSUKE_INTAKE_EXAMINE_ROLE_H

#include "base/process.h"
#include "intake/command.h"
#include "intake/examine.h"
#include "intake/lease.h"

struct examine_worker {
    struct role *role;
    struct pace pace;
    struct examiner examiner;
    struct db_listener *listener; /* hears of new work */
    instant revocation_retry;     /* until revocation data may have come */
    bool careful;                 /* one at a time, until what is claimed is fresh again */
};

bool examine_worker_open(struct role *role, struct examine_worker *ret_worker, struct failure *f);
void examine_worker_close(struct examine_worker *worker);
/* For work_loop_run; context: the worker. Wake it by work_channel(STAGE_EXAMINE). */
enum work_result examine_step(void *context, struct failure *f);

#endif

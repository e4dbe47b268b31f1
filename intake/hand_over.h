/* Hand-over: what is identified is cut to what its destination may have, sealed, and put into the
 * outbox in the transaction that makes it routed. Without a route, or a procedure to cut by, it is
 * held (route-missing, procedure-unknown, route-number-forbidden) until the configuration has one.
 * Who must agree first, and has not, is asked (intake/release.h): review. Runs in the role
 * routing. */
#ifndef UKETSUKE_INTAKE_HAND_OVER_H
#define UKETSUKE_INTAKE_HAND_OVER_H

#include "base/process.h"
#include "intake/command.h"

/* One batch, for work_loop_run; wake it by work_channel(STAGE_ROUTE). The procedures are loaded
 * with the first batch and stay with the role. */
enum work_result hand_over_step(void *context /* struct role * */, struct failure *f);

#endif

/* Hand-over: what is identified is cut to what its destination may have, sealed, and put into the
 * outbox in the transaction that makes it routed. Without a route, or a procedure to cut by, it is
 * held (route-missing, procedure-unknown, route-number-forbidden) until the configuration has one.
 * Who must agree first, and has not, is asked (intake/release.h): review. Runs in the role
 * routing. */
#ifndef UKETSUKE_INTAKE_HAND_OVER_H
#define UKETSUKE_INTAKE_HAND_OVER_H

#include "base/process.h"
#include "intake/command.h"
#include "routing/recheck.h"

/* One batch, for work_loop_run; wake it by work_channel(STAGE_ROUTE). The procedures are loaded
 * with the first batch and stay with the role. */
enum work_result hand_over_step(void *context /* struct role * */, struct failure *f);

/* A recheck_ask (context: struct role *): of what waits in an outbox, that of protected residents
 * may leave only as two people released it. What may not goes back to hand_over_step, and so into
 * review. */
recheck_ask hand_over_recheck;

#endif

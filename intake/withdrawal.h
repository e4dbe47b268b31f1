/* 取下げ: what the resident takes back (asked for at the portal, or by staff in the resident's
 * name) is settled here, whatever state it is in. The only place that may take a row out of an
 * outbox.
 *
 * Not handed over yet          withdrawn
 * waits, never fetched         withdrawn, and out of the outbox
 * a business system may have   the system is told by an item of its own, behind the first
 *   it                         ({"notice": "withdrawn", …}); its outcome ends the application;
 *                              if it gives it back instead, nobody has it: withdrawn
 * at its end                   too late: the portal is told again how it ended */
#ifndef UKETSUKE_INTAKE_WITHDRAWAL_H
#define UKETSUKE_INTAKE_WITHDRAWAL_H

#include "base/process.h"
#include "intake/command.h"
#include "intake/decide.h"

/* Settles up to 64 withdrawals; in the role routing. For work_loop_run. */
enum work_result withdrawal_step(void *context /* struct role * */, struct failure *f);
/* What comes back (審査待ち, 要訂正), given back by the business system or taken back from it,
 * though that one was told that the resident withdrew it, is to be settled again. Of those
 * decisions that moved; in their transaction. */
bool withdrawals_given_back(struct db_tx *tx, const struct decision *decisions, size_t count,
                            struct failure *f);

#endif

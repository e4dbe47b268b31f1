/* The worker around intake/identify/identify.h: verified → identified, or unmatched with its
 * reason. What no link knows waits for the next registry feed, which wakes it. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_ROLE_H
#define UKETSUKE_INTAKE_IDENTIFY_ROLE_H

#include "base/process.h"
#include "intake/command.h"

extern const struct config_section identify_config_section; /* [identify] */

/* One batch, for work_loop_run; wake it by work_channel(STAGE_IDENTIFY). */
enum work_result identify_step(void *context /* struct role * */, struct failure *f);

#endif

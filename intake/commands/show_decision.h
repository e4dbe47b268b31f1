/* How the applicant was looked for, in words: nothing of what anybody wrote, no number, and not who
 * is protected. docs/identify.md explains the words. */
#ifndef UKETSUKE_INTAKE_COMMANDS_SHOW_DECISION_H
#define UKETSUKE_INTAKE_COMMANDS_SHOW_DECISION_H

#include "base/config.h"
#include "base/failure.h"

/* Opens the decision as the account that may (role identify, with the city's key), enters the look
 * in the audit trail, prints. */
bool show_decision(const struct config *config, const char *city_code, const char *application_id,
                   const char *actor, struct failure *f);

#endif

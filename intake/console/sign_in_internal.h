/* Within intake/console: what signing in, its second factors and enrolment share. */
#ifndef UKETSUKE_INTAKE_CONSOLE_SIGN_IN_INTERNAL_H
#define UKETSUKE_INTAKE_CONSOLE_SIGN_IN_INTERNAL_H

#include "intake/console/sign_in.h"

#define CONSOLE_CHAIN "console" /* audit chain */

/* An entry about an account: "account:<name>" acted, or tried to. `reason` may be NULL. */
bool sign_in_note(struct db_tx *tx, const struct sign_in_at *at, const char *action,
                  const char *account_name, const char *reason, struct failure *f);
/* One more failure in a row, the lock that follows from it, and the entry. */
bool sign_in_failed(struct db_tx *tx, const struct sign_in_at *at, const struct account *account,
                    const char *action, struct failure *f);
bool sign_in_locked(const struct account *account, instant now);
bool sign_in_in_force(const struct account *account, instant now);
/* Both factors were shown: completes the session unless another is in use. */
bool sign_in_complete(struct db_tx *tx, const struct sign_in_at *at, const struct session *session,
                      enum sign_in *ret_outcome, struct failure *f);
/* Judges and sets a new password. */
bool sign_in_set_password(struct db_tx *tx, const struct sign_in_at *at,
                          const struct account *account, const char *password,
                          enum password_fault *ret_fault, struct failure *f);

#endif

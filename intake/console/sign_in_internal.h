/* Within intake/console: what signing in, its second factors and enrolment share. */
#ifndef UKETSUKE_INTAKE_CONSOLE_SIGN_IN_INTERNAL_H
#define UKETSUKE_INTAKE_CONSOLE_SIGN_IN_INTERNAL_H

#include "intake/console/sign_in.h"

#define CONSOLE_CHAIN "console" /* audit chain */

/* How long the second factor is awaited, or is being set up. */
#define HALF_SESSION  (5 * 60 * INSTANT_SECOND)
#define ENROL_SESSION (15 * 60 * INSTANT_SECOND)

/* An entry about an account: "account:<name>" acted, or tried to. `reason` may be NULL. */
bool sign_in_note(struct db_tx *tx, const struct sign_in_at *at, const char *action,
                  const char *account_name, const char *reason, struct failure *f);
/* One more failure in a row, the lock that follows from it, and the entry. */
bool sign_in_failed(struct db_tx *tx, const struct sign_in_at *at, const struct account *account,
                    const char *action, struct failure *f);
bool sign_in_locked(const struct account *account, instant now);
bool sign_in_in_force(const struct account *account, instant now);
/* SIGN_IN_NEXT where the terminal takes the account; else SIGN_IN_ELSEWHERE, with its entry. */
bool sign_in_here(struct db_tx *tx, const struct sign_in_at *at, const struct account *account,
                  enum sign_in *ret_outcome, struct failure *f);
/* Both factors were shown: completes the session unless another is in use. `factor`: the second,
 * "totp", "webauthn" or "common-base"; the trail has it. */
bool sign_in_complete(struct db_tx *tx, const struct sign_in_at *at, const struct session *session,
                      const char *factor, enum sign_in *ret_outcome, struct failure *f);

/* argon2id takes its time, so no transaction is open, and no row locked, while it is computed. What
 * it was computed of is an account that was looked at before; the transaction behind it locks the
 * account, judges it as it is then, and believes what was computed only of the password that is
 * still there. So guesses that come at the same time count one after the other. */
struct password_look {
    bool found;
    struct account account;
    bool right; /* the password; of nobody it is wrong after as long */
};
bool sign_in_look(const struct sign_in_at *at, const char *name, const char *password,
                  struct password_look *ret_look, struct failure *f);
/* Of the account as it is now: has it still the password that was looked at? */
bool sign_in_still(const struct password_look *look, const struct account *now);

struct new_password {
    bool judged; /* false: it was not come to that, and nothing can be set */
    enum password_fault fault;
    struct account_hashes hashes; /* of a good one */
};
/* Judges a new password of the account that was looked at, and computes its hashes. */
bool sign_in_new_password(const struct sign_in_at *at, const struct account *account,
                          const char *password, struct new_password *ret_new, struct failure *f);
bool sign_in_set_password(struct db_tx *tx, const struct sign_in_at *at,
                          const struct account *account, const struct new_password *new,
                          struct failure *f);

#endif

/* Personal accounts of the console (schema 0010): what is stored of them, read and changed in the
 * caller's transaction. No rule stands here but those of storing; who may sign in when is
 * intake/console/sign_in.h. */
#ifndef UKETSUKE_INTAKE_CONSOLE_ACCOUNT_H
#define UKETSUKE_INTAKE_CONSOLE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/seal.h"
#include "intake/console/password.h"
#include "intake/console/permission.h"
#include "intake/console/totp.h"
#include "intake/console/webauthn.h"

#define ACCOUNT_NAME    33  /* 3 to 32 of [a-z0-9.-], NUL */
#define ACCOUNT_DISPLAY 241 /* 60 characters */
#define ACCOUNT_PASTS   24  /* old passwords that are compared, at the most */

bool account_name_valid(const char *name);

enum account_kind { ACCOUNT_STAFF, ACCOUNT_CONTRACTOR, ACCOUNT_BREAK_GLASS, ACCOUNT_KIND_COUNT };
const char *account_kind_code(enum account_kind kind); /* "staff", … */

struct account {
    char city_code[7], id[37], name[ACCOUNT_NAME], display_name[ACCOUNT_DISPLAY];
    char department[161];
    enum account_kind kind;
    instant valid_from, valid_to, disabled_at /* 0: not */, locked_until /* 0: not */;
    instant password_at;
    bool approved;
    char password[PASSWORD_HASH]; /* "": not enrolled */
    uint8_t enrolment[32];
    instant enrolment_until; /* 0: no code is out */
    int64_t failures, totp_step;
    bool has_totp;
    int64_t credentials; /* how many WebAuthn credentials */
};

/* Locks the row until the transaction ends, so that attempts at one account come one after the
 * other. *ret_found false: nobody of that name. */
bool account_find(struct db_tx *tx, const char *city_code, const char *name, bool *ret_found,
                  struct account *ret_account, struct failure *f);
bool account_load(struct db_tx *tx, const char *city_code, const char *account_id, bool *ret_found,
                  struct account *ret_account, struct failure *f);
/* Permissions that are in force: approved. */
bool account_permissions(struct db_tx *tx, const struct account *account,
                         struct permissions *ret_permissions, struct failure *f);

bool account_note_failure(struct db_tx *tx, const struct account *account, instant locked_until,
                          struct failure *f);
bool account_note_success(struct db_tx *tx, const struct account *account, struct failure *f);
/* Keeps the old one among the past; `now` is when it was set. */
bool account_set_password(struct db_tx *tx, const struct account *account, const char *password,
                          instant now, struct failure *f);
/* The last `most` passwords, newest first. */
struct account_past {
    char password[PASSWORD_HASH], core[PASSWORD_HASH];
};
bool account_past_passwords(struct db_tx *tx, const struct account *account, size_t most,
                            struct account_past *ret_past, size_t *ret_count, struct failure *f);
/* Uses the one-time code up. */
bool account_enrolled(struct db_tx *tx, const struct account *account, struct failure *f);

bool account_set_totp(struct db_tx *tx, const struct city_key *city_key,
                      const struct account *account, const uint8_t secret[TOTP_SECRET],
                      int64_t step, struct failure *f);
bool account_open_totp(struct db_tx *tx, const struct city_key *city_key,
                       const struct account *account, uint8_t ret_secret[TOTP_SECRET],
                       struct failure *f);
bool account_use_totp(struct db_tx *tx, const struct account *account, int64_t step,
                      struct failure *f);

bool account_add_credential(struct db_tx *tx, const struct account *account,
                            const struct webauthn_credential *credential, const char *label,
                            instant now, struct failure *f);
/* All of the account, for the browser's allowCredentials; free each with webauthn_credential_free.
 */
bool account_credentials(struct db_tx *tx, const struct account *account,
                         struct webauthn_credential ret_credentials[WEBAUTHN_CREDENTIAL_MOST],
                         size_t *ret_count, struct failure *f);
bool account_use_credential(struct db_tx *tx, const struct account *account,
                            const struct webauthn_credential *credential, instant now,
                            struct failure *f);

#endif

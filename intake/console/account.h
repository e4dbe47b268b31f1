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
/* As it is just now, in a transaction of its own. */
bool account_look(struct db *db, const char *city_code, const char *name, bool *ret_found,
                  struct account *ret_account, struct failure *f);
/* For statements of others that read accounts (table a) in these columns, from the first on. */
#define ACCOUNT_COLUMNS                                                                            \
    "a.account_id, a.name, a.display_name, a.department, a.kind, a.valid_from, a.valid_to,"        \
    " a.disabled_at, a.locked_until, a.password_at, a.approved_by IS NOT NULL OR a.first,"         \
    " a.password, a.enrolment, a.enrolment_until, a.failures, a.totp_step, a.totp IS NOT NULL,"    \
    " (SELECT count(*) FROM account_credential c WHERE c.city_code = a.city_code"                  \
    "   AND c.account_id = a.account_id)"
#define ACCOUNT_COLUMN_COUNT 18
/* Of the first row. */
void account_take(const struct db_rows *rows, const char *city_code, struct account *ret_account);

bool account_note_failure(struct db_tx *tx, const struct account *account, instant locked_until,
                          struct failure *f);
bool account_note_success(struct db_tx *tx, const struct account *account, struct failure *f);
/* The hashes of a password and of its core ("" when that is too short to compare). */
struct account_hashes {
    char password[PASSWORD_HASH], core[PASSWORD_HASH];
};
/* Keeps them among the past; `now` is when it was set. */
bool account_set_password(struct db_tx *tx, const struct account *account,
                          const struct account_hashes *hashes, instant now, struct failure *f);
/* The last `most` passwords, newest first. */
bool account_past_passwords(struct db *db, const struct account *account, size_t most,
                            struct account_hashes *ret_past, size_t *ret_count, struct failure *f);
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

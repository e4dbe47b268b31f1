/* Signing in: password, then a second factor, at a registered terminal. Each function is one
 * transaction, before which passwords are computed, and leaves its entry in the audit trail (chain
 * "console"), also of what failed. Outcomes are values; a failure means that we are broken. */
#ifndef UKETSUKE_INTAKE_CONSOLE_SIGN_IN_H
#define UKETSUKE_INTAKE_CONSOLE_SIGN_IN_H

#include "intake/console/common_base.h"
#include "intake/console/session.h"

struct sign_in_rules { /* from [console] */
    struct session_limits session;
    instant password_age;   /* 0: a password does not end */
    int64_t password_least; /* characters */
    int64_t password_past;  /* how many old ones may not come again */
    int64_t failures_most;  /* in a row; then the account is locked … */
    instant lock;           /* … for so long, twice as long each time, at most a day */
    bool common_base;       /* there is one: its word is a second factor of everybody */
};

struct sign_in_at { /* where somebody signs in, and with what */
    struct db *db;
    const struct city_key *city_key;
    const char *city_code;
    const struct sign_in_rules *rules;
    const struct terminal *terminal;
    const char *terminal_text; /* for the audit trail: address and label */
};

enum sign_in {
    SIGN_IN_DONE,
    SIGN_IN_NEXT,      /* the password was right; now the second factor */
    SIGN_IN_WRONG,     /* and nobody is told whether name, password or lock was the trouble */
    SIGN_IN_ELSEWHERE, /* the terminal is another department's: refused and reported */
    SIGN_IN_OTHER,     /* another session of the account is in use: refused and reported */
    SIGN_IN_PASSWORD,  /* the new password cannot be taken: see *ret_fault */
};

/* SIGN_IN_NEXT gives a token for a half session. */
bool sign_in_password(const struct sign_in_at *at, const char *name, const char *password,
                      enum sign_in *ret_outcome, char ret_token[SESSION_TOKEN], struct failure *f);
bool sign_in_totp(const struct sign_in_at *at, const struct session *session, const char *code,
                  enum sign_in *ret_outcome, struct failure *f);
/* A challenge that the session keeps, and the ids that may answer it (NULL, NULL: not wanted). */
bool sign_in_challenge(const struct sign_in_at *at, const struct session *session,
                       uint8_t ret_challenge[WEBAUTHN_CHALLENGE],
                       struct webauthn_credential ret_credentials[WEBAUTHN_CREDENTIAL_MOST],
                       size_t *ret_count, struct failure *f);
struct assertion { /* as the browser sent it */
    struct bytes id, client_data, authenticator_data, signature;
};
bool sign_in_webauthn(const struct sign_in_at *at, const struct session *session,
                      const char *origin, const char *party_id, const struct assertion *assertion,
                      enum sign_in *ret_outcome, struct failure *f);

/* The word of the common base about who answered the challenge: it must name the account. */
bool sign_in_common_base(const struct sign_in_at *at, const struct session *session,
                         const struct common_base_word *word, enum sign_in *ret_outcome,
                         struct failure *f);

/* The password again: it opens a session that was idle, and is the proof that some acts take
 * (intake/console/proof.h). */
bool sign_in_unlock(const struct sign_in_at *at, const struct session *session,
                    const char *password, enum sign_in *ret_outcome, struct failure *f);
bool sign_in_change_password(const struct sign_in_at *at, const struct session *session,
                             const char *old, const char *new, enum sign_in *ret_outcome,
                             enum password_fault *ret_fault, struct failure *f);
bool sign_out(const struct sign_in_at *at, const struct session *session, struct failure *f);

/* The first time, with the one-time code of `uketsuke user add`: sets the password and gives a half
 * session, in which a second factor is set up before anything else. */
bool enrol_begin(const struct sign_in_at *at, const char *name, const char *code,
                 const char *password, enum sign_in *ret_outcome, enum password_fault *ret_fault,
                 char ret_token[SESSION_TOKEN], struct failure *f);
/* Sets up one-time codes: the code proves that the app has the secret. Completes the session. */
bool enrol_totp(const struct sign_in_at *at, const struct session *session,
                const uint8_t secret[TOTP_SECRET], const char *code, enum sign_in *ret_outcome,
                struct failure *f);
bool enrol_webauthn(const struct sign_in_at *at, const struct session *session, const char *origin,
                    const char *party_id, const char *label, struct bytes client_data,
                    struct bytes authenticator_data, enum sign_in *ret_outcome, struct failure *f);

#endif

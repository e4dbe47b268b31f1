/* Sessions of the console (schema 0010): a random token in a cookie, its hash in the database,
 * bound to one account and one registered terminal. */
#ifndef UKETSUKE_INTAKE_CONSOLE_SESSION_H
#define UKETSUKE_INTAKE_CONSOLE_SESSION_H

#include <stdbool.h>

#include "intake/console/account.h"

#define SESSION_TOKEN 65 /* 64 hexadecimal digits, NUL */

struct terminal {
    char id[37], label[241], department[161];
};
struct session_limits {
    instant idle;  /* without a request for so long: locked, the password is asked again */
    instant most;  /* from the second factor to its end, whatever happens */
    instant proof; /* so long the password counts for what takes a proof (proof.h) */
};

enum session_state {
    SESSION_NONE,   /* unknown, ended, of another terminal, its account no longer valid */
    SESSION_HALF,   /* the password was right; the second factor is awaited */
    SESSION_LOCKED, /* idle for too long */
    SESSION_CHANGE, /* complete, but the password must be changed first */
    SESSION_GOOD,
};

struct session {
    uint8_t token[32]; /* the hash */
    enum session_state state;
    struct account account;
    char terminal_id[37];
    bool proven; /* the password was told within session_limits.proof */
    uint8_t challenge[WEBAUTHN_CHALLENGE];
    bool has_challenge;
};

/* Whether somebody of the account's department signs in there: it is its own, or one that the
 * terminal is shared with. */
bool terminal_takes(struct db_tx *tx, const struct terminal *terminal,
                    const struct account *account, bool *ret_takes, struct failure *f);

/* Begins a half session, which lasts until then, whatever is asked meanwhile; the token goes into
 * the cookie and nowhere else. */
bool session_begin(struct db_tx *tx, const struct account *account, const struct terminal *terminal,
                   instant now, instant until, char ret_token[SESSION_TOKEN], struct failure *f);
/* Who asks, and from where. */
struct session_question {
    const char *city_code;
    const char *peer, *address; /* of the terminal; peer NULL without a certificate */
    const char *token;          /* of the cookie; NULL without one */
    const struct session_limits *limits;
    instant password_age; /* 0: never ends a password */
    bool background;      /* a clock of the page asks, not the person before it */
    bool rights;          /* wanted */
};
struct admission {
    bool known_terminal; /* among the approved; the certificate counts first */
    struct terminal terminal;
    struct session session;         /* what the token stands for at this terminal */
    struct permissions permissions; /* those in force, when wanted, of a session that is good */
};
/* In one round trip. Notes that a session was seen, at most twice a minute, unless it is locked or
 * asked for in the background. */
bool session_admit(struct db *db, const struct session_question *question,
                   struct admission *ret_admission, struct failure *f);
/* *ret_other: another session of the account is in use, and nothing was done; one that is idle
 * gives way. */
bool session_complete(struct db_tx *tx, const struct session *session,
                      const struct session_limits *limits, instant now, bool *ret_other,
                      struct failure *f);
/* What the password of before has begun, and no second factor has completed, ends. */
bool session_end_halves(struct db_tx *tx, const struct account *account, instant now,
                        struct failure *f);
/* The password was told again: it is open, and proven. */
/* At once, until the password is told again. */
bool session_lock(struct db_tx *tx, const struct session *session,
                  const struct session_limits *limits, instant now, struct failure *f);
bool session_unlock(struct db_tx *tx, const struct session *session, instant now,
                    struct failure *f);
bool session_set_challenge(struct db_tx *tx, const struct session *session,
                           const uint8_t *challenge /* NULL: used up */, struct failure *f);
/* why: "signed-out", "disabled" … */
bool session_end(struct db_tx *tx, const struct session *session, instant now, const char *why,
                 struct failure *f);

#endif

#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "intake/console/sign_in_internal.h"

#define LOCK_MOST INSTANT_DAY

/* --- what all share --------------------------------------------------------------------------- */

bool sign_in_note(struct db_tx *tx, const struct sign_in_at *at, const char *action,
                  const char *account_name, const char *reason, struct failure *f)
{
    _cleanup_(cleanup_text) char *actor = text_format("staff:%s", account_name);
    const struct audit_entry entry = {.action = action,
                                      .actor = actor,
                                      .terminal = at->terminal_text,
                                      .city_code = at->city_code,
                                      .reason = reason};
    return audit_append(tx, CONSOLE_CHAIN, &entry, 1, f);
}

static instant lock_until(const struct sign_in_rules *rules, int64_t failures, instant now)
{
    if (failures < rules->failures_most)
        return 0;
    instant lock = rules->lock;
    for (int64_t i = rules->failures_most; i < failures && lock < LOCK_MOST; i++)
        lock *= 2;
    return now + (lock < LOCK_MOST ? lock : LOCK_MOST);
}

bool sign_in_failed(struct db_tx *tx, const struct sign_in_at *at, const struct account *account,
                    const char *action, struct failure *f)
{
    instant until = lock_until(at->rules, account->failures + 1, clock_now());
    return account_note_failure(tx, account, until, f) &&
           sign_in_note(tx, at, action, account->name, until ? "locked" : NULL, f);
}

bool sign_in_locked(const struct account *account, instant now)
{
    return account->locked_until > now;
}

bool sign_in_in_force(const struct account *account, instant now)
{
    return account->approved && !account->disabled_at && account->valid_from <= now &&
           now < account->valid_to;
}

bool sign_in_here(struct db_tx *tx, const struct sign_in_at *at, const struct account *account,
                  enum sign_in *ret_outcome, struct failure *f)
{
    bool takes;
    if (!terminal_takes(tx, at->terminal, account, &takes, f))
        return false;
    *ret_outcome = takes ? SIGN_IN_NEXT : SIGN_IN_ELSEWHERE;
    return takes || sign_in_note(tx, at, "session.other-department", account->name, NULL, f);
}

static bool break_glass(struct db_tx *tx, const struct sign_in_at *at,
                        const struct account *account, struct failure *f)
{
    if (account->kind != ACCOUNT_BREAK_GLASS)
        return true;
    log_warning("console.break_glass",
                log_text("text", "a break-glass account signed in: somebody must know why"));
    return sign_in_note(tx, at, "account.break-glass", account->name, NULL, f);
}

bool sign_in_complete(struct db_tx *tx, const struct sign_in_at *at, const struct session *session,
                      const char *factor, enum sign_in *ret_outcome, struct failure *f)
{
    bool other;
    const struct account *account = &session->account;
    if (!session_complete(tx, session, &at->rules->session, clock_now(), &other, f))
        return false;
    *ret_outcome = other ? SIGN_IN_OTHER : SIGN_IN_DONE;
    if (other)
        return session_end(tx, session, clock_now(), "refused", f) &&
               sign_in_note(tx, at, "session.second-refused", account->name, NULL, f);
    return account_note_success(tx, account, f) && break_glass(tx, at, account, f) &&
           sign_in_note(tx, at, "session.begun", account->name, factor, f);
}

/* --- the password ----------------------------------------------------------------------------- */

bool sign_in_look(const struct sign_in_at *at, const char *name, const char *password,
                  struct password_look *ret_look, struct failure *f)
{
    struct password_look look = {0};
    if (!account_look(at->db, at->city_code, name, &look.found, &look.account, f))
        return false;
    look.right = password_verify(
        look.found && *look.account.password ? look.account.password : NULL, password);
    *ret_look = look;
    return true;
}

bool sign_in_still(const struct password_look *look, const struct account *now)
{
    return look->found && strcmp(look->account.id, now->id) == 0 &&
           strcmp(look->account.password, now->password) == 0;
}

struct password_try {
    const struct sign_in_at *at;
    const char *name;
    struct password_look look;
    enum sign_in outcome;
    char token[SESSION_TOKEN];
};

/* Also of a name that nobody has, or that is locked, the hash was computed, so that nobody learns
 * from the time which it was. */
static bool password_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct password_try *try = context;
    const struct sign_in_at *at = try->at;
    struct account account;
    bool found;
    instant now = clock_now();
    try->outcome = SIGN_IN_WRONG;
    if (!account_find(tx, at->city_code, try->name, &found, &account, f))
        return false;
    if (!found)
        return sign_in_note(tx, at, "session.unknown-name", "-", NULL, f);
    if (sign_in_locked(&account, now) || !sign_in_in_force(&account, now))
        return sign_in_note(tx, at, "session.not-in-force", account.name, NULL, f);
    if (!try->look.right || !sign_in_still(&try->look, &account))
        return sign_in_failed(tx, at, &account, "session.wrong-password", f);
    if (!account.has_totp && account.credentials == 0 && !at->rules->common_base)
        return sign_in_note(tx, at, "session.no-second-factor", account.name, NULL, f);
    return sign_in_here(tx, at, &account, &try->outcome, f) &&
           (try->outcome != SIGN_IN_NEXT ||
            session_begin(tx, &account, at->terminal, now, now + HALF_SESSION, try->token, f));
}

bool sign_in_password(const struct sign_in_at *at, const char *name, const char *password,
                      enum sign_in *ret_outcome, char ret_token[SESSION_TOKEN], struct failure *f)
{
    struct password_try try = {.at = at, .name = name};
    if (!sign_in_look(at, name, password, &try.look, f) ||
        !db_transaction(at->db, password_work, &try, f))
        return false;
    *ret_outcome = try.outcome;
    if (try.outcome == SIGN_IN_NEXT)
        memcpy(ret_token, try.token, SESSION_TOKEN);
    return true;
}

/* --- a new password --------------------------------------------------------------------------- */

static bool hashes_make(const char *password, struct account_hashes *ret, struct failure *f)
{
    char core[PASSWORD_TEXT];
    password_core(password, core);
    *ret->core = '\0';
    bool done =
        password_hash(password, ret->password, f) && (!*core || password_hash(core, ret->core, f));
    explicit_bzero(core, sizeof core);
    return done;
}

bool sign_in_new_password(const struct sign_in_at *at, const struct account *account,
                          const char *password, struct new_password *ret_new, struct failure *f)
{
    struct account_hashes past[ACCOUNT_PASTS];
    struct password_past compared[ACCOUNT_PASTS];
    size_t count, most = (size_t)at->rules->password_past;
    if (!account_past_passwords(at->db, account, most < ACCOUNT_PASTS ? most : ACCOUNT_PASTS, past,
                                &count, f))
        return false;
    for (size_t i = 0; i < count; i++)
        compared[i] = (struct password_past){past[i].password, past[i].core};
    ret_new->fault =
        password_judge(password, account->name, (size_t)at->rules->password_least, compared, count);
    if (ret_new->fault == PASSWORD_GOOD && !hashes_make(password, &ret_new->hashes, f))
        return false;
    ret_new->judged = true;
    return true;
}

bool sign_in_set_password(struct db_tx *tx, const struct sign_in_at *at,
                          const struct account *account, const struct new_password *new,
                          struct failure *f)
{
    return account_set_password(tx, account, &new->hashes, clock_now(), f) &&
           session_end_halves(tx, account, clock_now(), f) &&
           sign_in_note(tx, at, "account.password-set", account->name, NULL, f);
}

/* --- the password again ----------------------------------------------------------------------- */

struct again {
    const struct sign_in_at *at;
    const struct session *session;
    const struct new_password *new; /* NULL: only unlock */
    struct password_look look;
    enum sign_in outcome;
};

static bool again_judged(struct db_tx *tx, struct again *again, const struct account *account,
                         struct failure *f)
{
    const struct sign_in_at *at = again->at;
    bool good = !again->new || again->new->fault == PASSWORD_GOOD;
    bool locked = again->session->state == SESSION_LOCKED;
    again->outcome = good ? SIGN_IN_DONE : SIGN_IN_PASSWORD;
    if (again->new)
        return !good || sign_in_set_password(tx, at, account, again->new, f);
    return session_unlock(tx, again->session, clock_now(), f) &&
           account_note_success(tx, account, f) &&
           sign_in_note(tx, at, locked ? "session.unlocked" : "session.proven", account->name, NULL,
                        f);
}

static bool again_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct again *again = context;
    struct account account;
    bool found;
    again->outcome = SIGN_IN_WRONG;
    if (!account_find(tx, again->at->city_code, again->session->account.name, &found, &account, f))
        return false;
    if (!found || sign_in_locked(&account, clock_now()) ||
        (again->look.right && again->new && !again->new->judged)) /* it was locked a moment ago */
        return true;
    if (!again->look.right || !sign_in_still(&again->look, &account))
        return sign_in_failed(tx, again->at, &account, "session.wrong-password", f);
    return again_judged(tx, again, &account, f);
}

bool sign_in_unlock(const struct sign_in_at *at, const struct session *session,
                    const char *password, enum sign_in *ret_outcome, struct failure *f)
{
    struct again again = {.at = at, .session = session};
    if (!sign_in_look(at, session->account.name, password, &again.look, f) ||
        !db_transaction(at->db, again_work, &again, f))
        return false;
    *ret_outcome = again.outcome;
    return true;
}

/* Of a wrong old password, or a locked account, nothing is told about the new one. */
bool sign_in_change_password(const struct sign_in_at *at, const struct session *session,
                             const char *old, const char *new, enum sign_in *ret_outcome,
                             enum password_fault *ret_fault, struct failure *f)
{
    struct new_password made = {0};
    struct again again = {.at = at, .session = session, .new = &made};
    if (!sign_in_look(at, session->account.name, old, &again.look, f) ||
        (again.look.right && !sign_in_locked(&again.look.account, clock_now()) &&
         !sign_in_new_password(at, &again.look.account, new, &made, f)) ||
        !db_transaction(at->db, again_work, &again, f))
        return false;
    *ret_outcome = again.outcome;
    *ret_fault = made.fault;
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

struct leaving {
    const struct sign_in_at *at;
    const struct session *session;
};

static bool leave_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct leaving *leaving = context;
    return session_end(tx, leaving->session, clock_now(), "signed-out", f) &&
           sign_in_note(tx, leaving->at, "session.ended", leaving->session->account.name, NULL, f);
}

bool sign_out(const struct sign_in_at *at, const struct session *session, struct failure *f)
{
    return db_transaction(at->db, leave_work, &(struct leaving){at, session}, f);
}

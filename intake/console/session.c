#include "intake/console/session.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SEEN_EVERY (30 * INSTANT_SECOND)

static const struct db_statement find_terminal = {
    "terminal_find", "SELECT terminal_id, label, department FROM terminal"
                     " WHERE city_code = $1 AND approved_by IS NOT NULL AND retired_at IS NULL"
                     "  AND (peer = $2 OR address = $3) ORDER BY peer IS NULL LIMIT 1"};
static const struct db_statement begin = {
    "session_begin",
    "INSERT INTO session (city_code, token, account_id, terminal_id, created_at, seen_at, until)"
    " VALUES ($1, $2, $3::uuid, $4::uuid, $5, $5, $6)"};
static const struct db_statement find = {
    "session_find", "SELECT account_id, terminal_id, complete, seen_at, challenge FROM session"
                    " WHERE city_code = $1 AND token = $2 AND terminal_id = $3::uuid"
                    "  AND ended_at IS NULL AND until > $4"};
static const struct db_statement see = {
    "session_see", "UPDATE session SET seen_at = $3 WHERE city_code = $1 AND token = $2"};
/* Who signs in again ends what nobody uses any more. */
static const struct db_statement end_idle = {
    "session_end_idle",
    "UPDATE session SET ended_at = $3,"
    " ended_why = CASE WHEN until <= $3 THEN 'expired' ELSE 'replaced' END"
    " WHERE city_code = $1 AND account_id = $2::uuid AND complete AND ended_at IS NULL"
    "  AND (until <= $3 OR seen_at < $4)"};
static const struct db_statement others = {
    "session_others", "SELECT count(*) FROM session WHERE city_code = $1 AND account_id = $2::uuid"
                      " AND complete AND ended_at IS NULL AND token <> $3"};
static const struct db_statement complete = {
    "session_complete", "UPDATE session SET complete = true, challenge = NULL, seen_at = $3"
                        " WHERE city_code = $1 AND token = $2 AND NOT complete"};
static const struct db_statement set_challenge = {
    "session_set_challenge",
    "UPDATE session SET challenge = $3 WHERE city_code = $1 AND token = $2"};
static const struct db_statement end = {
    "session_end", "UPDATE session SET ended_at = $3, ended_why = $4"
                   " WHERE city_code = $1 AND token = $2 AND ended_at IS NULL"};

#define KEY(session) db_text((session)->account.city_code), db_bytes(bytes_of((session)->token, 32))

bool terminal_find(struct db_tx *tx, const char *city_code, const char *peer, const char *address,
                   bool *ret_found, struct terminal *ret_terminal, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &find_terminal,
                  DB_VALUES(db_text(city_code), db_text(peer), db_text(address)), &rows, f))
        return false;
    *ret_found = db_row_count(rows) == 1;
    if (*ret_found) {
        snprintf(ret_terminal->id, sizeof ret_terminal->id, "%s", db_get_text(rows, 0, 0));
        snprintf(ret_terminal->label, sizeof ret_terminal->label, "%s", db_get_text(rows, 0, 1));
        snprintf(ret_terminal->department, sizeof ret_terminal->department, "%s",
                 db_get_text(rows, 0, 2));
    }
    return true;
}

bool session_begin(struct db_tx *tx, const struct account *account, const struct terminal *terminal,
                   instant now, instant until, char ret_token[SESSION_TOKEN], struct failure *f)
{
    uint8_t token[32], hash[32];
    if (RAND_bytes(token, sizeof token) != 1)
        return failure_set(f, FAILURE_SYSTEM, "no random numbers for a session");
    char text[SESSION_TOKEN];
    sha256(bytes_of_text(hex_encode(token, sizeof token, text)), hash);
    if (!db_execute(tx, &begin,
                    DB_VALUES(db_text(account->city_code), db_bytes(bytes_of(hash, sizeof hash)),
                              db_text(account->id), db_text(terminal->id), db_instant(now),
                              db_instant(until)),
                    NULL, f))
        return false;
    memcpy(ret_token, text, sizeof text);
    return true;
}

/* --- finding ---------------------------------------------------------------------------------- */

static bool account_in_force(const struct account *account, instant now)
{
    return account->approved && !account->disabled_at && account->valid_from <= now &&
           now < account->valid_to;
}

static enum session_state judge(const struct account *account, bool is_complete, instant seen_at,
                                const struct session_limits *limits, instant password_age,
                                instant now)
{
    if (!account_in_force(account, now))
        return SESSION_NONE;
    if (now - seen_at > limits->idle)
        return is_complete ? SESSION_LOCKED : SESSION_NONE;
    if (!is_complete)
        return SESSION_HALF;
    bool old = password_age && now - account->password_at > password_age;
    return old ? SESSION_CHANGE : SESSION_GOOD;
}

static bool seen(struct db_tx *tx, const struct session *session, instant seen_at, instant now,
                 struct failure *f)
{
    if (session->state == SESSION_LOCKED || session->state == SESSION_NONE ||
        now - seen_at < SEEN_EVERY)
        return true;
    return db_send(tx, &see, DB_VALUES(KEY(session), db_instant(now)), -1, f);
}

bool session_find(struct db_tx *tx, const char *city_code, const char *token,
                  const struct terminal *terminal, const struct session_limits *limits,
                  instant password_age, bool background, instant now, struct session *ret_session,
                  struct failure *f)
{
    struct session session = {.state = SESSION_NONE};
    bool found = false;
    sha256(bytes_of_text(token), session.token);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &find,
                  DB_VALUES(db_text(city_code), db_bytes(bytes_of(session.token, 32)),
                            db_text(terminal->id), db_instant(now)),
                  &rows, f))
        return false;
    if (db_row_count(rows) == 1 &&
        !account_load(tx, city_code, db_get_text(rows, 0, 0), &found, &session.account, f))
        return false;
    if (found) {
        struct bytes challenge = db_get_bytes(rows, 0, 4);
        instant seen_at = db_get_instant(rows, 0, 3);
        snprintf(session.terminal_id, sizeof session.terminal_id, "%s", db_get_text(rows, 0, 1));
        session.has_challenge = challenge.length == WEBAUTHN_CHALLENGE;
        if (session.has_challenge)
            memcpy(session.challenge, challenge.data, challenge.length);
        session.state =
            judge(&session.account, db_get_boolean(rows, 0, 2), seen_at, limits, password_age, now);
        if (!background && !seen(tx, &session, seen_at, now, f))
            return false;
    }
    *ret_session = session;
    return true;
}

/* --- changing --------------------------------------------------------------------------------- */

bool session_complete(struct db_tx *tx, const struct session *session,
                      const struct session_limits *limits, instant now, bool *ret_other,
                      struct failure *f)
{
    const struct account *account = &session->account;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_execute(tx, &end_idle,
                    DB_VALUES(db_text(account->city_code), db_text(account->id), db_instant(now),
                              db_instant(now - limits->idle)),
                    NULL, f) ||
        !db_query(tx, &others,
                  DB_VALUES(db_text(account->city_code), db_text(account->id),
                            db_bytes(bytes_of(session->token, 32))),
                  &rows, f))
        return false;
    *ret_other = db_get_number(rows, 0, 0) > 0;
    return *ret_other || db_send(tx, &complete, DB_VALUES(KEY(session), db_instant(now)), 1, f);
}

bool session_unlock(struct db_tx *tx, const struct session *session, instant now, struct failure *f)
{
    return db_send(tx, &see, DB_VALUES(KEY(session), db_instant(now)), 1, f);
}

bool session_set_challenge(struct db_tx *tx, const struct session *session,
                           const uint8_t *challenge, struct failure *f)
{
    struct db_value value =
        challenge ? db_bytes(bytes_of(challenge, WEBAUTHN_CHALLENGE)) : db_null();
    return db_send(tx, &set_challenge, DB_VALUES(KEY(session), value), 1, f);
}

bool session_end(struct db_tx *tx, const struct session *session, instant now, const char *why,
                 struct failure *f)
{
    return db_execute(tx, &end, DB_VALUES(KEY(session), db_instant(now), db_text(why)), NULL, f);
}

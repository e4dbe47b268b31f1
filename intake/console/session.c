#include "intake/console/session.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SEEN_EVERY (30 * INSTANT_SECOND)

static const struct db_statement find_terminal = {
    "terminal_find", "SELECT terminal_id, label, department FROM terminal"
                     " WHERE city_code = $1 AND approved_by IS NOT NULL AND retired_at IS NULL"
                     "  AND (peer = $2 OR address = $3) ORDER BY peer IS NULL LIMIT 1"};
static const struct db_statement takes = {"terminal_takes",
                                          "SELECT terminal_takes(t, $3) FROM terminal t"
                                          " WHERE t.city_code = $1 AND t.terminal_id = $2::uuid"};
static const struct db_statement begin = {
    "session_begin",
    "INSERT INTO session (city_code, token, account_id, terminal_id, created_at, seen_at, until)"
    " VALUES ($1, $2, $3::uuid, $4::uuid, $5, $5, $6)"};
static const struct db_statement find = {
    "session_find",
    "SELECT " ACCOUNT_COLUMNS ", s.terminal_id, s.complete, s.seen_at, s.challenge, s.proven_at "
    "FROM session s JOIN account a USING (city_code, account_id) "
    "WHERE s.city_code = $1 AND s.token = $2 AND s.ended_at IS NULL"
    " AND s.until > $3"};
enum { TERMINAL = ACCOUNT_COLUMN_COUNT, COMPLETE, SEEN, CHALLENGE, PROVEN };
static const struct db_statement find_rights = {
    "session_rights", "SELECT r.business, r.department, r.\"right\" FROM session s"
                      " JOIN account_right r USING (city_code, account_id)"
                      " WHERE s.city_code = $1 AND s.token = $2 AND right_in_force(r, $3)"
                      " ORDER BY 1, 2, 3"};
static const struct db_statement see = {
    "session_see", "UPDATE session SET seen_at = $3 WHERE city_code = $1 AND token = $2"};
/* As if nobody had been there for as long as it takes. */
static const struct db_statement lock = {
    "session_lock", "UPDATE session SET seen_at = least(seen_at, $3) WHERE city_code = $1"
                    " AND token = $2"};
static const struct db_statement unlock = {"session_unlock",
                                           "UPDATE session SET seen_at = $3, proven_at = $3"
                                           " WHERE city_code = $1 AND token = $2"};
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
    "session_complete",
    "UPDATE session SET complete = true, challenge = NULL, seen_at = $3, proven_at = $3,"
    " until = $4"
    " WHERE city_code = $1 AND token = $2 AND NOT complete"};
static const struct db_statement end_halves = {
    "session_end_halves", "UPDATE session SET ended_at = $3, ended_why = 'replaced'"
                          " WHERE city_code = $1 AND account_id = $2::uuid AND NOT complete"
                          "  AND ended_at IS NULL"};
static const struct db_statement set_challenge = {
    "session_set_challenge",
    "UPDATE session SET challenge = $3 WHERE city_code = $1 AND token = $2"};
static const struct db_statement end = {
    "session_end", "UPDATE session SET ended_at = $3, ended_why = $4"
                   " WHERE city_code = $1 AND token = $2 AND ended_at IS NULL"};

#define KEY(session) db_text((session)->account.city_code), db_bytes(bytes_of((session)->token, 32))

bool terminal_takes(struct db_tx *tx, const struct terminal *terminal,
                    const struct account *account, bool *ret_takes, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &takes,
                  DB_VALUES(db_text(account->city_code), db_text(terminal->id),
                            db_text(account->department)),
                  &rows, f))
        return false;
    *ret_takes = db_row_count(rows) == 1 && db_get_boolean(rows, 0, 0);
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

static void terminal_take(const struct db_rows *rows, struct admission *ret)
{
    struct terminal *terminal = &ret->terminal;
    ret->known_terminal = db_row_count(rows) == 1;
    if (!ret->known_terminal)
        return;
    snprintf(terminal->id, sizeof terminal->id, "%s", db_get_text(rows, 0, 0));
    snprintf(terminal->label, sizeof terminal->label, "%s", db_get_text(rows, 0, 1));
    snprintf(terminal->department, sizeof terminal->department, "%s", db_get_text(rows, 0, 2));
}

/* A session does not move to another terminal. */
static void session_take(const struct db_rows *rows, const struct session_question *q, instant now,
                         struct admission *ret)
{
    struct session *session = &ret->session;
    if (!ret->known_terminal || db_row_count(rows) == 0 ||
        strcmp(db_get_text(rows, 0, TERMINAL), ret->terminal.id) != 0)
        return;
    struct bytes challenge = db_get_bytes(rows, 0, CHALLENGE);
    account_take(rows, q->city_code, &session->account);
    memcpy(session->terminal_id, ret->terminal.id, sizeof session->terminal_id);
    session->has_challenge = challenge.length == WEBAUTHN_CHALLENGE;
    if (session->has_challenge)
        memcpy(session->challenge, challenge.data, challenge.length);
    session->proven = now - db_get_instant(rows, 0, PROVEN) <= q->limits->proof;
    session->state = judge(&session->account, db_get_boolean(rows, 0, COMPLETE),
                           db_get_instant(rows, 0, SEEN), q->limits, q->password_age, now);
}

static void permissions_take(const struct db_rows *rows, struct permissions *ret)
{
    struct permissions all = {memory_allocate((db_row_count(rows) + 1) * sizeof *all.at), 0};
    for (size_t row = 0; row < db_row_count(rows); row++) {
        struct permission *one = &all.at[all.count];
        if (!right_from_code(db_get_text(rows, row, 2), &one->right))
            continue; /* of a newer version: grants nothing here */
        snprintf(one->business, sizeof one->business, "%s", db_get_text(rows, row, 0));
        snprintf(one->department, sizeof one->department, "%s", db_get_text(rows, row, 1));
        all.count++;
    }
    *ret = all;
}

struct seeing {
    const struct session *session;
    instant now;
};

static bool see_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct seeing *s = context;
    return db_send(tx, &see, DB_VALUES(KEY(s->session), db_instant(s->now)), -1, f);
}

static bool seen(struct db *db, const struct session *session, instant seen_at, instant now,
                 struct failure *f)
{
    return session->state == SESSION_LOCKED || session->state == SESSION_NONE ||
           now - seen_at < SEEN_EVERY ||
           db_transaction_relaxed(db, see_work, &(struct seeing){session, now}, f);
}

bool session_admit(struct db *db, const struct session_question *q, struct admission *ret_admission,
                   struct failure *f)
{
    struct admission found = {.session = {.state = SESSION_NONE}};
    instant now = clock_now();
    _cleanup_(cleanup_db_rows) struct db_rows *terminal = NULL, *session = NULL, *rights = NULL;
    sha256(bytes_of_text(q->token ? q->token : ""), found.session.token);
    const struct db_value city = db_text(q->city_code),
                          token =
                              q->token ? db_bytes(bytes_of(found.session.token, 32)) : db_null();
    if (!db_look(db,
                 DB_QUESTIONS({&find_terminal,
                               DB_VALUES(city, db_text(q->peer), db_text(q->address)), &terminal},
                              {&find, DB_VALUES(city, token, db_instant(now)), &session},
                              {&find_rights, DB_VALUES(city, token, db_instant(now)), &rights}),
                 f))
        return false;
    terminal_take(terminal, &found);
    session_take(session, q, now, &found);
    if (q->rights && found.session.state == SESSION_GOOD)
        permissions_take(rights, &found.permissions);
    if (!q->background && db_row_count(session) == 1 &&
        !seen(db, &found.session, db_get_instant(session, 0, SEEN), now, f)) {
        permissions_free(&found.permissions);
        return false;
    }
    *ret_admission = found;
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
    return *ret_other ||
           db_send(tx, &complete,
                   DB_VALUES(KEY(session), db_instant(now), db_instant(now + limits->most)), 1, f);
}

bool session_end_halves(struct db_tx *tx, const struct account *account, instant now,
                        struct failure *f)
{
    return db_send(tx, &end_halves,
                   DB_VALUES(db_text(account->city_code), db_text(account->id), db_instant(now)),
                   -1, f);
}

bool session_lock(struct db_tx *tx, const struct session *session,
                  const struct session_limits *limits, instant now, struct failure *f)
{
    return db_send(tx, &lock, DB_VALUES(KEY(session), db_instant(now - limits->idle - 1)), 1, f);
}

bool session_unlock(struct db_tx *tx, const struct session *session, instant now, struct failure *f)
{
    return db_send(tx, &unlock, DB_VALUES(KEY(session), db_instant(now)), 1, f);
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

#include "intake/console/administer.h"

#include <openssl/rand.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"

#define FIRST "first" /* who approves the first administrator and terminal: nobody could */

/* An account that may approve others: one at the least must be there before the first is refused.
 */
static const struct db_statement administrators = {
    "administer_administrators",
    "SELECT count(*) FROM account a JOIN account_right r USING (city_code, account_id)"
    " WHERE a.city_code = $1 AND r.\"right\" = 'admin' AND r.approved_by IS NOT NULL"
    "  AND (a.first OR a.approved_by IS NOT NULL) AND a.disabled_at IS NULL"
    "  AND a.valid_to > $2"};
static const struct db_statement propose_account = {
    "account_propose",
    "INSERT INTO account (city_code, name, display_name, department, kind, valid_from, valid_to,"
    "  created_by, first) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"};
static const struct db_statement approve_account = {
    "account_approve", "UPDATE account SET approved_by = $3 WHERE city_code = $1 AND name = $2"
                       " AND approved_by IS NULL AND NOT first AND created_by <> $3"};
static const struct db_statement disable_account = {
    "account_disable", "UPDATE account SET disabled_at = $3 WHERE city_code = $1 AND name = $2"
                       " AND disabled_at IS NULL"};
static const struct db_statement issue_code = {
    "account_issue_code",
    "UPDATE account SET enrolment = $3, enrolment_until = $4, password = NULL, totp = NULL,"
    "  wrapped = NULL, failures = 0, locked_until = NULL"
    " WHERE city_code = $1 AND name = $2 AND disabled_at IS NULL"
    "  AND (first OR approved_by IS NOT NULL)"};
static const struct db_statement drop_credentials = {
    "account_drop_credentials",
    "DELETE FROM account_credential c USING account a"
    " WHERE a.city_code = $1 AND a.name = $2 AND c.city_code = a.city_code"
    "  AND c.account_id = a.account_id"};
static const struct db_statement end_sessions = {
    "account_end_sessions",
    "UPDATE session s SET ended_at = $3, ended_why = 'disabled' FROM account a"
    " WHERE a.city_code = $1 AND a.name = $2 AND s.city_code = a.city_code"
    "  AND s.account_id = a.account_id AND s.ended_at IS NULL"};
static const struct db_statement propose_right = {
    "right_propose",
    "INSERT INTO account_right"
    " (city_code, account_id, business, department, \"right\", proposed_by, approved_by)"
    " SELECT city_code, account_id, $3, $4, $5, $6, $7 FROM account"
    " WHERE city_code = $1 AND name = $2 ON CONFLICT DO NOTHING"};
static const struct db_statement approve_right = {
    "right_approve", "UPDATE account_right r SET approved_by = $6 FROM account a"
                     " WHERE a.city_code = $1 AND a.name = $2 AND r.city_code = a.city_code"
                     "  AND r.account_id = a.account_id AND r.business = $3 AND r.department = $4"
                     "  AND r.\"right\" = $5 AND r.approved_by IS NULL AND r.proposed_by <> $6"
                     "  AND 'staff:' || a.name <> $6"};
static const struct db_statement withdraw_right = {
    "right_withdraw", "DELETE FROM account_right r USING account a"
                      " WHERE a.city_code = $1 AND a.name = $2 AND r.city_code = a.city_code"
                      "  AND r.account_id = a.account_id AND r.business = $3"
                      "  AND r.department = $4 AND r.\"right\" = $5"};
static const struct db_statement terminals = {
    "administer_terminals", "SELECT count(*) FROM terminal WHERE city_code = $1"
                            " AND approved_by IS NOT NULL AND retired_at IS NULL"};
static const struct db_statement propose_terminal = {
    "terminal_propose",
    "INSERT INTO terminal (city_code, label, department, peer, address, proposed_by, approved_by)"
    " VALUES ($1, $2, $3, lower($4), $5, $6, $7) ON CONFLICT DO NOTHING"};
static const struct db_statement approve_terminal = {
    "terminal_approve", "UPDATE terminal SET approved_by = $3 WHERE city_code = $1 AND label = $2"
                        " AND approved_by IS NULL AND retired_at IS NULL AND proposed_by <> $3"};
static const struct db_statement retire_terminal = {
    "terminal_retire", "UPDATE terminal SET retired_at = $3 WHERE city_code = $1 AND label = $2"
                       " AND retired_at IS NULL"};

/* `about` is a name or label: of staff and their machines, not of residents. */
static bool note(struct db_tx *tx, const struct administrator *who, const char *action,
                 const char *about, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *json = json_pack("{s:s}", "about", about);
    char *detail = json_dumps(json, JSON_COMPACT);
    const struct audit_entry entry = {.action = action,
                                      .actor = who->by,
                                      .terminal = who->terminal,
                                      .city_code = who->city_code,
                                      .detail = detail};
    bool done = audit_append(tx, who->chain, &entry, 1, f);
    free(detail);
    return done;
}

/* Runs a change and, if it changed anything, its entry. */
static bool change(struct db_tx *tx, const struct administrator *who,
                   const struct db_statement *statement, const struct db_value *values,
                   size_t count, const char *action, const char *about, bool *ret_moved,
                   struct failure *f)
{
    int64_t affected;
    if (!db_execute(tx, statement, values, count, &affected, f))
        return false;
    *ret_moved = affected > 0;
    return !*ret_moved || note(tx, who, action, about, f);
}

static bool none_yet(struct db_tx *tx, const struct db_statement *statement,
                     const struct db_value *values, size_t count, const char *what,
                     struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, statement, values, count, &rows, f))
        return false;
    return db_get_number(rows, 0, 0) == 0 ||
           failure_set(f, FAILURE_USAGE,
                       "there is %s already: propose without --first, and have another person "
                       "approve",
                       what);
}

/* --- accounts --------------------------------------------------------------------------------- */

bool account_propose(struct db_tx *tx, const struct administrator *who,
                     const struct account_draft *draft, struct failure *f)
{
    bool moved;
    if (!account_name_valid(draft->name))
        return failure_set(f, FAILURE_USAGE,
                           "a name has 3 to 32 of a-z, 0-9, '.' and '-', a letter or digit first");
    if (draft->first &&
        !none_yet(tx, &administrators, DB_VALUES(db_text(who->city_code), db_instant(clock_now())),
                  "an administrator", f))
        return false;
    if (!change(tx, who, &propose_account,
                DB_VALUES(db_text(who->city_code), db_text(draft->name),
                          db_text(draft->display_name), db_text(draft->department),
                          db_text(account_kind_code(draft->kind)), db_instant(draft->valid_from),
                          db_instant(draft->valid_to), db_text(who->by), db_boolean(draft->first)),
                "account.propose", draft->name, &moved, f))
        return false;
    return moved || failure_set(f, FAILURE_USAGE, "there is an account %s already", draft->name);
}

bool account_approve(struct db_tx *tx, const struct administrator *who, const char *name,
                     bool *ret_moved, struct failure *f)
{
    return change(tx, who, &approve_account,
                  DB_VALUES(db_text(who->city_code), db_text(name), db_text(who->by)),
                  "account.approve", name, ret_moved, f);
}

static bool sessions_end(struct db_tx *tx, const struct administrator *who, const char *name,
                         struct failure *f)
{
    return db_execute(tx, &end_sessions,
                      DB_VALUES(db_text(who->city_code), db_text(name), db_instant(clock_now())),
                      NULL, f);
}

bool account_disable(struct db_tx *tx, const struct administrator *who, const char *name,
                     bool *ret_moved, struct failure *f)
{
    return sessions_end(tx, who, name, f) &&
           change(tx, who, &disable_account,
                  DB_VALUES(db_text(who->city_code), db_text(name), db_instant(clock_now())),
                  "account.disable", name, ret_moved, f);
}

static bool code_make(char ret_code[ENROLMENT_CODE], struct failure *f)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t random[ENROLMENT_CODE - 1];
    if (RAND_bytes(random, sizeof random) != 1)
        return failure_set(f, FAILURE_SYSTEM, "no random numbers for a one-time code");
    for (size_t i = 0; i < sizeof random; i++)
        ret_code[i] = digits[random[i] & 31];
    ret_code[sizeof random] = '\0';
    return true;
}

bool account_issue_code(struct db_tx *tx, const struct administrator *who, const char *name,
                        instant until, char ret_code[ENROLMENT_CODE], bool *ret_moved,
                        struct failure *f)
{
    char code[ENROLMENT_CODE];
    uint8_t hash[32];
    if (!code_make(code, f))
        return false;
    sha256(bytes_of_text(code), hash);
    if (!sessions_end(tx, who, name, f) ||
        !db_execute(tx, &drop_credentials, DB_VALUES(db_text(who->city_code), db_text(name)), NULL,
                    f) ||
        !change(tx, who, &issue_code,
                DB_VALUES(db_text(who->city_code), db_text(name),
                          db_bytes(bytes_of(hash, sizeof hash)), db_instant(until)),
                "account.issue-code", name, ret_moved, f))
        return false;
    memcpy(ret_code, code, sizeof code);
    return true;
}

/* --- rights ----------------------------------------------------------------------------------- */

#define RIGHT_KEY                                                                                  \
    db_text(who->city_code), db_text(name), db_text(business), db_text(department),                \
        db_text(right_code(right))

bool right_propose(struct db_tx *tx, const struct administrator *who, const char *name,
                   enum right right, const char *business, const char *department, bool first,
                   struct failure *f)
{
    bool moved;
    return change(tx, who, &propose_right,
                  DB_VALUES(RIGHT_KEY, db_text(who->by), db_text(first ? FIRST : NULL)),
                  "right.propose", name, &moved, f) &&
           (moved || failure_set(f, FAILURE_USAGE,
                                 "there is no account %s, or it has this right already", name));
}

bool right_approve(struct db_tx *tx, const struct administrator *who, const char *name,
                   enum right right, const char *business, const char *department, bool *ret_moved,
                   struct failure *f)
{
    return change(tx, who, &approve_right, DB_VALUES(RIGHT_KEY, db_text(who->by)), "right.approve",
                  name, ret_moved, f);
}

bool right_withdraw(struct db_tx *tx, const struct administrator *who, const char *name,
                    enum right right, const char *business, const char *department, bool *ret_moved,
                    struct failure *f)
{
    return change(tx, who, &withdraw_right, DB_VALUES(RIGHT_KEY), "right.withdraw", name, ret_moved,
                  f);
}

/* --- terminals -------------------------------------------------------------------------------- */

bool terminal_propose(struct db_tx *tx, const struct administrator *who,
                      const struct terminal_draft *draft, struct failure *f)
{
    bool moved;
    if (!draft->peer == !draft->address)
        return failure_set(f, FAILURE_USAGE, "a terminal has either a certificate or an address");
    if (draft->first &&
        !none_yet(tx, &terminals, DB_VALUES(db_text(who->city_code)), "a terminal", f))
        return false;
    if (!change(tx, who, &propose_terminal,
                DB_VALUES(db_text(who->city_code), db_text(draft->label),
                          db_text(draft->department), db_text(draft->peer), db_text(draft->address),
                          db_text(who->by), db_text(draft->first ? FIRST : NULL)),
                "terminal.propose", draft->label, &moved, f))
        return false;
    return moved ||
           failure_set(f, FAILURE_USAGE, "this certificate or address is registered already");
}

bool terminal_approve(struct db_tx *tx, const struct administrator *who, const char *label,
                      bool *ret_moved, struct failure *f)
{
    return change(tx, who, &approve_terminal,
                  DB_VALUES(db_text(who->city_code), db_text(label), db_text(who->by)),
                  "terminal.approve", label, ret_moved, f);
}

bool terminal_retire(struct db_tx *tx, const struct administrator *who, const char *label,
                     bool *ret_moved, struct failure *f)
{
    return change(tx, who, &retire_terminal,
                  DB_VALUES(db_text(who->city_code), db_text(label), db_instant(clock_now())),
                  "terminal.retire", label, ret_moved, f);
}

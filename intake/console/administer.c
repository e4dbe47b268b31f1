#include "intake/console/administer.h"

#include <openssl/rand.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"

static const struct db_statement stop = {"account_stop", "SELECT account_stop($1, $2)"};
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

bool administer_note(struct db_tx *tx, const struct administrator *who, const char *action,
                     json_t *stolen_detail, const char *reason, struct failure *f)
{
    _cleanup_(cleanup_text) char *detail = json_dumps(stolen_detail, JSON_COMPACT);
    const struct audit_entry entry = {.action = action,
                                      .actor = who->by,
                                      .terminal = who->terminal,
                                      .city_code = who->city_code,
                                      .reason = reason,
                                      .detail = detail};
    json_decref(stolen_detail);
    return audit_append(tx, who->chain, &entry, 1, f);
}

bool account_disable(struct db_tx *tx, const struct administrator *who, const char *name,
                     const char *reason, bool *ret_moved, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &stop, DB_VALUES(db_text(who->city_code), db_text(name)), &rows, f))
        return false;
    *ret_moved = db_get_boolean(rows, 0, 0);
    return !*ret_moved || administer_note(tx, who, "account.disable",
                                          json_pack("{s:s}", "about", name), reason, f);
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
                        char ret_code[ENROLMENT_CODE], bool *ret_moved, struct failure *f)
{
    char code[ENROLMENT_CODE];
    uint8_t hash[32];
    int64_t moved;
    const struct db_value city = db_text(who->city_code);
    if (!code_make(code, f))
        return false;
    sha256(bytes_of_text(code), hash);
    if (!db_execute(tx, &end_sessions, DB_VALUES(city, db_text(name), db_instant(clock_now())),
                    NULL, f) ||
        !db_execute(tx, &drop_credentials, DB_VALUES(city, db_text(name)), NULL, f) ||
        !db_execute(tx, &issue_code,
                    DB_VALUES(city, db_text(name), db_bytes(bytes_of(hash, sizeof hash)),
                              db_instant(clock_now() + ENROLMENT_LASTS)),
                    &moved, f))
        return false;
    *ret_moved = moved > 0;
    memcpy(ret_code, code, sizeof code);
    return !*ret_moved || administer_note(tx, who, "account.issue-code",
                                          json_pack("{s:s}", "about", name), NULL, f);
}

#include "intake/console/administer.h"

#include <openssl/rand.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"

static const struct db_statement stop = {"account_stop", "SELECT account_stop($1, $2)"};
static const struct db_statement new_code = {"account_new_code",
                                             "SELECT account_new_code($1, $2, $3, $4)"};

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

static const char *const stops[] = {[ACCOUNT_STOPPED] = "stopped",
                                    [ACCOUNT_NOT_IN_FORCE] = "none",
                                    [ACCOUNT_LAST_ADMINISTRATORS] = "last-administrators"};

bool account_disable(struct db_tx *tx, const struct administrator *who, const char *name,
                     const char *reason, enum account_stop *ret_stop, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &stop, DB_VALUES(db_text(who->city_code), db_text(name)), &rows, f))
        return false;
    size_t at = 0;
    while (at < sizeof stops / sizeof *stops && strcmp(stops[at], db_get_text(rows, 0, 0)) != 0)
        at++;
    *ret_stop = (enum account_stop)at;
    return at != ACCOUNT_STOPPED || administer_note(tx, who, "account.disable",
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
                        char ret_code[ENROLMENT_CODE], struct failure *f)
{
    char code[ENROLMENT_CODE];
    uint8_t hash[32];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!code_make(code, f))
        return false;
    sha256(bytes_of_text(code), hash);
    if (!db_query(tx, &new_code,
                  DB_VALUES(db_text(who->city_code), db_text(name),
                            db_bytes(bytes_of(hash, sizeof hash)),
                            db_instant(clock_now() + ENROLMENT_LASTS)),
                  &rows, f))
        return false;
    if (!db_get_boolean(rows, 0, 0))
        return failure_set(f, FAILURE_USAGE, "there is no account %s in force", name);
    memcpy(ret_code, code, sizeof code);
    return administer_note(tx, who, "account.issue-code", json_pack("{s:s}", "about", name), NULL,
                           f);
}

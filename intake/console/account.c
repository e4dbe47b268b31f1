#include "intake/console/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define FIND "SELECT " ACCOUNT_COLUMNS " FROM account a WHERE a.city_code = $1 AND a.name = $2"
static const struct db_statement find_to_change = {"account_find", FIND " FOR UPDATE OF a"};
static const struct db_statement find_to_look = {"account_look", FIND};
static const struct db_statement note_failure = {
    "account_note_failure", "UPDATE account SET failures = failures + 1, locked_until = $3"
                            " WHERE city_code = $1 AND account_id = $2::uuid"};
static const struct db_statement note_success = {
    "account_note_success", "UPDATE account SET failures = 0, locked_until = NULL"
                            " WHERE city_code = $1 AND account_id = $2::uuid"};
static const struct db_statement set_password = {
    "account_set_password", "UPDATE account SET password = $3, password_at = $4, failures = 0,"
                            " locked_until = NULL WHERE city_code = $1 AND account_id = $2::uuid"};
static const struct db_statement keep_password = {
    "account_keep_password",
    "INSERT INTO account_password (city_code, account_id, at, password, core)"
    " VALUES ($1, $2::uuid, $3, $4, $5)"};
static const struct db_statement select_past = {
    "account_past", "SELECT password, core FROM account_password"
                    " WHERE city_code = $1 AND account_id = $2::uuid ORDER BY at DESC LIMIT $3"};
static const struct db_statement end_enrolment = {
    "account_enrolled", "UPDATE account SET enrolment = NULL, enrolment_until = NULL"
                        " WHERE city_code = $1 AND account_id = $2::uuid"};

/* --- reading ---------------------------------------------------------------------------------- */

bool account_name_valid(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-");
    return length >= 3 && length < ACCOUNT_NAME && name[length] == '\0' && name[0] != '.' &&
           name[0] != '-';
}

static const char *const kinds[ACCOUNT_KIND_COUNT] = {"staff", "contractor", "break-glass"};

const char *account_kind_code(enum account_kind kind)
{
    return kinds[kind];
}

static void take_text(char *to, size_t size, const struct db_rows *rows, int column)
{
    const char *text = db_get_text(rows, 0, column);
    snprintf(to, size, "%s", text ? text : "");
}

void account_take(const struct db_rows *rows, const char *city_code, struct account *ret)
{
    *ret = (struct account){
        .valid_from = db_get_instant(rows, 0, 5),
        .valid_to = db_get_instant(rows, 0, 6),
        .disabled_at = db_get_instant(rows, 0, 7),
        .locked_until = db_get_instant(rows, 0, 8),
        .password_at = db_get_instant(rows, 0, 9),
        .approved = db_get_boolean(rows, 0, 10),
        .enrolment_until = db_get_instant(rows, 0, 13),
        .failures = db_get_number(rows, 0, 14),
        .totp_step = db_get_number(rows, 0, 15),
        .has_totp = db_get_boolean(rows, 0, 16),
        .credentials = db_get_number(rows, 0, 17),
    };
    snprintf(ret->city_code, sizeof ret->city_code, "%s", city_code);
    take_text(ret->id, sizeof ret->id, rows, 0);
    take_text(ret->name, sizeof ret->name, rows, 1);
    take_text(ret->display_name, sizeof ret->display_name, rows, 2);
    take_text(ret->department, sizeof ret->department, rows, 3);
    take_text(ret->password, sizeof ret->password, rows, 11);
    for (enum account_kind kind = 0; kind < ACCOUNT_KIND_COUNT; kind++)
        if (strcmp(db_get_text(rows, 0, 4), kinds[kind]) == 0)
            ret->kind = kind;
    struct bytes enrolment = db_get_bytes(rows, 0, 12);
    if (enrolment.length == sizeof ret->enrolment)
        memcpy(ret->enrolment, enrolment.data, enrolment.length);
    else
        ret->enrolment_until = 0;
}

bool account_find(struct db_tx *tx, const char *city_code, const char *name, bool *ret_found,
                  struct account *ret_account, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &find_to_change, DB_VALUES(db_text(city_code), db_text(name)), &rows, f))
        return false;
    *ret_found = db_row_count(rows) == 1;
    if (*ret_found)
        account_take(rows, city_code, ret_account);
    return true;
}

bool account_look(struct db *db, const char *city_code, const char *name, bool *ret_found,
                  struct account *ret_account, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_look(db,
                 DB_QUESTIONS({&find_to_look, DB_VALUES(db_text(city_code), db_text(name)), &rows}),
                 f))
        return false;
    *ret_found = db_row_count(rows) == 1;
    if (*ret_found)
        account_take(rows, city_code, ret_account);
    return true;
}

/* --- changing --------------------------------------------------------------------------------- */

#define KEY(account) db_text((account)->city_code), db_text((account)->id)

bool account_note_failure(struct db_tx *tx, const struct account *account, instant locked_until,
                          struct failure *f)
{
    return db_execute(tx, &note_failure,
                      DB_VALUES(KEY(account), locked_until ? db_instant(locked_until) : db_null()),
                      NULL, f);
}

bool account_note_success(struct db_tx *tx, const struct account *account, struct failure *f)
{
    return db_execute(tx, &note_success, DB_VALUES(KEY(account)), NULL, f);
}

bool account_set_password(struct db_tx *tx, const struct account *account,
                          const struct account_hashes *hashes, instant now, struct failure *f)
{
    return db_execute(tx, &set_password,
                      DB_VALUES(KEY(account), db_text(hashes->password), db_instant(now)), NULL,
                      f) &&
           db_execute(tx, &keep_password,
                      DB_VALUES(KEY(account), db_instant(now), db_text(hashes->password),
                                db_text(hashes->core)),
                      NULL, f);
}

bool account_past_passwords(struct db *db, const struct account *account, size_t most,
                            struct account_hashes *ret_past, size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const struct db_value values[] = {KEY(account), db_number((int64_t)most)};
    if (!db_look(db, DB_QUESTIONS({&select_past, values, 3, &rows}), f))
        return false;
    *ret_count = db_row_count(rows);
    for (size_t row = 0; row < *ret_count; row++) {
        snprintf(ret_past[row].password, PASSWORD_HASH, "%s", db_get_text(rows, row, 0));
        snprintf(ret_past[row].core, PASSWORD_HASH, "%s", db_get_text(rows, row, 1));
    }
    return true;
}

bool account_enrolled(struct db_tx *tx, const struct account *account, struct failure *f)
{
    return db_execute(tx, &end_enrolment, DB_VALUES(KEY(account)), NULL, f);
}

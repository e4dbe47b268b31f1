#include "intake/console/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ACCOUNT_COLUMNS                                                                            \
    "SELECT a.account_id, a.name, a.display_name, a.department, a.kind, a.valid_from, a.valid_to," \
    " a.disabled_at, a.locked_until, a.password_at, a.approved_by IS NOT NULL OR a.first,"         \
    " a.password, a.enrolment, a.enrolment_until, a.failures, a.totp_step, a.totp IS NOT NULL,"    \
    " (SELECT count(*) FROM account_credential c WHERE c.city_code = a.city_code"                  \
    "   AND c.account_id = a.account_id) "                                                         \
    "FROM account a "

static const struct db_statement find_by_name = {
    "account_find", ACCOUNT_COLUMNS "WHERE a.city_code = $1 AND a.name = $2 FOR UPDATE OF a"};
static const struct db_statement find_by_id = {
    "account_load", ACCOUNT_COLUMNS "WHERE a.city_code = $1 AND a.account_id = $2::uuid"};
static const struct db_statement select_rights = {
    "account_rights", "SELECT business, department, \"right\" FROM account_right"
                      " WHERE city_code = $1 AND account_id = $2::uuid AND approved_by IS NOT NULL"
                      " ORDER BY business, department, \"right\""};
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

static void account_take(const struct db_rows *rows, const char *city_code, struct account *ret)
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

static bool account_get(struct db_tx *tx, const struct db_statement *statement,
                        const char *city_code, const char *key, bool *ret_found,
                        struct account *ret_account, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, statement, DB_VALUES(db_text(city_code), db_text(key)), &rows, f))
        return false;
    *ret_found = db_row_count(rows) == 1;
    if (*ret_found)
        account_take(rows, city_code, ret_account);
    return true;
}

bool account_find(struct db_tx *tx, const char *city_code, const char *name, bool *ret_found,
                  struct account *ret_account, struct failure *f)
{
    return account_get(tx, &find_by_name, city_code, name, ret_found, ret_account, f);
}

bool account_load(struct db_tx *tx, const char *city_code, const char *account_id, bool *ret_found,
                  struct account *ret_account, struct failure *f)
{
    return account_get(tx, &find_by_id, city_code, account_id, ret_found, ret_account, f);
}

bool account_permissions(struct db_tx *tx, const struct account *account,
                         struct permissions *ret_permissions, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_rights, DB_VALUES(db_text(account->city_code), db_text(account->id)),
                  &rows, f))
        return false;
    struct permissions all = {memory_allocate((db_row_count(rows) + 1) * sizeof *all.at), 0};
    for (size_t row = 0; row < db_row_count(rows); row++) {
        struct permission *one = &all.at[all.count];
        if (!right_from_code(db_get_text(rows, row, 2), &one->right))
            continue; /* of a newer version: grants nothing here */
        snprintf(one->business, sizeof one->business, "%s", db_get_text(rows, row, 0));
        snprintf(one->department, sizeof one->department, "%s", db_get_text(rows, row, 1));
        all.count++;
    }
    *ret_permissions = all;
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

bool account_set_password(struct db_tx *tx, const struct account *account, const char *password,
                          instant now, struct failure *f)
{
    char hash[PASSWORD_HASH], core_hash[PASSWORD_HASH] = "", core[PASSWORD_TEXT];
    password_core(password, core);
    bool hashed = password_hash(password, hash, f) && (!*core || password_hash(core, core_hash, f));
    explicit_bzero(core, sizeof core);
    return hashed &&
           db_execute(tx, &set_password, DB_VALUES(KEY(account), db_text(hash), db_instant(now)),
                      NULL, f) &&
           db_execute(tx, &keep_password,
                      DB_VALUES(KEY(account), db_instant(now), db_text(hash), db_text(core_hash)),
                      NULL, f);
}

bool account_past_passwords(struct db_tx *tx, const struct account *account, size_t most,
                            struct account_past *ret_past, size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_past, DB_VALUES(KEY(account), db_number((int64_t)most)), &rows, f))
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

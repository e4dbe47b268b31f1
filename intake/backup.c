#include "intake/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"

static const struct db_statement backup_medium = {
    "backup_medium", "SELECT 1 FROM medium m WHERE city_code = $1 AND medium_id = $2 AND NOT EXISTS"
                     " (SELECT FROM backup_take_out b WHERE b.city_code = $1 AND b.medium_id = $2"
                     "  AND b.ended_by IS NULL)"};
static const struct db_statement backup_insert = {
    "backup_insert", "INSERT INTO backup_take_out (city_code, medium_id, contents, purpose, "
                     "key_holder, due, asked_by) "
                     "VALUES ($1, $2, $3, $4, $5, $6::bigint::integer, $7) RETURNING take_out_id"};
static const struct db_statement backup_waiting = {
    "backup_waiting",
    "SELECT person_fold(asked_by) = person_fold($3) FROM backup_take_out WHERE city_code = $1"
    " AND take_out_id = $2 AND approved_by IS NULL AND ended_by IS NULL"};
static const struct db_statement backup_approval = {
    "backup_approval",
    "UPDATE backup_take_out SET approved_by = $3 WHERE city_code = $1 AND take_out_id = $2"
    " AND approved_by IS NULL AND ended_by IS NULL"};
static const struct db_statement backup_ending = {
    "backup_ending", "UPDATE backup_take_out SET ended_by = $3, ended_how = $4 WHERE city_code = $1"
                     " AND take_out_id = $2 AND ended_by IS NULL"};
static const struct db_statement backup_select = {
    "backup_select",
    "SELECT coalesce(jsonb_agg(jsonb_build_object('number', take_out_id, 'medium', medium_id,"
    " 'contents', contents, 'purpose', purpose, 'key_holder', key_holder,"
    " 'due', to_char(due, 'FM0000-00-00'), 'asked_by', asked_by,"
    " 'asked_at', moment_in_japan(asked_at), 'approved_by', approved_by,"
    " 'approved_at', moment_in_japan(approved_at), 'ended_by', ended_by,"
    " 'ended_at', moment_in_japan(ended_at), 'how', ended_how, 'state', CASE"
    "  WHEN ended_by IS NOT NULL THEN 'ended' WHEN approved_by IS NULL THEN 'waiting'"
    "  WHEN due < $2::bigint THEN 'overdue' ELSE 'out' END) ORDER BY take_out_id DESC), "
    "'[]')::text "
    "FROM (SELECT * FROM backup_take_out WHERE city_code = $1"
    " AND (ended_by IS NULL OR NOT $3::boolean) ORDER BY take_out_id DESC LIMIT $4::bigint) b"};

static int64_t number_of(struct day day)
{
    return day.year * 10000 + day.month * 100 + day.day;
}

static bool remember(struct db_tx *tx, const struct administrator *who, const char *action,
                     int64_t number, const char *reason, struct failure *f)
{
    char detail[64];
    snprintf(detail, sizeof detail, "{\"take_out\":%" PRId64 "}", number);
    const struct audit_entry entry = {.action = action,
                                      .actor = who->by,
                                      .terminal = who->terminal,
                                      .city_code = who->city_code,
                                      .reason = reason,
                                      .detail = detail};
    return audit_append(tx, who->chain, &entry, 1, f);
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

static bool fits(const char *text, size_t most)
{
    size_t count = text ? characters(text) : 0;
    return count >= 1 && count <= most;
}

static bool order_good(const struct backup_order *order)
{
    return order->medium && fits(order->contents, 100) && fits(order->purpose, 500) &&
           fits(order->key_holder, 100) && day_valid(order->due) &&
           day_compare(order->due, day_of_instant(clock_now())) >= 0;
}

bool backup_ask(struct db_tx *tx, const struct administrator *who, const struct backup_order *order,
                int64_t *ret_number, enum backup_answer *ret_answer, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *medium = NULL, *rows = NULL;
    *ret_answer = BACKUP_BAD_ORDER;
    if (!order_good(order))
        return true;
    if (!db_query(tx, &backup_medium, DB_VALUES(db_text(who->city_code), db_text(order->medium)),
                  &medium, f))
        return false;
    *ret_answer = BACKUP_NO_MEDIUM;
    if (!db_row_count(medium))
        return true;
    if (!db_query(tx, &backup_insert,
                  DB_VALUES(db_text(who->city_code), db_text(order->medium),
                            db_text(order->contents), db_text(order->purpose),
                            db_text(order->key_holder), db_number(number_of(order->due)),
                            db_text(who->by)),
                  &rows, f))
        return false;
    *ret_number = db_get_number(rows, 0, 0);
    *ret_answer = BACKUP_DONE;
    return remember(tx, who, "backup.asked", *ret_number, order->purpose, f);
}

bool backup_approve(struct db_tx *tx, const struct administrator *who, int64_t number,
                    enum backup_answer *ret_answer, struct failure *f)
{
    int64_t changed = 0;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &backup_waiting,
                  DB_VALUES(db_text(who->city_code), db_number(number), db_text(who->by)), &rows,
                  f))
        return false;
    *ret_answer = !db_row_count(rows)          ? BACKUP_UNKNOWN
                  : db_get_boolean(rows, 0, 0) ? BACKUP_OWN
                                               : BACKUP_DONE;
    if (*ret_answer != BACKUP_DONE)
        return true;
    if (!db_execute(tx, &backup_approval,
                    DB_VALUES(db_text(who->city_code), db_number(number), db_text(who->by)),
                    &changed, f))
        return false;
    *ret_answer = changed ? BACKUP_DONE : BACKUP_UNKNOWN;
    return !changed || remember(tx, who, "backup.approved", number, NULL, f);
}

bool backup_end(struct db_tx *tx, const struct administrator *who, int64_t number, const char *how,
                enum backup_answer *ret_answer, struct failure *f)
{
    int64_t changed = 0;
    *ret_answer = BACKUP_BAD_ORDER;
    if (!fits(how, 100))
        return true;
    if (!db_execute(
            tx, &backup_ending,
            DB_VALUES(db_text(who->city_code), db_number(number), db_text(who->by), db_text(how)),
            &changed, f))
        return false;
    *ret_answer = changed ? BACKUP_DONE : BACKUP_UNKNOWN;
    return !changed || remember(tx, who, "backup.ended", number, how, f);
}

bool backup_list(struct db_tx *tx, const char *city_code, struct day today, bool open,
                 json_t **ret_list, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &backup_select,
                  DB_VALUES(db_text(city_code), db_number(number_of(today)), db_boolean(open),
                            db_number(BACKUPS_MOST)),
                  &rows, f))
        return false;
    *ret_list = json_loads(db_get_text(rows, 0, 0), 0, NULL);
    return *ret_list || failure_set(f, FAILURE_DATABASE, "the list of backups is no JSON");
}

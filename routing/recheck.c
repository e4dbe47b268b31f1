#include "routing/recheck.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

static const struct db_statement epoch_now = {"recheck_epoch",
                                              "SELECT protection_epoch($1, $2::integer)"};

/* The epoch is read before anybody is asked: what changes meanwhile is asked about the next time.
 */
static const struct db_statement stale_find = {
    "recheck_find",
    "WITH now AS MATERIALIZED (SELECT protection_epoch($1::text, $4::integer) AS epoch) "
    "SELECT o.outbox_id, o.application_id, now.epoch FROM outbox o, now"
    " WHERE o.city_code = $1 AND o.destination = $2 AND o.outbox_id = ANY ($3::bigint[])"
    " AND o.status IS NULL AND o.checked <> now.epoch ORDER BY o.outbox_id FOR UPDATE OF o"};

static const struct db_statement checked_note = {
    "recheck_note", "UPDATE outbox SET checked = $4::bigint WHERE city_code = $1"
                    " AND destination = $2 AND outbox_id = ANY ($3::bigint[])"};

/* What was accepted before stays in the past, and its bytes with it; what may have been read is
 * noted. */
static const struct db_statement take_back = {
    "recheck_take_back",
    "WITH gone AS (DELETE FROM outbox WHERE city_code = $1 AND destination = $2"
    "  AND outbox_id = ANY ($3::bigint[]) RETURNING *), read AS (INSERT INTO outbox_taken_back"
    "  (city_code, application_id, outbox_id, destination, taken_back_at) SELECT city_code,"
    "  application_id, outbox_id, destination, now() FROM gone"
    "  WHERE attempts > 0 OR outbox_claimed(city_code, destination, outbox_id)) "
    "DELETE FROM outbox_item i USING gone g WHERE i.city_code = g.city_code"
    " AND i.destination = g.destination AND i.outbox_id = g.outbox_id"
    " AND NOT EXISTS (SELECT FROM delivery d WHERE d.city_code = g.city_code"
    "  AND d.destination = g.destination AND d.outbox_id = g.outbox_id AND d.kept)"};

int64_t recheck_today(void)
{
    struct day day = day_of_instant(clock_now());
    return day.year * 10000 + day.month * 100 + day.day;
}

bool recheck_epoch(struct db_tx *tx, const char *city_code, int64_t *ret_epoch, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &epoch_now, DB_VALUES(db_text(city_code), db_number(recheck_today())), &rows,
                  f))
        return false;
    *ret_epoch = db_get_number(rows, 0, 0);
    return true;
}

/* PostgreSQL's array literal. */
static void append_id(struct buffer *list, int64_t id)
{
    buffer_format(list, "%c%" PRId64, list->length ? ',' : '{', id);
}

static bool on_ids(struct db_tx *tx, const struct db_statement *statement,
                   const struct recheck *recheck, struct buffer *list, int64_t epoch,
                   struct failure *f)
{
    if (!list->length)
        return true;
    buffer_append_text(list, "}");
    const struct db_value values[] = {db_text(recheck->city_code), db_text(recheck->destination),
                                      db_text(buffer_text(list)), db_number(epoch)};
    return db_execute(tx, statement, values, epoch ? 4 : 3, NULL, f);
}

static bool settle(struct db_tx *tx, const struct recheck *recheck,
                   const struct recheck_item *items, size_t count, int64_t epoch,
                   size_t *ret_taken_back, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer stay = {0}, go = {0};
    size_t taken_back = 0;
    for (size_t i = 0; i < count; i++) {
        append_id(items[i].may_leave ? &stay : &go, items[i].outbox_id);
        taken_back += !items[i].may_leave;
    }
    if (!on_ids(tx, &checked_note, recheck, &stay, epoch, f) ||
        !on_ids(tx, &take_back, recheck, &go, 0, f))
        return false;
    if (taken_back)
        log_info("items.taken-back", log_text("destination", recheck->destination),
                 log_number("count", (int64_t)taken_back));
    *ret_taken_back = taken_back;
    return true;
}

static bool find(struct db_tx *tx, const struct recheck *recheck, const int64_t *ids, size_t count,
                 struct db_rows **ret_rows, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer list = {0};
    for (size_t i = 0; i < count; i++)
        append_id(&list, ids[i]);
    buffer_append_text(&list, "}");
    return db_query(tx, &stale_find,
                    DB_VALUES(db_text(recheck->city_code), db_text(recheck->destination),
                              db_text(buffer_text(&list)), db_number(recheck_today())),
                    ret_rows, f);
}

/* `count` of the rows from `first` on, at most RECHECK_MOST. */
static bool ask(struct db_tx *tx, const struct recheck *recheck, const struct db_rows *rows,
                size_t first, size_t count, size_t *ret_taken_back, struct failure *f)
{
    struct recheck_item items[RECHECK_MOST];
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct recheck_item){.outbox_id = db_get_number(rows, first + i, 0)};
        snprintf(items[i].application_id, sizeof items[i].application_id, "%s",
                 db_get_text(rows, first + i, 1));
    }
    return recheck->ask(tx, recheck->destination, items, count, recheck->context, f) &&
           settle(tx, recheck, items, count, db_get_number(rows, 0, 2), ret_taken_back, f);
}

bool recheck_items(struct db_tx *tx, const struct recheck *recheck, const int64_t *ids,
                   size_t count, size_t *ret_taken_back, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    size_t taken_back = 0;
    if (recheck->ask && count > 0 && !find(tx, recheck, ids, count, &rows, f))
        return false;
    size_t stale = rows ? db_row_count(rows) : 0;
    for (size_t first = 0; first < stale; first += RECHECK_MOST) {
        size_t rest = stale - first, taken;
        if (!ask(tx, recheck, rows, first, rest < RECHECK_MOST ? rest : RECHECK_MOST, &taken, f))
            return false;
        taken_back += taken;
    }
    if (ret_taken_back)
        *ret_taken_back = taken_back;
    return true;
}

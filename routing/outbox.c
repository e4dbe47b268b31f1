#include "routing/outbox.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/floor.h"

/* --- putting ---------------------------------------------------------------------------------- */

/* Holds back other writers for the same destination until we commit: ids appear in their order. */
static const struct db_statement outbox_lock = {
    "outbox_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('outbox/' || $1::text || '/' || $2::text, "
    "0))"};

/* Roles that only tell the portal may not touch outbox_item, so this one does not name it. */
static const struct db_statement outbox_put_status = {
    "outbox_put_status",
    "INSERT INTO outbox (city_code, destination, application_id, status, message_id) "
    "VALUES ($1, $2, $3::uuid, $4, nullif($5::bigint, 0)) ON CONFLICT DO NOTHING"};

static const struct db_statement outbox_put_item = {
    "outbox_put_item",
    "WITH put AS ("
    " INSERT INTO outbox (city_code, destination, application_id, status, sha256, checked)"
    " VALUES ($1, $2, $3::uuid, $4, $5::bytea, $7::bigint) ON CONFLICT DO NOTHING"
    " RETURNING city_code, destination, outbox_id)"
    "INSERT INTO outbox_item (city_code, destination, outbox_id, sealed) "
    "SELECT city_code, destination, outbox_id, $6::bytea FROM put"};

static const struct db_statement outbox_notify = {"outbox_notify", "SELECT pg_notify($1, '')"};

const char *outbox_channel(const char *destination, char text[OUTBOX_CHANNEL])
{
    snprintf(text, OUTBOX_CHANNEL, "outbox_%s", destination);
    for (char *p = text; *p; p++)
        if (*p == '-')
            *p = '_';
    return text;
}

static bool put_one(struct db_tx *tx, const struct outbox_entry *e, struct failure *f)
{
    if (!e->sealed.data)
        return db_send(tx, &outbox_put_status,
                       DB_VALUES(db_text(e->city_code), db_text(e->destination),
                                 db_text(e->application_id), db_text(e->status),
                                 db_number(e->message_id)),
                       -1, f);
    return db_send(tx, &outbox_put_item,
                   DB_VALUES(db_text(e->city_code), db_text(e->destination),
                             db_text(e->application_id), db_text(e->status),
                             e->sha256 ? db_bytes(bytes_of(e->sha256, 32)) : db_null(),
                             db_bytes(e->sealed), db_number(e->checked)),
                   -1, f);
}

static int compare_place(const void *a, const void *b)
{
    const struct outbox_entry *x = *(const struct outbox_entry *const *)a;
    const struct outbox_entry *y = *(const struct outbox_entry *const *)b;
    int order = strcmp(x->destination, y->destination);
    return order ? order : strcmp(x->city_code, y->city_code);
}

/* One entry for each (destination, city), in an order that is the same for everybody: locks taken
 * in it can't deadlock. Returns how many. */
static size_t distinct_places(const struct outbox_entry *entries, size_t count,
                              const struct outbox_entry **ret_places)
{
    for (size_t i = 0; i < count; i++)
        ret_places[i] = &entries[i];
    qsort(ret_places, count, sizeof *ret_places, compare_place);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!kept || compare_place(&ret_places[i], &ret_places[kept - 1]) != 0)
            ret_places[kept++] = ret_places[i];
    return kept;
}

static bool put_all(struct db_tx *tx, const struct outbox_entry *entries, size_t count,
                    const struct outbox_entry *const *places, size_t place_count, struct failure *f)
{
    for (size_t i = 0; i < place_count; i++)
        if (strcmp(places[i]->destination, OUTBOX_PORTAL) != 0 &&
            !db_send(tx, &outbox_lock,
                     DB_VALUES(db_text(places[i]->city_code), db_text(places[i]->destination)), -1,
                     f))
            return false;
    for (size_t i = 0; i < count; i++)
        if (!put_one(tx, &entries[i], f))
            return false;
    for (size_t i = 0; i < place_count; i++) {
        char channel[OUTBOX_CHANNEL];
        if (!db_send(tx, &outbox_notify,
                     DB_VALUES(db_text(outbox_channel(places[i]->destination, channel))), -1, f))
            return false;
    }
    return true;
}

bool outbox_put(struct db_tx *tx, const struct outbox_entry *entries, size_t count,
                struct failure *f)
{
    if (count == 0)
        return true;
    const struct outbox_entry **places = memory_allocate(count * sizeof *places);
    size_t place_count = distinct_places(entries, count, places);
    bool done = put_all(tx, entries, count, places, place_count, f);
    free(places);
    return done;
}

/* --- what waits ------------------------------------------------------------------------------- */

static const struct db_statement outbox_list_due = {
    "outbox_list_due",
    "SELECT o.outbox_id, o.application_id, a.receipt_number, a.channel, a.procedure_id, o.status,"
    " o.sha256, o.created_at, o.attempts, o.message_id, o.claimed_until "
    "FROM outbox_tried o JOIN application a USING (city_code, application_id) "
    "WHERE o.city_code = $1 AND o.destination = $2 AND o.outbox_id > $3::bigint"
    /* what lies further ahead than any wait there is was put off by a clock that stood wrong */
    " AND (o.due_at <= now() OR o.due_at > now() + interval '2 days')"
    " AND ($4::text IS NULL OR a.channel = $4)"
    " AND ($6::text IS NULL OR a.procedure_id = $6)"
    " AND ($7::timestamptz IS NULL OR o.created_at >= $7)"
    " AND NOT EXISTS (SELECT FROM outbox e WHERE e.city_code = o.city_code"
    "  AND e.destination = o.destination AND e.application_id = o.application_id"
    "  AND e.outbox_id < o.outbox_id) "
    "ORDER BY o.outbox_id LIMIT $5::bigint"};

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void read_row(const struct db_rows *rows, size_t i, struct outbox_row *ret_row)
{
    struct outbox_row row = {.outbox_id = db_get_number(rows, i, 0),
                             .created_at = db_get_instant(rows, i, 7),
                             .attempts = (int)db_get_number(rows, i, 8),
                             .message_id = db_is_null(rows, i, 9) ? 0 : db_get_number(rows, i, 9),
                             .claimed_until = db_get_instant(rows, i, 10)};
    copy_text(row.application_id, sizeof row.application_id, db_get_text(rows, i, 1));
    copy_text(row.receipt_number, sizeof row.receipt_number, db_get_text(rows, i, 2));
    copy_text(row.channel, sizeof row.channel, db_get_text(rows, i, 3));
    copy_text(row.procedure_id, sizeof row.procedure_id, db_get_text(rows, i, 4));
    copy_text(row.status, sizeof row.status, db_get_text(rows, i, 5));
    struct bytes hash = db_get_bytes(rows, i, 6);
    if (hash.length == 32)
        hex_encode(hash.data, hash.length, row.sha256);
    *ret_row = row;
}

#define LIST_VALUES 7

static void list_values(const struct outbox_query *query, int64_t after, size_t most,
                        struct db_value ret_values[LIST_VALUES])
{
    ret_values[0] = db_text(query->city_code);
    ret_values[1] = db_text(query->destination);
    ret_values[2] = db_number(after);
    ret_values[3] = db_text(query->channel);
    ret_values[4] = db_number((int64_t)most);
    ret_values[5] = db_text(query->procedure_id);
    ret_values[6] = query->since ? db_instant(query->since) : db_null();
}

static void list_read(const struct db_rows *rows, struct outbox_row *ret_rows, size_t *ret_count)
{
    *ret_count = db_row_count(rows);
    for (size_t i = 0; i < *ret_count; i++)
        read_row(rows, i, &ret_rows[i]);
}

bool outbox_list(struct db_tx *tx, const struct outbox_query *query, struct outbox_row *ret_rows,
                 size_t most, size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    struct db_value values[LIST_VALUES];
    list_values(query, query->after, most, values);
    if (!db_query(tx, &outbox_list_due, values, LIST_VALUES, &rows, f))
        return false;
    list_read(rows, ret_rows, ret_count);
    return true;
}

bool outbox_look(struct db *db, struct floor *floor, const struct outbox_query *query,
                 struct outbox_row *ret_rows, size_t most, size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *oldest = NULL, *rows = NULL;
    int64_t begin = floor_begin(floor);
    const struct db_value from[] = {db_text(query->city_code), db_text(query->destination),
                                    db_number(begin)};
    struct db_value values[LIST_VALUES];
    list_values(query, begin > query->after ? begin : query->after, most, values);
    if (!db_look(db,
                 DB_QUESTIONS({&floor_first, from, 3, &oldest},
                              {&outbox_list_due, values, LIST_VALUES, &rows}),
                 f))
        return false;
    floor_found(floor, oldest);
    list_read(rows, ret_rows, ret_count);
    return true;
}

static const struct db_statement outbox_fetch_item = {
    "outbox_fetch_item", "WITH waiting AS ("
                         " UPDATE outbox SET attempts = attempts + 1, last_attempt_at = now()"
                         " WHERE city_code = $1 AND destination = $2 AND outbox_id = $3::bigint"
                         " RETURNING city_code, destination, outbox_id, application_id)"
                         "SELECT w.application_id, i.sealed, k.wrapped FROM waiting w"
                         " JOIN outbox_item i USING (city_code, destination, outbox_id)"
                         " JOIN application_key k USING (city_code, application_id)"};

bool outbox_fetch(struct db_tx *tx, const char *city_code, const char *destination,
                  int64_t outbox_id, bool *ret_found, char ret_application_id[37],
                  struct buffer *ret_sealed, struct buffer *ret_wrapped_key, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &outbox_fetch_item,
                  DB_VALUES(db_text(city_code), db_text(destination), db_number(outbox_id)), &rows,
                  f))
        return false;
    *ret_found = db_row_count(rows) == 1;
    if (!*ret_found)
        return true;
    copy_text(ret_application_id, 37, db_get_text(rows, 0, 0));
    struct bytes sealed = db_get_bytes(rows, 0, 1);
    struct bytes wrapped = db_get_bytes(rows, 0, 2);
    buffer_append(ret_sealed, sealed.data, sealed.length);
    buffer_append(ret_wrapped_key, wrapped.data, wrapped.length);
    return true;
}

/* --- deliveries without a receipt, and those that did not work -------------------------------- */

static const struct db_statement outbox_deliver_rows = {
    "outbox_deliver_rows",
    "WITH taken AS ("
    " DELETE FROM outbox WHERE city_code = $1 AND destination = $2"
    "  AND outbox_id = ANY ($3::bigint[]) RETURNING *)"
    "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
    " attempts, status, sha256, accepted) "
    "SELECT city_code, destination, outbox_id, application_id, created_at, attempts + 1, status,"
    " sha256, true FROM taken ON CONFLICT DO NOTHING"};

static const struct db_statement outbox_defer_rows = {
    "outbox_defer_rows",
    "UPDATE outbox SET attempts = attempts + 1, last_attempt_at = now(), last_error = $4,"
    " due_at = $5::timestamptz "
    "WHERE city_code = $1 AND destination = $2 AND outbox_id = ANY ($3::bigint[])"};

/* PostgreSQL's array literal: {1,2,3}. */
static void append_ids(struct buffer *text, const int64_t *ids, size_t count)
{
    buffer_append_text(text, "{");
    for (size_t i = 0; i < count; i++)
        buffer_format(text, "%s%" PRId64, i ? "," : "", ids[i]);
    buffer_append_text(text, "}");
}

bool outbox_deliver(struct db_tx *tx, const char *city_code, const char *destination,
                    const int64_t *outbox_ids, size_t count, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer ids = {0};
    append_ids(&ids, outbox_ids, count);
    return db_execute(
        tx, &outbox_deliver_rows,
        DB_VALUES(db_text(city_code), db_text(destination), db_text(buffer_text(&ids))), NULL, f);
}

bool outbox_defer(struct db_tx *tx, const char *city_code, const char *destination,
                  const int64_t *outbox_ids, size_t count, const char *error, instant due_at,
                  struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer ids = {0};
    append_ids(&ids, outbox_ids, count);
    return db_execute(tx, &outbox_defer_rows,
                      DB_VALUES(db_text(city_code), db_text(destination),
                                db_text(buffer_text(&ids)), db_text(error), db_instant(due_at)),
                      NULL, f);
}

/* A batch that was made: whether it may still leave, and what became of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "routing/files_internal.h"
#include "routing/recheck.h"
#include "routing/trail.h"

#define RETRY_LEAST (10 * INSTANT_SECOND)

bool files_take_back(struct db_tx *tx, const struct files_work *work, const struct db_rows *rows,
                     size_t *ret_taken_back, struct failure *f)
{
    const struct routing_context context = files_context(work);
    const struct routing_caller caller = files_caller(work, "files");
    size_t count = db_row_count(rows);
    int64_t *ids = memory_allocate((count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = db_get_number(rows, i, 0);
    bool done = routing_recheck(&context, &caller, tx, ids, count, ret_taken_back, f);
    free(ids);
    return done;
}

/* Of each item of a batch: can it not be put into it any more (it is kept no more, or may have been
 * taken back after a redelivery), and does it wait still? What was accepted while others of the
 * batch wait only goes out twice. */
static const struct db_statement batch_ids = {
    "files_batch_ids",
    "SELECT b.outbox_id, i.outbox_id IS NULL OR (o.outbox_id IS NULL AND"
    "  coalesce(d.redelivered, 0) > 0), o.outbox_id IS NOT NULL"
    " FROM file_batch_item b LEFT JOIN outbox o USING (city_code, destination, outbox_id)"
    " LEFT JOIN outbox_item i USING (city_code, destination, outbox_id)"
    " LEFT JOIN delivery d USING (city_code, destination, outbox_id) "
    "WHERE b.city_code = $1 AND b.destination = $2 AND b.batch_id = $3::bigint "
    "ORDER BY b.position"};
static const struct db_statement batch_give_up_items = {
    "files_batch_give_up_items", "UPDATE file_batch_item SET settled = true WHERE city_code = $1"
                                 " AND destination = $2 AND batch_id = $3::bigint"};
static const struct db_statement batch_give_up = {
    "files_batch_give_up", "UPDATE file_batch SET written_at = $4, items = 0,"
                           " last_error = 'given up: not all of it may leave any more' WHERE "
                           "city_code = $1 AND destination = $2 AND batch_id = $3::bigint"};

struct waiting {
    struct files_work *work;
    int64_t batch_id;
    bool good;
};

static bool recheck_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct waiting *w = context;
    size_t taken;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &batch_ids,
                  DB_VALUES(db_text(w->work->options->routing.city_code),
                            db_text(w->work->destination), db_number(w->batch_id)),
                  &rows, f) ||
        !files_take_back(tx, w->work, rows, &taken, f))
        return false;
    bool all_whole = true, any_waits = false;
    for (size_t i = 0; i < db_row_count(rows); i++) {
        all_whole &= !db_get_boolean(rows, i, 1);
        any_waits |= db_get_boolean(rows, i, 2);
    }
    w->good = taken == 0 && all_whole && any_waits;
    return true;
}

bool files_batch_recheck(struct files_work *work, const struct files_batch *batch, bool *ret_good,
                         struct failure *f)
{
    struct waiting waiting = {work, batch->id, false};
    if (!db_transaction(work->options->routing.db, recheck_work, &waiting, f))
        return false;
    *ret_good = waiting.good;
    return true;
}

static bool give_up_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct waiting *w = context;
    const struct db_value city = db_text(w->work->options->routing.city_code),
                          destination = db_text(w->work->destination), id = db_number(w->batch_id),
                          now = db_instant(clock_now());
    return db_execute(tx, &batch_give_up_items, DB_VALUES(city, destination, id), NULL, f) &&
           db_execute(tx, &batch_give_up, DB_VALUES(city, destination, id, now), NULL, f);
}

bool files_batch_give_up(struct files_work *work, const struct files_batch *batch,
                         struct failure *f)
{
    struct waiting waiting = {work, batch->id, false};
    log_warning("files.given_up", log_text("destination", work->destination),
                log_number("batch", batch->id));
    return db_transaction(work->options->routing.db, give_up_work, &waiting, f);
}

/* --- what became of it ------------------------------------------------------------------------ */

static const struct db_statement batch_written = {
    "files_batch_written",
    "UPDATE file_batch SET written_at = $4, last_attempt_at = $4, attempts = attempts + 1,"
    " last_error = NULL, manifest_sha256 = decode($5, 'hex') WHERE city_code = $1"
    " AND destination = $2 AND batch_id = $3::bigint AND written_at IS NULL"};
static const struct db_statement batch_failed = {
    "files_batch_failed",
    "UPDATE file_batch SET last_attempt_at = $4, attempts = attempts + 1, last_error = $5,"
    " due_at = $6 WHERE city_code = $1 AND destination = $2 AND batch_id = $3::bigint"
    " AND written_at IS NULL"};
/* routing list shows the same of each item. */
static const struct db_statement items_tried = {
    "files_items_tried",
    "UPDATE outbox o SET last_attempt_at = $4, last_error = $5 "
    "FROM file_batch_item b WHERE b.city_code = $1 AND b.destination = $2"
    " AND b.batch_id = $3::bigint AND NOT b.settled AND o.city_code = b.city_code"
    " AND o.destination = b.destination AND o.outbox_id = b.outbox_id"};
static const struct db_statement items_written = {
    "files_items_written", "SELECT outbox_id, application_id FROM file_batch_item"
                           " WHERE city_code = $1 AND destination = $2 AND batch_id = $3::bigint"
                           " ORDER BY position"};

struct noting {
    struct files_work *work;
    const struct files_batch *batch;
    const char *manifest;
    const struct failure *why;
};

static bool audit(struct db_tx *tx, const struct noting *n, struct failure *f)
{
    const struct files_work *work = n->work;
    const struct routing_context context = files_context(work);
    struct routing_caller caller = files_caller(work, "files");
    snprintf(caller.actor, sizeof caller.actor, "role:routing"); /* nobody asked: we sent */
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &items_written,
                  DB_VALUES(db_text(context.options.city_code), db_text(work->destination),
                            db_number(n->batch->id)),
                  &rows, f))
        return false;
    size_t count = db_row_count(rows);
    struct trail_item *items = memory_allocate(count * sizeof *items + 1);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct trail_item){.id = db_get_number(rows, i, 0),
                                       .application_id = db_get_text(rows, i, 1)};
    char folder[32];
    bool done = trail_append(tx, &context, &caller, "items.delivered",
                             files_folder(n->batch->id, folder), items, count, f);
    free(items);
    return done;
}

static bool note_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct noting *n = context;
    const struct db_value city = db_text(n->work->options->routing.city_code);
    const struct db_value destination = db_text(n->work->destination);
    const struct db_value batch = db_number(n->batch->id), now = db_instant(clock_now());
    int64_t moved = 0;
    if (!n->why) {
        if (!db_execute(tx, &batch_written,
                        DB_VALUES(city, destination, batch, now, db_text(n->manifest)), &moved, f))
            return false;
        return moved == 0 || /* another one was quicker: the same bytes */
               (db_execute(tx, &items_tried, DB_VALUES(city, destination, batch, now, db_null()),
                           NULL, f) &&
                audit(tx, n, f));
    }
    instant most = config_duration(n->work->group, "retry-most");
    instant wait = RETRY_LEAST;
    for (int i = 0; i < n->batch->attempts && wait < most; i++)
        wait *= 2;
    instant due = clock_now() + (wait < most ? wait : most);
    const struct db_value why = db_text(n->why->text);
    return db_execute(tx, &batch_failed,
                      DB_VALUES(city, destination, batch, now, why, db_instant(due)), &moved, f) &&
           (moved == 0 ||
            db_execute(tx, &items_tried, DB_VALUES(city, destination, batch, now, why), NULL, f));
}

bool files_batch_note(struct files_work *work, const struct files_batch *batch,
                      const char *manifest, const struct failure *why, struct failure *f)
{
    struct noting noting = {work, batch, manifest, why};
    return db_transaction(work->options->routing.db, note_work, &noting, f);
}

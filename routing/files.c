#include "routing/files.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/files_internal.h"

/* Longer than a transfer may take: [files] patience. */
#define LEASE      (10 * 60 * INSTANT_SECOND)
#define LEASE_KEEP (INSTANT_SECOND * 30)

static struct metric batches_metric = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_files_batches_total",
    .help = "Batches of file hand-over, by what became of them.",
    .label_name = "result",
};

/* --- the lease -------------------------------------------------------------------------------- */

static const struct db_statement place_make = {
    "files_place_make", "INSERT INTO file_place (city_code, destination) VALUES ($1, $2) "
                        "ON CONFLICT DO NOTHING"};
static const struct db_statement place_take = {
    "files_place_take",
    "UPDATE file_place p SET lease_until = $3::timestamptz + $4::bigint * interval '1 microsecond',"
    " lease_token = q.token FROM (SELECT gen_random_uuid()::text AS token) q "
    "WHERE p.city_code = $1 AND p.destination = $2"
    " AND (p.lease_until <= $3 OR p.lease_until > $3::timestamptz + interval '1 day') "
    "RETURNING p.lease_token, p.receipts_at"};
static const struct db_statement place_keep = {
    "files_place_keep",
    "UPDATE file_place SET lease_until = $4::timestamptz + $5::bigint * interval '1 microsecond' "
    "WHERE city_code = $1 AND destination = $2 AND lease_token = $3"};
static const struct db_statement place_receipts = {
    "files_place_receipts", "UPDATE file_place SET receipts_at = $3 WHERE city_code = $1"
                            " AND destination = $2"};

struct leasing {
    struct files_work *work;
    bool taken;
    instant receipts_at;
};

static instant lease_of(const struct files_work *work)
{
    return LEASE + 2 * config_duration(work->group, "patience");
}

static bool lease_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct leasing *l = context;
    struct files_work *work = l->work;
    const struct db_value city = db_text(work->options->routing.city_code);
    const struct db_value destination = db_text(work->destination);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    l->taken = false;
    if (!db_execute(tx, &place_make, DB_VALUES(city, destination), NULL, f) ||
        !db_query(tx, &place_take,
                  DB_VALUES(city, destination, db_instant(clock_now()), db_number(lease_of(work))),
                  &rows, f))
        return false;
    l->taken = db_row_count(rows) == 1;
    if (!l->taken)
        return true;
    snprintf(work->lease, sizeof work->lease, "%s", db_get_text(rows, 0, 0));
    work->lease_at = clock_monotonic();
    l->receipts_at = db_get_instant(rows, 0, 1);
    return true;
}

struct keeping {
    struct files_work *work;
    instant lease;
    bool kept;
};

static bool keep_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct keeping *k = context;
    int64_t rows = 0;
    if (!db_execute(tx, &place_keep,
                    DB_VALUES(db_text(k->work->options->routing.city_code),
                              db_text(k->work->destination), db_text(k->work->lease),
                              db_instant(clock_now()), db_number(k->lease)),
                    &rows, f))
        return false;
    k->kept = rows == 1;
    return true;
}

bool files_lease_keep(struct files_work *work, struct failure *f)
{
    if (!*work->lease || clock_monotonic() - work->lease_at < LEASE_KEEP)
        return true;
    struct keeping keeping = {work, lease_of(work), false};
    if (!db_transaction(work->options->routing.db, keep_work, &keeping, f))
        return false;
    work->lease_at = clock_monotonic();
    return keeping.kept || failure_set(f, FAILURE_CONFLICT, "another one writes there now");
}

static bool lease_end(struct files_work *work, struct failure *f)
{
    struct keeping keeping = {work, 0, false};
    return db_transaction(work->options->routing.db, keep_work, &keeping, f);
}

/* --- one destination -------------------------------------------------------------------------- */

static bool receipts_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct files_work *work = context;
    return db_execute(tx, &place_receipts,
                      DB_VALUES(db_text(work->options->routing.city_code),
                                db_text(work->destination), db_instant(clock_now())),
                      NULL, f);
}

static bool look_for_receipts(struct files_work *work, instant looked_at, bool *ret_any,
                              struct failure *f)
{
    struct failure why = {0};
    instant now = clock_now();
    *ret_any = false;
    if (looked_at <= now && looked_at > now - config_duration(work->group, "receipts-interval"))
        return true;
    if (!files_receipts(work, ret_any, &why)) {
        *ret_any = false;
        log_warning("files.receipts_failed", log_text("destination", work->destination),
                    log_text("kind", failure_kind_name(why.kind)), log_text("text", why.text));
        if (why.kind == FAILURE_DATABASE)
            return failure_set(f, why.kind, "%s", why.text);
    }
    return db_transaction(work->options->routing.db, receipts_work, work, f);
}

/* A done-marker that lies there already is only noted: an end came between the two. Whoever looks
 * whether all of the batch may still leave does so after that, for then it has left. */
static bool batch_put(struct files_work *work, const struct files_batch *batch, bool *ret_given_up,
                      char ret_manifest[65], struct failure *f)
{
    char folder[32];
    bool written, good;
    const char *to = config_list_item(work->group, "to", 0);
    files_folder(batch->id, folder);
    if (!files_store_open(work->group, to, &work->store, f) ||
        !files_batch_written(work, batch, folder, &written, ret_manifest, f))
        return false;
    if (written)
        return true;
    if (!files_batch_recheck(work, batch, &good, f))
        return false;
    if (good)
        return files_batch_write(work, batch, folder, ret_manifest, f);
    *ret_given_up = files_batch_clear(work, folder, f) && files_batch_give_up(work, batch, f);
    return *ret_given_up;
}

static bool batch_out(struct files_work *work, const struct files_batch *batch, struct failure *f)
{
    char manifest[65];
    struct failure why = {0};
    bool given_up = false, written = batch_put(work, batch, &given_up, manifest, &why);
    file_store_close(work->store);
    work->store = NULL;
    if (given_up)
        return true;
    metric_add(&batches_metric, written ? "written" : "failed", 1);
    if (written)
        log_info("files.batch", log_text("destination", work->destination),
                 log_number("batch", batch->id), log_number("items", batch->items));
    else
        log_warning("files.batch_failed", log_text("destination", work->destination),
                    log_number("batch", batch->id), log_number("attempt", batch->attempts + 1),
                    log_text("kind", failure_kind_name(why.kind)), log_text("text", why.text));
    return files_batch_note(work, batch, manifest, written ? NULL : &why, f);
}

/* What could not be handed over is noted, and is no failure of ours. */
static bool destination_step(struct files_work *work, bool *ret_any, struct failure *f)
{
    struct leasing leasing = {.work = work};
    struct files_batch batch;
    bool found, received;
    if (!db_transaction(work->options->routing.db, lease_work, &leasing, f))
        return false;
    if (!leasing.taken)
        return true;
    bool done = look_for_receipts(work, leasing.receipts_at, &received, f) &&
                files_batch_find(work, &found, &batch, f) && (!found || batch_out(work, &batch, f));
    if (done)
        *ret_any |= found || received;
    struct failure end = {0};
    return lease_end(work, done ? f : &end) && done;
}

enum work_result files_step(void *context, struct failure *f)
{
    const struct files_options *options = context;
    const struct config_group *group = NULL;
    bool any = false;
    while ((group = config_next(options->routing.config, "files", group)) && !process_stopping()) {
        struct files_work work = {
            .options = options, .group = group, .destination = config_name(group)};
        if (!destination_step(&work, &any, f))
            return WORK_FAILED;
    }
    return any ? WORK_DONE : WORK_IDLE;
}

/* --- one batch again -------------------------------------------------------------------------- */

static const struct db_statement batch_named = {
    "files_batch_named",
    "SELECT batch_id, made_at, encoding, line_end, attachments, package, items, attempts,"
    " coalesce(encode(manifest_sha256, 'hex'), ''), destination FROM file_batch "
    "WHERE city_code = $1 AND batch_id = $2::bigint"};

struct again {
    const struct files_options *options;
    int64_t id;
    struct db_rows *rows;
};

static bool again_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct again *again = context;
    cleanup_db_rows(&again->rows);
    again->rows = NULL;
    return db_query(tx, &batch_named,
                    DB_VALUES(db_text(again->options->routing.city_code), db_number(again->id)),
                    &again->rows, f);
}

static bool again_write(const struct again *again, const char *directory, struct failure *f)
{
    struct files_batch batch;
    char folder[32], manifest[65];
    struct files_work work = {.options = again->options,
                              .destination = db_get_text(again->rows, 0, 9)};
    const struct file_store_options options = {.to = directory};
    files_batch_read(again->rows, &batch);
    if (!file_store_open(&options, &work.store, f))
        return false;
    files_folder(batch.id, folder);
    bool written, done = files_batch_written(&work, &batch, folder, &written, manifest, f) &&
                         (written || files_batch_write(&work, &batch, folder, manifest, f));
    file_store_close(work.store);
    return done;
}

bool files_batch_again(const struct files_options *options, int64_t batch_id, const char *directory,
                       struct failure *f)
{
    struct again again = {options, batch_id, NULL};
    bool done = db_transaction(options->routing.db, again_work, &again, f);
    if (done && db_row_count(again.rows) != 1)
        done = failure_set(f, FAILURE_USAGE, "there is no batch %lld", (long long)batch_id);
    done = done && again_write(&again, directory, f);
    cleanup_db_rows(&again.rows);
    return done;
}

/* Which items make a batch: committed before anything of it is written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/files_internal.h"

#define UNSAID_PAUSE INSTANT_DAY /* somebody has to do something about it */

/* What was received, by whichever way, may go out again when it is asked for again. */
static const struct db_statement settle = {
    "files_settle",
    "UPDATE file_batch_item b SET settled = true WHERE b.city_code = $1 AND b.destination = $2"
    " AND NOT b.settled AND NOT EXISTS (SELECT FROM outbox o WHERE o.city_code = b.city_code"
    "  AND o.destination = b.destination AND o.outbox_id = b.outbox_id)"};

static const struct db_statement batch_waiting = {
    "files_batch_waiting",
    "SELECT batch_id, made_at, encoding, line_end, attachments, package, items, attempts,"
    " coalesce(encode(manifest_sha256, 'hex'), ''),"
    " due_at <= $3 OR due_at > $3::timestamptz + interval '1 day' FROM file_batch "
    "WHERE city_code = $1 AND destination = $2 AND written_at IS NULL ORDER BY batch_id LIMIT 1"};

static const struct db_statement batch_last = {
    "files_batch_last", "SELECT made_at, items FROM file_batch WHERE city_code = $1"
                        " AND destination = $2 AND items > 0 ORDER BY batch_id DESC LIMIT 1"};

static const struct db_statement candidates = {
    "files_candidates",
    "SELECT o.outbox_id, o.application_id, o.status, encode(o.sha256, 'hex'), i.sealed, k.wrapped "
    "FROM outbox o JOIN outbox_item i USING (city_code, destination, outbox_id)"
    " JOIN application_key k ON k.city_code = o.city_code AND k.application_id = o.application_id "
    "WHERE o.city_code = $1 AND o.destination = $2"
    " AND (o.due_at <= now() OR o.due_at > now() + interval '2 days')"
    " AND NOT EXISTS (SELECT FROM file_batch_item b WHERE b.city_code = o.city_code"
    "  AND b.destination = o.destination AND b.outbox_id = o.outbox_id AND NOT b.settled) "
    "ORDER BY o.outbox_id LIMIT $3::bigint"};

/* From here on others see that it may be read: a withdrawal is told to the business system. */
static const struct db_statement items_begin = {
    "files_items_begin",
    "UPDATE outbox o SET attempts = o.attempts + 1, last_attempt_at = $4 "
    "FROM file_batch_item b WHERE b.city_code = $1 AND b.destination = $2"
    " AND b.batch_id = $3::bigint AND NOT b.settled AND o.city_code = b.city_code"
    " AND o.destination = b.destination AND o.outbox_id = b.outbox_id"};

static const struct db_statement batch_insert = {
    "files_batch_insert",
    "INSERT INTO file_batch (city_code, destination, made_at, encoding, line_end, attachments,"
    " package, items, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::integer, $3) "
    "RETURNING batch_id"};

static const struct db_statement item_insert = {
    "files_item_insert",
    "INSERT INTO file_batch_item (city_code, destination, batch_id, position, outbox_id,"
    " application_id, status) VALUES ($1, $2, $3::bigint, $4::integer, $5::bigint, $6::uuid, $7)"};

const char *files_folder(int64_t batch_id, char text[32])
{
    snprintf(text, 32, "batch-%012" PRId64, batch_id);
    return text;
}

struct routing_context files_context(const struct files_work *work)
{
    return (struct routing_context){.options = work->options->routing};
}

struct routing_caller files_caller(const struct files_work *work, const char *terminal)
{
    struct routing_caller caller = {.destination = work->destination};
    snprintf(caller.actor, sizeof caller.actor, "business:%s", work->destination);
    snprintf(caller.terminal, sizeof caller.terminal, "%s", terminal);
    return caller;
}

/* --- making one ------------------------------------------------------------------------------- */

struct finding {
    struct files_work *work;
    struct files_batch batch;
    bool found;
};

struct choice { /* the rows of `candidates` that go */
    const struct db_rows *rows;
    size_t *row;
    size_t count;
};

static bool item_open(struct files_work *work, const struct db_rows *rows, size_t i,
                      json_t **ret_json, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    const struct routing_context context = files_context(work);
    if (!routing_unseal(&context, "item", db_get_text(rows, i, 1), db_get_bytes(rows, i, 5),
                        db_get_bytes(rows, i, 4), &plain, f))
        return false;
    *ret_json = json_read(buffer_bytes(&plain));
    return *ret_json || failure_set(f, FAILURE_INPUT, "an item is no JSON");
}

static const struct procedure *procedure_of(const struct files_work *work, const json_t *item)
{
    const json_t *procedure = json_object_get(item, "procedure");
    const char *id = json_string_value(json_object_get(procedure, "id"));
    const char *version = json_string_value(json_object_get(procedure, "form_version"));
    return id && version ? procedures_find(work->options->procedures, id, version) : NULL;
}

/* *ret_why: "" when it can be written; else the reason, for `routing list`. */
static bool item_try(struct files_work *work, struct files_tables *tables,
                     const struct db_rows *rows, size_t i, char *ret_why, size_t size,
                     struct failure *f)
{
    _cleanup_(cleanup_json) json_t *json = NULL;
    _cleanup_(cleanup_text) char *unsaid = NULL;
    *ret_why = '\0';
    if (!item_open(work, rows, i, &json, f))
        return false;
    struct files_item item = {.outbox_id = db_get_number(rows, i, 0),
                              .sha256 = db_get_text(rows, i, 3),
                              .status = db_get_text(rows, i, 2),
                              .json = json,
                              .procedure = NULL};
    if (!item.status)
        item.procedure = procedure_of(work, json);
    if (!item.status && !item.procedure) {
        snprintf(ret_why, size, "files-procedure-unknown");
        return true;
    }
    if (!files_tables_add(tables, &item, &unsaid, f))
        return false;
    if (unsaid)
        snprintf(ret_why, size, "files-encoding: %s can't be said in %s", unsaid,
                 tables->text.encoding);
    return true;
}

static bool put_off(struct db_tx *tx, struct files_work *work, int64_t id, const char *why,
                    struct failure *f)
{
    const struct routing_options *options = &work->options->routing;
    log_warning("files.kept", log_text("destination", work->destination), log_number("id", id),
                log_text("reason", why));
    return outbox_defer(tx, options->city_code, work->destination, &id, 1, why,
                        clock_now() + UNSAID_PAUSE, f);
}

static bool choose(struct db_tx *tx, struct files_work *work, struct choice *choice,
                   struct failure *f)
{
    struct files_tables tables = {
        .text = {config_text(work->group, "encoding"), config_text(work->group, "line-end")},
        .destination = work->destination};
    bool done = true;
    for (size_t i = 0; done && i < db_row_count(choice->rows); i++) {
        char why[256];
        struct failure broken = {0};
        if (!item_try(work, &tables, choice->rows, i, why, sizeof why, &broken))
            snprintf(why, sizeof why, "files-unreadable");
        if (*why)
            done = put_off(tx, work, db_get_number(choice->rows, i, 0), why, f);
        else
            choice->row[choice->count++] = i;
    }
    files_tables_free(&tables);
    return done;
}

static bool batch_store(struct db_tx *tx, struct finding *finding, const struct choice *choice,
                        struct failure *f)
{
    struct files_work *work = finding->work;
    struct files_batch *batch = &finding->batch;
    const struct db_rows *rows = choice->rows;
    const char *city = work->options->routing.city_code;
    const struct config_group *destination =
        config_find(work->options->routing.config, "destination", work->destination);
    _cleanup_(cleanup_db_rows) struct db_rows *made = NULL;
    *batch = (struct files_batch){.made_at = clock_now(),
                                  .attachments = config_boolean(work->group, "attachments"),
                                  .package = config_boolean(destination, "package"),
                                  .items = (int64_t)choice->count};
    snprintf(batch->encoding, sizeof batch->encoding, "%s", config_text(work->group, "encoding"));
    snprintf(batch->line_end, sizeof batch->line_end, "%s", config_text(work->group, "line-end"));
    if (!db_query(tx, &batch_insert,
                  DB_VALUES(db_text(city), db_text(work->destination), db_instant(batch->made_at),
                            db_text(batch->encoding), db_text(batch->line_end),
                            db_boolean(batch->attachments), db_boolean(batch->package),
                            db_number(batch->items)),
                  &made, f))
        return false;
    batch->id = db_get_number(made, 0, 0);
    for (size_t n = 0; n < choice->count; n++) {
        size_t i = choice->row[n];
        const char *status = db_get_text(rows, i, 2);
        if (!db_send(tx, &item_insert,
                     DB_VALUES(db_text(city), db_text(work->destination), db_number(batch->id),
                               db_number((int64_t)n + 1), db_number(db_get_number(rows, i, 0)),
                               db_text(db_get_text(rows, i, 1)), db_text(status ? status : "")),
                     1, f))
            return false;
    }
    return true;
}

static bool candidates_find(struct db_tx *tx, const struct files_work *work,
                            struct db_rows **ret_rows, struct failure *f)
{
    return db_query(tx, &candidates,
                    DB_VALUES(db_text(work->options->routing.city_code), db_text(work->destination),
                              db_number(config_number(work->group, "batch"))),
                    ret_rows, f);
}

static bool batch_make(struct db_tx *tx, struct finding *finding, struct failure *f)
{
    struct files_work *work = finding->work;
    size_t taken;
    _cleanup_(cleanup_db_rows) struct db_rows *waiting = NULL, *rows = NULL;
    if (!candidates_find(tx, work, &waiting, f) || !files_take_back(tx, work, waiting, &taken, f) ||
        !candidates_find(tx, work, &rows, f))
        return false;
    struct choice choice = {.rows = rows,
                            .row = memory_allocate((db_row_count(rows) + 1) * sizeof(size_t))};
    bool done = choose(tx, work, &choice, f);
    finding->found = done && choice.count > 0;
    if (finding->found)
        done = batch_store(tx, finding, &choice, f);
    free(choice.row);
    return done;
}

/* --- the one that waits, or a new one when it is time ----------------------------------------- */

void files_batch_read(const struct db_rows *rows, struct files_batch *batch)
{
    *batch = (struct files_batch){.id = db_get_number(rows, 0, 0),
                                  .made_at = db_get_instant(rows, 0, 1),
                                  .attachments = db_get_boolean(rows, 0, 4),
                                  .package = db_get_boolean(rows, 0, 5),
                                  .items = db_get_number(rows, 0, 6),
                                  .attempts = (int)db_get_number(rows, 0, 7)};
    snprintf(batch->encoding, sizeof batch->encoding, "%s", db_get_text(rows, 0, 2));
    snprintf(batch->line_end, sizeof batch->line_end, "%s", db_get_text(rows, 0, 3));
    snprintf(batch->manifest, sizeof batch->manifest, "%s", db_get_text(rows, 0, 8));
}

/* A batch that was full is followed at once. */
static bool time_for_one(struct db_tx *tx, const struct files_work *work, bool *ret_time,
                         struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &batch_last,
                  DB_VALUES(db_text(work->options->routing.city_code), db_text(work->destination)),
                  &rows, f))
        return false;
    instant now = clock_now();
    instant last = db_row_count(rows) ? db_get_instant(rows, 0, 0) : 0;
    *ret_time = last == 0 || last > now || now - last >= config_duration(work->group, "interval") ||
                db_get_number(rows, 0, 1) >= config_number(work->group, "batch");
    return true;
}

static bool find(struct db_tx *tx, struct finding *finding, struct failure *f)
{
    struct files_work *work = finding->work;
    const char *city = work->options->routing.city_code;
    bool due;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    finding->found = false;
    if (!db_execute(tx, &settle, DB_VALUES(db_text(city), db_text(work->destination)), NULL, f) ||
        !db_query(tx, &batch_waiting,
                  DB_VALUES(db_text(city), db_text(work->destination), db_instant(clock_now())),
                  &rows, f))
        return false;
    if (db_row_count(rows)) {
        files_batch_read(rows, &finding->batch);
        finding->found = db_get_boolean(rows, 0, 9);
        return true;
    }
    return time_for_one(tx, work, &due, f) && (!due || batch_make(tx, finding, f));
}

static bool find_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct finding *finding = context;
    const struct files_work *work = finding->work;
    return find(tx, finding, f) &&
           (!finding->found ||
            db_execute(tx, &items_begin,
                       DB_VALUES(db_text(work->options->routing.city_code),
                                 db_text(work->destination), db_number(finding->batch.id),
                                 db_instant(clock_now())),
                       NULL, f));
}

bool files_batch_find(struct files_work *work, bool *ret_found, struct files_batch *ret_batch,
                      struct failure *f)
{
    struct finding finding = {.work = work};
    if (!db_transaction(work->options->routing.db, find_work, &finding, f))
        return false;
    *ret_found = finding.found;
    *ret_batch = finding.batch;
    return true;
}

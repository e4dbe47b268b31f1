#include "deploy/sandbox/business_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const struct db_statement save_item = {
    "business_save_item",
    "INSERT INTO item (id, sha256, content, receipt_number, problems, notice)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE"
    " SET deliveries = item.deliveries + 1, receipt = NULL WHERE item.sha256 = excluded.sha256"};
static const struct db_statement save_outcome = {
    "business_save_outcome",
    "INSERT INTO outcome (id, outcome) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING"};
static const struct db_statement due_receipts = {
    "business_due_receipts",
    "SELECT id, sha256, problems FROM item WHERE receipt IS NULL AND id > $1::bigint"
    " ORDER BY id LIMIT 500"};
static const struct db_statement due_outcomes = {
    "business_due_outcomes",
    "SELECT o.id, o.outcome, receipt_number, notice FROM outcome o JOIN item i ON i.id = o.id"
    " WHERE result IS NULL AND receipt IN ('taken', 'repeated') AND o.id > $1::bigint"
    " ORDER BY o.id LIMIT 100"};
static const struct db_statement note_receipts = {
    "business_note_receipts",
    "UPDATE item SET receipt = r.result FROM unnest($1::text[], $2::text[]) AS r (id, result)"
    " WHERE item.id = r.id::bigint"};
static const struct db_statement note_outcomes = {
    "business_note_outcomes",
    "UPDATE outcome SET result = r.result FROM unnest($1::text[], $2::text[]) AS r (id, result)"
    " WHERE outcome.id = r.id::bigint"};

static bool open_database(const char *connection, const char *user, struct business_store *store,
                          struct failure *f)
{
    static const struct config_section *const sections[] = {&db_config_section};
    _cleanup_(cleanup_text) char *text = text_format(
        "[database]\nconnection = %s\nowner-user = %s\npatience = 2s\n", connection, user);
    int from, to;
    return config_parse("--database", bytes_of_text(text), sections, 1, &store->config, f) &&
           db_open_owner(store->config, &store->db, f) &&
           db_schema_upgrade(store->db, business_schema_migrations, business_schema_migration_count,
                             &from, &to, f);
}

bool business_store_open(const char *connection, const char *user, struct business_store *ret_store,
                         struct failure *f)
{
    struct business_store store = {0};
    if (!open_database(connection, user, &store, f)) {
        business_store_close(&store);
        return false;
    }
    db_plan_by_key(store.db);
    *ret_store = store;
    return true;
}

void business_store_close(struct business_store *store)
{
    db_close(store->db);
    config_free(store->config);
    *store = (struct business_store){0};
}

void business_item_clear(struct business_item *item)
{
    buffer_erase_free(&item->content);
    free(item->problems);
    *item = (struct business_item){0};
}

/* --- saving ----------------------------------------------------------------------------------- */

struct saving {
    const struct business_item *items;
    size_t count;
};

static bool save_all(struct db_tx *tx, void *context, struct failure *f)
{
    const struct saving *saving = context;
    for (size_t i = 0; i < saving->count; i++) {
        const struct business_item *item = &saving->items[i];
        if (!db_send(tx, &save_item,
                     DB_VALUES(db_number(item->id), db_text(item->sha256),
                               db_bytes(buffer_bytes(&item->content)),
                               db_text(item->receipt_number), db_text(item->problems),
                               db_boolean(item->notice)),
                     1, f))
            return false;
        if (item->outcome &&
            !db_send(tx, &save_outcome, DB_VALUES(db_number(item->id), db_text(item->outcome)), -1,
                     f))
            return false;
    }
    return true;
}

bool business_store_save(struct business_store *store, const struct business_item *items,
                         size_t count, struct failure *f)
{
    struct saving saving = {items, count};
    return count == 0 || db_transaction(store->db, save_all, &saving, f);
}

/* --- what is to be sent ----------------------------------------------------------------------- */

struct due {
    const struct db_statement *statement;
    int64_t after;
    struct db_rows *rows;
};

static bool read_due(struct db_tx *tx, void *context, struct failure *f)
{
    struct due *due = context;
    cleanup_db_rows(&due->rows);
    due->rows = NULL;
    return db_query(tx, due->statement, DB_VALUES(db_number(due->after)), &due->rows, f);
}

static bool due_of(struct business_store *store, const struct db_statement *statement,
                   int64_t after, struct db_rows **ret_rows, struct failure *f)
{
    struct due due = {.statement = statement, .after = after};
    if (!db_transaction(store->db, read_due, &due, f)) {
        cleanup_db_rows(&due.rows);
        return false;
    }
    *ret_rows = due.rows;
    return true;
}

bool business_store_receipts(struct business_store *store, int64_t after, struct db_rows **ret_rows,
                             struct failure *f)
{
    return due_of(store, &due_receipts, after, ret_rows, f);
}

bool business_store_outcomes(struct business_store *store, int64_t after, struct db_rows **ret_rows,
                             struct failure *f)
{
    return due_of(store, &due_outcomes, after, ret_rows, f);
}

/* --- what became of it ------------------------------------------------------------------------ */

struct noting {
    const struct db_statement *statement;
    const char *const *ids, *const *results;
    size_t count;
};

static bool note_all(struct db_tx *tx, void *context, struct failure *f)
{
    const struct noting *noting = context;
    return db_execute(
        tx, noting->statement,
        DB_VALUES(db_texts(noting->ids, noting->count), db_texts(noting->results, noting->count)),
        NULL, f);
}

/* Not flushed: what is forgotten is sent again, and counts as repeated. */
bool business_store_receipted(struct business_store *store, const char *const *ids,
                              const char *const *results, size_t count, struct failure *f)
{
    struct noting noting = {&note_receipts, ids, results, count};
    return count == 0 || db_transaction_relaxed(store->db, note_all, &noting, f);
}

bool business_store_told(struct business_store *store, const char *const *ids,
                         const char *const *results, size_t count, struct failure *f)
{
    struct noting noting = {&note_outcomes, ids, results, count};
    return count == 0 || db_transaction_relaxed(store->db, note_all, &noting, f);
}

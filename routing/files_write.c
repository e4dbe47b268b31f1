/* Writes a batch: CSV, attachments, packages, manifest, and the done-marker last. The same batch is
 * the same bytes: order, names and times come from what was committed with it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/files_internal.h"

#define FORMAT "uketsuke-hand-over-1"
#define CHUNK  200 /* items read in one go */

static const struct db_statement items_of_batch = {
    "files_items_of_batch",
    "SELECT b.outbox_id, b.application_id, b.status, i.sealed, k.wrapped, b.position"
    " FROM file_batch_item b"
    " LEFT JOIN outbox_item i USING (city_code, destination, outbox_id)"
    " LEFT JOIN application_key k ON k.city_code = b.city_code"
    "  AND k.application_id = b.application_id "
    "WHERE b.city_code = $1 AND b.destination = $2 AND b.batch_id = $3::bigint"
    " AND b.position > $4::integer ORDER BY b.position LIMIT $5::bigint"};

static const struct db_statement package_of_application = {
    "files_package_of_application", "SELECT p.sealed, e.report, k.wrapped FROM package p"
                                    " JOIN application_key k USING (city_code, application_id)"
                                    " LEFT JOIN examination e USING (city_code, application_id) "
                                    "WHERE p.city_code = $1 AND p.application_id = $2::uuid"};

struct entry { /* of the batch */
    int64_t outbox_id;
    char application_id[37];
    const struct procedure *procedure; /* NULL: a notice */
};

struct writing {
    struct files_work *work;
    const struct files_batch *batch;
    const char *folder;
    struct files_tables tables;
    struct entry *entries;
    size_t count;
    json_t *files, *items; /* of the manifest */
    /* of the item whose files are written */
    const struct entry *entry;
    json_t *documents;
    int number;
    /* of a query */
    struct db_rows *rows;
    struct db_value values[5];
    size_t value_count;
    const struct db_statement *statement;
};

static bool query_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct writing *w = context;
    cleanup_db_rows(&w->rows);
    w->rows = NULL;
    return db_query(tx, w->statement, w->values, w->value_count, &w->rows, f);
}

static bool query(struct writing *w, const struct db_statement *statement,
                  const struct db_value *values, size_t count, struct failure *f)
{
    w->statement = statement;
    memcpy(w->values, values, count * sizeof *values);
    w->value_count = count;
    return db_transaction(w->work->options->routing.db, query_work, w, f);
}

/* --- files ------------------------------------------------------------------------------------ */

/* `item` 0 and `document` NULL where it belongs to none. */
static bool put(struct writing *w, const char *name, struct bytes content, int64_t item,
                const char *document, int64_t rows, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", w->folder, name);
    char hash[65], id[24];
    sha256_hex(content, hash);
    snprintf(id, sizeof id, "%" PRId64, item);
    json_t *file = json_pack("{s:s, s:I, s:s}", "name", name, "size", (json_int_t)content.length,
                             "sha256", hash);
    if (item)
        json_object_set_new(file, "item", json_string(id));
    if (document)
        json_object_set_new(file, "document", json_string(document));
    if (rows >= 0)
        json_object_set_new(file, "rows", json_integer(rows));
    json_array_append_new(w->files, file);
    return files_lease_keep(w->work, f) && file_store_put(w->work->store, path, content, f);
}

static bool put_tables(struct writing *w, struct failure *f)
{
    for (size_t i = 0; i < w->tables.count; i++) {
        const struct files_table *table = &w->tables.at[i];
        if (table->rows > 0 &&
            !put(w, table->name, buffer_bytes(&table->content), 0, NULL, table->rows, f))
            return false;
    }
    return true;
}

/* --- items ------------------------------------------------------------------------------------ */

static bool item_add(struct writing *w, size_t i, struct failure *f)
{
    const struct routing_context context = files_context(w->work);
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    _cleanup_(cleanup_json) json_t *json = NULL;
    _cleanup_(cleanup_text) char *unsaid = NULL;
    struct entry *entry = &w->entries[w->count];
    char hash[65], id[24];
    if (db_is_null(w->rows, i, 3) || db_is_null(w->rows, i, 4))
        return failure_set(f, FAILURE_INPUT,
                           "item %" PRId64 " is kept no more, so its batch can't be made again",
                           db_get_number(w->rows, i, 0));
    *entry = (struct entry){.outbox_id = db_get_number(w->rows, i, 0)};
    snprintf(entry->application_id, sizeof entry->application_id, "%s", db_get_text(w->rows, i, 1));
    if (!routing_unseal(&context, "item", entry->application_id, db_get_bytes(w->rows, i, 4),
                        db_get_bytes(w->rows, i, 3), &plain, f))
        return false;
    sha256_hex(buffer_bytes(&plain), hash);
    json = json_read(buffer_bytes(&plain));
    const json_t *procedure = json_object_get(json, "procedure");
    const char *status = db_get_text(w->rows, i, 2);
    if (!*status)
        entry->procedure = procedures_find(
            w->work->options->procedures, json_string_value(json_object_get(procedure, "id")),
            json_string_value(json_object_get(procedure, "form_version")));
    if (!json || (!*status && !entry->procedure))
        return failure_set(f, FAILURE_INPUT, "the procedure of item %" PRId64 " is unknown",
                           entry->outbox_id);
    const struct files_item item = {entry->outbox_id, hash, status, json, entry->procedure};
    if (!files_tables_add(&w->tables, &item, &unsaid, f))
        return false;
    if (unsaid)
        return failure_set(f, FAILURE_INPUT, "item %" PRId64 ": %s can't be said in %s",
                           entry->outbox_id, unsaid, w->tables.text.encoding);
    snprintf(id, sizeof id, "%" PRId64, entry->outbox_id);
    json_array_append_new(w->items, json_pack("{s:s, s:s}", "id", id, "sha256", hash));
    w->count++;
    return true;
}

static bool read_items(struct writing *w, struct failure *f)
{
    const struct files_work *work = w->work;
    int64_t after = 0;
    for (size_t n = CHUNK; n == CHUNK;) {
        if (!files_lease_keep(w->work, f) ||
            !query(w, &items_of_batch,
                   DB_VALUES(db_text(work->options->routing.city_code), db_text(work->destination),
                             db_number(w->batch->id), db_number(after), db_number(CHUNK)),
                   f))
            return false;
        n = db_row_count(w->rows);
        w->entries = memory_resize(w->entries, (w->count + n + 1) * sizeof *w->entries);
        for (size_t i = 0; i < n; i++)
            if (!item_add(w, i, f))
                return false;
        after += (int64_t)n;
    }
    return true;
}

/* --- what lies beside an item ----------------------------------------------------------------- */

/* The document that the name says, if the procedure knows it: names of other files are people's. */
static const char *document_of(const struct writing *w, const char *name)
{
    static const char before[] = "attachments/";
    size_t i;
    json_t *document;
    if (strncmp(name, before, sizeof before - 1) != 0)
        return NULL;
    name += sizeof before - 1;
    const char *dash = strrchr(name, '-');
    json_array_foreach (w->documents, i, document) {
        const char *id = json_string_value(json_object_get(document, "id"));
        if (id && dash && strlen(id) == (size_t)(dash - name) &&
            strncmp(id, name, (size_t)(dash - name)) == 0)
            return id;
    }
    return NULL;
}

/* PDF, JPEG or PNG by content, as examination has seen to. */
static const char *extension_of(struct bytes content)
{
    if (content.length >= 4 && memcmp(content.data, "%PDF", 4) == 0)
        return "pdf";
    if (content.length >= 3 && memcmp(content.data, "\xFF\xD8\xFF", 3) == 0)
        return "jpg";
    if (content.length >= 4 && memcmp(content.data, "\x89PNG", 4) == 0)
        return "png";
    return "bin";
}

static bool take_attachment(void *context, const struct files_member *member, struct failure *f)
{
    struct writing *w = context;
    _cleanup_(cleanup_text) char *name =
        text_format("%" PRId64 ".attachment-%d.%s", w->entry->outbox_id, ++w->number,
                    extension_of(member->content));
    return put(w, name, member->content, w->entry->outbox_id, document_of(w, member->name), -1, f);
}

static bool put_attachments(struct writing *w, struct bytes package, struct failure *f)
{
    const struct files_options *options = w->work->options;
    json_t *description = procedure_describe(w->entry->procedure);
    w->documents = json_object_get(description, "documents");
    w->number = 0;
    bool done = options->unpack(package, options->routing.config, take_attachment, w, f);
    json_decref(description);
    w->documents = NULL;
    return done;
}

static bool put_sealed(struct writing *w, const char *purpose, int column, const char *ending,
                       struct buffer *ret_plain, struct failure *f)
{
    const struct routing_context context = files_context(w->work);
    _cleanup_(cleanup_text) char *name = text_format("%" PRId64 ".%s", w->entry->outbox_id, ending);
    if (!routing_unseal(&context, purpose, w->entry->application_id, db_get_bytes(w->rows, 0, 2),
                        db_get_bytes(w->rows, 0, column), ret_plain, f))
        return false;
    return !w->batch->package ||
           put(w, name, buffer_bytes(ret_plain), w->entry->outbox_id, NULL, -1, f);
}

static bool put_beside(struct writing *w, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer package = {0};
    _cleanup_(cleanup_secret_buffer) struct buffer report = {0};
    if (!w->entry->procedure || !(w->batch->attachments || w->batch->package))
        return true;
    if (!query(w, &package_of_application,
               DB_VALUES(db_text(w->work->options->routing.city_code),
                         db_text(w->entry->application_id)),
               f))
        return false;
    if (db_row_count(w->rows) != 1 || db_is_null(w->rows, 0, 1))
        return failure_set(f, FAILURE_INPUT, "the package of item %" PRId64 " is kept no more",
                           w->entry->outbox_id);
    return put_sealed(w, "package", 0, "package.zip", &package, f) &&
           (!w->batch->package || put_sealed(w, "report", 1, "report.json", &report, f)) &&
           (!w->batch->attachments || put_attachments(w, buffer_bytes(&package), f));
}

/* --- the whole -------------------------------------------------------------------------------- */

static void manifest_make(struct writing *w, struct buffer *ret_text)
{
    char folder[32], made_at[INSTANT_TEXT];
    _cleanup_(cleanup_json) json_t *manifest = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:O, s:I, s:O}", "format", FORMAT, "city_code",
        w->work->options->routing.city_code, "destination", w->work->destination, "batch",
        files_folder(w->batch->id, folder), "made_at", instant_text_jst(w->batch->made_at, made_at),
        "encoding", w->batch->encoding, "line_end", w->batch->line_end, "item_count",
        (json_int_t)json_array_size(w->items), "items", w->items, "file_count",
        (json_int_t)json_array_size(w->files), "files", w->files);
    json_write(manifest, ret_text);
    buffer_append_text(ret_text, "\n");
}

static bool write_all(struct writing *w, char ret_manifest[65], struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer manifest = {0};
    _cleanup_(cleanup_text) char *path = text_format("%s/manifest.json", w->folder);
    _cleanup_(cleanup_text) char *done = text_format("%s/done", w->folder);
    if (!read_items(w, f) || !file_store_sweep(w->work->store, w->folder, f) || !put_tables(w, f))
        return false;
    for (size_t i = 0; i < w->count; i++) {
        w->entry = &w->entries[i];
        if (!put_beside(w, f))
            return false;
    }
    manifest_make(w, &manifest);
    sha256_hex(buffer_bytes(&manifest), ret_manifest);
    if (*w->batch->manifest && strcmp(w->batch->manifest, ret_manifest) != 0)
        return failure_set(f, FAILURE_INPUT,
                           "the batch came out otherwise than before: a definition or a report "
                           "changed; there is no done-marker");
    _cleanup_(cleanup_text) char *marker = text_format("%s  manifest.json\n", ret_manifest);
    return file_store_put(w->work->store, path, buffer_bytes(&manifest), f) &&
           files_lease_keep(w->work, f) &&
           file_store_put(w->work->store, done, bytes_of_text(marker), f);
}

bool files_batch_write(struct files_work *work, const struct files_batch *batch, const char *folder,
                       char ret_manifest[65], struct failure *f)
{
    struct writing w = {
        .work = work,
        .batch = batch,
        .folder = folder,
        .tables = {.text = {batch->encoding, batch->line_end}, .destination = work->destination},
        .files = json_array(),
        .items = json_array()};
    bool done = write_all(&w, ret_manifest, f);
    cleanup_db_rows(&w.rows);
    files_tables_free(&w.tables);
    json_decref(w.files);
    json_decref(w.items);
    free(w.entries);
    return done;
}

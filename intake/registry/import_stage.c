/* The feed into its temporary table, and every check that it must stand. */
#include <inttypes.h>
#include <string.h>

#include "intake/registry/import_internal.h"
#include "intake/registry/stream.h"

static const struct db_statement key_find = {
    "registry_key_find", "SELECT wrapped FROM registry_key WHERE city_code = $1"};
static const struct db_statement key_store = {
    "registry_key_store", "INSERT INTO registry_key (city_code, wrapped) VALUES ($1, $2)"};

/* --- the key under which numbers are sealed --------------------------------------------------- */

static bool number_key_make(struct db_tx *tx, const struct registry_options *options,
                            const char *context, struct application_key *ret_key, struct failure *f)
{
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    return application_key_make(options->city_key, context, ret_key, wrapped, f) &&
           db_execute(
               tx, &key_store,
               DB_VALUES(db_text(options->city_code), db_bytes(bytes_of(wrapped, sizeof wrapped))),
               NULL, f);
}

static bool number_key_open(struct db_tx *tx, const struct registry_options *options,
                            struct application_key *ret_key, struct failure *f)
{
    char context[32];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    snprintf(context, sizeof context, "%s/registry", options->city_code);
    if (!db_query(tx, &key_find, DB_VALUES(db_text(options->city_code)), &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return number_key_make(tx, options, context, ret_key, f);
    return application_key_unwrap(options->city_key, context, db_get_bytes(rows, 0, 0), ret_key, f);
}

/* --- reading ---------------------------------------------------------------------------------- */

DEFINE_CLEANUP(cleanup_csv, struct csv_reader *, csv_close)
DEFINE_CLEANUP(cleanup_stream, struct feed_stream *, feed_stream_close)
DEFINE_CLEANUP(cleanup_row, struct feed_row *, feed_row_free)

/* A fault of the CSV itself: the line stands in front of its text. Nothing can be read behind it.
 */
static bool csv_fault(struct feed_faults *faults, const struct failure *why, struct failure *f)
{
    long long line = 0;
    int behind = 0;
    if (why->kind != FAILURE_INPUT) {
        *f = *why;
        return false;
    }
    sscanf(why->text, "line %lld: %n", &line, &behind);
    feed_fault(faults, line, NULL, NULL, "%.150s", why->text + behind);
    return true;
}

/* True at the end of the feed, and at what cannot be read: then there are faults. */
static bool next(struct csv_reader *reader, struct csv_record *record, bool *ret_end,
                 struct feed_faults *faults, struct failure *f)
{
    struct failure why = {0};
    if (csv_next(reader, record, ret_end, &why))
        return true;
    *ret_end = true;
    return csv_fault(faults, &why, f);
}

static bool rows_copy(struct csv_reader *reader, const struct feed_header *header,
                      struct feed_row *row, struct db_copy *copy, struct import *import,
                      struct failure *f)
{
    struct csv_record record;
    const char *const *fields;
    size_t count;
    for (bool end = false;;) {
        if (!next(reader, &record, &end, import->faults, f))
            return false;
        if (end)
            return true;
        struct failure why = {0};
        import->result.rows++;
        if (!feed_row_read(row, header, &record, &fields, &count, import->faults, &why)) {
            if (why.kind == FAILURE_NONE)
                continue;
            *f = why;
            return false;
        }
        /* behind a fault nothing is taken any more, only looked at */
        if (!import->faults->count && !db_copy_row(copy, fields, count, f))
            return false;
    }
}

static bool feed_copy(struct feed_stream *stream, struct feed_row *row, struct db_copy *copy,
                      struct import *import, struct failure *f)
{
    _cleanup_(cleanup_csv) struct csv_reader *reader = csv_open(feed_stream_file(stream));
    struct csv_record record;
    struct feed_header header;
    size_t items;
    bool end = false;
    if (!next(reader, &record, &end, import->faults, f))
        return false;
    if (feed_stream_marked(stream))
        feed_fault(import->faults, 1, NULL, NULL,
                   "begins with a byte order mark: a feed is %s, without one",
                   import->feed->encoding == FEED_CP932 ? "CP932" : "UTF-8");
    else if (end && !import->faults->count)
        feed_fault(import->faults, 1, NULL, NULL, "the feed is empty, not even a header line");
    if (end || import->faults->count)
        return true;
    const struct feed_item *table = feed_items(import->feed->kind, &items);
    if (!feed_header_read(table, items, &record, &header, import->faults))
        return true;
    return rows_copy(reader, &header, row, copy, import, f);
}

static bool feed_read(struct db_tx *tx, struct feed_row *row, struct import *import,
                      struct failure *f)
{
    _cleanup_(cleanup_stream) struct feed_stream *stream = NULL;
    struct db_copy *copy;
    if (!feed_stream_open(import->in, import->feed->encoding, &stream, f) ||
        !db_copy_begin(tx, &import_statements(import)->copy, &copy, f))
        return false;
    /* the copy is ended in any case; the first failure is the one that tells */
    struct failure why = {0}, ended = {0};
    bool good = feed_copy(stream, row, copy, import, &why);
    if (!db_copy_end(copy, NULL, &ended) || !good) {
        if (f)
            *f = good ? ended : why;
        return false;
    }
    feed_stream_sha256(stream, import->sha256);
    return true;
}

/* --- checks ----------------------------------------------------------------------------------- */

/* What the manifest promised, and that a full load is no accident. */
static void whole_check(const struct import *import)
{
    const struct feed *feed = import->feed;
    if (feed->promised && memcmp(feed->sha256, import->sha256, sizeof feed->sha256))
        feed_fault(import->faults, 0, NULL, NULL,
                   "the file is not the one of the manifest: its SHA-256 differs");
    else if (feed->promised && feed->rows != import->result.rows)
        feed_fault(import->faults, 0, NULL, NULL,
                   "the file has %" PRId64 " rows, and the manifest says %" PRId64,
                   import->result.rows, feed->rows);
    if (feed->full && import->result.rows == 0 && !import->faults->count)
        feed_fault(import->faults, 2, NULL, NULL,
                   "the feed has no rows, and a full load would remove everything");
}

static bool lines_find(struct db_tx *tx, const struct import *import,
                       const struct db_statement *statement, const struct db_value *values,
                       size_t count, const char *item, const char *what, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, statement, values, count, &rows, f))
        return false;
    for (size_t row = 0; row < db_row_count(rows); row++)
        feed_fault(import->faults, db_get_number(rows, row, 0), item, "E0004", "%s", what);
    return true;
}

static bool twice_find(struct db_tx *tx, const struct import *import, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    bool links = import->feed->kind == FEED_LINKS;
    if (!db_query(tx, &import_statements(import)->twice, DB_VALUES(db_number(FEED_FAULTS_MOST)),
                  &rows, f))
        return false;
    for (size_t row = 0; row < db_row_count(rows); row++)
        feed_fault(import->faults, db_get_number(rows, row, 0), links ? "serial" : "atenabango",
                   "E0004", "%s in line %" PRId64 " already",
                   links ? "the same ca, serial and atenabango stand" : "stands",
                   db_get_number(rows, row, 1));
    return true;
}

static bool rows_check(struct db_tx *tx, struct import *import, struct failure *f)
{
    const struct import_statements *statements = import_statements(import);
    const struct db_value city = db_text(import->options->city_code);
    const struct db_value most = db_number(FEED_FAULTS_MOST);
    import_tell(import, "checking what must fit together");
    return db_execute(tx, &statements->analyze, DB_NO_VALUES, NULL, f) &&
           twice_find(tx, import, f) &&
           lines_find(tx, import, &statements->foreign,
                      DB_VALUES(city, db_text(import->feed->source), most), "atenabango",
                      "is in force from another source", f) &&
           lines_find(tx, import, &statements->unknown, DB_VALUES(city, most), "sakujoflag",
                      "removes what is not there", f) &&
           (!statements->reference.sql ||
            lines_find(tx, import, &statements->reference, DB_VALUES(city, most), "old_serial",
                       "is no serial of this atenabango", f));
}

bool import_stage(struct db_tx *tx, struct import *import, struct failure *f)
{
    struct application_key number_key = {0};
    const struct registry_options *options = import->options;
    const struct feed_sealing sealing = {options->city_code, options->city_key, &number_key,
                                         options->keep_juminhyo_code};
    _cleanup_(cleanup_row) struct feed_row *row = feed_row_make(import->feed, &sealing);
    bool residents = import->feed->kind == FEED_RESIDENTS;
    import_tell(import, "reading and checking");
    bool done = (!residents || number_key_open(tx, options, &number_key, f)) &&
                db_execute(tx, &import_statements(import)->table, DB_NO_VALUES, NULL, f) &&
                feed_read(tx, row, import, f);
    application_key_erase(&number_key);
    if (!done)
        return false;
    whole_check(import);
    return import->faults->count || rows_check(tx, import, f);
}

#include "intake/registry/import.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/csv.h"
#include "base/metrics.h"
#include "base/text.h"
#include "intake/registry/feed_row.h"
#include "intake/registry/links.h"

static struct metric links_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_registry_links_total",
    .help = "Serial links, by what an import did to them.",
    .label_name = "change",
};

/* --- statements ------------------------------------------------------------------------------- */

static const struct db_statement feed_table = {
    "registry_feed_table",
    "CREATE TEMPORARY TABLE registry_feed (line bigint, ca text, serial text, kind text,"
    " atenabango text, valid_from timestamptz, valid_to timestamptz) ON COMMIT DROP"};
static const struct db_statement feed_copy = {
    "registry_feed_copy",
    "COPY registry_feed (line, ca, serial, kind, atenabango, valid_from, valid_to) FROM STDIN"};
static const struct db_statement feed_twice = {
    "registry_feed_twice",
    "SELECT line, first FROM ("
    " SELECT line, min(line) OVER (PARTITION BY ca, serial, atenabango) AS first"
    " FROM registry_feed) AS seen WHERE line <> first ORDER BY line LIMIT 1"};
/* void is not a type that crosses the border: IS NULL makes a boolean of it */
static const struct db_statement links_lock = {
    "registry_links_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('registry_link:' || $1::text, 0)) IS NULL"};
static const struct db_statement import_note = {
    "registry_import_note",
    "INSERT INTO registry_import (city_code, actor, full_load, rows, sha256, kind, source, as_of)"
    " VALUES ($1, $2, $3, $4, $5, 'links', 'juki', now()) RETURNING import_id"};
static const struct db_statement links_merge = {
    "registry_links_merge",
    "WITH merged AS ("
    " INSERT INTO registry_link AS link"
    "  (city_code, ca, serial, atenabango, kind, valid_from, valid_to, import_id, source)"
    " SELECT $1::text, ca, serial, atenabango, kind, valid_from, valid_to, $2::bigint, 'juki'"
    " FROM registry_feed"
    " ON CONFLICT (city_code, ca, serial, atenabango) DO UPDATE"
    "  SET kind = excluded.kind, valid_from = excluded.valid_from,"
    "      valid_to = excluded.valid_to, import_id = excluded.import_id"
    "  WHERE (link.kind, link.valid_from, link.valid_to)"
    "   IS DISTINCT FROM (excluded.kind, excluded.valid_from, excluded.valid_to)"
    " RETURNING (xmax = 0) AS added)"
    "SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM merged"};
static const struct db_statement links_remove = {
    "registry_links_remove",
    "DELETE FROM registry_link AS link WHERE city_code = $1 AND NOT EXISTS ("
    " SELECT FROM registry_feed AS feed WHERE feed.ca = link.ca AND feed.serial = link.serial"
    " AND feed.atenabango = link.atenabango)"};
static const struct db_statement work_wake = {
    "registry_work_wake",
    "UPDATE work SET due_at = now() FROM application AS a"
    " WHERE a.city_code = work.city_code AND a.application_id = work.application_id"
    " AND work.city_code = $1 AND work.stage = 'identify' AND a.state = 'unmatched'"
    " AND a.reason IN ('serial-unknown', 'many-links')"};
static const struct db_statement work_notify = {"registry_work_notify",
                                                "SELECT pg_notify('work_identify', '') IS NULL"};

/* --- reading the feed ------------------------------------------------------------------------- */

/* A stream that hashes what is read through it, so that the file is read once. */
struct hashed {
    FILE *in;
    EVP_MD_CTX *hash;
};

static ssize_t hashed_read(void *cookie, char *data, size_t size)
{
    struct hashed *hashed = cookie;
    size_t length = fread(data, 1, size, hashed->in);
    EVP_DigestUpdate(hashed->hash, data, length);
    return length == 0 && ferror(hashed->in) ? -1 : (ssize_t)length;
}

DEFINE_CLEANUP(cleanup_csv, struct csv_reader *, csv_close)

static bool copy_record(struct db_copy *copy, const struct csv_record *record, struct failure *f)
{
    struct registry_row row;
    char line[24];
    if (!registry_row_read(record, &row, f))
        return false;
    snprintf(line, sizeof(line), "%" PRId64, record->line);
    const char *fields[] = {line,           row.ca,         row.serial,  row.kind,
                            row.atenabango, row.valid_from, row.valid_to};
    return db_copy_row(copy, fields, sizeof(fields) / sizeof(*fields), f);
}

static bool copy_records(struct csv_reader *reader, struct db_copy *copy, struct failure *f)
{
    struct csv_record record;
    bool end = false;
    if (!csv_next(reader, &record, &end, f))
        return false;
    if (end)
        return failure_set(f, FAILURE_INPUT, "line 1: the feed is empty, not even a header line");
    if (!registry_header_check(&record, f))
        return false;
    for (;;) {
        if (!csv_next(reader, &record, &end, f))
            return false;
        if (end)
            return true;
        if (!copy_record(copy, &record, f))
            return false;
    }
}

static bool copy_feed(struct db_tx *tx, FILE *in, int64_t *ret_rows, uint8_t ret_sha256[32],
                      struct failure *f)
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    struct hashed hashed = {in, hash};
    _cleanup_(cleanup_file) FILE *stream =
        fopencookie(&hashed, "r", (cookie_io_functions_t){.read = hashed_read});
    if (!stream)
        return failure_errno(f, "registry feed");
    _cleanup_(cleanup_csv) struct csv_reader *reader = csv_open(stream);
    struct db_copy *copy;
    if (!db_copy_begin(tx, &feed_copy, &copy, f))
        return false;
    /* the copy is ended in any case; the first fault is the one that tells */
    struct failure fault = {0}, ended = {0};
    bool good = copy_records(reader, copy, &fault);
    int64_t rows;
    if (!db_copy_end(copy, &rows, &ended) || !good) {
        if (f)
            *f = good ? ended : fault;
        return false;
    }
    *ret_rows = rows;
    EVP_DigestFinal_ex(hash, ret_sha256, NULL);
    return true;
}

/* --- the import ------------------------------------------------------------------------------- */

struct import {
    const char *city_code, *actor;
    FILE *in;
    bool full, begun;
    struct registry_import_result result;
};

static bool lock_take(struct db_tx *tx, const struct db_statement *statement, const char *city_code,
                      struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_query(tx, statement, DB_VALUES(db_text(city_code)), &rows, f);
}

static bool check_twice(struct db_tx *tx, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &feed_twice, DB_NO_VALUES, &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return true;
    return failure_set(f, FAILURE_INPUT,
                       "line %" PRId64 ", item serial: E0004 the same ca, serial and atenabango "
                       "stand in line %" PRId64 " already",
                       db_get_number(rows, 0, 0), db_get_number(rows, 0, 1));
}

static bool note_import(struct db_tx *tx, const struct import *import, const uint8_t sha256[32],
                        int64_t *ret_id, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &import_note,
                  DB_VALUES(db_text(import->city_code), db_text(import->actor),
                            db_boolean(import->full), db_number(import->result.rows),
                            db_bytes(bytes_of(sha256, 32))),
                  &rows, f))
        return false;
    *ret_id = db_get_number(rows, 0, 0);
    return true;
}

static bool merge(struct db_tx *tx, struct import *import, int64_t import_id, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &links_merge, DB_VALUES(db_text(import->city_code), db_number(import_id)),
                  &rows, f))
        return false;
    import->result.added = db_get_number(rows, 0, 0);
    import->result.changed = db_get_number(rows, 0, 1);
    return !import->full || db_execute(tx, &links_remove, DB_VALUES(db_text(import->city_code)),
                                       &import->result.removed, f);
}

static bool wake(struct db_tx *tx, struct import *import, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_execute(tx, &work_wake, DB_VALUES(db_text(import->city_code)), &import->result.woken,
                      f) &&
           db_query(tx, &work_notify, DB_NO_VALUES, &rows, f);
}

static bool note_audit(struct db_tx *tx, const struct import *import, const uint8_t sha256[32],
                       struct failure *f)
{
    char hash[65];
    _cleanup_(cleanup_json) json_t *detail = json_pack(
        "{s:b s:I s:I s:I s:I s:s}", "full", import->full, "rows", (json_int_t)import->result.rows,
        "added", (json_int_t)import->result.added, "changed", (json_int_t)import->result.changed,
        "removed", (json_int_t)import->result.removed, "sha256", hex_encode(sha256, 32, hash));
    _cleanup_(cleanup_text) char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS);
    struct audit_entry entry = {.action = "registry.import",
                                .actor = import->actor,
                                .city_code = import->city_code,
                                .detail = text};
    return audit_append(tx, "registry", &entry, 1, f);
}

/* A transaction that lost a race runs again: from the start of the feed. */
static bool feed_rewind(struct import *import, struct failure *f)
{
    if (import->begun && fseeko(import->in, 0, SEEK_SET) != 0)
        return failure_set(f, FAILURE_DATABASE,
                           "the import met another one, and the feed is a pipe that can't be read "
                           "again: run it again");
    import->begun = true;
    import->result = (struct registry_import_result){0};
    return true;
}

static bool import_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct import *import = context;
    uint8_t sha256[32];
    int64_t import_id;
    if (!feed_rewind(import, f) || !db_execute(tx, &feed_table, DB_NO_VALUES, NULL, f) ||
        !copy_feed(tx, import->in, &import->result.rows, sha256, f) || !check_twice(tx, f))
        return false;
    if (import->full && import->result.rows == 0)
        return failure_set(f, FAILURE_INPUT,
                           "line 2: the feed has no rows, and a full load would remove every link");
    return lock_take(tx, &links_lock, import->city_code, f) &&
           note_import(tx, import, sha256, &import_id, f) && merge(tx, import, import_id, f) &&
           wake(tx, import, f) && note_audit(tx, import, sha256, f);
}

bool registry_import(struct db *db, const char *city_code, FILE *in, bool full, const char *actor,
                     struct registry_import_result *ret_result, struct failure *f)
{
    struct import import = {.city_code = city_code, .actor = actor, .in = in, .full = full};
    if (!db_transaction(db, import_work, &import, f))
        return false;
    metric_add(&links_total, "added", import.result.added);
    metric_add(&links_total, "changed", import.result.changed);
    metric_add(&links_total, "removed", import.result.removed);
    *ret_result = import.result;
    return true;
}

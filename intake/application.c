#include "intake/application.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/application_internal.h"

/* Both wait for whoever makes the same key at the same time; then the second sees it. */
static const struct db_statement application_keys_insert = {
    "application_keys_insert",
    "INSERT INTO application_key (city_code, application_id, wrapped) "
    "SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[]) ON CONFLICT DO NOTHING"};
static const struct db_statement application_keys_select = {
    "application_keys_select",
    "SELECT found.wrapped FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY"
    "  AS wanted (city_code, application_id, position)"
    " CROSS JOIN LATERAL (SELECT k.wrapped FROM application_key k"
    "  WHERE k.city_code = wanted.city_code AND k.application_id = wanted.application_id OFFSET 0)"
    "  AS found "
    "ORDER BY wanted.position"};
/* What is stored stays: a worker that comes late must not put other bytes in its place. */
static const struct db_statement package_insert = {
    "package_insert", "INSERT INTO package (city_code, application_id, size, sha256, sealed) "
                      "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT DO NOTHING"};
static const struct db_statement evidence_insert = {
    "evidence_insert",
    "INSERT INTO package_evidence (city_code, application_id, size, sha256, sealed) "
    "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT DO NOTHING"};
/* LATERAL … OFFSET 0: the batch leads, whatever the planner thinks of the tables. */
static const struct db_statement packages_select = {
    "packages_select",
    "WITH wanted AS MATERIALIZED ("
    " SELECT w.*, sum(coalesce(p.size, 0)) OVER (ORDER BY w.position) - coalesce(p.size, 0)"
    "   AS before"
    " FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY"
    "   AS w (city_code, application_id, position)"
    " LEFT JOIN LATERAL (SELECT size FROM package"
    "  WHERE city_code = w.city_code AND application_id = w.application_id OFFSET 0) p ON true)"
    "SELECT found.* FROM wanted LEFT JOIN LATERAL ("
    " SELECT p.sealed, k.wrapped, a.receipt_number, a.applied_at, a.procedure_id, a.form_version,"
    "  x.evidence"
    " FROM application a JOIN package p USING (city_code, application_id)"
    "  JOIN application_key k USING (city_code, application_id)"
    "  LEFT JOIN examination x USING (city_code, application_id)"
    " WHERE a.city_code = wanted.city_code AND a.application_id = wanted.application_id OFFSET 0)"
    " AS found ON true "
    "WHERE wanted.position = 1 OR wanted.before < $3::bigint ORDER BY wanted.position"};
const char *application_context(const struct work_item *item, char text[APPLICATION_CONTEXT])
{
    snprintf(text, APPLICATION_CONTEXT, "%s/%s", item->city_code, item->application_id);
    return text;
}

void application_copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

bool application_not_stored(const struct work_item *item, const char *what, struct failure *f)
{
    return failure_set(f, FAILURE_INPUT, "application %s has no %s in the database",
                       item->application_id, what);
}

bool application_key_open(const struct city_key *city, const struct work_item *item,
                          const struct wrapped_key *wrapped, struct application_key *ret_key,
                          struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    return application_key_unwrap(city, application_context(item, context),
                                  bytes_of(wrapped->data, sizeof wrapped->data), ret_key, f);
}

bool wrapped_key_read(const struct db_rows *rows, size_t row, int column,
                      const struct work_item *item, struct wrapped_key *ret_key, struct failure *f)
{
    struct bytes wrapped = db_get_bytes(rows, row, column);
    if (wrapped.length != sizeof ret_key->data)
        return application_not_stored(item, "key", f);
    memcpy(ret_key->data, wrapped.data, wrapped.length);
    return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

#define WRAPPED_TEXT (2 + 2 * SEAL_WRAPPED_LENGTH + 1) /* "\\x", digits, NUL */

static bool new_key_write(const struct city_key *city, const struct work_item *item,
                          char text[WRAPPED_TEXT], struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key key;
    if (!application_key_make(city, application_context(item, context), &key, wrapped, f))
        return false;
    application_key_erase(&key);
    memcpy(text, "\\x", 2);
    hex_encode(wrapped, sizeof wrapped, text + 2);
    return true;
}

static bool keys_insert(struct db_tx *tx, const struct city_key *city,
                        const struct work_item *items, const struct work_columns *columns,
                        struct failure *f)
{
    char texts[WORK_BATCH_MOST][WRAPPED_TEXT];
    const char *wrapped[WORK_BATCH_MOST];
    for (size_t i = 0; i < columns->count; i++) {
        if (!new_key_write(city, &items[i], texts[i], f))
            return false;
        wrapped[i] = texts[i];
    }
    return db_send(tx, &application_keys_insert,
                   DB_VALUES(WORK_COLUMNS(*columns), db_texts(wrapped, columns->count)), -1, f);
}

bool application_keys(struct db_tx *tx, const struct city_key *city, const struct work_item *items,
                      size_t count, struct wrapped_key *ret_keys, struct failure *f)
{
    struct work_columns columns;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    work_columns_fill(&columns, items, count);
    if (!keys_insert(tx, city, items, &columns, f) ||
        !db_query(tx, &application_keys_select, DB_VALUES(WORK_COLUMNS(columns)), &rows, f))
        return false;
    if (db_row_count(rows) != count)
        return failure_set(f, FAILURE_DATABASE, "keys that were just made are not there");
    for (size_t i = 0; i < count; i++)
        if (!wrapped_key_read(rows, i, 0, &items[i], &ret_keys[i], f))
            return false;
    return true;
}

/* --- packages --------------------------------------------------------------------------------- */

static bool package_store(struct db_tx *tx, const struct application_key *key,
                          const struct work_item *item, struct bytes package, bool evidence,
                          struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    uint8_t hash[32];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    sha256(package, hash);
    return seal(key, evidence ? "evidence" : "package", application_context(item, context), package,
                &sealed, f) &&
           db_send(tx, evidence ? &evidence_insert : &package_insert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_number((int64_t)package.length),
                             db_bytes(bytes_of(hash, sizeof hash)),
                             db_bytes(buffer_bytes(&sealed))),
                   -1, f);
}

bool application_store_package(struct db_tx *tx, const struct city_key *city,
                               const struct work_item *item, const struct wrapped_key *wrapped,
                               struct bytes package, bool evidence, struct failure *f)
{
    struct application_key key;
    if (!application_key_open(city, item, wrapped, &key, f))
        return false;
    bool done = package_store(tx, &key, item, package, evidence, f);
    application_key_erase(&key);
    return done;
}

void stored_application_free(struct stored_application *application)
{
    buffer_erase_free(&application->package);
    buffer_free(&application->evidence);
    *application = (struct stored_application){0};
}

bool application_fetch_packages(struct db_tx *tx, const struct work_item *items, size_t count,
                                int64_t bytes_most, struct db_rows **ret_rows, struct failure *f)
{
    struct work_columns columns;
    work_columns_fill(&columns, items, count);
    return db_query(tx, &packages_select, DB_VALUES(WORK_COLUMNS(columns), db_number(bytes_most)),
                    ret_rows, f);
}

static bool package_unseal(const struct db_rows *rows, size_t row, const struct city_key *city,
                           const struct work_item *item, struct stored_application *stored,
                           struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    struct application_key key;
    if (!application_key_open(city, item, &stored->key, &key, f))
        return false;
    application_context(item, context);
    bool opened =
        unseal(&key, "package", context, db_get_bytes(rows, row, 0), &stored->package, f) &&
        (db_is_null(rows, row, 6) || unseal(&key, "verdict-evidence", context,
                                            db_get_bytes(rows, row, 6), &stored->evidence, f));
    application_key_erase(&key);
    return opened;
}

bool application_open_package(const struct db_rows *rows, size_t row, const struct city_key *city,
                              const struct work_item *item,
                              struct stored_application *ret_application, struct failure *f)
{
    struct stored_application stored = {0};
    if (db_is_null(rows, row, 0))
        return application_not_stored(item, "package", f);
    if (!wrapped_key_read(rows, row, 1, item, &stored.key, f))
        return false;
    if (!package_unseal(rows, row, city, item, &stored, f)) {
        stored_application_free(&stored);
        return false;
    }
    application_copy_text(stored.receipt_number, sizeof stored.receipt_number,
                          db_get_text(rows, row, 2));
    stored.applied_at = db_get_instant(rows, row, 3);
    application_copy_text(stored.procedure_id, sizeof stored.procedure_id,
                          db_get_text(rows, row, 4));
    application_copy_text(stored.form_version, sizeof stored.form_version,
                          db_get_text(rows, row, 5));
    *ret_application = stored;
    return true;
}

#include "intake/application.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const struct db_statement application_key_insert = {
    "application_key_insert", "INSERT INTO application_key (city_code, application_id, wrapped) "
                              "VALUES ($1, $2::uuid, $3) ON CONFLICT DO NOTHING"};
static const struct db_statement application_key_select = {
    "application_key_select",
    "SELECT wrapped FROM application_key WHERE city_code = $1 AND application_id = $2::uuid"};
/* What is stored stays: a worker that comes late must not put other bytes in its place. */
static const struct db_statement package_insert = {
    "package_insert", "INSERT INTO package (city_code, application_id, size, sha256, sealed) "
                      "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT DO NOTHING"};
static const struct db_statement evidence_insert = {
    "evidence_insert",
    "INSERT INTO package_evidence (city_code, application_id, size, sha256, sealed) "
    "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT DO NOTHING"};
static const struct db_statement package_select = {
    "package_select",
    "SELECT p.sealed, k.wrapped, a.receipt_number, a.applied_at, a.procedure_id, a.form_version "
    "FROM application a JOIN package p USING (city_code, application_id)"
    " JOIN application_key k USING (city_code, application_id) "
    "WHERE a.city_code = $1 AND a.application_id = $2::uuid"};
static const struct db_statement examination_upsert = {
    "examination_upsert",
    "INSERT INTO examination (city_code, application_id, examined_at, verdict, reason,"
    " sub_indication, ca, serial, report, facts, record) "
    "VALUES ($1, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "ON CONFLICT (city_code, application_id) DO UPDATE SET examined_at = excluded.examined_at,"
    " verdict = excluded.verdict, reason = excluded.reason,"
    " sub_indication = excluded.sub_indication, ca = excluded.ca, serial = excluded.serial,"
    " report = excluded.report, facts = excluded.facts, record = excluded.record"};
static const struct db_statement examination_select = {
    "examination_select",
    "SELECT e.report, e.facts, e.record, e.ca, e.serial, k.wrapped, a.procedure_id,"
    " a.form_version, a.applied_at, i.atenabango "
    "FROM application a JOIN examination e USING (city_code, application_id)"
    " JOIN application_key k USING (city_code, application_id)"
    " LEFT JOIN identification i USING (city_code, application_id) "
    "WHERE a.city_code = $1 AND a.application_id = $2::uuid"};
static const struct db_statement identification_upsert = {
    "identification_upsert",
    "INSERT INTO identification (city_code, application_id, identified_at, atenabango, how) "
    "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT (city_code, application_id) DO UPDATE SET"
    " identified_at = excluded.identified_at, atenabango = excluded.atenabango,"
    " how = excluded.how"};

#define CONTEXT 64 /* "<city code>/<application id>" */

static const char *context_of(const struct work_item *item, char text[CONTEXT])
{
    snprintf(text, CONTEXT, "%s/%s", item->city_code, item->application_id);
    return text;
}

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static bool not_stored(const struct work_item *item, const char *what, struct failure *f)
{
    return failure_set(f, FAILURE_DATABASE, "application %s has no %s in the database",
                       item->application_id, what);
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool key_load(struct db_tx *tx, const struct city_key *city, const struct work_item *item,
                     struct application_key *ret_key, struct failure *f)
{
    char context[CONTEXT];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &application_key_select,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return not_stored(item, "key", f);
    return application_key_unwrap(city, context_of(item, context), db_get_bytes(rows, 0, 0),
                                  ret_key, f);
}

/* One application has one key, whoever comes first. */
static bool key_make_or_load(struct db_tx *tx, const struct city_key *city,
                             const struct work_item *item, struct application_key *ret_key,
                             struct failure *f)
{
    char context[CONTEXT];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key key;
    int64_t inserted = 0;
    if (!application_key_make(city, context_of(item, context), &key, wrapped, f) ||
        !db_execute(tx, &application_key_insert,
                    DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                              db_bytes(bytes_of(wrapped, sizeof wrapped))),
                    &inserted, f))
        return false;
    if (inserted == 1)
        *ret_key = key;
    application_key_erase(&key);
    return inserted == 1 || key_load(tx, city, item, ret_key, f);
}

/* --- packages --------------------------------------------------------------------------------- */

static bool package_store(struct db_tx *tx, const struct application_key *key,
                          const struct work_item *item, struct bytes package, bool evidence,
                          struct failure *f)
{
    char context[CONTEXT];
    uint8_t hash[32];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    sha256(package, hash);
    return seal(key, evidence ? "evidence" : "package", context_of(item, context), package, &sealed,
                f) &&
           db_send(tx, evidence ? &evidence_insert : &package_insert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_number((int64_t)package.length),
                             db_bytes(bytes_of(hash, sizeof hash)),
                             db_bytes(buffer_bytes(&sealed))),
                   -1, f);
}

bool application_store_package(struct db_tx *tx, const struct city_key *city,
                               const struct work_item *item, struct bytes package, bool evidence,
                               struct failure *f)
{
    struct application_key key;
    if (!key_make_or_load(tx, city, item, &key, f))
        return false;
    bool done = package_store(tx, &key, item, package, evidence, f);
    application_key_erase(&key);
    return done;
}

void stored_application_free(struct stored_application *application)
{
    buffer_erase_free(&application->package);
    *application = (struct stored_application){0};
}

bool application_load_package(struct db_tx *tx, const struct city_key *city,
                              const struct work_item *item,
                              struct stored_application *ret_application, struct failure *f)
{
    char context[CONTEXT];
    struct application_key key;
    struct stored_application stored = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &package_select,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return not_stored(item, "package", f);
    context_of(item, context);
    if (!application_key_unwrap(city, context, db_get_bytes(rows, 0, 1), &key, f))
        return false;
    bool opened = unseal(&key, "package", context, db_get_bytes(rows, 0, 0), &stored.package, f);
    application_key_erase(&key);
    if (!opened) {
        stored_application_free(&stored);
        return false;
    }
    copy_text(stored.receipt_number, sizeof stored.receipt_number, db_get_text(rows, 0, 2));
    stored.applied_at = db_get_instant(rows, 0, 3);
    copy_text(stored.procedure_id, sizeof stored.procedure_id, db_get_text(rows, 0, 4));
    copy_text(stored.form_version, sizeof stored.form_version, db_get_text(rows, 0, 5));
    *ret_application = stored;
    return true;
}

/* --- examinations ----------------------------------------------------------------------------- */

/* Nothing is sealed where there is no JSON. */
static bool seal_json(const struct application_key *key, const char *purpose, const char *context,
                      const json_t *json, struct buffer *ret_sealed, struct failure *f)
{
    if (!json)
        return true;
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return failure_set(f, FAILURE_SYSTEM, "the %s cannot be written as JSON", purpose);
    bool done = seal(key, purpose, context, bytes_of_text(text), ret_sealed, f);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return done;
}

static struct db_value sealed_value(const struct buffer *sealed)
{
    return sealed->length ? db_bytes(buffer_bytes(sealed)) : db_null();
}

static struct db_value text_or_null(const char *text)
{
    return db_text(*text ? text : NULL);
}

static bool examination_store(struct db_tx *tx, const struct application_key *key,
                              const struct work_item *item, const struct examination *examination,
                              struct failure *f)
{
    char context[CONTEXT];
    _cleanup_(cleanup_buffer) struct buffer report = {0}, facts = {0}, record = {0};
    context_of(item, context);
    return seal_json(key, "report", context, examination->report, &report, f) &&
           seal_json(key, "facts", context, examination->facts, &facts, f) &&
           seal_json(key, "record", context, examination->record, &record, f) &&
           db_send(tx, &examination_upsert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_instant(clock_now()), db_text(verdict_name(examination->verdict)),
                             text_or_null(examination->reason),
                             text_or_null(examination->sub_indication),
                             text_or_null(examination->ca), text_or_null(examination->serial),
                             sealed_value(&report), sealed_value(&facts), sealed_value(&record)),
                   1, f);
}

bool application_store_examination(struct db_tx *tx, const struct city_key *city,
                                   const struct work_item *item,
                                   const struct examination *examination, struct failure *f)
{
    struct application_key key;
    if (!key_load(tx, city, item, &key, f))
        return false;
    bool done = examination_store(tx, &key, item, examination, f);
    application_key_erase(&key);
    return done;
}

void stored_examination_free(struct stored_examination *examination)
{
    json_decref(examination->report);
    json_decref(examination->facts);
    json_decref(examination->record);
    *examination = (struct stored_examination){0};
}

static bool unseal_json(const struct application_key *key, const char *purpose, const char *context,
                        struct bytes sealed, json_t **ret_json, struct failure *f)
{
    if (!sealed.length)
        return true;
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    if (!unseal(key, purpose, context, sealed, &plain, f))
        return false;
    *ret_json = json_loadb((const char *)plain.data, plain.length, JSON_REJECT_DUPLICATES, NULL);
    return *ret_json || failure_set(f, FAILURE_INPUT, "the stored %s of application %s is no JSON",
                                    purpose, context);
}

static bool examination_open(const struct db_rows *rows, const struct application_key *key,
                             const char *context, struct stored_examination *ret, struct failure *f)
{
    if (!unseal_json(key, "report", context, db_get_bytes(rows, 0, 0), &ret->report, f) ||
        !unseal_json(key, "facts", context, db_get_bytes(rows, 0, 1), &ret->facts, f) ||
        !unseal_json(key, "record", context, db_get_bytes(rows, 0, 2), &ret->record, f))
        return false;
    copy_text(ret->ca, sizeof ret->ca, db_get_text(rows, 0, 3));
    copy_text(ret->serial, sizeof ret->serial, db_get_text(rows, 0, 4));
    copy_text(ret->procedure_id, sizeof ret->procedure_id, db_get_text(rows, 0, 6));
    copy_text(ret->form_version, sizeof ret->form_version, db_get_text(rows, 0, 7));
    ret->applied_at = db_get_instant(rows, 0, 8);
    copy_text(ret->atenabango, sizeof ret->atenabango, db_get_text(rows, 0, 9));
    return true;
}

bool application_load_examination(struct db_tx *tx, const struct city_key *city,
                                  const struct work_item *item,
                                  struct stored_examination *ret_examination, struct failure *f)
{
    char context[CONTEXT];
    struct application_key key;
    struct stored_examination stored = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &examination_select,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return not_stored(item, "examination", f);
    context_of(item, context);
    if (!application_key_unwrap(city, context, db_get_bytes(rows, 0, 5), &key, f))
        return false;
    bool opened = examination_open(rows, &key, context, &stored, f);
    application_key_erase(&key);
    if (!opened) {
        stored_examination_free(&stored);
        return false;
    }
    *ret_examination = stored;
    return true;
}

bool application_store_atenabango(struct db_tx *tx, const struct work_item *item,
                                  const char *atenabango, const char *how, struct failure *f)
{
    return db_send(tx, &identification_upsert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_instant(clock_now()), db_text(atenabango), db_text(how)),
                   1, f);
}

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "intake/application_internal.h"

static const struct db_statement examination_upsert = {
    "examination_upsert",
    "INSERT INTO examination (city_code, application_id, examined_at, verdict, reason,"
    " sub_indication, ca, serial, report, facts, record, evidence) "
    "VALUES ($1, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
    "ON CONFLICT (city_code, application_id) DO UPDATE SET examined_at = excluded.examined_at,"
    " verdict = excluded.verdict, reason = excluded.reason,"
    " sub_indication = excluded.sub_indication, ca = excluded.ca, serial = excluded.serial,"
    " report = excluded.report, facts = excluded.facts, record = excluded.record,"
    " evidence = excluded.evidence"};
/* LATERAL … OFFSET 0: the batch leads, whatever the planner thinks of the tables. */
static const struct db_statement examinations_select = {
    "examinations_select",
    "SELECT found.* FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY"
    "  AS wanted (city_code, application_id, position)"
    " LEFT JOIN LATERAL ("
    "  SELECT e.report, e.facts, e.record, e.ca, e.serial, k.wrapped, a.procedure_id,"
    "   a.form_version, a.applied_at, i.atenabango"
    "  FROM application a JOIN examination e USING (city_code, application_id)"
    "   JOIN application_key k USING (city_code, application_id)"
    "   LEFT JOIN identification i USING (city_code, application_id)"
    "  WHERE a.city_code = wanted.city_code AND a.application_id = wanted.application_id OFFSET 0)"
    "  AS found ON true "
    "ORDER BY wanted.position"};

/* --- storing ---------------------------------------------------------------------------------- */

/* Nothing is sealed where there is nothing. */
static bool seal_some(const struct application_key *key, const char *purpose, const char *context,
                      const struct buffer *plain, struct buffer *ret_sealed, struct failure *f)
{
    return !plain->length || seal(key, purpose, context, buffer_bytes(plain), ret_sealed, f);
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
    char context[APPLICATION_CONTEXT];
    _cleanup_(cleanup_buffer) struct buffer report = {0}, facts = {0}, record = {0}, evidence = {0};
    application_context(item, context);
    return seal_some(key, "report", context, &examination->report, &report, f) &&
           seal_some(key, "facts", context, &examination->facts, &facts, f) &&
           seal_some(key, "record", context, &examination->record, &record, f) &&
           seal_some(key, "verdict-evidence", context, &examination->evidence, &evidence, f) &&
           db_send(tx, &examination_upsert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_instant(clock_now()), db_text(verdict_name(examination->verdict)),
                             text_or_null(examination->reason),
                             text_or_null(examination->sub_indication),
                             text_or_null(examination->ca), text_or_null(examination->serial),
                             sealed_value(&report), sealed_value(&facts), sealed_value(&record),
                             sealed_value(&evidence)),
                   1, f);
}

bool application_store_examination(struct db_tx *tx, const struct city_key *city,
                                   const struct work_item *item, const struct wrapped_key *wrapped,
                                   const struct examination *examination, struct failure *f)
{
    struct application_key key;
    if (!application_key_open(city, item, wrapped, &key, f))
        return false;
    bool done = examination_store(tx, &key, item, examination, f);
    application_key_erase(&key);
    return done;
}

/* --- opening ---------------------------------------------------------------------------------- */

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
    *ret_json = json_read(buffer_bytes(&plain));
    return *ret_json || failure_set(f, FAILURE_INPUT, "the stored %s of application %s is no JSON",
                                    purpose, context);
}

bool application_fetch_examinations(struct db_tx *tx, const struct work_item *items, size_t count,
                                    struct db_rows **ret_rows, struct failure *f)
{
    struct work_columns columns;
    work_columns_fill(&columns, items, count);
    return db_query(tx, &examinations_select, DB_VALUES(WORK_COLUMNS(columns)), ret_rows, f);
}

static bool examination_unseal(const struct db_rows *rows, size_t row, const struct city_key *city,
                               const struct work_item *item, struct stored_examination *stored,
                               struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    struct application_key key;
    application_context(item, context);
    if (!application_key_open(city, item, &stored->key, &key, f))
        return false;
    bool opened =
        unseal_json(&key, "report", context, db_get_bytes(rows, row, 0), &stored->report, f) &&
        unseal_json(&key, "facts", context, db_get_bytes(rows, row, 1), &stored->facts, f) &&
        unseal_json(&key, "record", context, db_get_bytes(rows, row, 2), &stored->record, f);
    application_key_erase(&key);
    return opened;
}

static void columns_read(const struct db_rows *rows, size_t row, struct stored_examination *stored)
{
    application_copy_text(stored->ca, sizeof stored->ca, db_get_text(rows, row, 3));
    application_copy_text(stored->serial, sizeof stored->serial, db_get_text(rows, row, 4));
    application_copy_text(stored->procedure_id, sizeof stored->procedure_id,
                          db_get_text(rows, row, 6));
    application_copy_text(stored->form_version, sizeof stored->form_version,
                          db_get_text(rows, row, 7));
    stored->applied_at = db_get_instant(rows, row, 8);
    application_copy_text(stored->atenabango, sizeof stored->atenabango, db_get_text(rows, row, 9));
}

bool application_open_examination(const struct db_rows *rows, size_t row,
                                  const struct city_key *city, const struct work_item *item,
                                  struct stored_examination *ret_examination, struct failure *f)
{
    struct stored_examination stored = {0};
    if (db_is_null(rows, row, 0))
        return application_not_stored(item, "examination", f);
    if (!wrapped_key_read(rows, row, 5, item, &stored.key, f))
        return false;
    if (!examination_unseal(rows, row, city, item, &stored, f)) {
        stored_examination_free(&stored);
        return false;
    }
    columns_read(rows, row, &stored);
    *ret_examination = stored;
    return true;
}

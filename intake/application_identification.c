#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/application_internal.h"

static const struct db_statement identification_upsert = {
    "identification_upsert",
    "INSERT INTO identification (city_code, application_id, identified_at, atenabango, how) "
    "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT (city_code, application_id) DO UPDATE SET"
    " identified_at = excluded.identified_at, atenabango = excluded.atenabango,"
    " how = excluded.how"};
static const struct db_statement decision_upsert = {
    "identification_decision_upsert",
    "INSERT INTO identification_decision (city_code, application_id, decided_at, sealed) "
    "VALUES ($1, $2::uuid, $3, $4) ON CONFLICT (city_code, application_id) DO UPDATE SET"
    " decided_at = excluded.decided_at, sealed = excluded.sealed"};
const struct db_statement application_decision_select = {
    "identification_decision_select", "SELECT d.sealed, k.wrapped FROM identification_decision d"
                                      " JOIN application_key k USING (city_code, application_id) "
                                      "WHERE d.city_code = $1 AND d.application_id = $2::uuid"};

bool application_store_atenabango(struct db_tx *tx, const struct work_item *item,
                                  const char *atenabango, const char *how, struct failure *f)
{
    return db_send(tx, &identification_upsert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_instant(clock_now()), db_text(atenabango), db_text(how)),
                   1, f);
}

static bool decision_seal(const struct city_key *city, const struct work_item *item,
                          const struct wrapped_key *wrapped, struct bytes plain,
                          struct buffer *ret_sealed, struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    struct application_key key;
    if (!application_key_open(city, item, wrapped, &key, f))
        return false;
    bool done =
        seal(&key, "identification", application_context(item, context), plain, ret_sealed, f);
    application_key_erase(&key);
    return done;
}

bool application_store_decision(struct db_tx *tx, const struct city_key *city,
                                const struct work_item *item, const struct wrapped_key *wrapped,
                                const json_t *decision, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    char *text = json_dumps(decision, JSON_COMPACT);
    bool done = decision_seal(city, item, wrapped, bytes_of_text(text), &sealed, f) &&
                db_send(tx, &decision_upsert,
                        DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                                  db_instant(clock_now()), db_bytes(buffer_bytes(&sealed))),
                        1, f);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return done;
}

static bool decision_unseal(const struct db_rows *rows, const struct city_key *city,
                            const struct work_item *item, struct buffer *ret_plain,
                            struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    struct wrapped_key wrapped;
    struct application_key key;
    if (!wrapped_key_read(rows, 0, 1, item, &wrapped, f) ||
        !application_key_open(city, item, &wrapped, &key, f))
        return false;
    bool done = unseal(&key, "identification", application_context(item, context),
                       db_get_bytes(rows, 0, 0), ret_plain, f);
    application_key_erase(&key);
    return done;
}

bool application_decision_read(const struct db_rows *rows, const struct city_key *city,
                               const struct work_item *item, json_t **ret_decision,
                               struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer plain = {0};
    if (db_row_count(rows) == 0) {
        *ret_decision = NULL;
        return true;
    }
    if (!decision_unseal(rows, city, item, &plain, f))
        return false;
    json_t *decision = json_loadb((const char *)plain.data, plain.length, 0, NULL);
    if (!decision)
        return failure_set(f, FAILURE_INPUT,
                           "the stored identification of application %s is no "
                           "JSON",
                           item->application_id);
    *ret_decision = decision;
    return true;
}

bool application_open_decision(struct db_tx *tx, const struct city_key *city,
                               const struct work_item *item, json_t **ret_decision,
                               struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_query(tx, &application_decision_select,
                    DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f) &&
           application_decision_read(rows, city, item, ret_decision, f);
}

#include "routing/problems.h"

#include <stdio.h>

#include "base/cleanup.h"

static const struct db_statement problems_key = {
    "problems_key",
    "SELECT wrapped FROM application_key WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement problems_store = {
    "problems_store", "UPDATE delivery SET problems = $4 WHERE city_code = $1"
                      " AND destination = $2 AND outbox_id = $3::bigint"};

static bool seal_problems(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                          const struct outbox_receipt *receipt, struct buffer *ret_sealed,
                          struct failure *f)
{
    char binding[64];
    struct application_key key;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    snprintf(binding, sizeof binding, "%s/%s", city_code, receipt->application_id);
    if (!db_query(tx, &problems_key,
                  DB_VALUES(db_text(city_code), db_text(receipt->application_id)), &rows, f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_DATABASE, "an application that was handed over has no key");
    if (!application_key_unwrap(city_key, binding, db_get_bytes(rows, 0, 0), &key, f))
        return false;
    bool done = seal(&key, "problems", binding, bytes_of_text(receipt->problems), ret_sealed, f);
    application_key_erase(&key);
    return done;
}

bool problems_keep(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                   const char *destination, const struct outbox_receipt *receipts, size_t count,
                   struct failure *f)
{
    for (size_t i = 0; i < count; i++) {
        if (receipts[i].result != RECEIPT_TAKEN || !receipts[i].problems)
            continue;
        _cleanup_(cleanup_buffer) struct buffer sealed = {0};
        if (!seal_problems(tx, city_key, city_code, &receipts[i], &sealed, f) ||
            !db_send(tx, &problems_store,
                     DB_VALUES(db_text(city_code), db_text(destination),
                               db_number(receipts[i].outbox_id), db_bytes(buffer_bytes(&sealed))),
                     1, f))
            return false;
    }
    return true;
}

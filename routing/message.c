#include "routing/message.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

static const struct db_statement message_key = {
    "message_key", "SELECT wrapped FROM application_key WHERE city_code = $1"
                   " AND application_id = $2::uuid"};
static const struct db_statement message_insert = {
    "message_insert",
    "INSERT INTO resident_message (city_code, application_id, written_at, written_by, status,"
    " sealed) VALUES ($1, $2::uuid, $3, $4, $5, $6) RETURNING message_id"};

static const struct db_statement message_select = {
    "message_select", "SELECT m.sealed, k.wrapped FROM resident_message m"
                      " LEFT JOIN application_key k USING (city_code, application_id) "
                      "WHERE m.city_code = $1 AND m.application_id = $2::uuid"
                      " AND m.message_id = $3::bigint"};

bool message_valid(const char *text)
{
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
            return false;
    return *text && utf8_valid(bytes_of_text(text)) && utf8_length(text) <= MESSAGE_MOST;
}

static const char *context_text(const char *city_code, const char *application_id, char text[64])
{
    snprintf(text, 64, "%s/%s", city_code, application_id);
    return text;
}

bool words_seal(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                const char *application_id, const char *purpose, const char *text,
                struct buffer *ret_sealed, struct failure *f)
{
    char context[64];
    struct application_key key;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    context_text(city_code, application_id, context);
    if (!db_query(tx, &message_key, DB_VALUES(db_text(city_code), db_text(application_id)), &rows,
                  f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_INPUT, "application %s has no key: nothing can be sealed",
                           application_id);
    if (!application_key_unwrap(city_key, context, db_get_bytes(rows, 0, 0), &key, f))
        return false;
    bool done = seal(&key, purpose, context, bytes_of_text(text), ret_sealed, f);
    application_key_erase(&key);
    return done;
}

bool words_unseal(const struct city_key *city_key, const char *city_code,
                  const char *application_id, const char *purpose, struct bytes wrapped,
                  struct bytes sealed, struct buffer *text, struct failure *f)
{
    char context[64];
    struct application_key key;
    context_text(city_code, application_id, context);
    if (!application_key_unwrap(city_key, context, wrapped, &key, f))
        return false;
    bool done = unseal(&key, purpose, context, sealed, text, f);
    application_key_erase(&key);
    return done;
}

bool message_write(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                   const char *application_id, const char *who, const char *status,
                   const char *text, int64_t *ret_id, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!words_seal(tx, city_key, city_code, application_id, "message", text, &sealed, f) ||
        !db_query(tx, &message_insert,
                  DB_VALUES(db_text(city_code), db_text(application_id), db_instant(clock_now()),
                            db_text(who), db_text(status), db_bytes(buffer_bytes(&sealed))),
                  &rows, f))
        return false;
    *ret_id = db_get_number(rows, 0, 0);
    return true;
}

bool message_read(struct db_tx *tx, const struct city_key *city_key, const char *city_code,
                  const char *application_id, int64_t id, struct buffer *text, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &message_select,
                  DB_VALUES(db_text(city_code), db_text(application_id), db_number(id)), &rows, f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_INPUT, "a message of application %s is not there any more",
                           application_id);
    if (db_is_null(rows, 0, 1))
        return true;
    return words_unseal(city_key, city_code, application_id, "message", db_get_bytes(rows, 0, 1),
                        db_get_bytes(rows, 0, 0), text, f);
}

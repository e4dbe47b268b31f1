#include "routing/redelivery.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "routing/claim.h"
#include "routing/outbox.h"

/* What the resident took back nobody needs again; that it was taken back, they may (status). */
static const struct db_statement redelivery_find = {
    "redelivery_find",
    "SELECT d.application_id, d.kept, o.outbox_id IS NOT NULL, d.status IS NULL AND EXISTS ("
    "  SELECT FROM application a WHERE a.city_code = d.city_code"
    "   AND a.application_id = d.application_id AND a.state = 'withdrawn') FROM delivery d"
    " LEFT JOIN outbox o ON o.city_code = d.city_code AND o.destination = d.destination"
    "  AND o.outbox_id = d.outbox_id "
    "WHERE d.city_code = $1 AND d.destination = $2 AND d.outbox_id = $3::bigint AND d.accepted "
    "FOR UPDATE OF d"};

static const struct db_statement redelivery_put = {
    "redelivery_put",
    "INSERT INTO outbox (city_code, destination, outbox_id, application_id, status, sha256, again) "
    "OVERRIDING SYSTEM VALUE"
    " SELECT city_code, destination, outbox_id, application_id, status, sha256, true"
    " FROM delivery WHERE city_code = $1 AND destination = $2 AND outbox_id = $3::bigint "
    "ON CONFLICT DO NOTHING"};

static const struct db_statement redelivery_count = {
    "redelivery_count", "UPDATE delivery SET redelivered = redelivered + 1 WHERE city_code = $1"
                        " AND destination = $2 AND outbox_id = $3::bigint"};

static const struct db_statement redelivery_notify = {"redelivery_notify",
                                                      "SELECT pg_notify($1, '')"};

/* Never what waits again. */
static const struct db_statement redelivery_drop = {
    "redelivery_drop",
    "WITH old AS (UPDATE delivery SET kept = false WHERE ctid = ANY (ARRAY("
    "  SELECT d.ctid FROM delivery d WHERE d.kept AND d.delivered_at < $1::timestamptz"
    "   AND NOT EXISTS (SELECT FROM outbox o WHERE o.city_code = d.city_code"
    "    AND o.destination = d.destination AND o.outbox_id = d.outbox_id)"
    "  ORDER BY d.delivered_at LIMIT $2::bigint))"
    " RETURNING city_code, destination, outbox_id)"
    "DELETE FROM outbox_item i USING old WHERE i.city_code = old.city_code"
    " AND i.destination = old.destination AND i.outbox_id = old.outbox_id"};

const char *redelivery_channel(const char *destination, char text[REDELIVERY_CHANNEL])
{
    snprintf(text, REDELIVERY_CHANNEL, "redelivery_%s", destination);
    for (char *p = text; *p; p++)
        if (*p == '-')
            *p = '_';
    return text;
}

static bool put_again(struct db_tx *tx, const char *city_code, const char *destination,
                      int64_t outbox_id, bool *ret_put, struct failure *f)
{
    int64_t put = 0;
    char channel[REDELIVERY_CHANNEL];
    const struct claim_place place = {.city_code = city_code, .destination = destination};
    if (!claim_free(tx, &place, outbox_id, f) ||
        !db_execute(tx, &redelivery_put,
                    DB_VALUES(db_text(city_code), db_text(destination), db_number(outbox_id)), &put,
                    f))
        return false;
    *ret_put = put == 1;
    return put == 0 ||
           (db_send(tx, &redelivery_count,
                    DB_VALUES(db_text(city_code), db_text(destination), db_number(outbox_id)), 1,
                    f) &&
            db_send(tx, &redelivery_notify,
                    DB_VALUES(db_text(redelivery_channel(destination, channel))), -1, f));
}

bool redelivery_ask(struct db_tx *tx, const char *city_code, const char *destination,
                    int64_t outbox_id, enum redelivery *ret_result, char ret_application_id[37],
                    struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    bool put = true;
    if (!db_query(tx, &redelivery_find,
                  DB_VALUES(db_text(city_code), db_text(destination), db_number(outbox_id)), &rows,
                  f))
        return false;
    bool found = db_row_count(rows) == 1, kept = found && db_get_boolean(rows, 0, 1);
    bool waits = found && db_get_boolean(rows, 0, 2);
    bool withdrawn = found && db_get_boolean(rows, 0, 3);
    if (kept && !waits && !withdrawn && !put_again(tx, city_code, destination, outbox_id, &put, f))
        return false;
    if (found)
        snprintf(ret_application_id, 37, "%s", db_get_text(rows, 0, 0));
    *ret_result = !found      ? REDELIVERY_UNKNOWN
                  : withdrawn ? REDELIVERY_WITHDRAWN
                  : !kept     ? REDELIVERY_GONE
                  : put       ? REDELIVERY_DONE
                              : REDELIVERY_NEWER;
    return true;
}

bool redelivery_forget(struct db_tx *tx, instant before, int64_t most, int64_t *ret_count,
                       struct failure *f)
{
    return db_execute(tx, &redelivery_drop, DB_VALUES(db_instant(before), db_number(most)),
                      ret_count, f);
}

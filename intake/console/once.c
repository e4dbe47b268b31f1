#include "intake/console/once.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* A key that another transaction has just put is waited for. */
static const struct db_statement once_put = {
    "once_put", "INSERT INTO once (city_code, account_id, key, application_id, act, at, asked)"
                " VALUES ($1, $2::uuid, $3::uuid, $4::uuid, $5, $6, $7) ON CONFLICT DO NOTHING"};
/* Machines move on what was done; people may have undone it. */
static const struct db_statement once_find = {
    "once_find",
    "SELECT o.application_id, o.act, o.version, o.state, o.one_more, o.asked,"
    " EXISTS (SELECT FROM application_event e WHERE e.city_code = o.city_code"
    "  AND e.application_id = o.application_id AND e.version > o.version"
    "  AND e.actor LIKE 'staff:%') "
    "FROM once o WHERE o.city_code = $1 AND o.account_id = $2::uuid AND o.key = $3::uuid"};
static const struct db_statement once_keep = {
    "once_keep", "UPDATE once SET version = $4, state = $5, one_more = $6"
                 " WHERE city_code = $1 AND account_id = $2::uuid AND key = $3::uuid"};
static const struct db_statement once_forget = {
    "once_forget", "DELETE FROM once WHERE city_code = $1 AND account_id = $2::uuid"
                   " AND key = $3::uuid"};
static const struct db_statement once_forget_old = {
    "once_forget_old", "DELETE FROM once WHERE city_code = $1 AND account_id = $2::uuid"
                       " AND at < $3"};

#define ACCOUNT(call)                                                                              \
    db_text((call)->subject.item.city_code), db_text((call)->caller.session.account.id)
#define KEY(call, once) ACCOUNT(call), db_text((once)->key)

/* Pages ask again with the version that they see by then. */
static void body_hash(const json_t *body, uint8_t ret_hash[32])
{
    _cleanup_(cleanup_json) json_t *all = json_copy((json_t *)body);
    json_object_del(all, "version");
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    sha256(bytes_of_text(text), ret_hash);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
}

bool once_key(struct http_request *request, const json_t *body, struct once_key *ret_key)
{
    const char *key = http_request_header(request, "Idempotency-Key");
    if (key && !uuid_valid(key)) {
        http_reply_error(request, 400, "E0002", "Idempotency-Key must be a UUID");
        return false;
    }
    ret_key->key = key ? key : "";
    body_hash(body, ret_key->asked);
    return true;
}

static bool answer_read(struct db_tx *tx, const struct subject_call *call,
                        const struct once_key *key, const char *act, enum once *ret_once,
                        struct staff_answer *answer, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &once_find, DB_VALUES(KEY(call, key)), &rows, f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_CONFLICT, "a key was forgotten while it was asked for");
    *ret_once = ONCE_OTHER;
    if (strcmp(db_get_text(rows, 0, 0), call->subject.item.application_id) != 0 ||
        strcmp(db_get_text(rows, 0, 1), act) != 0 ||
        !bytes_equal(db_get_bytes(rows, 0, 5), bytes_of(key->asked, sizeof key->asked)))
        return true;
    *ret_once = db_get_boolean(rows, 0, 6) ? ONCE_PAST : ONCE_AGAIN;
    answer->result = db_get_boolean(rows, 0, 4) ? STAFF_ONE_MORE : STAFF_DONE;
    answer->version = (int)db_get_number(rows, 0, 2);
    snprintf(answer->state, sizeof answer->state, "%s", db_get_text(rows, 0, 3));
    return true;
}

bool once_begin(struct db_tx *tx, const struct subject_call *call, const struct once_key *key,
                const char *act, enum once *ret_once, struct staff_answer *answer,
                struct failure *f)
{
    int64_t put = 0;
    instant now = clock_now();
    *ret_once = ONCE_GO;
    if (!*key->key)
        return true;
    if (!db_send(tx, &once_forget_old, DB_VALUES(ACCOUNT(call), db_instant(now - INSTANT_DAY)), -1,
                 f) ||
        !db_execute(tx, &once_put,
                    DB_VALUES(KEY(call, key), db_text(call->subject.item.application_id),
                              db_text(act), db_instant(now),
                              db_bytes(bytes_of(key->asked, sizeof key->asked))),
                    &put, f))
        return false;
    /* What is told again may have been committed, and not be on disk yet: this waits until it is.
     */
    return put == 1 ||
           (answer_read(tx, call, key, act, ret_once, answer, f) && db_flush_late(tx, f));
}

bool once_end(struct db_tx *tx, const struct subject_call *call, const struct once_key *key,
              const struct staff_answer *answer, struct failure *f)
{
    bool more = answer->result == STAFF_ONE_MORE;
    if (!*key->key)
        return true;
    if (!more && answer->result != STAFF_DONE)
        return db_send(tx, &once_forget, DB_VALUES(KEY(call, key)), 1, f);
    return db_send(tx, &once_keep,
                   DB_VALUES(KEY(call, key), db_number(answer->version), db_text(answer->state),
                             db_boolean(more)),
                   1, f);
}

enum http_flow once_reply_other(struct http_request *request)
{
    return http_reply_error(request, 409, "E0105", "Idempotency-Key was used for something else");
}

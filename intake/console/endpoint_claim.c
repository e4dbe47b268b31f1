/* POST and DELETE /api/applications/{receipt}/claim. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/claim.h"
#include "intake/console/endpoints.h"

const struct db_statement console_claim_find = {
    "claim_find", "SELECT display_name, account_id, claimed_at FROM claim_in_force"
                  " WHERE city_code = $1 AND application_id = $2::uuid"};
/* Whoever else's is in force stays: then no row is touched. */
static const struct db_statement claim_put = {
    "claim_put",
    "INSERT INTO claim AS c (city_code, application_id, account_id, token, claimed_at, until)"
    " VALUES ($1, $2::uuid, $3::uuid, $4, $5, $6) "
    "ON CONFLICT (city_code, application_id) DO UPDATE SET account_id = excluded.account_id,"
    " token = excluded.token, claimed_at = excluded.claimed_at, until = excluded.until "
    "WHERE c.account_id = excluded.account_id OR c.until <= now() OR NOT EXISTS ("
    " SELECT FROM session s WHERE s.city_code = c.city_code AND s.token = c.token"
    " AND s.ended_at IS NULL AND s.until > now())"};
static const struct db_statement claim_end = {
    "claim_end", "DELETE FROM claim WHERE city_code = $1 AND application_id = $2::uuid"
                 " AND account_id = $3::uuid"};

void console_claim_take(const struct db_rows *rows, const struct subject_call *call,
                        struct console_claim *ret_claim)
{
    *ret_claim = (struct console_claim){.any = db_row_count(rows) > 0};
    if (!ret_claim->any)
        return;
    ret_claim->mine = strcmp(db_get_text(rows, 0, 1), call->caller.session.account.id) == 0;
    ret_claim->since = db_get_instant(rows, 0, 2);
    snprintf(ret_claim->by, sizeof ret_claim->by, "%s", db_get_text(rows, 0, 0));
}

bool console_claim_read(struct db_tx *tx, const struct subject_call *call,
                        struct console_claim *ret_claim, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &console_claim_find,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    console_claim_take(rows, call, ret_claim);
    return true;
}

json_t *console_claim_json(const struct console_claim *claim)
{
    return claim->any ? json_pack("{s:s, s:o, s:b}", "by", claim->by, "since",
                                  console_time(claim->since), "mine", claim->mine)
                      : json_null();
}

bool console_claim_release(struct db_tx *tx, const struct subject_call *call, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    return db_send(tx, &claim_end,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_text(call->caller.session.account.id)),
                   -1, f);
}

/* --- the endpoints ------------------------------------------------------------------------------
 */

static bool claim_work(struct db_tx *tx, struct subject_call *call, void *context,
                       struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    const struct session *session = &call->caller.session;
    instant now = clock_now();
    return db_send(tx, &claim_put,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_text(session->account.id),
                             db_bytes(bytes_of(session->token, sizeof session->token)),
                             db_instant(now), db_instant(now + CLAIM_FOR)),
                   -1, f) &&
           console_claim_read(tx, call, context, f) &&
           subject_note(tx, call, "application.claim", NULL, NULL, f);
}

static bool release_work(struct db_tx *tx, struct subject_call *call, void *context,
                         struct failure *f)
{
    (void)context;
    return console_claim_release(tx, call, f) &&
           subject_note(tx, call, "application.release", NULL, NULL, f);
}

enum http_flow endpoint_claim_post(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct console_claim claim;
    if (!subject_begin(context, request, RIGHT_SEE, &call) ||
        !subject_do(&call, claim_work, &claim))
        return HTTP_DONE;
    if (!claim.mine)
        return console_reply_conflict(
            request, json_pack("{s:o}", "claim", console_claim_json(&claim)),
            "%sさんが作業中です。終わるのを待つか、声をかけてください。", claim.by);
    return http_reply_json(request, 200, json_pack("{s:o}", "claim", console_claim_json(&claim)));
}

enum http_flow endpoint_claim_delete(struct http_request *request, void *context)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    if (!subject_begin(context, request, RIGHT_SEE, &call) ||
        !subject_do(&call, release_work, NULL))
        return HTTP_DONE;
    return http_reply_json(request, 200, json_pack("{s:n}", "claim"));
}

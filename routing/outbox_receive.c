/* Receipts: what waits moves to the past, once. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "routing/outbox.h"

/* Whoever holds it, or anybody when nobody does (any more). */
#define CLAIM_ALLOWS                                                                                      \
    " AND (o.claimed_until IS NULL OR o.claimed_until <= now() OR o.claim::text = q.claim)" /* what       \
                                                                                               was        \
                                                                                               accepted   \
                                                                                               before     \
                                                                                               its        \
                                                                                               redelivery \
                                                                                               stays      \
                                                                                               accepted   \
                                                                                             */           \
    " AND (q.accepted OR NOT EXISTS (SELECT FROM delivery d WHERE d.city_code = $1"                       \
    "  AND d.destination = $2 AND d.outbox_id = o.outbox_id))"

/* Takes what waits and is quoted with the right hash; of several receipts for one id the first. */
static const struct db_statement receipts_take = {
    "receipts_take",
    "WITH quoted AS ("
    " SELECT DISTINCT ON (o.outbox_id) q.position, o.outbox_id, q.accepted, q.claim"
    " FROM jsonb_to_recordset($3::jsonb)"
    "  AS q(position bigint, id bigint, sha256 text, accepted boolean, claim text)"
    " JOIN outbox o ON o.city_code = $1 AND o.destination = $2 AND o.outbox_id = q.id"
    "  AND encode(o.sha256, 'hex') = q.sha256" CLAIM_ALLOWS " ORDER BY o.outbox_id, q.position),"
    "taken AS ("
    " DELETE FROM outbox o USING quoted q" /* looks again: a claim may have come meanwhile */
    " WHERE o.city_code = $1 AND o.destination = $2 AND o.outbox_id = q.outbox_id" CLAIM_ALLOWS
    " RETURNING o.*, q.position, q.accepted),"
    "cleared AS (" /* what was accepted is kept for a redelivery (routing/redelivery.h) */
    " DELETE FROM outbox_item i USING taken t WHERE i.city_code = $1 AND i.destination = $2"
    "  AND i.outbox_id = t.outbox_id AND NOT t.accepted),"
    "noted AS ("
    " INSERT INTO delivery AS d (city_code, destination, outbox_id, application_id, created_at,"
    "  attempts, status, sha256, accepted, kept)"
    " SELECT city_code, destination, outbox_id, application_id, created_at, attempts, status,"
    "  sha256, accepted, accepted FROM taken"
    " ON CONFLICT (city_code, destination, outbox_id) DO UPDATE SET"
    "  attempts = d.attempts + excluded.attempts, kept = true"
    " RETURNING outbox_id, redelivered > 0 AS again)"
    "SELECT t.position, t.application_id, n.again, t.status IS NOT NULL"
    " FROM taken t JOIN noted n USING (outbox_id)"};

/* What was not taken: was it received before, or is it not there at all? */
static const struct db_statement receipts_compare = {
    "receipts_compare",
    "SELECT q.position, d.outbox_id IS NOT NULL, o.outbox_id IS NOT NULL,"
    " coalesce(encode(d.sha256, 'hex') = q.sha256, false),"
    " coalesce(d.accepted = q.accepted, false), coalesce(encode(o.sha256, 'hex') = q.sha256, "
    "false) "
    "FROM jsonb_to_recordset($3::jsonb)"
    " AS q(position bigint, id bigint, sha256 text, accepted boolean) "
    "LEFT JOIN delivery d ON d.city_code = $1 AND d.destination = $2 AND d.outbox_id = q.id "
    "LEFT JOIN outbox o ON o.city_code = $1 AND o.destination = $2 AND o.outbox_id = q.id"};

static const struct db_statement receipts_repeat = {
    "receipts_repeat",
    "UPDATE delivery d SET repeated = d.repeated + q.times "
    "FROM (SELECT id, count(*)::integer AS times FROM unnest($3::bigint[]) AS id GROUP BY id) q "
    "WHERE d.city_code = $1 AND d.destination = $2 AND d.outbox_id = q.id"};

const char *receipt_result_name(enum receipt_result result)
{
    static const char *const names[] = {
        [RECEIPT_TAKEN] = "taken",       [RECEIPT_REPEATED] = "repeated",
        [RECEIPT_UNKNOWN] = "unknown",   [RECEIPT_WRONG_HASH] = "wrong-hash",
        [RECEIPT_CONFLICT] = "conflict", [RECEIPT_CLAIMED] = "claimed"};
    return names[result];
}

struct receiving {
    struct db_tx *tx;
    const char *city_code, *destination;
    struct outbox_receipt *receipts;
    size_t count;
};

/* The receipts as the JSON that the statements read; only those not taken when `rest`. */
static char *receipts_json(const struct receiving *r, bool rest)
{
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) {
        const struct outbox_receipt *receipt = &r->receipts[i];
        if (rest && receipt->result == RECEIPT_TAKEN)
            continue;
        json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:b, s:s}", "position",
                                              (json_int_t)i, "id", (json_int_t)receipt->outbox_id,
                                              "sha256", receipt->sha256, "accepted",
                                              receipt->accepted, "claim", receipt->claim));
    }
    return json_array_size(list) ? json_dumps(list, JSON_COMPACT) : NULL;
}

static bool take(struct receiving *r, struct failure *f)
{
    _cleanup_(cleanup_text) char *quoted = receipts_json(r, false);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(r->tx, &receipts_take,
                  DB_VALUES(db_text(r->city_code), db_text(r->destination), db_text(quoted)), &rows,
                  f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++) {
        struct outbox_receipt *receipt = &r->receipts[db_get_number(rows, i, 0)];
        receipt->result = RECEIPT_TAKEN;
        snprintf(receipt->application_id, sizeof receipt->application_id, "%s",
                 db_get_text(rows, i, 1));
        receipt->again = db_get_boolean(rows, i, 2);
        receipt->notice = db_get_boolean(rows, i, 3);
    }
    return true;
}

static enum receipt_result judge(const struct db_rows *rows, size_t i)
{
    bool delivered = db_get_boolean(rows, i, 1), waits = db_get_boolean(rows, i, 2);
    bool same_hash = db_get_boolean(rows, i, 3), same_result = db_get_boolean(rows, i, 4);
    bool same_waits = db_get_boolean(rows, i, 5);
    if (waits && same_waits && !(delivered && !same_result))
        return RECEIPT_CLAIMED; /* all is right with it, and yet it was not taken */
    if (!delivered)
        return waits ? RECEIPT_WRONG_HASH : RECEIPT_UNKNOWN;
    if (!same_hash)
        return RECEIPT_WRONG_HASH;
    return same_result ? RECEIPT_REPEATED : RECEIPT_CONFLICT;
}

static bool compare(struct receiving *r, struct failure *f)
{
    _cleanup_(cleanup_text) char *quoted = receipts_json(r, true);
    if (!quoted)
        return true;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(r->tx, &receipts_compare,
                  DB_VALUES(db_text(r->city_code), db_text(r->destination), db_text(quoted)), &rows,
                  f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++)
        r->receipts[db_get_number(rows, i, 0)].result = judge(rows, i);
    return true;
}

static bool count_repeated(struct receiving *r, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer ids = {0};
    for (size_t i = 0; i < r->count; i++)
        if (r->receipts[i].result == RECEIPT_REPEATED)
            buffer_format(&ids, "%c%" PRId64, ids.length ? ',' : '{', r->receipts[i].outbox_id);
    if (!ids.length)
        return true;
    buffer_append_text(&ids, "}");
    return db_execute(
        r->tx, &receipts_repeat,
        DB_VALUES(db_text(r->city_code), db_text(r->destination), db_text(buffer_text(&ids))), NULL,
        f);
}

bool outbox_receive(struct db_tx *tx, const char *city_code, const char *destination,
                    struct outbox_receipt *receipts, size_t count, struct failure *f)
{
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        receipts[i].result = RECEIPT_UNKNOWN;
        receipts[i].application_id[0] = '\0';
        receipts[i].again = false;
    }
    struct receiving r = {tx, city_code, destination, receipts, count};
    return take(&r, f) && compare(&r, f) && count_repeated(&r, f);
}

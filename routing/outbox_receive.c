/* Receipts: what waits moves to the past, once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "routing/outbox.h"

/* Takes what waits and is quoted with the right hash, by whoever holds it, or by anybody when
 * nobody does (any more); of several receipts for one id the first. What was accepted before its
 * redelivery (outbox.again: it has its delivery) stays accepted. The receipts lead, in the order of
 * the ids and each by key (of several for one id the first takes the row, the others find it gone):
 * no plan is quadratic, or reads all that waits. A claim that is made in this very moment comes too
 * late to keep it off, and gets what is gone already no more. */
static const struct db_statement receipts_take = {
    "receipts_take",
    "WITH runs AS MATERIALIZED ("
    " SELECT first_id, last_id, claim::text, until > now() AS in_force FROM outbox_claim"
    "  WHERE city_code = $1 AND destination = $2"
    "   AND first_id <= (SELECT max(id) FROM unnest($3::bigint[]) AS id)"
    "   AND last_id >= (SELECT min(id) FROM unnest($3::bigint[]) AS id)),"
    "quoted AS MATERIALIZED ("
    " SELECT q.id, decode(q.sha256, 'hex') AS sha256, q.accepted, q.position,"
    "  r.in_force AND r.claim <> q.claim AS held, (r.claim IS NOT NULL)::integer AS handed_out"
    " FROM unnest($3::bigint[], $4::text[], $5::boolean[], $6::text[]) WITH ORDINALITY"
    "  AS q (id, sha256, accepted, claim, position)"
    "  LEFT JOIN runs r ON q.id BETWEEN r.first_id AND r.last_id ORDER BY id, position),"
    "taken AS ("
    " DELETE FROM outbox o USING quoted q WHERE o.city_code = $1 AND o.destination = $2"
    "  AND o.outbox_id = ANY (ARRAY[q.id]) AND o.sha256 = q.sha256"
    "  AND (q.accepted OR NOT o.again) AND q.held IS NOT TRUE"
    " RETURNING o.*, q.position, q.accepted, q.handed_out),"
    "cleared AS (" /* what was accepted is kept for a redelivery (routing/redelivery.h) */
    " DELETE FROM outbox_item WHERE city_code = $1 AND destination = $2"
    "  AND outbox_id = ANY (ARRAY(SELECT outbox_id FROM taken WHERE NOT accepted))),"
    "noted AS ("
    " INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
    "  attempts, status, sha256, accepted, kept)"
    " SELECT city_code, destination, outbox_id, application_id, created_at,"
    "  attempts + handed_out, status, sha256, accepted, accepted FROM taken WHERE NOT again)"
    "SELECT position, application_id, again, status IS NOT NULL, attempts + handed_out FROM taken"};

static const struct db_statement receipts_again = {
    "receipts_again", "UPDATE delivery SET attempts = attempts + $4, kept = true"
                      " WHERE city_code = $1 AND destination = $2 AND outbox_id = $3::bigint"};

/* Nothing is left of these claims. Who clears one just now is not waited for. */
static const struct db_statement receipts_claims = {
    "receipts_claims",
    "DELETE FROM outbox_claim WHERE city_code = $1 AND destination = $2"
    " AND first_id = ANY (ARRAY(SELECT c.first_id FROM outbox_claim c WHERE c.city_code = $1"
    "  AND c.destination = $2 AND c.first_id <= $4::bigint AND c.last_id >= $3::bigint"
    "  AND NOT EXISTS (SELECT FROM outbox o WHERE o.city_code = $1 AND o.destination = $2"
    "   AND o.outbox_id BETWEEN c.first_id AND c.last_id) FOR UPDATE SKIP LOCKED))"};

/* What was not taken: was it received before, or is it not there at all? */
static const struct db_statement receipts_compare = {
    "receipts_compare",
    "SELECT q.position, d.outbox_id IS NOT NULL, o.outbox_id IS NOT NULL,"
    " coalesce(encode(d.sha256, 'hex') = q.sha256, false),"
    " coalesce(d.accepted = q.accepted, false), coalesce(encode(o.sha256, 'hex') = q.sha256, "
    "false) "
    "FROM unnest($3::bigint[], $4::text[], $5::boolean[]) WITH ORDINALITY"
    " AS q (id, sha256, accepted, position) "
    "LEFT JOIN delivery d ON d.city_code = $1 AND d.destination = $2"
    " AND d.outbox_id = ANY (ARRAY[q.id]) "
    "LEFT JOIN outbox o ON o.city_code = $1 AND o.destination = $2"
    " AND o.outbox_id = ANY (ARRAY[q.id])"};

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

/* The receipts as columns; only those not taken when `rest`. */
struct columns {
    struct buffer ids;
    const char **hashes, **accepted, **claims;
    size_t *index, count; /* in receipts */
};

static void columns_free(struct columns *c)
{
    buffer_free(&c->ids);
    free(c->hashes);
    free(c->index);
}

static void columns_make(const struct receiving *r, bool rest, struct columns *ret)
{
    struct columns c = {.hashes = memory_allocate(3 * r->count * sizeof *c.hashes),
                        .index = memory_allocate(r->count * sizeof *c.index)};
    c.accepted = c.hashes + r->count;
    c.claims = c.accepted + r->count;
    for (size_t i = 0; i < r->count; i++) {
        const struct outbox_receipt *receipt = &r->receipts[i];
        if (rest && receipt->result == RECEIPT_TAKEN)
            continue;
        buffer_format(&c.ids, "%c%" PRId64, c.count ? ',' : '{', receipt->outbox_id);
        c.hashes[c.count] = receipt->sha256;
        c.accepted[c.count] = receipt->accepted ? "t" : "f";
        c.claims[c.count] = receipt->claim;
        c.index[c.count++] = i;
    }
    buffer_append_text(&c.ids, "}");
    *ret = c;
}

static bool take(struct receiving *r, struct failure *f)
{
    _cleanup_(columns_free) struct columns c;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    columns_make(r, false, &c);
    if (!db_query(r->tx, &receipts_take,
                  DB_VALUES(db_text(r->city_code), db_text(r->destination),
                            db_text(buffer_text(&c.ids)), db_texts(c.hashes, c.count),
                            db_texts(c.accepted, c.count), db_texts(c.claims, c.count)),
                  &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++) {
        struct outbox_receipt *receipt = &r->receipts[c.index[db_get_number(rows, i, 0) - 1]];
        receipt->result = RECEIPT_TAKEN;
        snprintf(receipt->application_id, sizeof receipt->application_id, "%s",
                 db_get_text(rows, i, 1));
        receipt->again = db_get_boolean(rows, i, 2);
        receipt->notice = db_get_boolean(rows, i, 3);
        if (receipt->again &&
            !db_send(r->tx, &receipts_again,
                     DB_VALUES(db_text(r->city_code), db_text(r->destination),
                               db_number(receipt->outbox_id), db_number(db_get_number(rows, i, 4))),
                     1, f))
            return false;
    }
    return true;
}

static bool end_claims(struct receiving *r, struct failure *f)
{
    int64_t least = INT64_MAX, greatest = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct outbox_receipt *receipt = &r->receipts[i];
        if (receipt->result != RECEIPT_TAKEN)
            continue;
        least = receipt->outbox_id < least ? receipt->outbox_id : least;
        greatest = receipt->outbox_id > greatest ? receipt->outbox_id : greatest;
    }
    return greatest == 0 || db_send(r->tx, &receipts_claims,
                                    DB_VALUES(db_text(r->city_code), db_text(r->destination),
                                              db_number(least), db_number(greatest)),
                                    -1, f);
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
    _cleanup_(columns_free) struct columns c;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    columns_make(r, true, &c);
    if (c.count == 0)
        return true;
    if (!db_query(r->tx, &receipts_compare,
                  DB_VALUES(db_text(r->city_code), db_text(r->destination),
                            db_text(buffer_text(&c.ids)), db_texts(c.hashes, c.count),
                            db_texts(c.accepted, c.count)),
                  &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++)
        r->receipts[c.index[db_get_number(rows, i, 0) - 1]].result = judge(rows, i);
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
        receipts[i].moved_to = NULL;
    }
    struct receiving r = {tx, city_code, destination, receipts, count};
    return take(&r, f) && end_claims(&r, f) && compare(&r, f) && count_repeated(&r, f);
}

#include "routing/claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Who makes claims, or does something that depends on what is claimed, takes turns: what they saw
 * of each other's is committed then. Held until the transaction ends. */
static const struct db_statement claim_turn = {
    "claim_turn", "SELECT pg_advisory_xact_lock(hashtextextended('claim/' || $1::text || '/' ||"
                  " $2::text, 0))"};

/* Claims whose time is over; and those of which nothing waits any more, which are below the floor
 * (what a stale floor does not know of, waits). */
static const struct db_statement claim_clear = {
    "claim_clear", "WITH over AS (DELETE FROM outbox_claim c WHERE city_code = $1"
                   "  AND destination = $2 AND (until <= now() OR last_id <= $3::bigint"
                   "   AND NOT EXISTS (SELECT FROM outbox o WHERE o.city_code = $1"
                   "    AND o.destination = $2 AND o.outbox_id BETWEEN c.first_id AND c.last_id))"
                   "  RETURNING first_id, last_id, made_at)"
                   "UPDATE outbox o SET attempts = o.attempts + 1, last_attempt_at = c.made_at "
                   "FROM over c WHERE o.city_code = $1 AND o.destination = $2"
                   " AND o.outbox_id BETWEEN c.first_id AND c.last_id"};

/* The oldest that no run covers: from gap to gap, a run for each. */
static const struct db_statement claim_take = {
    "claim_take",
    "WITH runs AS MATERIALIZED ("
    " SELECT first_id, last_id FROM outbox_claim WHERE city_code = $1 AND destination = $2"
    "  AND last_id > $5::bigint),"
    "gaps AS MATERIALIZED ("
    " SELECT low, high FROM (SELECT $5::bigint AS low,"
    "   coalesce(min(first_id), 9223372036854775807) AS high FROM runs UNION ALL"
    "  SELECT last_id, lead(first_id, 1, 9223372036854775807) OVER (ORDER BY first_id) FROM runs)"
    "  AS between_runs WHERE high > low + 1 ORDER BY low),"
    "free AS MATERIALIZED ("
    " SELECT g.low, o.outbox_id FROM gaps g CROSS JOIN LATERAL ("
    "  SELECT outbox_id FROM outbox WHERE city_code = $1 AND destination = $2"
    "   AND outbox_id > g.low AND outbox_id < g.high AND due_at <= now()"
    "  ORDER BY outbox_id LIMIT $3::bigint) o LIMIT $3::bigint),"
    "made AS MATERIALIZED (SELECT gen_random_uuid() AS claim, clock_timestamp() AS at),"
    "held AS ("
    " INSERT INTO outbox_claim (city_code, destination, first_id, last_id, claim, made_at, until)"
    " SELECT $1, $2, min(outbox_id), max(outbox_id), m.claim, m.at,"
    "  m.at + $4::bigint * interval '1 second' FROM free, made m GROUP BY low, m.claim, m.at)"
    "SELECT outbox_id, m.claim, m.at + $4::bigint * interval '1 second' FROM free, made m"};

static const struct db_statement claim_extend = {
    "claim_extend",
    "WITH held AS (UPDATE outbox_claim SET until = now() + $4::bigint * interval '1 second'"
    "  WHERE city_code = $1 AND destination = $2 AND claim = $3::uuid"
    "  AND first_id BETWEEN $5::bigint AND $6::bigint AND until > now()"
    "  RETURNING first_id, last_id, until)"
    "SELECT h.until FROM held h JOIN outbox o ON o.city_code = $1 AND o.destination = $2"
    " AND o.outbox_id BETWEEN h.first_id AND h.last_id"};

static const struct db_statement claim_drop = {
    "claim_drop", "WITH gone AS (DELETE FROM outbox_claim WHERE city_code = $1"
                  "  AND destination = $2 AND claim = $3::uuid"
                  "  AND first_id BETWEEN $4::bigint AND $5::bigint"
                  "  RETURNING first_id, last_id, made_at)"
                  "UPDATE outbox o SET attempts = o.attempts + 1, last_attempt_at = c.made_at "
                  "FROM gone c WHERE o.city_code = $1 AND o.destination = $2"
                  " AND o.outbox_id BETWEEN c.first_id AND c.last_id"};

/* Never handed out: no try. */
static const struct db_statement claim_cut_whole = {
    "claim_cut_whole", "DELETE FROM outbox_claim WHERE city_code = $1 AND destination = $2"
                       " AND claim = $3::uuid AND first_id > $4::bigint"};
static const struct db_statement claim_cut_part = {
    "claim_cut_part", "UPDATE outbox_claim SET last_id = $4::bigint WHERE city_code = $1"
                      " AND destination = $2 AND claim = $3::uuid AND last_id > $4::bigint"};

static const struct db_statement claim_split = {
    "claim_split",
    "WITH run AS (SELECT * FROM outbox_claim WHERE city_code = $1 AND destination = $2"
    "  AND first_id <= $3::bigint AND last_id >= $3::bigint FOR UPDATE),"
    "behind AS (INSERT INTO outbox_claim"
    "  (city_code, destination, first_id, last_id, claim, made_at, until)"
    " SELECT city_code, destination, $3::bigint + 1, last_id, claim, made_at, until FROM run"
    "  WHERE last_id > $3::bigint),"
    "whole AS (DELETE FROM outbox_claim c USING run r WHERE c.city_code = $1"
    "  AND c.destination = $2 AND c.first_id = r.first_id AND r.first_id = $3::bigint)"
    "UPDATE outbox_claim c SET last_id = $3::bigint - 1 FROM run r WHERE c.city_code = $1"
    " AND c.destination = $2 AND c.first_id = r.first_id AND r.first_id < $3::bigint"};

static const struct db_statement claim_ends = {
    "claim_ends", "SELECT coalesce((extract(epoch FROM min(until) - now()) * 1000000)::bigint, 0)"
                  " FROM outbox_claim WHERE city_code = $1 AND destination = $2"
                  " AND last_id > $3::bigint AND until > now()"};

const char *claim_text(const struct claim *claim, char text[CLAIM_TEXT])
{
    snprintf(text, CLAIM_TEXT, "%s.%" PRId64 ".%" PRId64, claim->id, claim->first, claim->last);
    return text;
}

bool claim_read(const char *text, struct claim *ret_claim)
{
    struct claim claim = {0};
    char first[24], last[24];
    const char *dot = strchr(text, '.');
    const char *second = dot ? strchr(dot + 1, '.') : NULL;
    if (!second || dot - text != 36 || strlen(text) >= CLAIM_TEXT || second - dot > 20 ||
        strlen(second) > 20)
        return false;
    snprintf(claim.id, sizeof claim.id, "%.*s", 36, text);
    snprintf(first, sizeof first, "%.*s", (int)(second - dot - 1), dot + 1);
    snprintf(last, sizeof last, "%s", second + 1);
    if (!uuid_valid(claim.id) || !number_parse_exact(first, 1, INT64_MAX, &claim.first) ||
        !number_parse_exact(last, claim.first, INT64_MAX, &claim.last))
        return false;
    *ret_claim = claim;
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool claim_lock(struct db_tx *tx, const struct claim_place *place, struct failure *f)
{
    return db_send(tx, &claim_turn,
                   DB_VALUES(db_text(place->city_code), db_text(place->destination)), -1, f);
}

bool claim_make(struct db_tx *tx, const struct claim_place *place, int64_t most, int64_t seconds,
                struct claim *ret_claim, int64_t *ret_ids, size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!claim_lock(tx, place, f) ||
        !db_send(tx, &claim_clear,
                 DB_VALUES(db_text(place->city_code), db_text(place->destination),
                           db_number(place->floor)),
                 -1, f) ||
        !db_query(tx, &claim_take,
                  DB_VALUES(db_text(place->city_code), db_text(place->destination), db_number(most),
                            db_number(seconds), db_number(place->floor)),
                  &rows, f))
        return false;
    size_t count = db_row_count(rows);
    for (size_t i = 0; i < count; i++)
        ret_ids[i] = db_get_number(rows, i, 0);
    qsort(ret_ids, count, sizeof *ret_ids, compare_ids);
    *ret_count = count;
    if (count == 0)
        return true;
    *ret_claim = (struct claim){
        .first = ret_ids[0], .last = ret_ids[count - 1], .until = db_get_instant(rows, 0, 2)};
    snprintf(ret_claim->id, sizeof ret_claim->id, "%s", db_get_text(rows, 0, 1));
    return true;
}

bool claim_renew(struct db_tx *tx, const struct claim_place *place, struct claim *claim,
                 int64_t seconds, int64_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &claim_extend,
                  DB_VALUES(db_text(place->city_code), db_text(place->destination),
                            db_text(claim->id), db_number(seconds), db_number(claim->first),
                            db_number(claim->last)),
                  &rows, f))
        return false;
    *ret_count = (int64_t)db_row_count(rows);
    claim->until = *ret_count ? db_get_instant(rows, 0, 0) : 0;
    return true;
}

bool claim_cut(struct db_tx *tx, const struct claim_place *place, struct claim *claim, int64_t last,
               struct failure *f)
{
    const struct db_value values[] = {db_text(place->city_code), db_text(place->destination),
                                      db_text(claim->id), db_number(last)};
    if (last >= claim->last)
        return true;
    claim->last = last;
    return db_send(tx, &claim_cut_whole, values, 4, -1, f) &&
           db_send(tx, &claim_cut_part, values, 4, -1, f);
}

bool claim_free(struct db_tx *tx, const struct claim_place *place, int64_t id, struct failure *f)
{
    return claim_lock(tx, place, f) &&
           db_send(tx, &claim_split,
                   DB_VALUES(db_text(place->city_code), db_text(place->destination), db_number(id)),
                   -1, f);
}

bool claim_release(struct db_tx *tx, const struct claim_place *place, const struct claim *claim,
                   int64_t *ret_count, struct failure *f)
{
    return db_execute(tx, &claim_drop,
                      DB_VALUES(db_text(place->city_code), db_text(place->destination),
                                db_text(claim->id), db_number(claim->first),
                                db_number(claim->last)),
                      ret_count, f);
}

/* --- when a claim ends ------------------------------------------------------------------------ */

#define MARGIN (INSTANT_SECOND / 1000) /* it must be over for the database, too */

void claim_end_note(struct claim_end *end, instant in)
{
    int64_t at = clock_monotonic() + in + MARGIN, old = atomic_load(&end->at);
    while ((!old || at < old) && !atomic_compare_exchange_weak(&end->at, &old, at))
        ;
}

bool claim_end_passed(struct claim_end *end)
{
    int64_t at = atomic_load(&end->at);
    return at && at <= clock_monotonic() && atomic_compare_exchange_strong(&end->at, &at, 0);
}

instant claim_end_patience(const struct claim_end *end, instant most)
{
    int64_t at = atomic_load(&end->at), left = at - clock_monotonic();
    return !at || left > most ? most : left > MARGIN ? left : MARGIN;
}

bool claim_end_find(struct db_tx *tx, const struct claim_place *place, instant *ret_in,
                    struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &claim_ends,
                  DB_VALUES(db_text(place->city_code), db_text(place->destination),
                            db_number(place->floor)),
                  &rows, f))
        return false;
    *ret_in = db_get_number(rows, 0, 0);
    return true;
}

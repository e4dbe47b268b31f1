#include "routing/claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* What others are just now claiming is passed over, not waited for. */
static const struct db_statement claim_take = {
    "claim_take", "WITH free AS MATERIALIZED ("
                  " SELECT outbox_id FROM outbox WHERE city_code = $1 AND destination = $2"
                  "  AND outbox_id > $5::bigint AND due_at <= now()"
                  "  AND (claimed_until IS NULL OR claimed_until <= now())"
                  " ORDER BY outbox_id LIMIT $3::bigint FOR UPDATE SKIP LOCKED),"
                  "made AS MATERIALIZED (SELECT gen_random_uuid() AS claim)"
                  "UPDATE outbox o SET claim = made.claim,"
                  " claimed_until = now() + $4::bigint * interval '1 second',"
                  " attempts = o.attempts + 1, last_attempt_at = now() "
                  "FROM free, made WHERE o.city_code = $1 AND o.destination = $2"
                  " AND o.outbox_id = ANY (ARRAY[free.outbox_id]) "
                  "RETURNING o.outbox_id, o.claim, o.claimed_until"};

static const struct db_statement claim_extend = {
    "claim_extend", "UPDATE outbox SET claimed_until = now() + $4::bigint * interval '1 second' "
                    "WHERE city_code = $1 AND destination = $2 AND claim = $3::uuid"
                    " AND outbox_id BETWEEN $5::bigint AND $6::bigint AND claimed_until > now() "
                    "RETURNING claimed_until"};

static const struct db_statement claim_drop = {
    "claim_drop", "UPDATE outbox SET claim = NULL, claimed_until = NULL "
                  "WHERE city_code = $1 AND destination = $2 AND claim = $3::uuid"
                  " AND outbox_id BETWEEN $4::bigint AND $5::bigint"};

/* Who claims takes the oldest, so it is the oldest that are held. */
static const struct db_statement claim_ends = {
    "claim_ends",
    "SELECT coalesce((extract(epoch FROM min(claimed_until) - now()) * 1000000)::bigint, 0) FROM ("
    " SELECT claimed_until FROM outbox WHERE city_code = $1 AND destination = $2"
    "  AND outbox_id > $3::bigint AND claimed_until > now() ORDER BY outbox_id LIMIT 100) held"};

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
    if (!uuid_valid(claim.id) || !number_parse(first, 1, INT64_MAX, &claim.first) ||
        !number_parse(last, claim.first, INT64_MAX, &claim.last))
        return false;
    *ret_claim = claim;
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool claim_make(struct db_tx *tx, const struct claim_place *place, int64_t most, int64_t seconds,
                struct claim *ret_claim, int64_t *ret_ids, size_t *ret_count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &claim_take,
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

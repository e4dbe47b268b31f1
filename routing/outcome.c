#include "routing/outcome.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define FINGERPRINT 32

static const char *const kind_names[] = {[OUTCOME_COMPLETED] = "completed",
                                         [OUTCOME_REJECTED] = "rejected",
                                         [OUTCOME_INCOMPLETE] = "incomplete"};

const char *outcome_kind_name(enum outcome_kind kind)
{
    return kind_names[kind];
}

bool outcome_kind_from_name(const char *name, enum outcome_kind *ret_kind)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++)
        if (strcmp(kind_names[i], name) == 0) {
            *ret_kind = (enum outcome_kind)i;
            return true;
        }
    return false;
}

const char *outcome_result_name(enum outcome_result result)
{
    static const char *const names[] = {[OUTCOME_TAKEN] = "taken",
                                        [OUTCOME_REPEATED] = "repeated",
                                        [OUTCOME_UNKNOWN] = "unknown",
                                        [OUTCOME_CONFLICT] = "conflict"};
    return names[result];
}

/* Of several items of one application the last that was accepted; never a notice about it, where
 * there is an item. */
static const struct db_statement outcomes_resolve = {
    "outcomes_resolve",
    "SELECT DISTINCT ON (q.position) q.position, d.outbox_id "
    "FROM jsonb_to_recordset($3::jsonb) AS q(position bigint, receipt text)"
    " JOIN application a ON a.city_code = $1 AND a.receipt_number = q.receipt"
    " JOIN delivery d ON d.city_code = $1 AND d.application_id = a.application_id"
    "  AND d.destination = $2 AND d.accepted "
    "ORDER BY q.position, d.status IS NULL DESC, d.outbox_id DESC"};

/* Locked in the order of their ids; with what stands already. */
static const struct db_statement outcomes_lock = {
    "outcomes_lock",
    "SELECT d.outbox_id, d.application_id, k.wrapped, coalesce(e.number, 0), e.outcome,"
    " e.fingerprint "
    "FROM delivery d JOIN application_key k USING (city_code, application_id)"
    " LEFT JOIN LATERAL (SELECT * FROM outcome e WHERE e.city_code = d.city_code"
    "  AND e.destination = d.destination AND e.outbox_id = d.outbox_id"
    "  ORDER BY e.number DESC LIMIT 1) e ON true "
    "WHERE d.city_code = $1 AND d.destination = $2 AND d.accepted"
    " AND d.outbox_id IN (SELECT q.id FROM jsonb_to_recordset($3::jsonb) AS q(id bigint)) "
    "ORDER BY d.outbox_id FOR UPDATE OF d"};

static const struct db_statement outcome_keep = {
    "outcome_keep", "INSERT INTO outcome (city_code, destination, outbox_id, number,"
                    " application_id, outcome, fingerprint, sealed) "
                    "VALUES ($1, $2, $3::bigint, $4::integer, $5::uuid, $6, $7, $8)"};

static const struct db_statement outcome_count = {
    "outcome_count", "UPDATE outcome SET repeated = repeated + 1 WHERE city_code = $1"
                     " AND destination = $2 AND outbox_id = $3::bigint AND number = $4::integer"};

struct found { /* beside each outcome */
    size_t row;
    uint8_t fingerprint[FINGERPRINT];
};

struct taking {
    struct db_tx *tx;
    const struct outcome_taker *taker;
    struct outcome *outcomes;
    size_t count;
    struct found *found;
    struct db_rows *rows;
};

/* --- finding ---------------------------------------------------------------------------------- */

static bool resolve(struct taking *t, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *asked = json_array();
    for (size_t i = 0; i < t->count; i++)
        if (!t->outcomes[i].outbox_id)
            json_array_append_new(asked, json_pack("{s:I, s:s}", "position", (json_int_t)i,
                                                   "receipt", t->outcomes[i].receipt_number));
    if (json_array_size(asked) == 0)
        return true;
    _cleanup_(cleanup_text) char *text = json_dumps(asked, JSON_COMPACT);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(
            t->tx, &outcomes_resolve,
            DB_VALUES(db_text(t->taker->city_code), db_text(t->taker->destination), db_text(text)),
            &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++)
        t->outcomes[db_get_number(rows, i, 0)].outbox_id = db_get_number(rows, i, 1);
    return true;
}

static bool lock(struct taking *t, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *asked = json_array();
    for (size_t i = 0; i < t->count; i++)
        json_array_append_new(asked,
                              json_pack("{s:I}", "id", (json_int_t)t->outcomes[i].outbox_id));
    _cleanup_(cleanup_text) char *text = json_dumps(asked, JSON_COMPACT);
    return db_query(
        t->tx, &outcomes_lock,
        DB_VALUES(db_text(t->taker->city_code), db_text(t->taker->destination), db_text(text)),
        &t->rows, f);
}

/* --- judging ---------------------------------------------------------------------------------- */

static void fingerprint(const struct taking *t, const struct outcome *o, uint8_t ret[FINGERPRINT])
{
    _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
    buffer_format(&text, "%s %s", outcome_kind_name(o->kind), o->content);
    city_key_hash(t->taker->city_key, "outcome", buffer_bytes(&text), ret);
}

static bool find_row(const struct taking *t, int64_t id, size_t *ret_row)
{
    for (size_t row = 0; row < db_row_count(t->rows); row++)
        if (db_get_number(t->rows, row, 0) == id) {
            *ret_row = row;
            return true;
        }
    return false;
}

/* Against what stands: the same again, or after the last word (完了, 却下) another one. */
static enum outcome_result judge_standing(const struct taking *t, size_t i)
{
    size_t row = t->found[i].row;
    const char *kind = db_get_text(t->rows, row, 4);
    if (!kind)
        return OUTCOME_TAKEN;
    if (bytes_equal(db_get_bytes(t->rows, row, 5), bytes_of(t->found[i].fingerprint, FINGERPRINT)))
        return OUTCOME_REPEATED;
    return strcmp(kind, outcome_kind_name(OUTCOME_INCOMPLETE)) == 0 ? OUTCOME_TAKEN
                                                                    : OUTCOME_CONFLICT;
}

/* Against those before it in the same request: the first for an item counts. */
static enum outcome_result judge_among(const struct taking *t, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (t->outcomes[j].outbox_id == t->outcomes[i].outbox_id &&
            t->outcomes[j].result == OUTCOME_TAKEN)
            return memcmp(t->found[j].fingerprint, t->found[i].fingerprint, FINGERPRINT) == 0
                       ? OUTCOME_REPEATED
                       : OUTCOME_CONFLICT;
    return OUTCOME_TAKEN;
}

static void judge(struct taking *t, size_t i)
{
    struct outcome *o = &t->outcomes[i];
    o->application_id[0] = '\0';
    o->moved = false;
    if (!find_row(t, o->outbox_id, &t->found[i].row)) {
        o->result = OUTCOME_UNKNOWN;
        return;
    }
    snprintf(o->application_id, sizeof o->application_id, "%s",
             db_get_text(t->rows, t->found[i].row, 1));
    fingerprint(t, o, t->found[i].fingerprint);
    o->result = judge_standing(t, i);
    if (o->result == OUTCOME_TAKEN)
        o->result = judge_among(t, i);
}

/* --- telling and keeping ---------------------------------------------------------------------- */

static bool tell_some(struct taking *t, struct outcome *taken, size_t count, struct failure *f)
{
    const struct outcome_taker *taker = t->taker;
    return !taker->tell || count == 0 ||
           taker->tell(t->tx, taker->destination, taken, count, taker->terminal, taker->context, f);
}

static bool tell(struct taking *t, struct failure *f)
{
    struct outcome *taken = memory_allocate(t->count * sizeof *taken);
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->outcomes[i].result == OUTCOME_TAKEN)
            taken[count++] = t->outcomes[i];
    bool done = tell_some(t, taken, count, f);
    count = 0;
    for (size_t i = 0; done && i < t->count; i++)
        if (t->outcomes[i].result == OUTCOME_TAKEN && !taken[count++].moved)
            t->outcomes[i].result = OUTCOME_CONFLICT;
        else
            t->outcomes[i].moved = t->outcomes[i].result == OUTCOME_TAKEN;
    free(taken);
    return done;
}

static bool seal_content(const struct taking *t, size_t i, struct buffer *ret_sealed,
                         struct failure *f)
{
    char binding[64];
    struct application_key key;
    const struct outcome *o = &t->outcomes[i];
    snprintf(binding, sizeof binding, "%s/%s", t->taker->city_code, o->application_id);
    if (!application_key_unwrap(t->taker->city_key, binding,
                                db_get_bytes(t->rows, t->found[i].row, 2), &key, f))
        return false;
    bool done = seal(&key, "outcome", binding, bytes_of_text(o->content), ret_sealed, f);
    application_key_erase(&key);
    return done;
}

static bool keep(const struct taking *t, size_t i, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    const struct outcome *o = &t->outcomes[i];
    return seal_content(t, i, &sealed, f) &&
           db_send(t->tx, &outcome_keep,
                   DB_VALUES(db_text(t->taker->city_code), db_text(t->taker->destination),
                             db_number(o->outbox_id),
                             db_number(db_get_number(t->rows, t->found[i].row, 3) + 1),
                             db_text(o->application_id), db_text(outcome_kind_name(o->kind)),
                             db_bytes(bytes_of(t->found[i].fingerprint, FINGERPRINT)),
                             db_bytes(buffer_bytes(&sealed))),
                   1, f);
}

static bool count_again(const struct taking *t, size_t i, struct failure *f)
{
    return db_send(t->tx, &outcome_count,
                   DB_VALUES(db_text(t->taker->city_code), db_text(t->taker->destination),
                             db_number(t->outcomes[i].outbox_id),
                             db_number(db_get_number(t->rows, t->found[i].row, 3))),
                   -1, f);
}

static bool keep_all(const struct taking *t, struct failure *f)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->outcomes[i].result == OUTCOME_TAKEN      ? !keep(t, i, f)
            : t->outcomes[i].result == OUTCOME_REPEATED ? !count_again(t, i, f)
                                                        : false)
            return false;
    return true;
}

bool outcomes_take(struct db_tx *tx, const struct outcome_taker *taker, struct outcome *outcomes,
                   size_t count, struct failure *f)
{
    if (count == 0)
        return true;
    struct taking t = {tx, taker, outcomes, count, memory_allocate(count * sizeof *t.found), NULL};
    bool done = resolve(&t, f) && lock(&t, f);
    for (size_t i = 0; done && i < count; i++)
        judge(&t, i);
    done = done && tell(&t, f) && keep_all(&t, f);
    cleanup_db_rows(&t.rows);
    free(t.found);
    return done;
}

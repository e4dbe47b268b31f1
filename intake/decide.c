#include "intake/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "intake/work.h"

/* Only what is still in its old state moves: whoever comes late, changes nothing. (IS NOT DISTINCT
 * FROM is an "=" that no index serves: the state's is a poor way to find one application; = ANY
 * (ARRAY[…]) is one that nothing but an index serves: no plan reads all applications to join.) The
 * trigger application_event_write refuses what the table of transitions does not have, and writes
 * the events. */
static const struct db_statement decide_move = {
    "decide_move",
    "UPDATE application a SET state = d.to_state, version = a.version + 1, reason = d.reason,"
    " changed_at = $7, changed_by = d.actor, due_on = coalesce(d.due_on, a.due_on),"
    " due_term = coalesce(d.due_term, a.due_term) "
    "FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],"
    " $8::integer[], $9::date[], $10::text[]) WITH ORDINALITY"
    " AS d (city_code, application_id, from_state, to_state, reason, actor, version, due_on,"
    " due_term, i) "
    "WHERE a.city_code = ANY (ARRAY[d.city_code])"
    " AND a.application_id = ANY (ARRAY[d.application_id]) AND a.state IS NOT DISTINCT FROM "
    "d.from_state"
    " AND coalesce(d.version = a.version, true) "
    "RETURNING d.i, a.channel"};
static const struct db_statement decide_next = {
    "decide_next", "INSERT INTO work (city_code, application_id, stage, due_at) "
                   "SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[]) "
                   "ON CONFLICT (city_code, application_id) DO UPDATE SET stage = excluded.stage,"
                   " due_at = excluded.due_at, attempts = 0, note = NULL"};
static const struct db_statement decide_no_next = {
    "decide_no_next", "DELETE FROM work w USING unnest($1::text[], $2::uuid[])"
                      " AS d (city_code, application_id) "
                      "WHERE w.city_code = ANY (ARRAY[d.city_code])"
                      " AND w.application_id = ANY (ARRAY[d.application_id])"};
static const struct db_statement decide_notify = {
    "decide_notify", "SELECT pg_notify(channel, '') FROM unnest($1::text[]) AS channel"};

/* --- columns ---------------------------------------------------------------------------------- */

#define COLUMNS 9

struct columns { /* COLUMNS arrays of texts, filled row by row */
    const char **at[COLUMNS];
    const char **all;
    size_t count;
};

static void columns_make(struct columns *ret, size_t rows)
{
    ret->all = memory_allocate(COLUMNS * rows * sizeof *ret->all);
    ret->count = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        ret->at[i] = ret->all + i * rows;
}

static void columns_free(struct columns *columns)
{
    free(columns->all);
}

static void columns_add(struct columns *c, const char *const *row, size_t width)
{
    for (size_t i = 0; i < width; i++)
        c->at[i][c->count] = row[i];
    c->count++;
}

/* unnest makes as many NULLs of one as the other columns are long. */
static struct db_value column(const struct columns *c, size_t index)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->at[index][i])
            return db_texts(c->at[index], c->count);
    return db_null();
}

/* --- the move --------------------------------------------------------------------------------- */

static bool transitions_allowed(const struct decision *decisions, size_t count, struct failure *f)
{
    for (size_t i = 0; i < count; i++)
        if (!state_allowed(decisions[i].from, decisions[i].to))
            return failure_set(f, FAILURE_USAGE,
                               "bug: no transition from %s to %s (application %s)",
                               state_code(decisions[i].from), state_code(decisions[i].to),
                               decisions[i].application_id);
    return true;
}

#define VERSION_TEXT 12

static void move_columns(struct columns *c, const struct decision *decisions, size_t count,
                         char (*versions)[VERSION_TEXT])
{
    for (size_t i = 0; i < count; i++) {
        const struct decision *d = &decisions[i];
        snprintf(versions[i], sizeof versions[i], "%d", d->version);
        const char *version = d->version ? versions[i] : NULL;
        const char *due_on = d->term ? d->term->on : NULL, *term = d->term ? d->term->name : NULL;
        columns_add(c,
                    (const char *const[]){d->city_code, d->application_id, state_code(d->from),
                                          state_code(d->to), d->reason, d->actor, version, due_on,
                                          term},
                    COLUMNS);
    }
}

static void move_read(const struct db_rows *rows, struct decision *decisions,
                      char (*ret_channels)[33])
{
    for (size_t row = 0; row < db_row_count(rows); row++) {
        size_t i = (size_t)db_get_number(rows, row, 0) - 1;
        decisions[i].moved = true;
        snprintf(ret_channels[i], sizeof ret_channels[i], "%s", db_get_text(rows, row, 1));
    }
}

/* ret_channels[i]: the channel of what moved; "" of what did not. */
static bool move(struct db_tx *tx, struct decision *decisions, size_t count,
                 char (*ret_channels)[33], struct failure *f)
{
    _cleanup_(columns_free) struct columns c;
    char(*versions)[VERSION_TEXT] = memory_allocate(count * sizeof *versions);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    columns_make(&c, count);
    move_columns(&c, decisions, count, versions);
    bool done = db_query(tx, &decide_move,
                         DB_VALUES(column(&c, 0), column(&c, 1), column(&c, 2), column(&c, 3),
                                   column(&c, 4), column(&c, 5), db_instant(clock_now()),
                                   column(&c, 6), column(&c, 7), column(&c, 8)),
                         &rows, f);
    free(versions);
    for (size_t i = 0; i < count; i++)
        decisions[i].moved = false;
    if (done)
        move_read(rows, decisions, ret_channels);
    return done;
}

/* --- what comes next -------------------------------------------------------------------------- */

static bool finish_work(struct db_tx *tx, const struct decision *decisions, size_t count,
                        struct failure *f)
{
    _cleanup_(columns_free) struct columns c;
    columns_make(&c, count);
    for (size_t i = 0; i < count; i++)
        if (decisions[i].moved && decisions[i].next == STAGE_NONE)
            columns_add(
                &c, (const char *const[]){decisions[i].city_code, decisions[i].application_id}, 2);
    return c.count == 0 ||
           db_send(tx, &decide_no_next, DB_VALUES(column(&c, 0), column(&c, 1)), -1, f);
}

static bool notify(struct db_tx *tx, const struct decision *decisions, size_t count,
                   struct failure *f)
{
    const char *channels[STAGE_ROUTE + 1];
    size_t n = 0;
    bool wanted[STAGE_ROUTE + 1] = {false};
    for (size_t i = 0; i < count; i++)
        if (decisions[i].moved)
            wanted[decisions[i].next] = true;
    for (enum stage stage = STAGE_COLLECT; stage <= STAGE_ROUTE; stage++)
        if (wanted[stage])
            channels[n++] = work_channel(stage);
    return n == 0 || db_send(tx, &decide_notify, DB_VALUES(db_texts(channels, n)), -1, f);
}

static bool begin_work(struct db_tx *tx, const struct decision *decisions, size_t count,
                       struct failure *f)
{
    _cleanup_(columns_free) struct columns c;
    columns_make(&c, count);
    char(*times)[INSTANT_TEXT] = memory_allocate(count * sizeof *times);
    for (size_t i = 0; i < count; i++) {
        const struct decision *d = &decisions[i];
        if (!d->moved || d->next == STAGE_NONE)
            continue;
        instant_text_jst(d->due_at ? d->due_at : clock_now(), times[i]);
        columns_add(
            &c,
            (const char *const[]){d->city_code, d->application_id, stage_code(d->next), times[i]},
            4);
    }
    bool done = c.count == 0 ||
                (db_send(tx, &decide_next,
                         DB_VALUES(column(&c, 0), column(&c, 1), column(&c, 2), column(&c, 3)),
                         (int64_t)c.count, f) &&
                 notify(tx, decisions, count, f));
    free(times);
    return done;
}

/* --- what is told ----------------------------------------------------------------------------- */

/* The mapping of our states to the portal's codes: configuration. */
const char *decide_status(const struct config *config, const char *channel, enum state state)
{
    static const char *const keys[STATE_COUNT] = {
        [STATE_COLLECTED] = "status-collected", [STATE_RECEIVED] = "status-received",
        [STATE_REFUSED] = "status-refused",     [STATE_COMPLETED] = "status-completed",
        [STATE_REJECTED] = "status-rejected",   [STATE_CORRECTION] = "status-correction",
        [STATE_WITHDRAWN] = "status-withdrawn",
    };
    const struct config_group *group = config_find(config, "channel", channel);
    return keys[state] && group ? config_text(group, keys[state]) : "";
}

static bool put_out(struct db_tx *tx, const struct config *config, const struct decision *decisions,
                    size_t count, char (*channels)[33], struct failure *f)
{
    struct outbox_entry *entries = memory_allocate(2 * count * sizeof *entries);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct decision *d = &decisions[i];
        if (!d->moved)
            continue;
        if (d->outbox)
            entries[n++] = *d->outbox;
        const char *status = decide_status(config, channels[i], d->to);
        if (*status)
            entries[n++] = (struct outbox_entry){.city_code = d->city_code,
                                                 .destination = OUTBOX_PORTAL,
                                                 .application_id = d->application_id,
                                                 .status = status,
                                                 .message_id = d->message_id};
    }
    bool done = n == 0 || outbox_put(tx, entries, n, f);
    free(entries);
    return done;
}

static bool remember(struct db_tx *tx, const char *chain, const struct decision *decisions,
                     size_t count, struct failure *f)
{
    struct audit_entry *entries = memory_allocate(count * sizeof *entries);
    char(*details)[64] = memory_allocate(count * sizeof *details);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct decision *d = &decisions[i];
        if (!d->moved)
            continue;
        snprintf(details[i], sizeof details[i], "{\"from\":\"%s\",\"to\":\"%s\"}",
                 state_code(d->from), state_code(d->to));
        entries[n++] = (struct audit_entry){.action = "application.move",
                                            .actor = d->actor,
                                            .terminal = d->terminal,
                                            .city_code = d->city_code,
                                            .application_id = d->application_id,
                                            .reason = d->reason,
                                            .detail = details[i]};
    }
    bool done = audit_append(tx, chain, entries, n, f);
    free(entries);
    free(details);
    return done;
}

bool decide(struct db_tx *tx, const struct config *config, const char *chain,
            struct decision *decisions, size_t count, struct failure *f)
{
    if (count == 0)
        return true;
    if (!transitions_allowed(decisions, count, f))
        return false;
    char(*channels)[33] = memory_allocate(count * sizeof *channels);
    bool done = move(tx, decisions, count, channels, f) && finish_work(tx, decisions, count, f) &&
                begin_work(tx, decisions, count, f) &&
                put_out(tx, config, decisions, count, channels, f) &&
                (!chain || remember(tx, chain, decisions, count, f));
    free(channels);
    return done;
}

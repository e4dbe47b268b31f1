/* One chain, entry by entry: each must follow the one before, carry the hash that it says, and be
 * the one that checkpoints signed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/audit_internal.h"
#include "base/cleanup.h"
#include "base/process.h"

static const struct db_statement audit_page_select = {
    "audit_page",
    "SELECT position, at, action, actor, terminal, city_code, application_id, reason, detail,"
    " previous, hash FROM audit_entry WHERE chain = $1 AND position > $2 ORDER BY position "
    "LIMIT $3::bigint"};

void audit_tell(void *verification, const char *chain, int64_t position, const char *what)
{
    struct audit_verification *v = verification;
    struct audit_fault fault = {.position = position};
    v->intact = false;
    snprintf(fault.chain, sizeof fault.chain, "%s", chain);
    snprintf(fault.what, sizeof fault.what, "%s", what);
    if (v->report)
        v->report(&fault, v->context);
}

void audit_walk_fault(struct audit_walk *w, int64_t position, const char *what)
{
    audit_tell(w->v, w->chain, position, what);
}

static void gap_fault(struct audit_walk *w, int64_t next)
{
    char what[128];
    int64_t missing = next - w->position - 1;
    if (missing == 1)
        snprintf(what, sizeof what, "the entry is missing");
    else
        snprintf(what, sizeof what, "%" PRId64 " entries are missing from here on", missing);
    audit_walk_fault(w, w->position + 1, what);
}

static bool same_hash(struct bytes hash, const uint8_t other[AUDIT_HASH])
{
    return bytes_equal(hash, bytes_of(other, AUDIT_HASH));
}

/* The next promise of this chain at or behind `position`; they are sorted, and so is the walk. */
static struct audit_promise *promise_at(struct audit_walk *w, int64_t position)
{
    struct audit_promises *all = &w->v->promises;
    for (; w->promise < all->count; w->promise++) {
        struct audit_promise *p = &all->list[w->promise];
        int order = strcmp(p->chain, w->chain);
        if (order > 0 || (order == 0 && p->position > position))
            return NULL;
        if (order == 0 && p->position == position)
            return p;
    }
    return NULL;
}

/* Every checkpoint that signed this place must have signed this very entry. */
static void promises_compare(struct audit_walk *w, int64_t position, struct bytes hash)
{
    for (struct audit_promise *p; (p = promise_at(w, position)); w->promise++) {
        char what[128];
        p->met = true;
        snprintf(what, sizeof what, "the entry is not the one that checkpoint %" PRId64 " signed",
                 p->checkpoint);
        if (!same_hash(hash, p->hash))
            audit_walk_fault(w, position, what);
    }
}

void audit_walk_entry(struct audit_walk *w, const struct audit_seen *seen)
{
    int64_t position = seen->position;
    if (position != w->position + 1) {
        gap_fault(w, position);
        w->linked = false;
    }
    w->position = position;
    if (seen->previous.length != AUDIT_HASH || seen->hash.length != AUDIT_HASH) {
        audit_walk_fault(w, position, "the entry's hashes are damaged");
        w->linked = false;
        return;
    }
    if (w->linked && !same_hash(seen->previous, w->hash))
        audit_walk_fault(w, position, "the entry does not follow the one before it");
    struct audit_link link = {w->chain, position, seen->previous.data, seen->at};
    uint8_t computed[AUDIT_HASH];
    audit_hash(&link, &seen->entry, computed);
    if (!same_hash(seen->hash, computed))
        audit_walk_fault(w, position, "the entry was altered: its hash does not match");
    promises_compare(w, position, seen->hash);
    if (position == w->head_position) {
        w->head_met = true;
        if (!same_hash(seen->hash, w->head_hash))
            audit_walk_fault(w, position, "the head of the chain names another entry");
    }
    memcpy(w->hash, seen->hash.data, AUDIT_HASH);
    w->linked = true;
}

/* --- pages of the database -------------------------------------------------------------------- */

struct fetch {
    const char *chain;
    int64_t after;
    struct db_rows *rows;
};

static bool fetch_entries(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetch *fetch = context;
    return db_query(
        tx, &audit_page_select,
        DB_VALUES(db_text(fetch->chain), db_number(fetch->after), db_number(AUDIT_PAGE)),
        &fetch->rows, f);
}

bool audit_page(struct db *db, const char *chain, int64_t after, struct db_rows **ret_rows,
                struct failure *f)
{
    struct fetch fetch = {.chain = chain, .after = after};
    if (process_stopping())
        return failure_set(f, FAILURE_SYSTEM, "stopped before the whole audit trail was walked");
    if (!db_transaction(db, fetch_entries, &fetch, f))
        return false;
    *ret_rows = fetch.rows;
    return true;
}

struct audit_seen audit_seen_read(const struct db_rows *rows, size_t row)
{
    return (struct audit_seen){.position = db_get_number(rows, row, 0),
                               .at = db_get_instant(rows, row, 1),
                               .entry = {.action = db_get_text(rows, row, 2),
                                         .actor = db_get_text(rows, row, 3),
                                         .terminal = db_get_text(rows, row, 4),
                                         .city_code = db_get_text(rows, row, 5),
                                         .application_id = db_get_text(rows, row, 6),
                                         .reason = db_get_text(rows, row, 7),
                                         .detail = db_get_text(rows, row, 8)},
                               .previous = db_get_bytes(rows, row, 9),
                               .hash = db_get_bytes(rows, row, 10)};
}

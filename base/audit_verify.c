/* Walks every chain from its start and compares it with its head and with the checkpoints.
 *
 * What this cannot see by itself: a tail that was cut off together with every checkpoint that
 * signed it. That is why copies of checkpoints are kept outside (docs/audit.md). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_internal.h"
#include "base/cleanup.h"
#include "base/process.h"

#define BATCH 1000

/* One statement, one snapshot: head and last entry belong together. */
static const struct db_statement verify_chains = {
    "verify_chains",
    "SELECT coalesce(c.chain, e.chain), c.position, c.hash, e.last FROM audit_chain c "
    "FULL JOIN (SELECT chain, max(position) AS last FROM audit_entry GROUP BY chain) e "
    "ON e.chain = c.chain ORDER BY 1"};
static const struct db_statement verify_entries = {
    "verify_entries",
    "SELECT position, at, action, actor, terminal, city_code, application_id, reason, detail,"
    " previous, hash FROM audit_entry WHERE chain = $1 AND position > $2 ORDER BY position "
    "LIMIT $3::bigint"};

struct verification {
    struct db *db;
    void (*report)(const struct audit_fault *fault, void *context);
    void (*progress)(int64_t entries, void *context);
    void *context;
    bool intact;
    int64_t entries, chains;
    struct audit_promises promises;
};

struct walk { /* along one chain */
    struct verification *v;
    const char *chain;
    int64_t until; /* what was appended while we walk is for the next time */
    int64_t position;
    uint8_t hash[AUDIT_HASH]; /* of the entry before */
    bool linked;              /* the entry before is there, so that the link can be compared */
    size_t promise;           /* the first that was not looked at yet */
    int64_t head_position;
    uint8_t head_hash[AUDIT_HASH];
    bool head_met;
};

static void report_fault(void *context, const char *chain, int64_t position, const char *what)
{
    struct verification *v = context;
    struct audit_fault fault = {.position = position};
    v->intact = false;
    snprintf(fault.chain, sizeof fault.chain, "%s", chain);
    snprintf(fault.what, sizeof fault.what, "%s", what);
    if (v->report)
        v->report(&fault, v->context);
}

static void walk_fault(struct walk *w, int64_t position, const char *what)
{
    report_fault(w->v, w->chain, position, what);
}

static void gap_fault(struct walk *w, int64_t next)
{
    char what[128];
    int64_t missing = next - w->position - 1;
    if (missing == 1)
        snprintf(what, sizeof what, "the entry is missing");
    else
        snprintf(what, sizeof what, "%" PRId64 " entries are missing from here on", missing);
    walk_fault(w, w->position + 1, what);
}

static bool same_hash(struct bytes hash, const uint8_t other[AUDIT_HASH])
{
    return bytes_equal(hash, bytes_of(other, AUDIT_HASH));
}

/* The next promise of this chain at or behind `position`; they are sorted, and so is the walk. */
static struct audit_promise *promise_at(struct walk *w, int64_t position)
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
static void promises_compare(struct walk *w, int64_t position, struct bytes hash)
{
    for (struct audit_promise *p; (p = promise_at(w, position)); w->promise++) {
        char what[128];
        p->met = true;
        snprintf(what, sizeof what, "the entry is not the one that checkpoint %" PRId64 " signed",
                 p->checkpoint);
        if (!same_hash(hash, p->hash))
            walk_fault(w, position, what);
    }
}

static void entry_compare(struct walk *w, const struct db_rows *rows, size_t i)
{
    int64_t position = db_get_number(rows, i, 0);
    struct bytes previous = db_get_bytes(rows, i, 9), hash = db_get_bytes(rows, i, 10);
    const struct audit_entry entry = {
        .action = db_get_text(rows, i, 2),
        .actor = db_get_text(rows, i, 3),
        .terminal = db_get_text(rows, i, 4),
        .city_code = db_get_text(rows, i, 5),
        .application_id = db_get_text(rows, i, 6),
        .reason = db_get_text(rows, i, 7),
        .detail = db_get_text(rows, i, 8),
    };
    if (position != w->position + 1) {
        gap_fault(w, position);
        w->linked = false;
    }
    w->position = position;
    if (previous.length != AUDIT_HASH || hash.length != AUDIT_HASH) {
        walk_fault(w, position, "the entry's hashes are damaged");
        w->linked = false;
        return;
    }
    if (w->linked && !same_hash(previous, w->hash))
        walk_fault(w, position, "the entry does not follow the one before it");
    struct audit_link link = {w->chain, position, previous.data, db_get_instant(rows, i, 1)};
    uint8_t computed[AUDIT_HASH];
    audit_hash(&link, &entry, computed);
    if (!same_hash(hash, computed))
        walk_fault(w, position, "the entry was altered: its hash does not match");
    promises_compare(w, position, hash);
    if (position == w->head_position) {
        w->head_met = true;
        if (!same_hash(hash, w->head_hash))
            walk_fault(w, position, "the head of the chain names another entry");
    }
    memcpy(w->hash, hash.data, AUDIT_HASH);
    w->linked = true;
}

struct fetch {
    const char *chain;
    int64_t after;
    struct db_rows *rows;
};

static bool fetch_entries(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetch *fetch = context;
    return db_query(tx, &verify_entries,
                    DB_VALUES(db_text(fetch->chain), db_number(fetch->after), db_number(BATCH)),
                    &fetch->rows, f);
}

static bool batch_compare(struct walk *w, bool *ret_more, struct failure *f)
{
    struct fetch fetch = {.chain = w->chain, .after = w->position};
    if (process_stopping())
        return failure_set(f, FAILURE_SYSTEM, "stopped before the whole audit trail was walked");
    if (!db_transaction(w->v->db, fetch_entries, &fetch, f))
        return false;
    size_t count = db_row_count(fetch.rows), i = 0;
    for (; i < count && db_get_number(fetch.rows, i, 0) <= w->until; i++)
        entry_compare(w, fetch.rows, i);
    w->v->entries += (int64_t)i;
    *ret_more = i == BATCH;
    db_rows_free(fetch.rows);
    if (w->v->progress)
        w->v->progress(w->v->entries, w->v->context);
    return true;
}

static void end_compare(struct walk *w, bool has_head)
{
    char what[128];
    if (!has_head)
        walk_fault(w, 0, "the head of the chain is missing");
    else if (w->position > w->head_position)
        walk_fault(w, w->head_position,
                   "the head of the chain was set back: entries lie behind it");
    else if (w->position < w->head_position) {
        snprintf(what, sizeof what, "the end of the chain is missing: its head is at %" PRId64,
                 w->head_position);
        walk_fault(w, w->position + 1, what);
    } else if (w->head_position && !w->head_met)
        walk_fault(w, w->head_position, "the head of the chain names no entry");
}

static bool chain_walk(struct verification *v, const struct db_rows *chains, size_t i,
                       struct failure *f)
{
    bool has_head = !db_is_null(chains, i, 1), more = true;
    struct walk w = {.v = v,
                     .chain = db_get_text(chains, i, 0),
                     .linked = true,
                     .until = db_get_number(chains, i, 3),
                     .head_position = db_get_number(chains, i, 1)};
    struct bytes hash = db_get_bytes(chains, i, 2);
    if (hash.length == AUDIT_HASH)
        memcpy(w.head_hash, hash.data, AUDIT_HASH);
    while (more)
        if (!batch_compare(&w, &more, f))
            return false;
    end_compare(&w, has_head);
    v->chains++;
    return true;
}

static void unmet_promises(struct verification *v)
{
    char what[128];
    for (size_t i = 0; i < v->promises.count; i++) {
        const struct audit_promise *p = &v->promises.list[i];
        snprintf(what, sizeof what, "the entry that checkpoint %" PRId64 " signed is missing",
                 p->checkpoint);
        if (!p->met)
            report_fault(v, p->chain, p->position, what);
    }
}

static bool fetch_chains(struct db_tx *tx, void *context, struct failure *f)
{
    return db_query(tx, &verify_chains, DB_NO_VALUES, context, f);
}

static bool verify(struct verification *v, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *chains = NULL;
    if (!db_transaction(v->db, fetch_chains, &chains, f))
        return false;
    for (size_t i = 0; i < db_row_count(chains); i++)
        if (!chain_walk(v, chains, i, f))
            return false;
    unmet_promises(v);
    return true;
}

bool audit_verify(struct db *db, const struct config *config,
                  void (*report)(const struct audit_fault *fault, void *context),
                  void (*progress)(int64_t entries, void *context), void *context, bool *ret_intact,
                  struct audit_summary *ret_summary, struct failure *f)
{
    struct verification v = {
        .db = db, .report = report, .progress = progress, .context = context, .intact = true};
    /* Checkpoints first: what they promise must be there when the entries are read. */
    if (!audit_promises_load(db, config, report_fault, &v, &v.promises, f))
        return false;
    bool done = verify(&v, f);
    if (done) {
        *ret_intact = v.intact;
        *ret_summary = (struct audit_summary){.entries = v.entries,
                                              .chains = v.chains,
                                              .checkpoints = v.promises.checkpoints,
                                              .last_checkpoint = v.promises.last};
    }
    audit_promises_free(&v.promises);
    return done;
}

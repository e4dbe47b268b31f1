/* Walks every chain, from its start or from where its archive ends, and compares it with its head
 * and with the checkpoints (base/audit_archive_verify.c: the archive itself, too).
 *
 * What this cannot see by itself: a tail that was cut off together with every checkpoint that
 * signed it. That is why copies of checkpoints are kept outside. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"

/* One statement, one snapshot: head and last entry belong together. */
static const struct db_statement verify_chains = {
    "verify_chains",
    "SELECT coalesce(c.chain, e.chain), c.position, c.hash, e.last FROM audit_chain c "
    "FULL JOIN (SELECT chain, max(position) AS last FROM audit_entry GROUP BY chain) e "
    "ON e.chain = c.chain ORDER BY 1"};
static const struct db_statement verify_month = {
    "verify_month", "SELECT coalesce(max(month), '') FROM audit_archive"};

/* --- what is online ----------------------------------------------------------------------------
 */

/* until: what was appended while we walk is for the next time */
static bool page_compare(struct audit_walk *w, int64_t until, bool *ret_more, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!audit_page(w->v->db, w->chain, w->position, &rows, f))
        return false;
    size_t count = db_row_count(rows), i = 0;
    for (; i < count && db_get_number(rows, i, 0) <= until; i++) {
        const struct audit_seen seen = audit_seen_read(rows, i);
        audit_walk_entry(w, &seen);
    }
    w->v->entries += (int64_t)i;
    *ret_more = i == AUDIT_PAGE;
    if (w->v->progress)
        w->v->progress(w->v->entries, w->v->context);
    return true;
}

static void end_compare(struct audit_walk *w, bool has_head)
{
    char what[128];
    if (!has_head)
        audit_walk_fault(w, 0, "the head of the chain is missing");
    else if (w->position > w->head_position)
        audit_walk_fault(w, w->head_position,
                         "the head of the chain was set back: entries lie behind it");
    else if (w->position < w->head_position) {
        snprintf(what, sizeof what, "the end of the chain is missing: its head is at %" PRId64,
                 w->head_position);
        audit_walk_fault(w, w->position + 1, what);
    } else if (w->head_position && !w->head_met)
        audit_walk_fault(w, w->head_position, "the head of the chain names no entry");
}

/* The walk begins behind what was archived: its last entry is known by its signed hash. */
static void walk_from(struct audit_walk *w, const struct audit_tail *tail)
{
    struct audit_promises *all = &w->v->promises;
    w->position = tail->position;
    memcpy(w->hash, tail->hash, AUDIT_HASH);
    w->head_met =
        w->head_position == tail->position && memcmp(w->head_hash, tail->hash, AUDIT_HASH) == 0;
    for (size_t i = 0; i < all->count; i++) {
        struct audit_promise *p = &all->list[i];
        if (strcmp(p->chain, w->chain) != 0 || p->position > tail->position)
            continue;
        p->met = true;
        if (p->position == tail->position && memcmp(p->hash, tail->hash, AUDIT_HASH) != 0)
            audit_walk_fault(w, p->position,
                             "the archive does not end with the entry that a checkpoint signed");
    }
}

static bool chain_walk(struct audit_verification *v, const struct audit_tail *tail,
                       const struct db_rows *chains, size_t i, struct failure *f)
{
    struct audit_walk w = {.v = v,
                           .chain = db_get_text(chains, i, 0),
                           .linked = true,
                           .head_position = db_get_number(chains, i, 1)};
    struct bytes hash = db_get_bytes(chains, i, 2);
    if (hash.length == AUDIT_HASH)
        memcpy(w.head_hash, hash.data, AUDIT_HASH);
    if (tail && tail->position)
        walk_from(&w, tail);
    for (bool more = true; more;)
        if (!page_compare(&w, db_get_number(chains, i, 3), &more, f))
            return false;
    end_compare(&w, !db_is_null(chains, i, 1));
    v->chains++;
    return true;
}

static void unmet_promises(struct audit_verification *v)
{
    char what[128];
    for (size_t i = 0; i < v->promises.count; i++) {
        const struct audit_promise *p = &v->promises.list[i];
        snprintf(what, sizeof what, "the entry that checkpoint %" PRId64 " signed is missing",
                 p->checkpoint);
        if (!p->met)
            audit_tell(v, p->chain, p->position, what);
    }
}

static bool fetch_chains(struct db_tx *tx, void *context, struct failure *f)
{
    return db_query(tx, &verify_chains, DB_NO_VALUES, context, f);
}

static bool fetch_month(struct db_tx *tx, void *context, struct failure *f)
{
    return db_query(tx, &verify_month, DB_NO_VALUES, context, f);
}

bool audit_online_verify(struct audit_verification *v, struct audit_tails *tails,
                         struct audit_summary *ret_summary, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *chains = NULL, *month = NULL;
    if (!db_transaction(v->db, fetch_chains, &chains, f))
        return false;
    for (size_t i = 0; i < db_row_count(chains); i++)
        if (!chain_walk(v, audit_tail_of(tails, db_get_text(chains, i, 0)), chains, i, f))
            return false;
    unmet_promises(v);
    if (!db_transaction(v->db, fetch_month, &month, f))
        return false;
    if (strcmp(db_get_text(month, 0, 0), tails->month) > 0)
        return failure_set(f, FAILURE_CONFLICT,
                           "a month left the audit trail meanwhile: verify it again");
    *ret_summary = (struct audit_summary){.entries = v->entries,
                                          .chains = v->chains,
                                          .archived = tails->entries,
                                          .checkpoints = v->promises.checkpoints,
                                          .last_checkpoint = v->promises.last};
    snprintf(ret_summary->archived_to, sizeof ret_summary->archived_to, "%s", tails->month);
    return true;
}

bool audit_verify(struct db *db, const struct config *config,
                  void (*report)(const struct audit_fault *fault, void *context),
                  void (*progress)(int64_t entries, void *context), void *context, bool *ret_intact,
                  struct audit_summary *ret_summary, struct failure *f)
{
    _cleanup_(audit_verification_end) struct audit_verification v = {
        .db = db, .report = report, .progress = progress, .context = context, .intact = true};
    struct audit_tails tails;
    /* Checkpoints first: what they promise must be there when the entries are read. */
    if (!audit_promises_load(db, config, audit_tell, &v, &v.promises, f) ||
        !audit_tails_load(db, config, audit_tell, &v, NULL, NULL, &tails, f) ||
        !audit_online_verify(&v, &tails, ret_summary, f))
        return false;
    *ret_intact = v.intact;
    return true;
}

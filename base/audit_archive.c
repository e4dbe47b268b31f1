/* Archiving: month after month is written, read back and proven, and may then leave the database.
 */
#include "base/audit_archive.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"
#include "base/process.h"

static const struct db_statement archive_chains = {
    "archive_chains", "SELECT chain FROM audit_chain ORDER BY chain COLLATE \"C\""};
static const struct db_statement archive_cut = {"archive_cut", "SELECT audit_cut($1, $2, $3, $4)"};

struct archiving {
    struct audit_verification v;
    int lock; /* the folder, open: one call at a time writes there */
    const struct config *config;
    const struct audit_archive *archive;
    struct db *administrator;
    const char *actor;
    struct file_store *store;
    struct audit_keys keys;
    EVP_PKEY *key;
    char key_id[65];
    struct db_rows *chains;
    struct audit_tails tails; /* archived: in the database's past, or proven in the folder */
    instant until;            /* what is older may leave: the beginning of a month */
    struct audit_archived done;
};

static void archiving_end(struct archiving *a)
{
    cleanup_fd(&a->lock);
    file_store_close(a->store);
    audit_keys_free(&a->keys);
    EVP_PKEY_free(a->key);
    cleanup_db_rows(&a->chains);
    audit_promises_free(&a->v.promises);
}

static bool too_many_chains(struct failure *f)
{
    return failure_set(f, FAILURE_LIMIT, "the audit trail has more than %d chains",
                       AUDIT_CHAINS_MOST);
}

/* --- which month -------------------------------------------------------------------------------
 */

static bool chains_work(struct db_tx *tx, void *context, struct failure *f)
{
    return db_query(tx, &archive_chains, DB_NO_VALUES, context, f);
}

/* When the first entry of a chain that is not archived was written; 0: there is none. */
static bool chain_begins(struct archiving *a, const char *chain, instant *ret_at, struct failure *f)
{
    const struct audit_tail *tail = audit_tail_of(&a->tails, chain);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!tail)
        return too_many_chains(f);
    if (!audit_page(a->v.db, chain, tail->position, &rows, f))
        return false;
    *ret_at = db_row_count(rows) ? audit_seen_read(rows, 0).at : 0;
    return true;
}

static struct day month_after(const char *month)
{
    char text[DAY_TEXT];
    struct day day = {0};
    snprintf(text, sizeof text, "%s-01", month);
    day_parse(text, &day);
    return day.month == 12 ? (struct day){day.year + 1, 1, 1}
                           : (struct day){day.year, day.month + 1, 1};
}

/* The month of the oldest entry that is not archived, but never one that is: a clock that went
 * back does not open a month again. "" when nothing may leave any more. */
static bool month_next(struct archiving *a, char ret_month[AUDIT_MONTH], struct failure *f)
{
    char text[DAY_TEXT];
    instant oldest = INT64_MAX;
    for (size_t i = 0; i < db_row_count(a->chains); i++) {
        instant at = 0;
        if (!chain_begins(a, db_get_text(a->chains, i, 0), &at, f))
            return false;
        oldest = at && at < oldest ? at : oldest;
    }
    ret_month[0] = '\0';
    if (oldest == INT64_MAX)
        return true;
    struct day first = day_of_instant(oldest);
    first.day = 1;
    if (*a->tails.month && day_compare(first, month_after(a->tails.month)) < 0)
        first = month_after(a->tails.month);
    if (day_start(first) < a->until)
        snprintf(ret_month, AUDIT_MONTH, "%.7s", day_text(first, text));
    return true;
}

/* --- writing -----------------------------------------------------------------------------------
 */

struct part { /* of one chain in one month */
    struct archiving *a;
    struct audit_walk walk;
    instant end; /* of the month */
    char name[AUDIT_PATH], context[AUDIT_PATH];
    FILE *file; /* NULL until there is something to write */
    struct audit_writer *writer;
};

static void part_end(struct part *p)
{
    audit_writer_free(p->writer);
    if (p->file)
        fclose(p->file);
}

static bool part_add(struct part *p, const struct audit_seen *seen, struct failure *f)
{
    struct archiving *a = p->a;
    if (!p->file && (!audit_file_begin(a->archive->folder, p->name, &p->file, f) ||
                     !audit_writer_open(p->file, a->archive->key, p->context, &p->writer, f)))
        return false;
    audit_walk_entry(&p->walk, seen);
    return !a->v.intact || audit_writer_add(p->writer, seen, f);
}

static bool part_page(struct part *p, bool *ret_more, struct failure *f)
{
    struct audit_verification *v = p->walk.v;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!audit_page(v->db, p->walk.chain, p->walk.position, &rows, f))
        return false;
    size_t i = 0, count = db_row_count(rows);
    for (; i < count && v->intact; i++) {
        struct audit_seen seen = audit_seen_read(rows, i);
        if (seen.at >= p->end)
            break;
        if (!part_add(p, &seen, f))
            return false;
    }
    *ret_more = v->intact && i == AUDIT_PAGE;
    if (v->progress)
        v->progress(v->entries + p->walk.position, v->context);
    return true;
}

static bool part_write(struct part *p, struct audit_range *ret_range, bool *ret_written,
                       struct failure *f)
{
    for (bool more = true; more;)
        if (!part_page(p, &more, f))
            return false;
    *ret_written = p->file && p->walk.v->intact;
    if (!*ret_written)
        return true;
    if (!audit_writer_end(p->writer, &ret_range->size, ret_range->sha256, f) ||
        !audit_file_done(p->a->archive->folder, p->name, f))
        return false;
    ret_range->last = p->walk.position;
    memcpy(ret_range->hash, p->walk.hash, AUDIT_HASH);
    return true;
}

static bool chain_write(struct archiving *a, const char *chain, const char *month,
                        struct audit_month *ret, struct failure *f)
{
    struct audit_range *range = &ret->range[ret->count];
    const struct audit_tail *tail = audit_tail_of(&a->tails, chain);
    _cleanup_(part_end) struct part p = {
        .a = a,
        .walk = {.v = &a->v, .chain = chain, .linked = true, .head_position = -1},
        .end = day_start(month_after(month))};
    bool written = false;
    if (!tail || ret->count == AUDIT_CHAINS_MOST)
        return too_many_chains(f);
    p.walk.position = tail->position;
    memcpy(p.walk.hash, tail->hash, AUDIT_HASH);
    snprintf(range->chain, sizeof range->chain, "%s", chain);
    range->first = tail->position + 1;
    memcpy(range->previous, tail->hash, AUDIT_HASH);
    audit_file_name(month, chain, p.name);
    audit_file_context(a->archive->city_code, month, chain, p.context);
    if (!part_write(&p, range, &written, f))
        return false;
    ret->count += written;
    return true;
}

static bool month_write(struct archiving *a, const char *month, struct audit_month *ret,
                        struct failure *f)
{
    snprintf(ret->month, sizeof ret->month, "%s", month);
    snprintf(ret->before, sizeof ret->before, "%s", a->tails.text_hash);
    for (size_t i = 0; i < db_row_count(a->chains) && a->v.intact; i++)
        if (!chain_write(a, db_get_text(a->chains, i, 0), month, ret, f))
            return false;
    if (!a->v.intact)
        return true;
    a->done.written++;
    return audit_month_sign(ret, a->archive->city_code, a->key, a->key_id, f) &&
           audit_month_store(a->store, ret, f);
}

/* --- leaving the database ----------------------------------------------------------------------
 */

struct cutting {
    const struct archiving *a;
    const struct audit_month *month;
    int64_t removed;
};

static bool cut_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct cutting *c = context;
    char detail[200];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &archive_cut,
                  DB_VALUES(db_text(c->month->month), db_text(c->month->text),
                            db_bytes(bytes_of(c->month->signature, AUDIT_SIGNATURE)),
                            db_text(c->a->actor)),
                  &rows, f))
        return false;
    c->removed = db_get_number(rows, 0, 0);
    snprintf(detail, sizeof detail,
             "{\"month\":\"%s\",\"entries\":%" PRId64 ",\"manifest\":\"%s\"}", c->month->month,
             c->removed, c->month->text_hash);
    const struct audit_entry entry = {.action = "audit.archive",
                                      .actor = c->a->actor,
                                      .city_code = c->a->archive->city_code,
                                      .detail = detail};
    return audit_append(tx, "administrator", &entry, 1, f);
}

/* Proven in the folder: from here on the next month counts on it. */
static bool month_take(struct archiving *a, const struct audit_month *month, struct failure *f)
{
    struct cutting cutting = {.a = a, .month = month};
    audit_tails_take(&a->tails, month, audit_tell, &a->v);
    if (a->v.intact && !audit_month_prove(&a->v, a->archive, month, NULL, NULL, f))
        return false;
    if (!a->v.intact)
        return true;
    if (a->administrator && !db_transaction(a->administrator, cut_work, &cutting, f))
        return false;
    a->done.months++;
    a->done.removed += cutting.removed;
    for (size_t i = 0; i < month->count; i++)
        a->done.entries += month->range[i].last - month->range[i].first + 1;
    snprintf(a->done.last, sizeof a->done.last, "%s", month->month);
    return true;
}

static bool month_archive(struct archiving *a, const char *name, struct failure *f)
{
    bool found;
    _cleanup_(audit_month_free) struct audit_month month = {0};
    if (!audit_month_load(a->store, &a->keys, name, &found, &month, audit_tell, &a->v, f))
        return false;
    if (a->v.intact && !found && !month_write(a, name, &month, f))
        return false;
    return !a->v.intact || month_take(a, &month, f);
}

static bool archive_all(struct archiving *a, struct failure *f)
{
    char month[AUDIT_MONTH];
    while (a->v.intact) {
        if (!month_next(a, month, f))
            return false;
        if (!*month)
            break;
        if (!month_archive(a, month, f))
            return false;
    }
    return true;
}

/* Then what calls left that were interrupted belongs to nobody. */
static bool folder_begin(struct archiving *a, struct failure *f)
{
    const struct file_store_options place = {.to = a->archive->folder};
    a->lock = open(a->archive->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->lock < 0)
        return failure_errno(f, "the folder %s", a->archive->folder);
    if (flock(a->lock, LOCK_EX | LOCK_NB) != 0)
        return failure_set(f, FAILURE_CONFLICT, "another call writes to %s now",
                           a->archive->folder);
    return file_store_open(&place, &a->store, f) && file_store_sweep(a->store, "", f);
}

static bool archiving_begin(struct archiving *a, struct failure *f)
{
    struct day first =
        day_of_instant(clock_now() - config_duration(config_group(a->config, "audit"), "online"));
    first.day = 1;
    a->until = day_start(first);
    return audit_signing_key_load(a->config, &a->key, a->key_id, f) &&
           audit_keys_load(a->config, &a->keys, f) && folder_begin(a, f) &&
           audit_promises_load(a->v.db, a->config, audit_tell, &a->v, &a->v.promises, f) &&
           db_transaction(a->v.db, chains_work, &a->chains, f) &&
           audit_tails_load(a->v.db, a->config, audit_tell, &a->v, NULL, NULL, &a->tails, f);
}

bool audit_archive_run(struct db *db, struct db *administrator, const struct config *config,
                       const struct audit_archive *archive, const char *actor,
                       struct audit_archived *ret_archived, struct failure *f)
{
    _cleanup_(archiving_end) struct archiving a = {.v = {.db = db,
                                                         .report = archive->report,
                                                         .progress = archive->progress,
                                                         .context = archive->context,
                                                         .intact = true},
                                                   .lock = -1,
                                                   .config = config,
                                                   .archive = archive,
                                                   .administrator = administrator,
                                                   .actor = actor};
    if (!archiving_begin(&a, f) || !archive_all(&a, f))
        return false;
    a.done.intact = a.v.intact;
    *ret_archived = a.done;
    return true;
}

/* Proves the archive's months in a folder, and that what is online goes on from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"

static const struct db_statement verify_hash = {
    "verify_hash", "SELECT hash FROM audit_entry WHERE chain = $1 AND position = $2"};

struct known_month {
    char name[AUDIT_MONTH], text_hash[65];
};
struct proving {
    struct audit_verification *v;
    const struct audit_archive *archive;
    const char *only; /* NULL: all */
    struct file_store *store;
    struct audit_keys keys;
    struct known_month *known; /* those that left the database */
    size_t known_count;
    struct audit_archived done;
};

static void proving_end(struct proving *p)
{
    file_store_close(p->store);
    audit_keys_free(&p->keys);
    free(p->known);
}

static void month_known(const struct audit_month *month, void *to)
{
    struct proving *p = to;
    p->known = memory_resize(p->known, (p->known_count + 1) * sizeof *p->known);
    struct known_month *known = &p->known[p->known_count++];
    snprintf(known->name, sizeof known->name, "%s", month->month);
    snprintf(known->text_hash, sizeof known->text_hash, "%s", month->text_hash);
}

static bool wanted(const struct proving *p, const char *month)
{
    return !p->only || strcmp(p->only, month) == 0;
}

static bool month_prove(struct proving *p, const struct audit_month *month, struct failure *f)
{
    int64_t before = p->v->entries;
    p->done.months++;
    snprintf(p->done.last, sizeof p->done.last, "%s", month->month);
    bool done = audit_month_prove(p->v, p->archive, month, NULL, NULL, f);
    p->done.entries += p->v->entries - before;
    return done;
}

static bool known_prove(struct proving *p, const struct known_month *known, struct failure *f)
{
    bool found;
    char what[128];
    _cleanup_(audit_month_free) struct audit_month month = {0};
    if (!audit_month_load(p->store, &p->keys, known->name, &found, &month, audit_tell, p->v, f))
        return false;
    if (found && strcmp(month.text_hash, known->text_hash) == 0)
        return month_prove(p, &month, f);
    snprintf(what, sizeof what, "%s.json %s", known->name,
             found ? "is another than the one of the month that left the database"
                   : "is not there, or not good: its entries left the database");
    audit_tell(p->v, "archive", 0, what);
    return true;
}

struct asking {
    const struct audit_range *range;
    struct db_rows *rows;
};

static bool hash_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct asking *a = context;
    return db_query(tx, &verify_hash,
                    DB_VALUES(db_text(a->range->chain), db_number(a->range->last)), &a->rows, f);
}

/* A month that is still online, too: both must say the same. */
static bool online_compare(struct proving *p, const struct audit_month *month, struct failure *f)
{
    for (size_t i = 0; i < month->count; i++) {
        struct asking a = {.range = &month->range[i]};
        if (!db_transaction(p->v->db, hash_work, &a, f))
            return false;
        if (!db_row_count(a.rows) ||
            !bytes_equal(db_get_bytes(a.rows, 0, 0), bytes_of(a.range->hash, AUDIT_HASH)))
            audit_tell(p->v, a.range->chain, a.range->last,
                       "the archive's last entry is not the one that is online");
        db_rows_free(a.rows);
    }
    return true;
}

static bool further_prove(struct proving *p, const char *name, struct audit_tails *tails,
                          struct failure *f)
{
    bool found;
    _cleanup_(audit_month_free) struct audit_month month = {0};
    if (!audit_month_load(p->store, &p->keys, name, &found, &month, audit_tell, p->v, f))
        return false;
    if (!found)
        return true;
    audit_tails_take(tails, &month, audit_tell, p->v);
    return !wanted(p, name) || (month_prove(p, &month, f) && online_compare(p, &month, f));
}

static bool archive_prove(struct proving *p, struct audit_tails tails, struct failure *f)
{
    char month[AUDIT_MONTH], left[AUDIT_MONTH];
    struct file_names names = {0};
    memcpy(left, tails.month, sizeof left);
    for (size_t i = 0; i < p->known_count; i++)
        if (wanted(p, p->known[i].name) && !known_prove(p, &p->known[i], f))
            return false;
    bool done = file_store_list(p->store, "", &names, f);
    for (size_t i = 0; done && i < names.count; i++)
        if (audit_month_of_name(names.name[i], month) && strcmp(month, left) > 0)
            done = further_prove(p, month, &tails, f);
    file_names_free(&names);
    if (done && p->only && !p->done.months)
        audit_tell(p->v, "archive", 0, "that month is not in the folder");
    return done;
}

bool audit_archive_verify(struct db *db, const struct config *config,
                          const struct audit_archive *archive, const char *month, bool *ret_intact,
                          struct audit_summary *ret_summary, struct audit_archived *ret_archived,
                          struct failure *f)
{
    _cleanup_(audit_verification_end) struct audit_verification v = {.db = db,
                                                                     .report = archive->report,
                                                                     .progress = archive->progress,
                                                                     .context = archive->context,
                                                                     .intact = true};
    _cleanup_(proving_end) struct proving p = {.v = &v, .archive = archive, .only = month};
    const struct file_store_options place = {.to = archive->folder};
    struct audit_tails tails;
    if (!audit_promises_load(db, config, audit_tell, &v, &v.promises, f) ||
        !audit_tails_load(db, config, audit_tell, &v, month_known, &p, &tails, f) ||
        !audit_keys_load(config, &p.keys, f) || !file_store_open(&place, &p.store, f) ||
        !archive_prove(&p, tails, f))
        return false;
    v.entries = 0;
    if (!audit_online_verify(&v, &tails, ret_summary, f))
        return false;
    p.done.intact = *ret_intact = v.intact;
    *ret_archived = p.done;
    return true;
}

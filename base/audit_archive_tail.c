/* Where the archived part of each chain ends, as the signed manifests in the database say. */
#include <string.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"

static const struct db_statement archive_months = {
    "archive_months", "SELECT month, manifest, signature FROM audit_archive ORDER BY month"};

struct audit_tail *audit_tail_of(struct audit_tails *tails, const char *chain)
{
    size_t i = 0;
    while (i < tails->count && strcmp(tails->tail[i].chain, chain) != 0)
        i++;
    if (i == AUDIT_CHAINS_MOST)
        return NULL;
    if (i == tails->count) {
        tails->count++;
        snprintf(tails->tail[i].chain, AUDIT_CHAIN, "%s", chain);
    }
    return &tails->tail[i];
}

static void range_take(struct audit_tails *tails, const struct audit_range *range,
                       audit_fault_teller *fault, void *context)
{
    struct audit_tail *tail = audit_tail_of(tails, range->chain);
    if (!tail) {
        fault(context, range->chain, range->first, "the archive has too many chains");
        return;
    }
    if (tail->position != range->first - 1 || memcmp(tail->hash, range->previous, AUDIT_HASH) != 0)
        fault(context, range->chain, range->first,
              "the archive's part does not follow what was archived before");
    tail->position = range->last;
    memcpy(tail->hash, range->hash, AUDIT_HASH);
    tails->entries += range->last - range->first + 1;
}

void audit_tails_take(struct audit_tails *tails, const struct audit_month *month,
                      audit_fault_teller *fault, void *context)
{
    if (strcmp(month->before, tails->text_hash) != 0)
        fault(context, "archive", 0, "a month's manifest does not name the one before it");
    for (size_t i = 0; i < month->count; i++)
        range_take(tails, &month->range[i], fault, context);
    snprintf(tails->month, sizeof tails->month, "%s", month->month);
    snprintf(tails->text_hash, sizeof tails->text_hash, "%s", month->text_hash);
}

static bool months_work(struct db_tx *tx, void *context, struct failure *f)
{
    return db_query(tx, &archive_months, DB_NO_VALUES, context, f);
}

bool audit_tails_load(struct db *db, const struct config *config, audit_fault_teller *fault,
                      void *context, void (*each)(const struct audit_month *month, void *to),
                      void *to, struct audit_tails *ret_tails, struct failure *f)
{
    struct audit_tails tails = {0};
    _cleanup_(audit_keys_free) struct audit_keys keys = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!audit_keys_load(config, &keys, f) || !db_transaction(db, months_work, &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++) {
        _cleanup_(audit_month_free) struct audit_month month = {0};
        const char *wrong =
            audit_month_read(&keys, db_get_text(rows, i, 1), db_get_bytes(rows, i, 2), &month);
        if (!wrong && strcmp(month.month, db_get_text(rows, i, 0)) != 0)
            wrong = "a month's manifest stands under another month";
        if (wrong) {
            fault(context, "archive", 0, wrong);
            continue;
        }
        audit_tails_take(&tails, &month, fault, context);
        if (each)
            each(&month, to);
    }
    if (db_row_count(rows)) /* good or not: what was looked at */
        snprintf(tails.month, sizeof tails.month, "%s",
                 db_get_text(rows, db_row_count(rows) - 1, 0));
    *ret_tails = tails;
    return true;
}

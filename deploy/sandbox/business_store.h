/* What a made-up business system keeps, in a PostgreSQL database of its own: its copy of the
 * residents, the items it took, what it decided. An item is stored once, whatever comes again. */
#ifndef UKETSUKE_SANDBOX_BUSINESS_STORE_H
#define UKETSUKE_SANDBOX_BUSINESS_STORE_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/db.h"

extern const struct db_migration business_schema_migrations[];
extern const size_t business_schema_migration_count;

#define BUSINESS_PAGE_MOST 100

struct business_store {
    struct config *config;
    struct db *db;
};

/* `connection` is libpq's, without user. The tables are made when they are not there. */
bool business_store_open(const char *connection, const char *user, struct business_store *ret_store,
                         struct failure *f);
void business_store_close(struct business_store *store);

struct business_item {
    int64_t id;
    char sha256[65];
    char receipt_number[65]; /* "" when the item did not say */
    struct buffer content;   /* the very bytes */
    char *problems;          /* JSON array; NULL: accepted */
    bool notice;             /* tells of a withdrawal */
    const char *outcome;     /* NULL: nothing is decided; static */
};
void business_item_clear(struct business_item *item);

/* All in one transaction, durable when it returns true. What is there already is counted as
 * delivered again, and its receipt becomes due; FAILURE_CONFLICT when its bytes are others. */
bool business_store_save(struct business_store *store, const struct business_item *items,
                         size_t count, struct failure *f);

/* What is to be sent, oldest first: receipts (id, sha256, problems) after the id `after`, and
 * outcomes (id, outcome, receipt_number, notice) of what was accepted and receipted. */
bool business_store_receipts(struct business_store *store, int64_t after, struct db_rows **ret_rows,
                             struct failure *f);
bool business_store_outcomes(struct business_store *store, int64_t after, struct db_rows **ret_rows,
                             struct failure *f);
/* What became of them: ids and results as texts, side by side. */
bool business_store_receipted(struct business_store *store, const char *const *ids,
                              const char *const *results, size_t count, struct failure *f);
bool business_store_told(struct business_store *store, const char *const *ids,
                         const char *const *results, size_t count, struct failure *f);

/* --- residents -------------------------------------------------------------------------------- */

/* Adds or changes those of a registry feed (docs/formats/registry-feed.md). */
bool business_residents_load(struct business_store *store, const char *path, int64_t *ret_count,
                             struct failure *f);

enum business_agreement { AGREES, NOBODY, OTHER_NAME, OTHER_BIRTH_DATE, NO_COPY };
/* Compares with the copy: 宛名番号, names and birth dates side by side, NULLs may be among them. */
bool business_residents_compare(struct business_store *store, const char *const *numbers,
                                const char *const *names, const char *const *births, size_t count,
                                enum business_agreement *ret_agreements, struct failure *f);

/* --- report ----------------------------------------------------------------------------------- */

json_t *business_report(struct business_store *store, struct failure *f);

#endif

/* Looking up serial links (番号紐付情報). */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "intake/registry/keys.h"
#include "intake/registry/links.h"

/* void is not a type that crosses the border: IS NULL makes a boolean of it */
static const struct db_statement links_hold = {
    "registry_links_hold", "SELECT pg_advisory_xact_lock_shared(hashtextextended('registry_link:' "
                           "|| $1::text, 0)) IS NULL"};
static const struct db_statement links_find = {
    "registry_links_find",
    "SELECT wanted.position, found.first, nullif(found.last, found.first)"
    " FROM unnest($2::text[], $3::text[], $4::timestamptz[]) WITH ORDINALITY"
    "  AS wanted (ca, serial, at, position)"
    " CROSS JOIN LATERAL ("
    "  SELECT min(atenabango) AS first, max(atenabango) AS last FROM registry_link AS link"
    "   WHERE city_code = $1 AND link.ca = wanted.ca AND link.serial = wanted.serial"
    "   AND valid_from <= wanted.at AND wanted.at < valid_to) AS found"
    " WHERE found.first IS NOT NULL"};

struct lookup_columns {
    const char **all, **ca, **serial, **at;
    char (*times)[INSTANT_TEXT];
};

static void lookup_columns_make(struct lookup_columns *ret, const struct registry_lookup *lookups,
                                size_t count)
{
    ret->all = ret->ca = memory_allocate(3 * count * sizeof *ret->all);
    ret->serial = ret->all + count;
    ret->at = ret->all + 2 * count;
    ret->times = memory_allocate(count * sizeof *ret->times);
    for (size_t i = 0; i < count; i++) {
        ret->ca[i] = lookups[i].ca;
        ret->serial[i] = lookups[i].serial;
        ret->at[i] = instant_text_jst(lookups[i].at, ret->times[i]);
    }
}

static void lookup_columns_free(struct lookup_columns *columns)
{
    free(columns->all);
    free(columns->times);
}

bool registry_hold(struct db_tx *tx, const char *city_code, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_query(tx, &links_hold, DB_VALUES(db_text(city_code)), &rows, f) &&
           registry_folding_check(tx, city_code, f);
}

bool registry_links(struct db_tx *tx, const char *city_code, struct registry_lookup *lookups,
                    size_t count, struct failure *f)
{
    _cleanup_(lookup_columns_free) struct lookup_columns c;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    lookup_columns_make(&c, lookups, count);
    if (!db_query(tx, &links_find,
                  DB_VALUES(db_text(city_code), db_texts(c.ca, count), db_texts(c.serial, count),
                            db_texts(c.at, count)),
                  &rows, f))
        return false;
    for (size_t i = 0; i < count; i++)
        lookups[i].count = 0;
    for (size_t row = 0; row < db_row_count(rows); row++) {
        struct registry_lookup *lookup = &lookups[db_get_number(rows, row, 0) - 1];
        for (int column = 1; column <= REGISTRY_LINKS_MOST && !db_is_null(rows, row, column);
             column++)
            snprintf(lookup->atenabango[lookup->count++], sizeof lookup->atenabango[0], "%s",
                     db_get_text(rows, row, column));
    }
    return true;
}

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
    "SELECT wanted.position, found.atenabango"
    " FROM unnest($2::text[], $3::text[], $4::timestamptz[]) WITH ORDINALITY"
    "  AS wanted (ca, serial, at, position)"
    " CROSS JOIN LATERAL ("
    "  SELECT atenabango FROM registry_link AS link"
    "   WHERE city_code = $1 AND link.ca = wanted.ca AND link.serial = wanted.serial"
    "   AND valid_from <= wanted.at AND wanted.at < valid_to"
    "   ORDER BY atenabango) AS found"};

bool registry_hold(struct db_tx *tx, const char *city_code, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_ask(tx, &links_hold, DB_VALUES(db_text(city_code)), &rows, f) &&
           registry_folding_check(tx, city_code, f);
}

bool registry_links_ask(struct db_tx *tx, const char *city_code,
                        const struct registry_lookup *lookups, size_t count,
                        struct db_rows **ret_rows, struct failure *f)
{
    const char **texts = memory_allocate(2 * count * sizeof *texts);
    instant *at = memory_allocate(count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        texts[i] = lookups[i].ca;
        texts[count + i] = lookups[i].serial;
        at[i] = lookups[i].at;
    }
    bool done = db_ask(tx, &links_find,
                       DB_VALUES(db_text(city_code), db_texts(texts, count),
                                 db_texts(texts + count, count), db_instants(at, count)),
                       ret_rows, f);
    free(texts);
    free(at);
    return done;
}

/* Of one lookup they come in their order. */
static void link_add(struct registry_lookup *lookup, const char *atenabango)
{
    size_t place = lookup->count < REGISTRY_LINKS_MOST ? lookup->count++ : REGISTRY_LINKS_MOST - 1;
    snprintf(lookup->atenabango[place], sizeof lookup->atenabango[place], "%s", atenabango);
}

void registry_links_read(const struct db_rows *rows, struct registry_lookup *lookups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        lookups[i].count = 0;
    for (size_t row = 0; row < db_row_count(rows); row++)
        link_add(&lookups[db_get_number(rows, row, 0) - 1], db_get_text(rows, row, 1));
}

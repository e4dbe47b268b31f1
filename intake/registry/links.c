#include "intake/registry/links.h"
#include "base/cleanup.h"
#include "intake/registry/keys.h"

/* void is not a type that crosses the border: IS NULL makes a boolean of it */
static const struct db_statement links_hold = {
    "registry_links_hold", "SELECT pg_advisory_xact_lock_shared(hashtextextended('registry_link:' "
                           "|| $1::text, 0)) IS NULL"};
const struct db_statement registry_links_as_of_find = {
    "registry_links_as_of",
    "SELECT min(newest) FROM (SELECT max(as_of) AS newest FROM registry_import"
    " WHERE city_code = $1 AND kind = 'links' AND state = 'done' GROUP BY source) AS sources"};

bool registry_hold(struct db_tx *tx, const char *city_code, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_ask(tx, &links_hold, DB_VALUES(db_text(city_code)), &rows, f) &&
           registry_folding_check(tx, city_code, f);
}

bool registry_links_as_of(struct db_tx *tx, const char *city_code, instant *ret_as_of,
                          struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &registry_links_as_of_find, DB_VALUES(db_text(city_code)), &rows, f))
        return false;
    *ret_as_of = db_get_instant(rows, 0, 0);
    return true;
}

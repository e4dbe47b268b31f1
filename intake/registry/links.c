#include "intake/registry/links.h"
#include "base/cleanup.h"
#include "intake/registry/keys.h"

/* void is not a type that crosses the border: IS NULL makes a boolean of it */
static const struct db_statement links_hold = {
    "registry_links_hold", "SELECT pg_advisory_xact_lock_shared(hashtextextended('registry_link:' "
                           "|| $1::text, 0)) IS NULL"};

bool registry_hold(struct db_tx *tx, const char *city_code, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_ask(tx, &links_hold, DB_VALUES(db_text(city_code)), &rows, f) &&
           registry_folding_check(tx, city_code, f);
}

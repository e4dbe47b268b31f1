#include "routing/floor.h"

#include "base/cleanup.h"

const struct db_statement floor_first = {
    "floor_first", "SELECT outbox_id FROM outbox WHERE city_code = $1 AND destination = $2"
                   " AND outbox_id > $3::bigint ORDER BY outbox_id LIMIT 1"};

/* The first who comes after its life looks from the beginning; the others go on from where it was.
 */
int64_t floor_begin(struct floor *floor)
{
    int64_t now = clock_monotonic(), until = atomic_load(&floor->until);
    if (until <= now && atomic_compare_exchange_strong(&floor->until, &until, now + FLOOR_LIFE))
        return 0;
    return atomic_load(&floor->id);
}

int64_t floor_found(struct floor *floor, const struct db_rows *rows)
{
    int64_t oldest = db_row_count(rows) ? db_get_number(rows, 0, 0) : 0;
    if (oldest)
        atomic_store(&floor->id, oldest - 1);
    return oldest;
}

bool floor_oldest(struct floor *floor, struct db_tx *tx, const char *city_code,
                  const char *destination, int64_t *ret_oldest, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(
            tx, &floor_first,
            DB_VALUES(db_text(city_code), db_text(destination), db_number(floor_begin(floor))),
            &rows, f))
        return false;
    *ret_oldest = floor_found(floor, rows);
    return true;
}

void floor_reset(struct floor *floor)
{
    atomic_store(&floor->id, 0); /* for those who come beside the first, too */
    atomic_store(&floor->until, 0);
}

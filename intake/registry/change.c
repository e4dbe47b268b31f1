#include "intake/registry/change.h"

static const struct db_statement changes_take = {
    "registry_changes_take",
    "WITH taken AS ("
    " DELETE FROM registry_change WHERE city_code = $1 AND change_id IN ("
    "  SELECT change_id FROM registry_change WHERE city_code = $1"
    "  ORDER BY change_id LIMIT $2)"
    " RETURNING change_id, atenabango, coalesce(ca, '') AS ca, coalesce(serial, '') AS serial)"
    "SELECT atenabango, ca, serial FROM taken ORDER BY change_id"};

bool registry_changes_take(struct db_tx *tx, const char *city_code, size_t most,
                           struct registry_change *ret_changes, size_t *ret_count,
                           struct db_rows **ret_rows, struct failure *f)
{
    struct db_rows *rows;
    if (!db_query(tx, &changes_take, DB_VALUES(db_text(city_code), db_number((int64_t)most)), &rows,
                  f))
        return false;
    *ret_count = db_row_count(rows);
    for (size_t row = 0; row < *ret_count; row++)
        ret_changes[row] = (struct registry_change){
            .everything = db_is_null(rows, row, 0),
            .atenabango = db_get_text(rows, row, 0),
            .ca = db_get_text(rows, row, 1),
            .serial = db_get_text(rows, row, 2),
        };
    *ret_rows = rows;
    return true;
}

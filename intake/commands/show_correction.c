#include "intake/commands/show_correction.h"

#include <stdio.h>

#include "intake/state.h"

/* What it says that it corrects, whether that is here, and whether this one has taken its place;
 * then what took this one's place. */
static const struct db_statement find = {
    "show_correction",
    "SELECT 'corrects', a.corrects, o.state,"
    " EXISTS (SELECT FROM supersession s WHERE s.city_code = a.city_code"
    "  AND s.application_id = o.application_id AND s.by_application_id = a.application_id) "
    "FROM application a LEFT JOIN application o ON o.city_code = a.city_code"
    " AND o.channel = a.channel AND o.receipt_number = a.corrects "
    "WHERE a.city_code = $1 AND a.application_id = $2::uuid AND a.corrects IS NOT NULL "
    "UNION ALL SELECT 'corrected by', n.receipt_number, n.state, true "
    "FROM supersession s JOIN application n ON n.city_code = s.city_code"
    " AND n.application_id = s.by_application_id "
    "WHERE s.city_code = $1 AND s.application_id = $2::uuid"};

bool show_correction_find(struct db_tx *tx, const char *city_code, const char *application_id,
                          struct db_rows **ret_rows, struct failure *f)
{
    return db_query(tx, &find, DB_VALUES(db_text(city_code), db_text(application_id)), ret_rows, f);
}

void show_correction_print(const struct db_rows *rows)
{
    for (size_t i = 0; i < db_row_count(rows); i++) {
        enum state state = STATE_COUNT;
        const char *code = db_get_text(rows, i, 2);
        bool known = code && state_from_code(code, &state);
        printf("  %-14s %s", db_get_text(rows, i, 0), db_get_text(rows, i, 1));
        if (code)
            printf(", which is %s %s%s\n", code, known ? state_name_ja(state) : "",
                   db_get_boolean(rows, i, 3) ? "" : "; this one has not taken its place");
        else
            puts(", which is not here");
    }
}

#include "intake/console/holiday.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "forms/days.h"

static const struct db_statement select_holidays = {
    "holidays", "SELECT day FROM holiday WHERE city_code = $1 ORDER BY day"};

static void holidays_take(const struct db_rows *rows, struct holidays *ret)
{
    struct holidays found = {memory_allocate((db_row_count(rows) + 1) * sizeof *found.days),
                             db_row_count(rows)};
    for (size_t row = 0; row < found.count; row++)
        found.days[row] = db_get_number(rows, row, 0);
    *ret = found;
}

bool holidays_load(struct db_tx *tx, const char *city_code, struct holidays *ret_holidays,
                   struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &select_holidays, DB_VALUES(db_text(city_code)), &rows, f))
        return false;
    holidays_take(rows, ret_holidays);
    return true;
}

bool holidays_look(struct db *db, const char *city_code, struct holidays *ret_holidays,
                   struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_look(db, DB_QUESTIONS({&select_holidays, DB_VALUES(db_text(city_code)), &rows}), f))
        return false;
    holidays_take(rows, ret_holidays);
    return true;
}

void holidays_free(struct holidays *holidays)
{
    free(holidays->days);
    *holidays = (struct holidays){0};
}

static int compare(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;
    return (one > two) - (one < two);
}

bool holiday_closed(const struct holidays *holidays, struct day day)
{
    int64_t number = day.year * 10000 + day.month * 100 + day.day;
    return day_closed(day) || (holidays->count && bsearch(&number, holidays->days, holidays->count,
                                                          sizeof number, compare));
}

struct day holiday_open_from(const struct holidays *holidays, struct day day)
{
    while (holiday_closed(holidays, day))
        day = day_add(day, 1);
    return day;
}

struct day holiday_open_until(const struct holidays *holidays, struct day day)
{
    while (holiday_closed(holidays, day))
        day = day_add(day, -1);
    return day;
}

const char *holiday_moved(const struct holidays *holidays, const char *due_on, char ret[DAY_TEXT])
{
    struct day day;
    return day_parse(due_on, &day) ? day_text(holiday_open_from(holidays, day), ret) : due_on;
}

/* 休日: the days on which the city is closed; those of the law (forms/days.h) and its own, which
 * administrators keep (schema 0019). */
#ifndef UKETSUKE_INTAKE_CONSOLE_HOLIDAY_H
#define UKETSUKE_INTAKE_CONSOLE_HOLIDAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/db.h"

struct holidays {  /* free with holidays_free; {0}: only those of the law */
    int64_t *days; /* YYYYMMDD, ascending */
    size_t count;
};
bool holidays_load(struct db_tx *tx, const char *city_code, struct holidays *ret_holidays,
                   struct failure *f);
/* The same in a round trip of its own. */
bool holidays_look(struct db *db, const char *city_code, struct holidays *ret_holidays,
                   struct failure *f);
void holidays_free(struct holidays *holidays);

bool holiday_closed(const struct holidays *holidays, struct day day);
/* That day, or the next one on which the city is open. */
struct day holiday_open_from(const struct holidays *holidays, struct day day);
/* That day, or the last one before it on which the city is open. What ends on a closed day and so
 * on the next open one ends by `day` exactly when it ends by this one as it stands: so moved terms
 * can be asked for where only the unmoved are stored, and their order is the same. */
struct day holiday_open_until(const struct holidays *holidays, struct day day);
/* Of a term as it is stored, YYYY-MM-DD: when it ends; what is no day stays as it is. */
const char *holiday_moved(const struct holidays *holidays, const char *due_on, char ret[DAY_TEXT]);

#endif

/* 休日: the days on which the city is closed; those of the law (forms/days.h) and its own, which
 * administrators keep (schema 0019). */
#ifndef UKETSUKE_INTAKE_CONSOLE_HOLIDAY_H
#define UKETSUKE_INTAKE_CONSOLE_HOLIDAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/db.h"

struct holidays {  /* free with holidays_free; {0}: only those of the law */
    int64_t *days; /* YYYYMMDD, ascending */
    size_t count;
};
bool holidays_load(struct db_tx *tx, const char *city_code, struct holidays *ret_holidays,
                   struct failure *f);
void holidays_free(struct holidays *holidays);

bool holiday_closed(const struct holidays *holidays, struct day day);
/* That day, or the next one on which the city is open. */
struct day holiday_open_from(const struct holidays *holidays, struct day day);

#endif

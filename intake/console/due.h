/* What was confirmed for a day to come (schema 0039) takes effect on that day: a thread of the
 * console looks once a minute. Of several consoles one does it. */
#ifndef UKETSUKE_INTAKE_CONSOLE_DUE_H
#define UKETSUKE_INTAKE_CONSOLE_DUE_H

#include "base/db.h"

struct due;

bool due_start(struct db *db, const char *city_code, struct due **ret_due, struct failure *f);
void due_stop(struct due *due); /* NULL is fine */

#endif

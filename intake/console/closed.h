/* The city's own closed days for terms: who ends on one ends on the next open day (民法第142条,
 * 地方自治法第4条の2). What is stored is moved by the law's closed days alone, so that the list
 * holds for whatever waits as soon as administrators change it; it is read anew every few seconds.
 * From any thread. */
#ifndef UKETSUKE_INTAKE_CONSOLE_CLOSED_H
#define UKETSUKE_INTAKE_CONSOLE_CLOSED_H

#include "intake/console/holiday.h"

#define CLOSED_EVERY (5 * INSTANT_SECOND)

struct closed;

struct closed *closed_new(struct db *db, const char *city_code);
void closed_free(struct closed *closed);
/* A copy, to be freed with holidays_free. */
bool closed_read(struct closed *closed, struct holidays *ret_holidays, struct failure *f);

#endif

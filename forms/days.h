/* How the law counts days. All days are Japan's; no time zone, no hours. */
#ifndef UKETSUKE_FORMS_DAYS_H
#define UKETSUKE_FORMS_DAYS_H

#include <stdbool.h>

#include "base/clock.h"

/* Full years at the end of the day `on`: an age is reached when the day before the birthday ends
 * (年齢計算ニ関スル法律, 民法第143条); who is born on 29 February reaches it when 28 February ends.
 * Negative when born later than the day after. */
int age_on(struct day birth, struct day on);

/* The 31 March that ends the fiscal year (1 April to 31 March) in which `age` is reached: born on
 * 1 April means the school year of those born before (18歳に達する日以後の最初の3月31日). */
struct day fiscal_year_end(struct day birth, int age);

/* Saturdays, Sundays, national holidays, and 29 December to 3 January: days on which cities are
 * closed (地方自治法第4条の2第2項). Holidays are known for HOLIDAYS_FIRST to HOLIDAYS_LAST. */
#define HOLIDAYS_FIRST 2007
#define HOLIDAYS_LAST  2099
bool day_closed(struct day day);
/* NULL when it is none. Japanese, as the law names it; 振替休日, 国民の休日. */
const char *holiday_name(struct day day);
/* That day, or the next one that is not closed (民法第142条). */
struct day day_open_from(struct day day);

int day_of_week(struct day day); /* 0: Sunday */

#endif

/* Japanese eras (元号), for showing only: what is stored and compared is the Gregorian date. */
#ifndef UKETSUKE_BASE_ERA_H
#define UKETSUKE_BASE_ERA_H

#include "base/clock.h"

#define ERA_TEXT 48 /* bytes of "令和99年12月31日", and of a date before the eras, NUL included */

/* "令和8年11月21日", "令和元年5月1日"; from 明治 6 on (1873-01-01, when the calendar became
 * Gregorian, 明治5年太政官布告第337号); earlier days as "1868年9月8日". Returns text. */
const char *era_day_text(struct day day, char text[ERA_TEXT]);

#endif

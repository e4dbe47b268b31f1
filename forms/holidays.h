/* The lines of forms/holidays.tsv. Internal to forms/. */
#ifndef UKETSUKE_FORMS_HOLIDAYS_H
#define UKETSUKE_FORMS_HOLIDAYS_H

#include <stddef.h>

enum holiday_rule { HOLIDAY_DAY, HOLIDAY_MONDAY, HOLIDAY_VERNAL, HOLIDAY_AUTUMNAL };

struct holiday {
    const char *name;
    int first, last; /* years */
    enum holiday_rule rule;
    int month, day; /* or which Monday of the month */
};

extern const struct holiday holidays[];
extern const size_t holidays_count;

#endif

/* National holidays: forms/holidays.tsv, and the two kinds that follow from them. */
#include "forms/days.h"
#include "forms/holidays.h"

/* The usual approximation, good for 1980 to 2099: the sun's mean motion from the equinox of 1980
 * (20.8431 March, 23.2488 September, in days of Japan), less the leap days since. */
static int equinox_day(int year, bool vernal)
{
    double first = vernal ? 20.8431 : 23.2488;
    return (int)(first + 0.242194 * (year - 1980)) - (year - 1980) / 4;
}

static struct day holiday_in(const struct holiday *holiday, int year)
{
    struct day day = {year, holiday->month, holiday->day};
    switch (holiday->rule) {
    case HOLIDAY_MONDAY:
        day.day = 1;
        day.day += (8 - day_of_week(day)) % 7 + 7 * (holiday->day - 1);
        break;
    case HOLIDAY_VERNAL:
    case HOLIDAY_AUTUMNAL:
        day.day = equinox_day(year, holiday->rule == HOLIDAY_VERNAL);
        break;
    case HOLIDAY_DAY:
    default:
        break;
    }
    return day;
}

static const char *listed(struct day day)
{
    for (size_t i = 0; i < holidays_count; i++)
        if (holidays[i].month == day.month && holidays[i].first <= day.year &&
            day.year <= holidays[i].last &&
            day_compare(holiday_in(&holidays[i], day.year), day) == 0)
            return holidays[i].name;
    return NULL;
}

/* 第3条第2項: a holiday on a Sunday makes the next day that is none a holiday. */
static bool is_substitute(struct day day)
{
    struct day before = day_add(day, -1);
    while (listed(before)) {
        if (day_of_week(before) == 0)
            return true;
        before = day_add(before, -1);
    }
    return false;
}

const char *holiday_name(struct day day)
{
    const char *name = listed(day);
    if (name || day.year < HOLIDAYS_FIRST || day.year > HOLIDAYS_LAST)
        return name;
    if (is_substitute(day))
        return "振替休日";
    /* 第3条第3項: a day between two holidays. */
    return listed(day_add(day, -1)) && listed(day_add(day, 1)) ? "国民の休日" : NULL;
}

#include "forms/days.h"

#include <stddef.h>

int day_of_week(struct day day)
{
    return (int)(((day_number(day) + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

/* The birthday's month and day come after 29 February in common years by themselves. */
int age_on(struct day birth, struct day on)
{
    struct day next = day_add(on, 1);
    bool before = next.month < birth.month || (next.month == birth.month && next.day < birth.day);
    return next.year - birth.year - before;
}

struct day fiscal_year_end(struct day birth, int age)
{
    struct day birthday = {birth.year + age, birth.month, birth.day};
    if (!day_valid(birthday)) /* 29 February: reached when the 28th ends */
        birthday = (struct day){birth.year + age, 3, 1};
    struct day reached = day_add(birthday, -1);
    return (struct day){reached.year + (reached.month >= 4), 3, 31};
}

bool day_closed(struct day day)
{
    int week = day_of_week(day);
    bool year_end = (day.month == 12 && day.day >= 29) || (day.month == 1 && day.day <= 3);
    return week == 0 || week == 6 || year_end || holiday_name(day);
}

struct day day_open_from(struct day day)
{
    while (day_closed(day))
        day = day_add(day, 1);
    return day;
}

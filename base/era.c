#include "base/era.h"

#include <stdio.h>

static const struct era {
    const char *name;
    struct day first;
} eras[] = {
    {"令和", {2019, 5, 1}},  {"平成", {1989, 1, 8}}, {"昭和", {1926, 12, 25}},
    {"大正", {1912, 7, 30}}, {"明治", {1873, 1, 1}},
};

/* The year before the era's year 1: 明治 1 was 1868, though its days are told from 1873 on. */
static int year_zero(const struct era *era)
{
    return era->first.year == 1873 ? 1867 : era->first.year - 1;
}

const char *era_day_text(struct day day, char text[ERA_TEXT])
{
    for (size_t i = 0; i < sizeof eras / sizeof *eras; i++) {
        if (day_compare(day, eras[i].first) < 0)
            continue;
        int year = day.year - year_zero(&eras[i]);
        if (year == 1)
            snprintf(text, ERA_TEXT, "%s元年%d月%d日", eras[i].name, day.month, day.day);
        else
            snprintf(text, ERA_TEXT, "%s%d年%d月%d日", eras[i].name, year, day.month, day.day);
        return text;
    }
    snprintf(text, ERA_TEXT, "%d年%d月%d日", day.year, day.month, day.day);
    return text;
}

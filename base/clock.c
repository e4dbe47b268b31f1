#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define YEAR_LEAST 1868 /* 明治元年: nobody's papers say an earlier one */
#define YEAR_MOST  9999
#define JST        (9 * 3600 * INSTANT_SECOND)

static _Atomic instant fixed; /* 0: the clock runs */

void clock_initialize(void)
{
    setenv("TZ", "UTC0", 0);
    tzset(); /* now: an examiner may not open files later */
}

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * INSTANT_SECOND + t.tv_nsec / 1000;
}

instant clock_now(void)
{
    instant now = atomic_load(&fixed);

    return now ? now : read_clock(CLOCK_REALTIME);
}

void clock_fix(instant now)
{
    atomic_store(&fixed, now);
}

int64_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days of the proleptic Gregorian calendar: counted in eras of 400 years that begin on 1 March, so
 * that the leap day is the last of its year. */
const char *day_text(struct day day, char text[DAY_TEXT])
{
    snprintf(text, DAY_TEXT, "%04d-%02d-%02d", day.year, day.month, day.day);
    return text;
}

int64_t day_number(struct day day)
{
    int64_t year = day.year - (day.month <= 2);
    int64_t era = divide_down(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month = (day.month + 9) % 12; /* March is 0 */
    int64_t day_of_year = (153 * month + 2) / 5 + day.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct day day_of_number(int64_t number)
{
    number += 719468;
    int64_t era = divide_down(number, 146097);
    int64_t day_of_era = number - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct day day = {.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
                      .month = (int)(month < 10 ? month + 3 : month - 9)};

    day.year = (int)(year_of_era + era * 400 + (day.month <= 2));
    return day;
}

struct day day_of_instant(instant at)
{
    /* Floor first, then add: the sum must not overflow at the ends of the range. */
    int64_t seconds = divide_down(at, INSTANT_SECOND) + 9 * 3600;

    return day_of_number(divide_down(seconds, 86400));
}

instant day_start(struct day day)
{
    return day_number(day) * INSTANT_DAY - JST;
}

bool day_valid(struct day day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (day.year < YEAR_LEAST || day.year > YEAR_MOST || day.month < 1 || day.month > 12)
        return false;
    bool leap = day.year % 4 == 0 && (day.year % 100 != 0 || day.year % 400 == 0);
    int most = lengths[day.month - 1] + (day.month == 2 && leap);
    return day.day >= 1 && day.day <= most;
}

int day_compare(struct day a, struct day b)
{
    if (a.year != b.year)
        return a.year < b.year ? -1 : 1;
    if (a.month != b.month)
        return a.month < b.month ? -1 : 1;
    return (a.day > b.day) - (a.day < b.day);
}

struct day day_add(struct day day, int days)
{
    return day_of_number(day_number(day) + days);
}

/* Exactly `count` digits; moves *at behind them. */
static bool read_digits(const char **at, int count, int *ret_number)
{
    int number = 0;

    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        number = number * 10 + (**at - '0');
    }
    *ret_number = number;
    return true;
}

static bool read_mark(const char **at, char mark)
{
    if (**at != mark)
        return false;
    (*at)++;
    return true;
}

static bool read_day(const char **at, struct day *ret_day)
{
    struct day day;

    if (!read_digits(at, 4, &day.year) || !read_mark(at, '-') || !read_digits(at, 2, &day.month) ||
        !read_mark(at, '-') || !read_digits(at, 2, &day.day) || !day_valid(day))
        return false;
    *ret_day = day;
    return true;
}

bool day_parse(const char *text, struct day *ret_day)
{
    struct day day;

    if (!read_day(&text, &day) || *text)
        return false;
    *ret_day = day;
    return true;
}

/* ".5" and the like, to microseconds; what is finer is cut off. At most nine digits. */
static bool read_fraction(const char **at, instant *ret_fraction)
{
    instant fraction = 0, unit = INSTANT_SECOND / 10;
    int count = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++, count++, unit /= 10)
        fraction += (**at - '0') * unit;
    *ret_fraction = fraction;
    return count >= 1 && count <= 9;
}

static bool read_offset(const char **at, instant *ret_offset)
{
    int hours, minutes;

    if (read_mark(at, 'Z')) {
        *ret_offset = 0;
        return true;
    }
    int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (sign == 0)
        return false;
    (*at)++;
    if (!read_digits(at, 2, &hours) || !read_mark(at, ':') || !read_digits(at, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_offset = sign * (hours * 60 + minutes) * 60 * INSTANT_SECOND;
    return true;
}

bool instant_parse(const char *text, instant *ret_instant)
{
    struct day day;
    int hour, minute, second;
    instant fraction = 0, offset;

    if (!read_day(&text, &day) || !read_mark(&text, 'T') || !read_digits(&text, 2, &hour) ||
        !read_mark(&text, ':') || !read_digits(&text, 2, &minute) || !read_mark(&text, ':') ||
        !read_digits(&text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (read_mark(&text, '.') && !read_fraction(&text, &fraction))
        return false;
    if (!read_offset(&text, &offset) || *text)
        return false;
    instant at = day_number(day) * INSTANT_DAY +
                 ((instant)hour * 3600 + minute * 60 + second) * INSTANT_SECOND + fraction - offset;
    if (!day_valid(day_of_instant(at))) /* the offset led out of the years we can write */
        return false;
    *ret_instant = at;
    return true;
}

const char *instant_text_jst(instant at, char text[INSTANT_TEXT])
{
    const instant least = day_start((struct day){YEAR_LEAST, 1, 1});
    const instant most = day_start((struct day){YEAR_MOST, 12, 31}) + INSTANT_DAY - 1;

    at = at < least ? least : at > most ? most : at;
    struct day day = day_of_instant(at);
    instant rest = at - day_start(day);
    int seconds = (int)(rest / INSTANT_SECOND), micros = (int)(rest % INSTANT_SECOND);

    /* A larger buffer than needed: the compiler can't see how small the numbers are. */
    char whole[80];
    snprintf(whole, sizeof whole, "%04d-%02d-%02dT%02d:%02d:%02d.%06d+09:00", day.year, day.month,
             day.day, seconds / 3600, seconds / 60 % 60, seconds % 60, micros);
    memcpy(text, whole, INSTANT_TEXT - 1);
    text[INSTANT_TEXT - 1] = 0;
    return text;
}

const char *duration_text(instant duration, char text[DURATION_TEXT])
{
    long long seconds = duration / INSTANT_SECOND;
    if (seconds < 120)
        snprintf(text, DURATION_TEXT, "%lld s", seconds);
    else if (seconds < 2 * 3600)
        snprintf(text, DURATION_TEXT, "%lld min", seconds / 60);
    else if (seconds < 2 * 86400)
        snprintf(text, DURATION_TEXT, "%lld h", seconds / 3600);
    else
        snprintf(text, DURATION_TEXT, "%lld d", seconds / 86400);
    return text;
}

/* Days, ages, terms. A text that is no day ("YYYY-MM-DD", one that exists) gives NaN or "". */
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/era.h"
#include "forms/days.h"
#include "forms/evaluation.h"
#include "forms/xpath.h"

#define DAYS_MOST  40000 /* that a term may have */
#define AGE_MOST   150
#define YEAR_FIRST 1000 /* of four digits, before and behind which nothing is counted */
#define YEAR_LAST  9998

static bool pop_day(xmlXPathParserContext *parser, struct day *ret_day)
{
    _cleanup_(cleanup_text) char *text = pop_text(parser);
    return day_parse(text, ret_day) && ret_day->year >= YEAR_FIRST && ret_day->year <= YEAR_LAST;
}

/* A whole number within ±most. */
static bool pop_whole(xmlXPathParserContext *parser, int most, int *ret_number)
{
    double number = pop_number(parser);
    if (!(number >= -most && number <= most) || number != floor(number))
        return false;
    *ret_number = (int)number;
    return true;
}

static void push_day(xmlXPathParserContext *parser, bool known, struct day day)
{
    char text[48] = "";
    if (known && day.year >= YEAR_FIRST && day.year <= YEAR_LAST)
        snprintf(text, sizeof text, "%04d-%02d-%02d", day.year, day.month, day.day);
    push_text(parser, text);
}

static void is_date(xmlXPathParserContext *parser, int count)
{
    struct day day;
    (void)count;
    push_boolean(parser, pop_day(parser, &day));
}

static void age(xmlXPathParserContext *parser, int count)
{
    struct day on, birth;
    (void)count;
    bool known = pop_day(parser, &on);
    known = pop_day(parser, &birth) && known;
    push_number(parser, known ? age_on(birth, on) : NAN);
}

static void fiscal_end(xmlXPathParserContext *parser, int count)
{
    struct day birth = {0};
    int years = 0;
    (void)count;
    bool known = pop_whole(parser, AGE_MOST, &years) && years >= 0;
    known = pop_day(parser, &birth) && known;
    push_day(parser, known, known ? fiscal_year_end(birth, years) : birth);
}

static void days_between(xmlXPathParserContext *parser, int count)
{
    struct day from, to;
    (void)count;
    bool known = pop_day(parser, &to);
    known = pop_day(parser, &from) && known;
    push_number(parser, known ? (double)(day_number(to) - day_number(from)) : NAN);
}

static bool pop_term(xmlXPathParserContext *parser, struct day *ret_end)
{
    struct day from;
    int days;
    bool known = pop_whole(parser, DAYS_MOST, &days);
    known = pop_day(parser, &from) && known;
    if (known)
        *ret_end = day_add(from, days);
    return known;
}

static void days_after(xmlXPathParserContext *parser, int count)
{
    struct day end = {0};
    (void)count;
    bool known = pop_term(parser, &end);
    push_day(parser, known, end);
}

/* The first day does not count (民法第140条): day 1 is the day after. */
static void term_end(xmlXPathParserContext *parser, int count)
{
    struct day end = {0};
    (void)count;
    bool known = pop_term(parser, &end);
    if (known && evaluation_of(parser)->closed_days_move)
        end = day_open_from(end);
    push_day(parser, known, end);
}

static void month_after(xmlXPathParserContext *parser, int count)
{
    struct day day;
    char text[32] = "";
    (void)count;
    if (pop_day(parser, &day))
        snprintf(text, sizeof text, "%04d-%02d", day.year + day.month / 12, day.month % 12 + 1);
    push_text(parser, text);
}

static void era(xmlXPathParserContext *parser, int count)
{
    struct day day;
    char text[ERA_TEXT] = "";
    (void)count;
    if (pop_day(parser, &day))
        era_day_text(day, text);
    push_text(parser, text);
}

static void closed_day(xmlXPathParserContext *parser, int count)
{
    struct day day;
    (void)count;
    push_boolean(parser, pop_day(parser, &day) && day_closed(day));
}

const struct xpath_function date_functions[] = {
    {"is-date", 1, 1, is_date},
    {"age", 2, 2, age},
    {"fiscal-year-end", 2, 2, fiscal_end},
    {"days-between", 2, 2, days_between},
    {"days-after", 2, 2, days_after},
    {"term-end", 2, 2, term_end},
    {"month-after", 1, 1, month_after},
    {"era", 1, 1, era},
    {"is-closed-day", 1, 1, closed_day},
    {0},
};

/* Days on which a city is closed besides the law's, and what they do to terms. */
#include "tests/unit/check.h"

#include "intake/console/holiday.h"

/* 2026-11-23 is 勤労感謝の日, a Monday; the city closes the Tuesday and the Friday behind it. */
static int64_t own[] = {20261124, 20261127};
static const struct holidays closed = {own, 2};

static struct day day_of(const char *text)
{
    struct day day;
    assert_true(day_parse(text, &day));
    return day;
}

static void is_moved(const char *due_on, const char *expected)
{
    char moved[DAY_TEXT];
    assert_string_equal(holiday_moved(&closed, due_on, moved), expected);
}

static void test_terms_end_on_the_next_open_day(void **state)
{
    (void)state;
    is_moved("2026-11-20", "2026-11-20");
    is_moved("2026-11-21", "2026-11-25"); /* Saturday, Sunday, the holiday, the city's own */
    is_moved("2026-11-24", "2026-11-25");
    is_moved("2026-11-27", "2026-11-30");
    is_moved("infinity", "infinity");
    char moved[DAY_TEXT];
    assert_string_equal(holiday_moved(&(struct holidays){0}, "2026-11-24", moved), "2026-11-24");
}

/* What holiday_open_until promises: it may be asked for what is stored instead of what is moved. */
static void test_moved_terms_are_found_by_what_is_stored(void **state)
{
    (void)state;
    struct day first = day_of("2026-11-01");
    for (int due = 0; due < 60; due++)
        for (int by = 0; by < 60; by++) {
            struct day stored = day_add(first, due), end = day_add(first, by);
            bool ends = day_compare(holiday_open_from(&closed, stored), end) <= 0;
            assert_int_equal(ends, day_compare(stored, holiday_open_until(&closed, end)) <= 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_end_on_the_next_open_day),
        cmocka_unit_test(test_moved_terms_are_found_by_what_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/unit/check.h"

static void assert_instant(const char *text, instant wanted)
{
    instant at = 7;

    if (!instant_parse(text, &at))
        fail_msg("%s was refused", text);
    assert_int_equal(at, wanted);
}

static void assert_no_instant(const char *text)
{
    instant at = 7;

    if (instant_parse(text, &at))
        fail_msg("%s was accepted", text);
    assert_int_equal(at, 7);
}

static void test_parse(void **state)
{
    (void)state;
    assert_instant("1970-01-01T00:00:00Z", 0);
    assert_instant("1970-01-01T09:00:00+09:00", 0);
    assert_instant("1969-12-31T19:00:00-05:00", 0);
    assert_instant("1969-12-31T23:59:59.999999Z", -1);
    assert_instant("2026-11-21T09:00:00.5+09:00", 1795219200 * INSTANT_SECOND + 500000);
    assert_instant("2026-11-21T00:00:00.123456789Z", 1795219200 * INSTANT_SECOND + 123456);
    assert_instant("2000-02-29T00:00:00Z", 951782400 * INSTANT_SECOND);
    assert_instant("2026-11-21T00:00:00-00:00", 1795219200 * INSTANT_SECOND);
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-21",
        "2026-11-21T09:00:00", /* no offset: whose nine o'clock? */
        "2026-11-21 09:00:00Z",
        "2026-11-21t09:00:00Z",
        "2026-11-21T09:00:00z",
        "2026-11-21T09:00:00Z ",
        " 2026-11-21T09:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T23:60:00Z",
        "2026-11-21T23:59:60Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-21T09:00:00.Z",
        "2026-11-21T09:00:00.1234567890Z",
        "2026-11-21T09:00:00+9:00",
        "2026-11-21T09:00:00+0900",
        "2026-11-21T09:00:00+24:00",
        "2026-11-21T09:00:00+09:60",
        "2026-11-21T09:00:00+09:00x",
        "2026-11-21T09:00Z",
        "+026-11-21T09:00:00Z",
        "12026-11-21T09:00:00Z",
        "1867-12-31T23:59:59Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_no_instant(bad[i]);
}

/* 1868-01-01 to 9999-12-31, as Japan counts: an offset must not lead out of them. */
static void test_parse_at_the_edges(void **state)
{
    char text[INSTANT_TEXT];
    instant at = 0;

    (void)state;
    assert_true(instant_parse("1868-01-01T00:00:00+09:00", &at));
    assert_string_equal(instant_text_jst(at, text), "1868-01-01T00:00:00.000000+09:00");
    assert_no_instant("1868-01-01T00:00:00+10:00");
    assert_true(instant_parse("9999-12-31T14:59:59.999999Z", &at));
    assert_string_equal(instant_text_jst(at, text), "9999-12-31T23:59:59.999999+09:00");
    assert_no_instant("9999-12-31T15:00:00Z");
}

static void test_text(void **state)
{
    char text[INSTANT_TEXT];

    (void)state;
    assert_string_equal(instant_text_jst(0, text), "1970-01-01T09:00:00.000000+09:00");
    assert_string_equal(instant_text_jst(-1, text), "1970-01-01T08:59:59.999999+09:00");
    assert_int_equal(strlen(text) + 1, INSTANT_TEXT);
    assert_string_equal(instant_text_jst(INT64_MAX, text), "9999-12-31T23:59:59.999999+09:00");
    assert_string_equal(instant_text_jst(INT64_MIN, text), "1868-01-01T00:00:00.000000+09:00");
}

/* Midnight in Japan is the border of days, whatever UTC says. */
static void test_days_are_japans(void **state)
{
    instant midnight;

    (void)state;
    assert_true(instant_parse("2026-11-21T15:00:00Z", &midnight));
    assert_int_equal(day_of_instant(midnight).day, 22);
    assert_int_equal(day_of_instant(midnight - 1).day, 21);
    assert_int_equal(day_start((struct day){2026, 11, 22}), midnight);
    day_of_instant(INT64_MIN); /* must not overflow */
    day_of_instant(INT64_MAX);
}

static void test_day_parse(void **state)
{
    static const char *const bad[] = {"",           "2026-11-2",   "2026-11-211", "2026/11/21",
                                      "2026-02-29", "1867-12-31",  "2026-04-31",  "2026-11-00",
                                      "2026-1-001", " 2026-11-21", "10000-01-01"};
    struct day day = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(day_parse(bad[i], &day));
    assert_int_equal(day.year, 1);
    assert_true(day_parse("2024-02-29", &day));
    assert_true(day.year == 2024 && day.month == 2 && day.day == 29);
    assert_true(day_parse("1868-01-01", &day));
    assert_true(day_parse("9999-12-31", &day));
    assert_false(day_valid((struct day){10000, 1, 1}));
    assert_false(day_valid((struct day){2026, 13, 1}));
}

/* Every day of four centuries: numbers go up by one, and come back. */
static void test_every_day(void **state)
{
    struct day day = {1868, 1, 1};
    int64_t number = day_number(day);

    (void)state;
    assert_int_equal(day_number((struct day){1970, 1, 1}), 0);
    while (day.year < 2268) {
        struct day next = day_add(day, 1);
        assert_true(day_valid(next));
        assert_int_equal(day_number(next), ++number);
        assert_true(day_compare(day, next) < 0 && day_compare(next, day) > 0);
        assert_int_equal(day_compare(day_add(next, -1), day), 0);
        day = next;
    }
    assert_int_equal(day_number(day), number);
}

/* The C library counts the same days. */
static void test_agrees_with_the_library(void **state)
{
    (void)state;
    for (int year = 1868; year <= 9999; year += 13) {
        for (int month = 1; month <= 12; month++) {
            struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 28};
            assert_int_equal(day_number((struct day){year, month, 28}), timegm(&tm) / 86400);
        }
    }
}

static void test_fixed_clock(void **state)
{
    (void)state;
    clock_fix(42);
    assert_int_equal(clock_now(), 42);
    assert_int_equal(clock_now(), 42);
    clock_fix(0);
    instant now = clock_now();
    assert_true(now / INSTANT_SECOND - time(NULL) <= 1 && time(NULL) - now / INSTANT_SECOND <= 1);
    assert_true(clock_monotonic() <= clock_monotonic());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_at_the_edges),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_days_are_japans),
        cmocka_unit_test(test_day_parse),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_agrees_with_the_library),
        cmocka_unit_test(test_fixed_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/era.h"
#include "tests/unit/check.h"

static void check_day(int year, int month, int day, const char *expected)
{
    char text[ERA_TEXT];
    assert_string_equal(era_day_text((struct day){year, month, day}, text), expected);
}

static void test_eras_begin_on_their_first_day(void **state)
{
    (void)state;
    check_day(2026, 11, 21, "令和8年11月21日");
    check_day(2019, 5, 1, "令和元年5月1日");
    check_day(2019, 4, 30, "平成31年4月30日");
    check_day(1989, 1, 8, "平成元年1月8日");
    check_day(1989, 1, 7, "昭和64年1月7日");
    check_day(1926, 12, 25, "昭和元年12月25日");
    check_day(1926, 12, 24, "大正15年12月24日");
    check_day(1912, 7, 30, "大正元年7月30日");
    check_day(1912, 7, 29, "明治45年7月29日");
    check_day(1873, 1, 1, "明治6年1月1日");
    check_day(1872, 12, 31, "1872年12月31日");
}

static void test_there_is_room_for_the_longest(void **state)
{
    (void)state;
    check_day(9999, 12, 31, "令和7981年12月31日");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eras_begin_on_their_first_day),
        cmocka_unit_test(test_there_is_room_for_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

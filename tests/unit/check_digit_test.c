#include "base/check_digit.h"

#include <string.h>

#include "tests/unit/check.h"

static void assert_all(bool (*valid)(const char *), const char *const *texts, size_t count,
                       bool wanted)
{
    for (size_t i = 0; i < count; i++)
        if (valid(texts[i]) != wanted)
            fail_msg("%s", texts[i]);
}
#define ASSERT_GOOD(valid, texts) assert_all(valid, texts, sizeof texts / sizeof texts[0], true)
#define ASSERT_BAD(valid, texts)  assert_all(valid, texts, sizeof texts / sizeof texts[0], false)

/* One digit changed is noticed, wherever it stands (unless the rest is 0 or 1, which share the
 * check digit 0: not in this example). */
static void assert_notices_one_digit(bool (*valid)(const char *), const char *good)
{
    char text[16];
    int missed = 0;

    for (size_t place = 0; place < strlen(good); place++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            strncpy(text, good, sizeof text);
            text[place] = digit;
            missed += digit != good[place] && valid(text);
        }
    }
    assert_int_equal(missed, 0);
}

static void test_kojinbango(void **state)
{
    static const char *const good[] = {"123456789018", "111111111118", "983205673214",
                                       "379474484458", "454972364860", "507957100721"};
    static const char *const bad[] = {"507957100722", "",
                                      "12345678901",  "1234567890188",
                                      "12345678901x", "１２３４５６７８９０１８",
                                      " 23456789018", "123456789010",
                                      "000000000000"};

    (void)state;
    ASSERT_GOOD(kojinbango_valid, good);
    ASSERT_BAD(kojinbango_valid, bad);
    assert_notices_one_digit(kojinbango_valid, "123456789018");
    assert_int_equal(kojinbango_check_digit("00000000000"), 0);
    assert_int_equal(kojinbango_check_digit("12345678901"), 8);
}

static void test_dantai_code(void **state)
{
    static const char *const good[] = {"131016", "141003", "011002", "132217", "271004",
                                       "473251", "010006", "130001", "992011", "992020"};
    static const char *const bad[] = {"131017", "13101", "1310166", "13101a", ""};

    (void)state;
    ASSERT_GOOD(dantai_code_valid, good);
    ASSERT_BAD(dantai_code_valid, bad);
    assert_int_equal(dantai_code_check_digit("99201"), 1);
}

static void test_juminhyo_code(void **state)
{
    static const char *const good[] = {"24727059608", "24846016224", "25208017643"};
    static const char *const bad[] = {"24727059609", "2472705960", "247270596088", ""};

    (void)state;
    ASSERT_GOOD(juminhyo_code_valid, good);
    ASSERT_BAD(juminhyo_code_valid, bad);
}

static void test_hojin_bango(void **state)
{
    static const char *const good[] = {"7000012050002"};
    static const char *const bad[] = {"8000012050002", "700001205000", "70000120500022",
                                      "0000012050002", ""};

    (void)state;
    ASSERT_GOOD(hojin_bango_valid, good);
    ASSERT_BAD(hojin_bango_valid, bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kojinbango),
        cmocka_unit_test(test_dantai_code),
        cmocka_unit_test(test_juminhyo_code),
        cmocka_unit_test(test_hojin_bango),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

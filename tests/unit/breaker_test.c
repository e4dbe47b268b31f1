#include <string.h>

#include "base/breaker.h"
#include "tests/unit/check.h"

static void test_opens_after_so_many_in_a_row(void **state)
{
    struct breaker breaker = {.failures_most = 3, .rest = 100};
    (void)state;
    for (int round = 0; round < 2; round++) { /* a success in between counts from the beginning */
        assert_false(breaker_note(&breaker, false, 0));
        assert_false(breaker_note(&breaker, false, 0));
        assert_int_equal(breaker_state(&breaker, 0), BREAKER_CLOSED);
        assert_false(breaker_note(&breaker, true, 0));
    }
    assert_false(breaker_note(&breaker, false, 1));
    assert_false(breaker_note(&breaker, false, 1));
    assert_true(breaker_note(&breaker, false, 1));
    assert_int_equal(breaker_state(&breaker, 1), BREAKER_OPEN);
}

static void test_rests_then_tries(void **state)
{
    struct breaker breaker = {.failures_most = 1, .rest = 100};
    (void)state;
    assert_true(breaker_note(&breaker, false, 1000));
    assert_int_equal(breaker_state(&breaker, 1099), BREAKER_OPEN);
    assert_int_equal(breaker_state(&breaker, 1100), BREAKER_TRIAL);
    assert_false(breaker_note(&breaker, false, 1100)); /* it was open, and stays so */
    assert_int_equal(breaker_state(&breaker, 1199), BREAKER_OPEN);
    assert_int_equal(breaker_state(&breaker, 1200), BREAKER_TRIAL);
    assert_true(breaker_note(&breaker, true, 1200));
    assert_int_equal(breaker_state(&breaker, 1200), BREAKER_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_after_so_many_in_a_row),
        cmocka_unit_test(test_rests_then_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void a_bucket_empties_and_fills(void **state)
{
    (void)state;
    instant wait = 0;
    struct rate *rate = rate_new(2, 3);
    for (int i = 0; i < 3; i++)
        assert_true(rate_take(rate, "a", 1000, &wait));
    assert_false(rate_left(rate, "a", 1000, &wait));
    assert_false(rate_take(rate, "a", 1000, &wait));
    assert_in_range(wait, INSTANT_SECOND / 2, INSTANT_SECOND / 2 + 2);
    assert_true(rate_take(rate, "b", 1000, &wait)); /* another's is its own */
    assert_false(rate_take(rate, "a", 1000 + INSTANT_SECOND / 2 - 1, &wait));
    assert_true(rate_left(rate, "a", 1000 + INSTANT_SECOND / 2, &wait));
    assert_true(rate_take(rate, "a", 1000 + INSTANT_SECOND / 2, &wait));
    assert_false(rate_take(rate, "a", 1000 + INSTANT_SECOND / 2, &wait));
    for (int i = 0; i < 3; i++) /* no fuller than full */
        assert_true(rate_take(rate, "a", 100 * INSTANT_SECOND, &wait));
    assert_false(rate_take(rate, "a", 100 * INSTANT_SECOND, &wait));
    rate_free(rate);
}

static void without_a_rate_everything_goes(void **state)
{
    (void)state;
    instant wait;
    struct rate *rate = rate_new(0, 0);
    for (int i = 0; i < 100; i++)
        assert_true(rate_take(rate, "a", 0, &wait));
    rate_free(rate);
}

static void who_did_the_most_is_remembered_among_many(void **state)
{
    (void)state;
    instant wait;
    char key[32];
    struct rate *rate = rate_new(1, 50);
    while (rate_take(rate, "busy", 0, &wait))
        ;
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "passer-by %d", i);
        rate_take(rate, key, 0, &wait);
    }
    assert_false(rate_take(rate, "busy", 0, &wait));
    rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_empties_and_fills),
        cmocka_unit_test(without_a_rate_everything_goes),
        cmocka_unit_test(who_did_the_most_is_remembered_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

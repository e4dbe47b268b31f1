#include <string.h>

#include "base/checks.h"
#include "base/cleanup.h"
#include "tests/unit/check.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static void test_nothing_looked_at(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_json) json_t *json = checks_to_json(checks);

    (void)state;
    assert_int_equal(checks_indication(checks), TOTAL_PASSED);
    assert_null(checks_reason(checks));
    assert_null(checks_sub_indication(checks));
    assert_null(checks_text(checks));
    assert_int_equal(json_array_size(json), 0);
}

static void test_first_failure_decides(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();

    (void)state;
    checks_pass(checks, "a", "good");
    assert_int_equal(checks_indication(checks), TOTAL_PASSED);
    assert_false(checks_undecided(checks, "b", "TRY_LATER", "first-undecided", "%d", 1));
    assert_int_equal(checks_indication(checks), INDETERMINATE);
    assert_string_equal(checks_reason(checks), "first-undecided");
    checks_undecided(checks, "c", "TRY_LATER", "second-undecided", "%d", 2);
    assert_string_equal(checks_reason(checks), "first-undecided");
    assert_false(checks_fail(checks, "d", "REVOKED", "first-failed", "%s", "three"));
    checks_fail(checks, "e", "EXPIRED", "second-failed", "four");
    checks_pass(checks, "f", "good");
    assert_int_equal(checks_indication(checks), TOTAL_FAILED);
    assert_string_equal(checks_reason(checks), "first-failed");
    assert_string_equal(checks_sub_indication(checks), "REVOKED");
    assert_string_equal(checks_text(checks), "three");
}

static void test_undecided_after_failure(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();

    (void)state;
    checks_fail(checks, "a", "REVOKED", "failed", "x");
    checks_undecided(checks, "b", "TRY_LATER", "undecided", "y");
    assert_string_equal(checks_reason(checks), "failed");
}

static void test_many_as_json(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();

    (void)state;
    for (int i = 0; i < 100; i++)
        checks_pass(checks, "a", "number %d", i);
    checks_fail(checks, "b", "REVOKED", "failed", "bad \xff byte");
    _cleanup_(cleanup_json) json_t *json = checks_to_json(checks);
    assert_int_equal(json_array_size(json), 101);
    json_t *first = json_array_get(json, 0), *last = json_array_get(json, 100);
    assert_string_equal(json_string_value(json_object_get(first, "check")), "a");
    assert_string_equal(json_string_value(json_object_get(first, "result")), "passed");
    assert_string_equal(json_string_value(json_object_get(first, "text")), "number 0");
    assert_null(json_object_get(first, "reason"));
    assert_string_equal(json_string_value(json_object_get(last, "result")), "failed");
    assert_string_equal(json_string_value(json_object_get(last, "sub_indication")), "REVOKED");
    assert_string_equal(json_string_value(json_object_get(last, "reason")), "failed");
    assert_true(json_is_string(json_object_get(last, "text")));
}

static void test_indication_names(void **state)
{
    (void)state;
    assert_string_equal(indication_name(TOTAL_PASSED), "TOTAL-PASSED");
    assert_string_equal(indication_name(INDETERMINATE), "INDETERMINATE");
    assert_string_equal(indication_name(TOTAL_FAILED), "TOTAL-FAILED");
    checks_free(NULL);
}

static void test_inputs_belong_to_the_next_check(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();

    (void)state;
    checks_input(checks, "at", "%d", 7);
    checks_input(checks, "bad", "\xff");
    checks_pass(checks, "a", "good");
    checks_pass(checks, "b", "good");
    checks_input(checks, "never", "used");
    _cleanup_(cleanup_json) json_t *json = checks_to_json(checks);
    _cleanup_(cleanup_text) char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "[{\"check\":\"a\",\"inputs\":{\"at\":\"7\",\"bad\":\"(text is not UTF-8)\"},"
              "\"result\":\"passed\",\"text\":\"good\"},"
              "{\"check\":\"b\",\"result\":\"passed\",\"text\":\"good\"}]");
}

static void test_appended(void **state)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new(), *more = checks_new();

    (void)state;
    checks_pass(checks, "a", "good");
    checks_input(more, "count", "%d", 7);
    checks_undecided(more, "b", "TRY_LATER", "undecided", "one");
    checks_fail(more, "c", "REVOKED", "failed", "two");
    checks_input(checks, "later", "x");
    checks_append(checks, more);
    checks_pass(checks, "d", "good");
    assert_string_equal(checks_reason(checks), "failed");
    assert_int_equal(checks_indication(more), TOTAL_PASSED);
    _cleanup_(cleanup_json) json_t *json = checks_to_json(checks), *rest = checks_to_json(more);
    assert_int_equal(json_array_size(json), 4);
    assert_int_equal(json_array_size(rest), 0);
    const char *const inputs[] = {NULL, "count", NULL, "later"};
    for (size_t i = 0; i < 4; i++) {
        const json_t *own = json_object_get(json_array_get(json, i), "inputs");
        assert_int_equal(json_object_size(own), inputs[i] ? 1 : 0);
        if (inputs[i])
            assert_non_null(json_object_get(own, inputs[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_looked_at),
        cmocka_unit_test(test_inputs_belong_to_the_next_check),
        cmocka_unit_test(test_first_failure_decides),
        cmocka_unit_test(test_undecided_after_failure),
        cmocka_unit_test(test_many_as_json),
        cmocka_unit_test(test_indication_names),
        cmocka_unit_test(test_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/check.h"

static void test_equal(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_of("ab", 2), bytes_of_text("ab")));
    assert_false(bytes_equal(bytes_of("ab", 2), bytes_of_text("ac")));
    assert_false(bytes_equal(bytes_of("ab", 1), bytes_of_text("ab")));
    assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of_text("")));
}

static void test_grows_and_keeps(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer b = {0};

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint8_t byte = (uint8_t)i;
        buffer_append(&b, &byte, 1);
    }
    assert_int_equal(b.length, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (uint8_t)i);
}

static void test_text_and_format(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer b = {0};

    (void)state;
    assert_string_equal(buffer_text(&b), "");
    buffer_append_text(&b, "受付");
    buffer_format(&b, " %d%%", 100);
    assert_string_equal(buffer_text(&b), "受付 100%");
    assert_int_equal(b.length, strlen("受付 100%")); /* the NUL is not content */
    buffer_clear(&b);
    assert_int_equal(buffer_bytes(&b).length, 0);
    assert_string_equal(buffer_text(&b), "");
}

/* Lengths around a doubling: the NUL must always have room. */
static void test_text_at_capacity(void **state)
{
    (void)state;
    for (size_t length = 60; length < 132; length++) {
        _cleanup_(cleanup_buffer) struct buffer b = {0};
        for (size_t i = 0; i < length; i++)
            buffer_append_text(&b, "x");
        assert_int_equal(strlen(buffer_text(&b)), length);
    }
}

static void test_reserve_and_commit(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer b = {0};

    (void)state;
    assert_non_null(buffer_reserve(&b, 0));
    memcpy(buffer_reserve(&b, 1000), "abc", 3);
    buffer_commit(&b, 3);
    assert_int_equal(b.length, 3);
    buffer_commit(&b, b.capacity - 3); /* to the last byte */
    assert_int_equal(b.length, b.capacity);
}

static void test_append_nothing(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer b = {0};

    (void)state;
    buffer_append(&b, NULL, 0);
    assert_null(b.data);
    buffer_erase_free(&b);
    buffer_append_text(&b, "secret");
    buffer_erase_free(&b);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
}

static void test_texts(void **state)
{
    _cleanup_(cleanup_text) char *copy = text_copy("a"), *part = text_copy_n("abc", 2),
                                 *none = text_copy_n(NULL, 0), *made = text_format("%s-%d", "x", 1);

    (void)state;
    assert_string_equal(copy, "a");
    assert_string_equal(part, "ab");
    assert_string_equal(none, "");
    assert_string_equal(made, "x-1");
    assert_null(text_copy(NULL));
    _cleanup_(cleanup_text) char *zeroed = memory_allocate(0);
    assert_non_null(zeroed);
}

static void test_take(void **state)
{
    char *mine = text_copy("a");
    _cleanup_(cleanup_text) char *yours = TAKE(mine);

    (void)state;
    assert_null(mine);
    assert_string_equal(yours, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_grows_and_keeps),
        cmocka_unit_test(test_text_and_format),
        cmocka_unit_test(test_text_at_capacity),
        cmocka_unit_test(test_reserve_and_commit),
        cmocka_unit_test(test_append_nothing),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <errno.h>
#include <string.h>

#include "base/failure.h"
#include "base/text.h"
#include "tests/unit/check.h"

static void test_set_returns_false(void **state)
{
    struct failure f = {0};

    (void)state;
    assert_false(failure_set(&f, FAILURE_PEER, "the portal answered %d", 500));
    assert_int_equal(f.kind, FAILURE_PEER);
    assert_string_equal(f.text, "the portal answered 500");
    assert_false(failure_set(NULL, FAILURE_PEER, "nobody listens"));
    assert_false(failure_errno(NULL, "nobody listens"));
    assert_false(failure_prefix(NULL, "nobody listens"));
}

static void test_errno_is_named_and_kept(void **state)
{
    struct failure f = {0};

    (void)state;
    errno = ENOENT;
    assert_false(failure_errno(&f, "cannot open %s", "x"));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(f.kind, FAILURE_SYSTEM);
    assert_string_equal(f.text, "cannot open x: No such file or directory");
    errno = 99999;
    failure_errno(&f, "odd");
    assert_string_equal(f.text, "odd: unknown error");
}

static void test_prefix_keeps_kind(void **state)
{
    struct failure f = {0};

    (void)state;
    failure_set(&f, FAILURE_LIMIT, "too long");
    assert_false(failure_prefix(&f, "item %d", 3));
    assert_int_equal(f.kind, FAILURE_LIMIT);
    assert_string_equal(f.text, "item 3: too long");
}

static void test_own_text_as_argument(void **state)
{
    struct failure f = {0};

    (void)state;
    failure_set(&f, FAILURE_LIMIT, "inner");
    failure_set(&f, FAILURE_USAGE, "outer (%s)", f.text);
    assert_string_equal(f.text, "outer (inner)");
}

/* A long Japanese text is cut between characters, whatever the offset. */
static void test_cut_between_characters(void **state)
{
    struct failure f = {0};
    char text[1200];

    (void)state;
    for (size_t offset = 0; offset < 4; offset++) {
        memset(text, 'a', offset);
        text[offset] = 0;
        for (int i = 0; i < 250; i++)
            memcpy(text + offset + 3 * i, "申\0", 4);
        failure_set(&f, FAILURE_INPUT, "%s", text);
        assert_true(utf8_valid(bytes_of_text(f.text)));
        assert_in_range(strlen(f.text), sizeof f.text - 4, sizeof f.text - 1);
    }
    memset(text, 'a', 511);
    text[511] = 0;
    failure_set(&f, FAILURE_INPUT, "%s", text);
    assert_int_equal(strlen(f.text), 511);
}

static void test_kind_names(void **state)
{
    (void)state;
    for (int kind = FAILURE_NONE; kind <= FAILURE_PEER; kind++)
        assert_string_not_equal(failure_kind_name((enum failure_kind)kind), "unknown");
    assert_string_equal(failure_kind_name(FAILURE_DATABASE), "database");
    assert_string_equal(failure_kind_name((enum failure_kind)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_returns_false),
        cmocka_unit_test(test_errno_is_named_and_kept),
        cmocka_unit_test(test_prefix_keeps_kind),
        cmocka_unit_test(test_own_text_as_argument),
        cmocka_unit_test(test_cut_between_characters),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

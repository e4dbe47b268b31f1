#include "base/json.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

static void equal_values_have_equal_bytes(void **state)
{
    (void)state;
    static const char canonical[] = "{\"a\":[1,{\"c\":null,\"d\":true}],\"b\":\"桜\\n\"}";
    static const char *const texts[] = {
        canonical, " {\"b\" : \"\\u685c\\n\", \"a\":[1, {\"d\":true,\"c\":null} ]}\n"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(cleanup_json) json_t *json = json_read(bytes_of_text(texts[i]));
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        json_write(json, &text);
        assert_string_equal(buffer_text(&text), canonical);
    }
}

static void writing_appends(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    _cleanup_(cleanup_json) json_t *json = json_integer(7);
    buffer_append_text(&text, "x");
    json_write(NULL, &text);
    json_write(json, &text);
    assert_string_equal(buffer_text(&text), "x7");
}

static void only_one_exact_value_is_read(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "{} {}", "{\"a\":1,\"a\":2}", "\"\xff\"", "nul"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(json_read(bytes_of_text(bad[i])));
    assert_null(json_read(bytes_of("{}\0", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_have_equal_bytes),
        cmocka_unit_test(writing_appends),
        cmocka_unit_test(only_one_exact_value_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

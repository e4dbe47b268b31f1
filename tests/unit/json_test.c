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

static void a_string_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const char all[] = "{\"a\":\"\\\\桜\"}/\x7f\t\n\r\b\f\x01\x1f\"";
    static const struct bytes texts[] = {{NULL, 0},
                                         {(const uint8_t *)"x", 1},
                                         {(const uint8_t *)"\"", 1},
                                         {(const uint8_t *)"\0\0", 2},
                                         {(const uint8_t *)all, sizeof all - 1}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        json_write_string(texts[i], &text);
        _cleanup_(cleanup_json) json_t *json = json_loadb((const char *)text.data, text.length,
                                                          JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_true(json_is_string(json));
        assert_int_equal(json_string_length(json), texts[i].length);
        assert_true(
            bytes_equal(bytes_of(json_string_value(json), json_string_length(json)), texts[i]));
    }
}

static void every_character_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t at = 0; at < 17; at++)
        for (int c = 0; c < 0x80; c++) {
            char text[] = "xxxxxxxx\xe6\xa1\x9cxxxxxx";
            _cleanup_(cleanup_buffer) struct buffer written = {0};
            if (text[at] != 'x')
                continue;
            text[at] = (char)c;
            json_write_string(bytes_of(text, 17), &written);
            assert_true(written.length == 19u + (c < 0x20 ? 5u : (c == '"' || c == '\\')));
            _cleanup_(cleanup_json) json_t *json = json_loadb(
                (const char *)written.data, written.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            assert_true(bytes_equal(bytes_of(json_string_value(json), json_string_length(json)),
                                    bytes_of(text, 17)));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_have_equal_bytes),
        cmocka_unit_test(writing_appends),
        cmocka_unit_test(only_one_exact_value_is_read),
        cmocka_unit_test(a_string_is_read_as_it_was_written),
        cmocka_unit_test(every_character_is_escaped_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

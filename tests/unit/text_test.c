#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

static void test_hex(void **state)
{
    uint8_t data[3] = {1, 1, 1};
    char text[7];

    (void)state;
    assert_string_equal(hex_encode("\x00\x9f\xff", 3, text), "009fff");
    assert_string_equal(hex_encode("", 0, text), "");
    assert_true(hex_decode("00aBfF", data, 3));
    assert_memory_equal(data, "\x00\xab\xff", 3);
    assert_false(hex_decode("11223", data, 3));
    assert_false(hex_decode("1122334", data, 3));
    assert_false(hex_decode("11223g", data, 3));
    assert_false(hex_decode("1122 3", data, 3));
    assert_memory_equal(data, "\x00\xab\xff", 3); /* untouched by what was refused */
}

static void assert_base64(const char *plain, const char *encoded)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0}, back = {0};

    base64_encode(bytes_of_text(plain), &text);
    assert_string_equal(buffer_text(&text), encoded);
    assert_true(base64_decode(bytes_of_text(encoded), &back));
    assert_string_equal(buffer_text(&back), plain);
}

static void test_base64_vectors(void **state)
{
    (void)state; /* RFC 4648 section 10 */
    assert_base64("", "");
    assert_base64("f", "Zg==");
    assert_base64("fo", "Zm8=");
    assert_base64("foo", "Zm9v");
    assert_base64("foob", "Zm9vYg==");
    assert_base64("fooba", "Zm9vYmE=");
    assert_base64("foobar", "Zm9vYmFy");
}

static void test_base64_all_bytes(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer all = {0}, text = {0}, back = {0};

    (void)state;
    for (int i = 0; i < 256; i++)
        buffer_append(&all, &(uint8_t){(uint8_t)i}, 1);
    base64_encode(buffer_bytes(&all), &text);
    assert_true(base64_decode(buffer_bytes(&text), &back));
    assert_true(bytes_equal(buffer_bytes(&all), buffer_bytes(&back)));
}

static void test_base64_white_space(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer back = {0};

    (void)state;
    assert_true(base64_decode(bytes_of_text("\n Zm9v\r\n\tYg = =\n"), &back));
    assert_string_equal(buffer_text(&back), "foob");
}

static void test_base64_refuses(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",    "Zg=",    "Zm8",      "Zm9vYg", "=",       "====",
        "Z===", "Zg===", "Zm8==",  "Zm9v=",    "Zg=v",   "Zh==",    "Zm9=",
        "Zm-v", "Zm_v",  "Zm9v\v", "Zg==Zg==", "Zm9v.",  "Zm9\xc3", "Zm9v====",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        _cleanup_(cleanup_buffer) struct buffer back = {0};
        if (base64_decode(bytes_of_text(bad[i]), &back))
            fail_msg("%s was accepted", bad[i]);
        assert_int_equal(back.length, 0);
    }
    _cleanup_(cleanup_buffer) struct buffer back = {0};
    assert_false(base64_decode(bytes_of("Zm9v\0", 5), &back));
}

static void test_utf8(void **state)
{
    static const char *const good[] = {
        "",
        "abc",
        "申請",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xe3\x81",
        "\xe3\x81\x41",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf0\x90\x80",
        "\xf0\x90\x80\x41",
        "\xf5\x80\x80\x80",
        "\xff",
        "a\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(utf8_valid(bytes_of_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(utf8_valid(bytes_of_text(bad[i])));
    assert_false(utf8_valid(bytes_of("a\0b", 3)));
    assert_true(utf8_valid(bytes_of(NULL, 0)));
    assert_int_equal(utf8_length("a申請\xf0\x90\x80\x80"), 4);
    assert_int_equal(utf8_length(""), 0);
}

/* Both are read several bytes at a time: what is wrong is found at every place. */
static void test_every_place(void **state)
{
    (void)state;
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/0189abcz";
    static const char bad[] = {'\0', '-', '\x80', '\xff'};
    for (size_t at = 0; at < sizeof plain - 1; at++)
        for (size_t i = 0; i < sizeof bad; i++) {
            char text[sizeof plain];
            _cleanup_(cleanup_buffer) struct buffer back = {0};
            memcpy(text, plain, sizeof plain);
            text[at] = bad[i];
            assert_int_equal(utf8_valid(bytes_of(text, sizeof plain - 1)), bad[i] == '-');
            assert_false(base64_decode(bytes_of(text, sizeof plain - 1), &back));
        }
    for (size_t at = 0; at + 3 < sizeof plain; at++) {
        char text[sizeof plain];
        memcpy(text, plain, sizeof plain);
        memcpy(text + at, "\xe6\xa1\x9c", 3); /* 桜 */
        assert_true(utf8_valid(bytes_of(text, sizeof plain - 1)));
        assert_false(utf8_valid(bytes_of(text, at + 2)));
    }
}

static void test_number(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.0",
                                      "1e",
                                      "--1",
                                      "１",
                                      "a",
                                      "1\n",
                                      "9223372036854775808"};
    int64_t number = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(number_parse(bad[i], INT64_MIN, INT64_MAX, &number));
    assert_false(number_parse("-9223372036854775809", INT64_MIN, INT64_MAX, &number));
    assert_false(number_parse("9", 10, 20, &number));
    assert_false(number_parse("21", 10, 20, &number));
    assert_int_equal(number, 7);
    assert_true(number_parse("10", 10, 20, &number) && number == 10);
    assert_true(number_parse("20", 10, 20, &number) && number == 20);
    assert_true(number_parse("007", 0, 9, &number) && number == 7);
    static const char *const forms[] = {"007", "00", "-0", "-07", "+7", " 7", ""};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_false(number_parse_exact(forms[i], -9, 9, &number));
    assert_true(number_parse_exact("0", -9, 9, &number) && number == 0);
    assert_true(number_parse_exact("-7", -9, 9, &number) && number == -7);
    assert_true(number_parse("9223372036854775807", 0, INT64_MAX, &number));
    assert_true(number == INT64_MAX);
    assert_true(number_parse("-9223372036854775808", INT64_MIN, 0, &number));
    assert_true(number == INT64_MIN);
}

static void test_shapes(void **state)
{
    char receipt[66];

    (void)state;
    assert_true(digits_only("012", 3));
    assert_false(digits_only("012", 2));
    assert_false(digits_only("01", 3));
    assert_false(digits_only("0a2", 3));
    assert_true(digits_only("", 0));
    assert_true(uuid_valid("0189f7e6-5c3a-7bcd-8123-0123456789ab"));
    assert_false(uuid_valid("0189F7e6-5c3a-7bcd-8123-0123456789ab"));
    assert_false(uuid_valid("0189f7e6-5c3a-7bcd-8123-0123456789a"));
    assert_false(uuid_valid("0189f7e6-5c3a-7bcd-8123-0123456789abc"));
    assert_false(uuid_valid("0189f7e6+5c3a-7bcd-8123-0123456789ab"));
    assert_false(uuid_valid("0189f7e655c3a-7bcd-8123-0123456789ab"));
    assert_true(receipt_number_valid("a"));
    assert_true(receipt_number_valid("0-Z"));
    assert_false(receipt_number_valid(""));
    assert_false(receipt_number_valid("a/b"));
    assert_false(receipt_number_valid(".."));
    assert_false(receipt_number_valid("受付"));
    memset(receipt, '1', sizeof receipt);
    receipt[64] = 0;
    assert_true(receipt_number_valid(receipt));
    receipt[64] = '1', receipt[65] = 0;
    assert_false(receipt_number_valid(receipt));
}

static void test_sha256(void **state)
{
    char text[65];

    (void)state; /* FIPS 180-4 examples */
    sha256_hex(bytes_of_text("abc"), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(bytes_of(NULL, 0), text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_all_bytes),
        cmocka_unit_test(test_base64_white_space),
        cmocka_unit_test(test_base64_refuses),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "intake/registry/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "intake/registry/manifest.h"

/* --- serial numbers --------------------------------------------------------------------------- */

static void serials_are_those_of_certificates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool decimal;
        const char *serial; /* NULL: too large */
    } serials[] = {
        {"067C6A21", false, "067c6a21"},
        {"67c6a21", false, "067c6a21"},
        {"0000067C6A21", false, "067c6a21"},
        {"0", false, "00"},
        {"108816929", true, "067c6a21"},
        {"0", true, "00"},
        {"ffffffffffffffffffffffffffffffffffffffff", false,
         "ffffffffffffffffffffffffffffffffffffffff"},
        {"1461501637330902918203684832716283019655932542975", true,
         "ffffffffffffffffffffffffffffffffffffffff"},
        {"1461501637330902918203684832716283019655932542976", true, NULL},
        {"10000000000000000000000000000000000000000", false, NULL},
    };
    for (size_t i = 0; i < sizeof serials / sizeof *serials; i++) {
        char serial[FEED_SERIAL];
        bool read = feed_serial_read(serials[i].text, serials[i].decimal, serial);
        assert_int_equal(read, serials[i].serial != NULL);
        if (read)
            assert_string_equal(serial, serials[i].serial);
    }
}

/* --- values at their edges -------------------------------------------------------------------- */

static void values_are_checked_at_their_edges(void **state)
{
    (void)state;
    static const struct {
        struct feed_item item;
        const char *value, *code; /* NULL: good */
    } values[] = {
        {{"i", FEED_X, 3}, "aZ9", NULL},
        {{"i", FEED_X, 3}, "aZ99", "E0003"},
        {{"i", FEED_X, 3}, "a-", "E0002"},
        {{"i", FEED_X, 3}, "", NULL},
        {{"i", FEED_X, 3, .required = true}, "", "E0001"},
        {{"i", FEED_DIGITS, 3}, "12", "E0003"},
        {{"i", FEED_DIGITS, 3}, "123", NULL},
        {{"i", FEED_TEXT, 2}, "\xF4\x8F\xBA\x92\xEE\x80\x80", NULL}, /* 外字, by characters */
        {{"i", FEED_TEXT, 2}, "三文字", "E0003"},
        {{"i", FEED_TEXT, 9}, "a\nb", "E0002"},
        {{"i", FEED_TEXT, 9}, "\xC2\x85", "E0002"},
        {{"i", FEED_TEXT, 9}, "\xEF\xBF\xBE", "E0002"},
        {{"i", FEED_WORD, 4, .words = "sign auth"}, "auth", NULL},
        {{"i", FEED_WORD, 4, .words = "sign auth"}, "aut", "E0002"},
        {{"i", FEED_WORD, 9, .words = "sign auth"}, "sign auth", "E0002"},
        {{"i", FEED_FLAG, 1}, "1", NULL},
        {{"i", FEED_FLAG, 1}, "2", "E0002"},
        {{"i", FEED_FLAG, 1}, "11", "E0003"},
        {{"i", FEED_DATE, 10}, "0000-01-01", NULL},
        {{"i", FEED_DATE, 10}, "9999-12-31", NULL},
        {{"i", FEED_DATE, 10}, "2026-02-29", "E0002"},
        {{"i", FEED_DATE, 10}, "2026-2-3", "E0002"},
        {{"i", FEED_BIRTH, 10}, "0000-00-00", NULL},
        {{"i", FEED_BIRTH, 10}, "1950-00-00", NULL},
        {{"i", FEED_BIRTH, 10}, "1950-03-00", NULL},
        {{"i", FEED_BIRTH, 10}, "0000-02-29", NULL},
        {{"i", FEED_BIRTH, 10}, "1950-00-03", "E0002"},
        {{"i", FEED_BIRTH, 10}, "1951-02-29", "E0002"},
        {{"i", FEED_BIRTH, 10}, "1951-13-00", "E0002"},
        {{"i", FEED_TIME, 40}, "2026-11-21T09:00:00+09:00", NULL},
        {{"i", FEED_TIME, 40}, "2026-11-21", "E0002"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct feed_faults faults = {0};
        bool good = feed_value_check(&values[i].item, values[i].value, 7, &faults);
        assert_int_equal(good, !values[i].code);
        assert_int_equal(faults.count, !good);
        if (!good) {
            assert_string_equal(faults.kept[0].code, values[i].code);
            assert_int_equal(faults.kept[0].line, 7);
        }
        feed_faults_free(&faults);
    }
}

static void faults_are_bounded_and_counted(void **state)
{
    (void)state;
    struct feed_faults faults = {0};
    for (int i = 0; i < FEED_FAULTS_MOST + 5; i++)
        feed_fault(&faults, i, "x", "E0001", "%d", i);
    assert_int_equal(faults.kept_count, FEED_FAULTS_MOST);
    assert_int_equal(faults.count, FEED_FAULTS_MOST + 5);
    feed_faults_free(&faults);
}

/* --- manifests -------------------------------------------------------------------------------- */

#define SHA "\"sha256\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF\""
#define NAMES                                                                                      \
    "\"format\":\"uketsuke-registry-1\",\"city_code\":\"992011\",\"file\":\"a-1.csv\","            \
    "\"as_of\":\"2026-11-21T03:00:00+09:00\"," SHA
#define WORDS   "\"kind\":\"residents\",\"load\":\"full\",\"encoding\":\"cp932\""
#define NUMBERS "\"sequence\":12,\"rows\":3"

static void manifests_are_read(void **state)
{
    (void)state;
    struct feed_manifest manifest;
    struct failure f = {0};
    const char *text = "{" NAMES "," WORDS "," NUMBERS ",\"source\":\"jutogai\"}";
    if (!feed_manifest_parse(bytes_of_text(text), &manifest, &f))
        fail_msg("%s", f.text);
    assert_string_equal(manifest.city_code, "992011");
    assert_string_equal(manifest.file, "a-1.csv");
    assert_string_equal(manifest.feed.source, "jutogai");
    assert_int_equal(manifest.feed.kind, FEED_RESIDENTS);
    assert_int_equal(manifest.feed.encoding, FEED_CP932);
    assert_true(manifest.feed.full && manifest.feed.promised && !manifest.feed.decimal_serials);
    assert_int_equal(manifest.feed.sequence, 12);
    assert_int_equal(manifest.feed.rows, 3);
    assert_int_equal(manifest.feed.sha256[31], 0xEF);
}

static void bad_manifests_name_the_member(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"[]", "not one JSON object"},
        {"{" NAMES "," WORDS "," NUMBERS, "not one JSON object"},
        {"{" NAMES "," WORDS "," NUMBERS ",\"rows\":3}", "line 1: a member stands there twice"},
        {"{" NAMES "," WORDS "," NUMBERS ",\"more\":1}", "a member that is not known"},
        {"{" NAMES "," WORDS ",\"rows\":3}", "sequence: is missing"},
        {"{" NAMES "," WORDS ",\"sequence\":0,\"rows\":3}", "sequence: is out of range"},
        {"{" NAMES "," WORDS ",\"sequence\":1,\"rows\":\"3\"}", "rows: must be a whole number"},
        {"{" NAMES "," WORDS ",\"sequence\":1,\"rows\":-1}", "rows: is out of range"},
        {"{" WORDS "," NUMBERS "}", "format: is missing"},
        {"{" NAMES ",\"kind\":\"x\",\"load\":\"full\",\"encoding\":\"utf-8\"," NUMBERS "}",
         "kind: must be links or residents"},
        {"{" NAMES ",\"kind\":\"links\",\"load\":\"full\",\"encoding\":\"sjis\"," NUMBERS "}",
         "encoding: must be utf-8 or cp932"},
        {"{\"format\":\"uketsuke-registry-1\",\"city_code\":\"992012\",\"file\":\"a\","
         "\"as_of\":\"2026-11-21T03:00:00+09:00\"," SHA "," WORDS "," NUMBERS "}",
         "city_code: is no"},
        {"{\"format\":\"uketsuke-registry-1\",\"city_code\":\"992011\",\"file\":\"../a\","
         "\"as_of\":\"2026-11-21T03:00:00+09:00\"," SHA "," WORDS "," NUMBERS "}",
         "file: must be the name"},
        {"{\"format\":\"uketsuke-registry-1\",\"city_code\":\"992011\",\"file\":\"a\","
         "\"as_of\":\"yesterday\"," SHA "," WORDS "," NUMBERS "}",
         "as_of: must be a time"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct feed_manifest manifest;
        struct failure f = {0};
        assert_false(feed_manifest_parse(bytes_of_text(bad[i][0]), &manifest, &f));
        assert_int_equal(f.kind, FAILURE_INPUT);
        if (!strstr(f.text, bad[i][1]))
            fail_msg("\"%s\" instead of \"%s\"", f.text, bad[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serials_are_those_of_certificates),
        cmocka_unit_test(values_are_checked_at_their_edges),
        cmocka_unit_test(faults_are_bounded_and_counted),
        cmocka_unit_test(manifests_are_read),
        cmocka_unit_test(bad_manifests_name_the_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

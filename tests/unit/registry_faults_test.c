/* Feeds with something wrong in them: each fault has its own words, and nothing changes. */
#include "intake/registry/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "base/text.h"
#include "intake/registry/keys.h"
#include "intake/registry/links.h"
#include "tests/support/feeds.h"
#include "tests/unit/check.h"

static void bad_feeds_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
        bool full;
    } faults[] = {
        {"", "line 1: the feed is empty, not even a header line", false},
        {"serial,ca,kind,atenabango,valid_from\n",
         "line 1, item valid_to: is missing in the header", false},
        {"ca,serial,kind,atenabango,valid_from,valid_to,shimei\n",
         "line 1: column 7 of the header is no item of this feed", false},
        {"ca,serial,kind,ca,atenabango,valid_from,valid_to\n",
         "line 1, item ca: stands in the header twice", false},
        {"\xEF\xBB\xBF" HEADER "sign,01,card,A1,,\n", "line 1: begins with a byte order mark",
         false},
        {HEADER "sign,01,card,A1,\n", "line 2: has 5 items instead of 6", false},
        {HEADER "sign,01,card,A1,,\nsign,02,card,A1,,\r\n",
         "line 3: ends otherwise than the lines before", false},
        {HEADER "sign,02,card,A1,,\nsign,0g,card,A1,,\n", "line 3, item serial: E0002", false},
        {HEADER "sign,,card,A1,,\n", "line 2, item serial: E0001", false},
        {HEADER "mine,01,card,A1,,\n", "line 2, item ca: E0002", false},
        {HEADER "sign,01,card,1234567890123456,,\n", "line 2, item atenabango: E0003", false},
        {HEADER "sign,01,card,A1,,\nsign,02,card,A1,,\nsign,0001,card,A1,,\n",
         "line 4, item serial: E0004 the same ca, serial and atenabango stand in line 2 already",
         false},
        {HEADER "sign,01,card,A1,2025-01-01T00:00:00Z,2024-01-01T00:00:00Z\n",
         "line 2, item valid_to: E0004", false},
        {HEADER "sign,02,card,A1,,\nsign,\"01,card,A1,,\n", "line 3: a quoted field", false},
        {HEADER "sign,0\"2,card,A1,,\n", "line 2: a quote in the middle", false},
        {HEADER "sign,02,card,\xff,,\n", "line 2: the text is not UTF-8", false},
        {HEADER "x,02,card,A1,,\nsign,02,x,A1,,\n",
         "line 2, item ca: E0002 is none of the words that may stand here (and 1 more fault)",
         false},
        {OLD_HEADER "sign,02,card,A1,,,03\n", "line 2, item old_serial: E0004 is no serial of this",
         false},
        {"ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\nsign,02,card,A1,,,1\n",
         "line 2, item sakujoflag: E0004 removes what is not there", false},
        {HEADER, "line 2: the feed has no rows, and a full load would remove everything", true},
    };
    import_good(HEADER "sign,01,card,A1,,\n", false);
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct registry_import_result result = {.rows = -1};
        struct failure f = {0};
        assert_false(import_text(faults[i].feed, faults[i].full, &result, &f));
        assert_int_equal(f.kind, FAILURE_INPUT);
        if (strncmp(f.text, faults[i].text, strlen(faults[i].text)) != 0)
            fail_msg("\"%s\" instead of \"%s\"", f.text, faults[i].text);
        assert_int_equal(result.rows, -1);
        assert_int_equal(links(), 1);
        assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "A1");
    }
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_import"), 1);
}

/* More of them: each with its own words, by line, item and code. */
static void hostile_feeds_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
    } faults[] = {
        {HEADER "sign,02,card,\xC0\x80,,\n", "line 2: the text is not UTF-8"}, /* overlong NUL */
        {HEADER "sign,02,card,\xE0\x80\xAF,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,\xED\xA0\x80\xED\xB0\x80,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,\xF4\x90\x80\x80,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,\xE3\x81,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,Ａ１,,\n", "line 2, item atenabango: E0002"}, /* full-width */
        {HEADER "sign,０１,card,A1,,\n", "line 2, item serial: E0002"},
        {HEADER "sign,-1,card,A1,,\n", "line 2, item serial: E0002"},
        {HEADER "sign,0x01,card,A1,,\n", "line 2, item serial: E0002"},
        {HEADER "sign,00000000000000000000000000000000000000001,card,A1,,\n",
         "line 2, item serial: E0003"},
        {HEADER "sign auth,01,card,A1,,\n", "line 2, item ca: E0002"},
        {HEADER " sign,01,card,A1,,\n", "line 2, item ca: E0002"},
        {HEADER "sign,01,card,A1,2026-02-30T00:00:00+09:00,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,2026-02-28T24:00:00+09:00,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,2026-02-28T00:00:00,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,infinity,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,2026-01-01T00:00:00Z,2026-01-01T09:00:00+09:00\n",
         "line 2, item valid_to: E0004 must lie after valid_from"}, /* the same moment */
        {HEADER "sign,01,card,\"A1\"x,,\n", "line 2: "},
        {HEADER "sign,01,card,\"A1,,\nsign,02,card,A2,,\n", "line 2: "}, /* never closed */
        {HEADER "sign,01,card,A1,,\"\"\"\n", "line 2: "},
        {HEADER "sign,01,card,\"A\n1\",,\n", "line 2, item atenabango: E0002"},
        {HEADER "sign,01,card,A1,,,\n", "line 2: has 7 items instead of 6"},
        {HEADER "\n", "line 2: has 1 items instead of 6"},
        {HEADER "sign,01,card,A1,,\r\n", "line 2: ends otherwise"},
        {HEADER "sign,01,card,A1,,\rsign,02,card,A1,,\n", "line 2: "},
        {"\"ca\",serial,kind,atenabango,valid_from,valid_to ,x\n",
         "line 1: column 6 of the header is no item of this feed"},
        {"sign,01,card,A1,,\n", "line 1: column 1 of the header is no item"}, /* no header */
        {"\xFF\xFE"
         "c\n",
         "line 1: the text is not UTF-8"}, /* UTF-16 */
        {OLD_HEADER "sign,02,card,A1,,,02\n",
         "line 2, item old_serial: E0004 is the serial itself"},
    };
    import_good(HEADER "sign,01,card,A1,,\n", false);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        import_bad(faults[i].feed, &(struct call){0}, FAILURE_INPUT, faults[i].text);
        assert_int_equal(links(), 1);
    }
    _cleanup_(cleanup_buffer) struct buffer wide = {0};
    buffer_append_text(&wide, HEADER "sign");
    for (int i = 0; i < 300; i++)
        buffer_append_text(&wide, ",");
    import_bad(buffer_text(&wide), &(struct call){0}, FAILURE_INPUT,
               "line 2: the record has more than 256 fields");
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_import"), 1);
}

static void a_differential_feed_may_be_empty(void **state)
{
    (void)state;
    struct registry_import_result result = import_good(HEADER, false);
    assert_int_equal(result.rows, 0);
}

static void a_long_feed_goes_in_whole(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer feed = {0};
    buffer_append_text(&feed, HEADER);
    for (int i = 1; i <= 20000; i++)
        buffer_format(&feed, "sign,%x,card,%015d,2024-04-01T00:00:00+09:00,\n", i, i);
    struct registry_import_result result = import_good(buffer_text(&feed), true);
    assert_int_equal(result.added, 20000);
    assert_string_equal(found("sign", "4e20", "2025-06-01T00:00:00Z"), "000000000020000");
    /* a fault in the last line takes everything back */
    buffer_append_text(&feed, "sign,1,card,000000000000001,,\n");
    struct failure f = {0};
    assert_false(import_text(buffer_text(&feed), true, &result, &f));
    assert_non_null(strstr(f.text, "line 20002, item serial: E0004 the same ca, serial and "
                                   "atenabango stand in line 2 already"));
    assert_int_equal(links(), 20000);
}

static void cp932_is_read_when_the_manifest_says_so(void **state)
{
    (void)state;
    /* 髙 FBFC, 外字 F040, backslash as second byte: 表 955C */
    const char *text = RESIDENTS "A1,,,\xFB\xFC\x95\x5C\xF0\x40,,,,,,,1990-01-02,,,2,,,,,,,,,1"
                                 ",,,,,,,,,\n";
    const struct call cp932 = {.kind = FEED_RESIDENTS, .feed = {.encoding = FEED_CP932}};
    import_bad(text, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_INPUT,
               "line 2: the text is not UTF-8");
    import_as(text, &cp932);
    char *name = test_sql_text(&feeds_database, "SELECT name FROM resident");
    assert_string_equal(name, "髙表\uE000");
    free(name);
    import_bad(RESIDENTS "A2,,,\x81\x20,,,,,,,1990-01-02,,,2,,,,,,,,,1,,,,,,,,,\n", &cp932,
               FAILURE_INPUT, "line 2, item shimei: E0002 has a character that was lost");
}

#define BORN(day, unknown) "A1,,,名,,,,,,," day "," unknown ",,2,,,,,,,,,1,,,,,,,,,\n"

static void days_exist_or_are_told_to_be_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *row, *text;
    } faults[] = {
        {BORN("2026-02-30", ""), "item seinengappi: E0002"},
        {BORN("2025-02-29", ""), "item seinengappi: E0002"},
        {BORN("1990-13-01", ""), "item seinengappi: E0002"},
        {BORN("1990-00-05", "1"), "item seinengappi: E0002"}, /* a day of no month */
        {BORN("1990-1-05", ""), "item seinengappi: E000"},
        {BORN("1990/01/05", ""), "item seinengappi: E0002"},
        {BORN("H02-01-05", ""), "item seinengappi: E000"},
        {BORN("１９９０-01-05", ""), "item seinengappi: E0002"},
        {BORN("1990-01-00", ""), "item seinengappi_fushoflag: E0004"},
        {BORN("1990-01-05", "1"), "item seinengappi_fushoflag: E0004"},
        {BORN("0000-02-30", "1"), "item seinengappi: E0002"},
        {BORN("1990-01-05", "2"), "item seinengappi_fushoflag: E0002"},
    };
    static const char *const good[] = {BORN("1990-01-00", "1"), BORN("1990-00-00", "1"),
                                       BORN("0000-00-00", "1"), BORN("0000-02-29", "1"),
                                       BORN("2024-02-29", "")};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        _cleanup_(cleanup_text) char *feed = text_format("%s%s", RESIDENTS, faults[i].row);
        import_bad(feed, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_INPUT, faults[i].text);
    }
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM resident"), 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        _cleanup_(cleanup_text) char *feed = text_format("%s%s", RESIDENTS, good[i]);
        import_as(feed, &(struct call){.kind = FEED_RESIDENTS});
    }
}

/* Lone bytes, a first byte whose second is the separator, what Windows has several codes for. */
static void traps_of_cp932(void **state)
{
    (void)state;
#define CP932_ROW(name) "A1,,," name ",,,,,,,1990-01-02,,,2,,,,,,,,,1,,,,,,,,,\n"
    static const char *const lost[] = {"\x80",     "\xA0",     "\xFD",        "\xFF",
                                       "\x85\x40", "\xFC\x4C", "\xE9\xAB\x98" /* 高 in UTF-8 */};
    const struct call cp932 = {.kind = FEED_RESIDENTS, .feed = {.encoding = FEED_CP932}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        _cleanup_(cleanup_text) char *row = text_format(CP932_ROW("%s"), lost[i]);
        _cleanup_(cleanup_text) char *feed = text_format("%s%s", RESIDENTS, row);
        import_bad(feed, &cp932, FAILURE_INPUT, "item shimei: E0002");
    }
    import_bad(RESIDENTS "A1,,,\x81,,,,,,,1990-01-02,,,2,,,,,,,,,1,,,,,,,,,\n", &cp932,
               FAILURE_INPUT, "line 2, item shimei: E0002"); /* the comma is not swallowed */
    import_bad(RESIDENTS CP932_ROW("\x81\n"), &cp932, FAILURE_INPUT, "line 2: has 4 items");
    import_bad(RESIDENTS CP932_ROW("\x1A"), &cp932, FAILURE_INPUT, "item shimei: E0002");
    /* NEC's and IBM's codes of one character; the second byte of 表 and of ソ is a backslash */
    import_as(RESIDENTS CP932_ROW("\xED\x40\xFA\x5C\x87\x54\xFA\x4A\x95\x5C\x83\x5C"), &cp932);
    char *name = test_sql_text(&feeds_database, "SELECT name FROM resident");
    assert_string_equal(name, "纊纊ⅠⅠ表ソ");
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bad_feeds_change_nothing, feeds_reset),
        cmocka_unit_test_setup(hostile_feeds_change_nothing, feeds_reset),
        cmocka_unit_test_setup(days_exist_or_are_told_to_be_unknown, feeds_reset),
        cmocka_unit_test_setup(traps_of_cp932, feeds_reset),
        cmocka_unit_test_setup(a_differential_feed_may_be_empty, feeds_reset),
        cmocka_unit_test_setup(a_long_feed_goes_in_whole, feeds_reset),
        cmocka_unit_test_setup(cp932_is_read_when_the_manifest_says_so, feeds_reset),
    };
    return cmocka_run_group_tests(tests, feeds_set_up, feeds_tear_down);
}

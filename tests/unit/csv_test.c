#include <string.h>

#include "base/cleanup.h"
#include "base/csv.h"
#include "tests/unit/check.h"

/* The records of `text` as "a|b/c|d/": fields end with |, records with their line and a slash. A
 * failure's text stands at the end, after "! ". */
static void read_all(struct bytes text, struct buffer *ret_seen)
{
    static struct csv_record record;
    FILE *in = fmemopen((void *)text.data, text.length, "r");
    struct csv_reader *reader = csv_open(in);
    struct failure f = {0};
    bool end = false, good;

    while ((good = csv_next(reader, &record, &end, &f)) && !end) {
        for (size_t i = 0; i < record.count; i++)
            buffer_format(ret_seen, "%s|", record.field[i]);
        buffer_format(ret_seen, "%d/", (int)record.line);
    }
    if (!good) {
        assert_int_equal(f.kind, FAILURE_INPUT);
        buffer_format(ret_seen, "! %s", f.text);
        assert_false(csv_next(reader, &record, &end, &f)); /* and stays so */
    }
    csv_close(reader);
    fclose(in);
}

static void assert_reads(const char *text, const char *wanted)
{
    _cleanup_(cleanup_buffer) struct buffer seen = {0};

    read_all(bytes_of_text(text), &seen);
    assert_string_equal(buffer_text(&seen), wanted);
}

static void test_records(void **state)
{
    (void)state;
    assert_reads("a,b\nc,d\n", "a|b|1/c|d|2/");
    assert_reads("a,b\r\nc,d\r\n", "a|b|1/c|d|2/");
    assert_reads("a,b\nc,d", "a|b|1/c|d|2/");
    assert_reads("a,\n,b\n,\n", "a||1/|b|2/||3/");
    assert_reads("a\n\nb\n", "a|1/|2/b|3/");
    assert_reads("申請,受付\n", "申請|受付|1/");
    assert_reads("\n", "|1/");
}

static void test_quotes(void **state)
{
    (void)state;
    assert_reads("\"a,b\",c\n", "a,b|c|1/");
    assert_reads("\"say \"\"yes\"\"\"\n", "say \"yes\"|1/");
    assert_reads("\"\",\"\"\n", "||1/");
    assert_reads("\"two\r\nlines\",x\ny\n", "two\r\nlines|x|1/y|3/");
    assert_reads("\"a\"", "a|1/");
    assert_reads("\"a\"\r\nb", "a|1/b|2/");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    assert_reads("\xEF\xBB\xBF"
                 "a,b\n",
                 "a|b|1/");
    assert_reads("\xEF\xBB\xBF\"a\",b\n", "a|b|1/");
    assert_reads("\xEF\xBD\xB1,b\n", "ｱ|b|1/"); /* begins like a mark, and is none */
    assert_reads("\xEF\xBB\xBB,b\n", "ﻻ|b|1/");
    assert_reads("a\n\xEF\xBB\xBFz\n", "a|1/\xEF\xBB\xBFz|2/");
    assert_reads("\xEF\xBB\xBF", "");
    assert_reads("\xEF", "! line 1: the text is not UTF-8");
}

static void test_faults(void **state)
{
    (void)state;
    assert_reads("a\n\"b\nc", "a|1/! line 2: a quoted field is not closed");
    assert_reads("a\nb\"c\n", "a|1/! line 2: a quote in the middle of a field");
    assert_reads("\"a\"b\n", "! line 1: text behind the closing quote of a field");
    assert_reads("a\rb\n", "! line 1: a carriage return without a line feed");
    assert_reads("a\r", "! line 1: a carriage return without a line feed");
    assert_reads("a\nb,\xff\n", "a|1/! line 2: the text is not UTF-8");
    _cleanup_(cleanup_buffer) struct buffer seen = {0};
    read_all(bytes_of("a\0b\n", 4), &seen);
    assert_string_equal(buffer_text(&seen), "! line 1: a NUL byte stands in the text");
}

static void test_field_limit(void **state)
{
    (void)state;
    for (int commas = CSV_FIELDS_MAX - 1; commas <= CSV_FIELDS_MAX; commas++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0}, seen = {0};
        for (int i = 0; i < commas; i++)
            buffer_append_text(&text, ",");
        buffer_append_text(&text, "\n");
        read_all(buffer_bytes(&text), &seen);
        if (commas < CSV_FIELDS_MAX)
            assert_int_equal(seen.length, CSV_FIELDS_MAX + 2);
        else
            assert_string_equal(buffer_text(&seen),
                                "! line 1: the record has more than 256 fields");
    }
}

/* One byte under, on and over the limit; as one field, quoted, and as many. */
static void test_length_limit(void **state)
{
    static const char *const fronts[] = {"", "\"", ",,,", "x\r\n"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bool quoted = i == 1, second = i == 3;
        for (size_t length = CSV_LINE_MAX - 1; length <= CSV_LINE_MAX + 1; length++) {
            _cleanup_(cleanup_buffer) struct buffer text = {0}, seen = {0};
            buffer_append_text(&text, fronts[i]);
            size_t used = second ? 0 : text.length;
            for (; used < length - quoted; used++)
                buffer_append_text(&text, "a");
            buffer_append_text(&text, quoted ? "\"\r\n" : "\r\n");
            read_all(buffer_bytes(&text), &seen);
            bool refused = strstr(buffer_text(&seen), "the record is longer than 65536 bytes");
            assert_int_equal(refused, length > CSV_LINE_MAX);
        }
    }
}

static void test_nothing(void **state)
{
    _cleanup_(cleanup_file) FILE *in = fopen("/dev/null", "re");
    struct csv_reader *reader = csv_open(in);
    static struct csv_record record;
    struct failure f = {0};
    bool end = false;

    (void)state;
    assert_true(csv_next(reader, &record, &end, &f));
    assert_true(end);
    csv_close(reader);
}

static void test_read_error(void **state)
{
    _cleanup_(cleanup_file) FILE *in = fopen("/", "re"); /* opens, but can't be read */
    struct csv_reader *reader = csv_open(in);
    static struct csv_record record;
    struct failure f = {0};
    bool end = false;

    (void)state;
    assert_false(csv_next(reader, &record, &end, &f));
    assert_failure(f, FAILURE_SYSTEM, "line 1: cannot read on");
    csv_close(reader);
}

static void expect_quoted(const char *value, const char *wanted)
{
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    csv_quote(value, &out);
    assert_string_equal(buffer_text(&out), wanted);
    if (*value) { /* and is read as it was */
        _cleanup_(cleanup_text) char *read = text_format("%s|1/", value);
        assert_reads(buffer_text(&out), read);
    }
}

static void test_written(void **state)
{
    (void)state;
    expect_quoted("", "");
    expect_quoted("申請 17", "申請 17");
    expect_quoted("a,b", "\"a,b\"");
    expect_quoted("\"", "\"\"\"\"");
    expect_quoted("say \"yes\"", "\"say \"\"yes\"\"\"");
    expect_quoted("two\r\nlines", "\"two\r\nlines\"");
    expect_quoted("\n", "\"\n\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),         cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_byte_order_mark), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_field_limit),     cmocka_unit_test(test_length_limit),
        cmocka_unit_test(test_nothing),         cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

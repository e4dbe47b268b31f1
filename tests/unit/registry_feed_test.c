#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "intake/registry/feed_row.h"

#define GOOD "sign", "067C6A21", "card", "000000000000001", "2024-01-01T00:00:00+09:00", ""

static bool row_read(const char *const (*items)[6], struct registry_row *ret_row, struct failure *f)
{
    struct csv_record record = {.count = 6, .line = 7};
    memcpy(record.field, *items, sizeof(*items));
    return registry_row_read(&record, ret_row, f);
}

static void a_good_row_is_normalised(void **state)
{
    (void)state;
    struct registry_row row;
    struct failure f = {0};
    assert_true(row_read(&(const char *const[6]){GOOD}, &row, &f));
    assert_string_equal(row.ca, "sign");
    assert_string_equal(row.serial, "067c6a21");
    assert_string_equal(row.kind, "card");
    assert_string_equal(row.atenabango, "000000000000001");
    assert_string_equal(row.valid_from, "2024-01-01T00:00:00.000000+09:00");
    assert_string_equal(row.valid_to, "infinity");
    assert_true(row_read(&(const char *const[6]){"auth", "1", "phone", "A", "", ""}, &row, &f));
    assert_string_equal(row.serial, "01");
    assert_string_equal(row.valid_from, "-infinity");
}

static void serial_numbers_are_written_as_certificates_have_them(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"67c6a21", "067c6a21"},
        {"067C6A21", "067c6a21"},
        {"000067c6a21", "067c6a21"},
        {"0", "00"},
        {"00", "00"},
        {"0100", "0100"},
        {"FF", "ff"},
        {"1", "01"},
        {"ABCDEF0123456789abcdef0123456789ABCDEF01", "abcdef0123456789abcdef0123456789abcdef01"},
        {"bcdef0123456789abcdef0123456789abcdef01", "0bcdef0123456789abcdef0123456789abcdef01"},
        {"0000000000000000000000000000000000000000", "00"}};
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        char serial[41];
        registry_serial_normalise(same[i][0], serial);
        assert_string_equal(serial, same[i][1]);
    }
}

static void each_fault_has_its_own_words(void **state)
{
    (void)state;
    static const struct {
        const char *items[6];
        const char *text;
    } faults[] = {
        {{"", "01", "card", "1", "", ""}, "line 7, item ca: E0001 must be sign or auth"},
        {{"root", "01", "card", "1", "", ""}, "line 7, item ca: E0002 must be sign or auth"},
        {{"sign", "", "card", "1", "", ""}, "line 7, item serial: E0001 is required"},
        {{"sign", "0x1", "card", "1", "", ""},
         "line 7, item serial: E0002 has a character that may not stand here"},
        {{"sign", "00000000000000000000000000000000000000001", "card", "1", "", ""},
         "line 7, item serial: E0003 is too long"},
        {{"sign", "01", "", "1", "", ""}, "line 7, item kind: E0001 must be card or phone"},
        {{"sign", "01", "CARD", "1", "", ""}, "line 7, item kind: E0002 must be card or phone"},
        {{"sign", "01", "card", "", "", ""}, "line 7, item atenabango: E0001 is required"},
        {{"sign", "01", "card", "１", "", ""},
         "line 7, item atenabango: E0002 has a character that may not stand here"},
        {{"sign", "01", "card", "1234567890123456", "", ""},
         "line 7, item atenabango: E0003 is too long"},
        {{"sign", "01", "card", "1", "2024-02-30T00:00:00+09:00", ""},
         "line 7, item valid_from: E0002 must be empty or a time as 2026-11-21T09:00:00+09:00"},
        {{"sign", "01", "card", "1", "", "2024-01-01"},
         "line 7, item valid_to: E0002 must be empty or a time as 2026-11-21T09:00:00+09:00"},
        {{"sign", "01", "card", "1", "2024-01-01T00:00:00Z", "2024-01-01T09:00:00+09:00"},
         "line 7, item valid_to: E0004 must lie after valid_from"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct registry_row row = {.ca = "untouched"};
        struct failure f = {0};
        assert_false(row_read(&faults[i].items, &row, &f));
        assert_int_equal(f.kind, FAILURE_INPUT);
        assert_string_equal(f.text, faults[i].text);
        assert_string_equal(row.ca, "untouched");
    }
}

static void limits_hold_at_their_edge(void **state)
{
    (void)state;
    struct registry_row row;
    struct failure f = {0};
    assert_true(row_read(&(const char *const[6]){"sign", "0123456789012345678901234567890123456789",
                                                 "card", "123456789012345", "", ""},
                         &row, &f));
    assert_true(row_read(&(const char *const[6]){"sign", "1", "card", "1", "2024-01-01T00:00:00Z",
                                                 "2024-01-01T00:00:00.000001Z"},
                         &row, &f));
}

static void a_row_has_six_items_and_the_header_their_names(void **state)
{
    (void)state;
    struct failure f = {0};
    struct registry_row row;
    struct csv_record record = {.count = 5, .line = 3, .field = {"sign", "1", "card", "1", ""}};
    assert_false(registry_row_read(&record, &row, &f));
    assert_string_equal(f.text, "line 3: has 5 items instead of 6");

    struct csv_record header = {
        .count = 6,
        .line = 1,
        .field = {"ca", "serial", "kind", "atenabango", "valid_from", "valid_to"}};
    assert_true(registry_header_check(&header, &f));
    header.field[3] = "Atenabango";
    assert_false(registry_header_check(&header, &f));
    assert_non_null(strstr(f.text, "line 1: the header line must read ca,serial"));
    header.field[3] = "atenabango";
    header.count = 7;
    header.field[6] = "more";
    assert_false(registry_header_check(&header, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_row_is_normalised),
        cmocka_unit_test(serial_numbers_are_written_as_certificates_have_them),
        cmocka_unit_test(each_fault_has_its_own_words),
        cmocka_unit_test(limits_hold_at_their_edge),
        cmocka_unit_test(a_row_has_six_items_and_the_header_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

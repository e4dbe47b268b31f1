#include "intake/registry/residents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "intake/registry/change.h"
#include "intake/registry/links.h"
#include "intake/registry/number.h"
#include "intake/schema.h"
#include "tests/support/applications.h"

static struct test_database database;
static struct db *identify;
static struct city_key *city_key;

#define KANA  "カナ"
#define PLACE "桜県', '桜野市"
/* A resident whose items say what they are; `more` overrides by COLUMNS, VALUES. */
#define RESIDENT(table, columns, values)                                                           \
    "INSERT INTO " table                                                                           \
    " (city_code, import_id, source, digest, household, relation, kana, common_name,"              \
    " common_kana, former_surname, roman_name, kanji_name, birth_words, sex, municipality_code,"   \
    " town_code, prefecture, municipality, town, lot, building, postal_code, status,"              \
    " status_since, kana_key, former_key, roman_key, kanji_key, atenabango, " columns              \
    ") VALUES ('992011', 1, 'juki', decode(repeat('00', 16), 'hex'), 'H1', '', '" KANA "', '',"    \
    " '', '', '', '', '', '2', '992011', '0000000', '" PLACE "', '', '', '', '', 0, 0,"            \
    " '" KANA "', '', '', '', " values ");"
#define KEYS "name, birth_date, name_key, common_key, address_key, valid_from"

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    identify = test_database_open(&database, "identify", 1);
    city_key = test_city_key(&database);
    test_sql(&database,
             RESIDENT("resident", KEYS, "'A1', '今', 19900102, '今', '通', '先', '2026-06-01+09'")
                 RESIDENT("resident_past", KEYS ", valid_to, closed_by, support_from, support_to",
                          "'A1', '旧', 19900102, '旧', '', '元', '2026-01-01+09', '2026-06-01+09',"
                          " 2, 20260101, 20260210")
                     RESIDENT("resident", KEYS ", undisclosed_from, undisclosed_to",
                              "'A2', '通', 19900102, '通', '', '先', '2026-06-01+09', 20260701,"
                              " 99991231")
                         RESIDENT("resident_past", KEYS ", valid_to, closed_by",
                                  "'A3', '去', 19500000, '去', '', '先', '2026-01-01+09',"
                                  " '2026-06-01+09', 2"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(identify);
    city_key_free(city_key);
    test_database_drop(&database);
    clock_fix(0);
    return 0;
}

static instant at(const char *text)
{
    instant at;
    assert_true(instant_parse(text, &at));
    return at;
}

/* --- by 宛名番号 ------------------------------------------------------------------------------ */

static bool fetch_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    clock_fix(at("2026-06-30T12:00:00+09:00"));
    const struct resident_wanted wanted[] = {
        {"A3", at("2026-06-01T00:00:00+09:00")}, /* removed by then */
        {"A1", at("2026-06-01T00:00:00+09:00")},
        {"A1", at("2026-05-31T23:59:59+09:00")},
        {"A1", at("2026-02-10T23:59:59+09:00")},
        {"A1", at("2025-01-01T00:00:00+09:00")},
        {"ZZ", at("2026-06-01T00:00:00+09:00")},
        {"A3", at("2026-05-31T00:00:00+09:00")}, /* … since then */
    };
    static const struct {
        size_t question;
        const char *name;
        bool is_protected;
    } expected[] = {
        {1, "今", false},
        {2, "旧", false},
        {3, "旧", true},
        {4, "旧", false},
    };
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    if (!residents_fetch(tx, TEST_CITY, wanted, 7, &set, f) || !resident_set_wait(tx, &set, f))
        return false;
    assert_int_equal(set.count, 4);
    for (size_t i = 0; i < set.count; i++) {
        const struct resident *resident = &set.answers[i].resident;
        assert_int_equal(set.answers[i].question, expected[i].question);
        assert_string_equal(resident->name, expected[i].name);
        assert_int_equal(resident->is_protected, expected[i].is_protected);
        assert_string_equal(resident->atenabango, wanted[expected[i].question].atenabango);
        assert_string_equal(resident->household, "H1");
        assert_int_equal(resident->sex, '2');
        assert_int_equal(resident->birth_date.day, 2);
        assert_false(resident->has_number);
    }
    return true;
}

static void residents_are_found_as_they_were(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(identify, fetch_work, NULL, &f))
        fail_msg("%s", f.text);
}

static bool protected_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    const struct resident_wanted wanted[] = {{"A2", at("2026-06-30T23:59:59+09:00")}};
    for (int today = 0; today < 2; today++) {
        _cleanup_(cleanup_resident_set) struct resident_set set = {0};
        clock_fix(at(today ? "2026-07-01T00:00:00+09:00" : "2026-06-30T23:59:59+09:00"));
        if (!residents_fetch(tx, TEST_CITY, wanted, 1, &set, f) || !resident_set_wait(tx, &set, f))
            return false;
        assert_int_equal(set.answers[0].resident.is_protected, today);
    }
    return true;
}

static void protection_since_the_day_asked_for_counts(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(identify, protected_work, NULL, &f))
        fail_msg("%s", f.text);
}

/* The feed of June told that A4 had died on 15 May. */
static bool dead_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    const struct resident_wanted wanted[] = {{"A4", at("2026-05-14T23:59:59+09:00")},
                                             {"A4", at("2026-05-15T00:00:00+09:00")},
                                             {"A4", at("2026-06-02T00:00:00+09:00")}};
    static const enum resident_status expected[] = {RESIDENT_PRESENT, RESIDENT_DEAD, RESIDENT_DEAD};
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    if (!residents_fetch(tx, TEST_CITY, wanted, 3, &set, f) || !resident_set_wait(tx, &set, f))
        return false;
    assert_int_equal(set.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(set.answers[i].resident.status, expected[i]);
    return true;
}

static void who_was_no_resident_any_more_is_none_whenever_that_is_told(void **state)
{
    (void)state;
    struct failure f = {0};
    test_sql(&database,
             RESIDENT("resident", KEYS, "'A4', '逝', 19000101, '逝', '', '', '2026-06-01+09'")
                 RESIDENT("resident_past", KEYS ", valid_to, closed_by",
                          "'A4', '逝', 19000101, '逝', '', '', '2026-01-01+09', '2026-06-01+09', "
                          "2") "UPDATE resident SET status = 3, status_since = 20260515 WHERE "
                               "atenabango = 'A4';");
    if (!db_transaction(identify, dead_work, NULL, &f))
        fail_msg("%s", f.text);
    test_sql(&database, "DELETE FROM resident WHERE atenabango = 'A4'");
}

/* A number that went to another person, or a birth date that was corrected. */
static bool reused_work(struct db_tx *tx, void *context, struct failure *f)
{
    const char *expected = context;
    const struct resident_wanted wanted[] = {{"A5", at("2026-05-31T00:00:00+09:00")}};
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    if (!residents_fetch(tx, TEST_CITY, wanted, 1, &set, f) || !resident_set_wait(tx, &set, f))
        return false;
    assert_int_equal(set.count, 1);
    assert_string_equal(set.answers[0].resident.name, expected);
    return true;
}

static void what_was_believed_of_another_person_does_not_count(void **state)
{
    (void)state;
    struct failure f = {0};
    test_sql(&database,
             RESIDENT("resident", KEYS, "'A5', '後', 19500505, '後', '', '', '2026-06-01+09'")
                 RESIDENT("resident_past", KEYS ", valid_to, closed_by",
                          "'A5', '前', 19900102, '前', '', '', '2026-01-01+09', '2026-06-01+09', "
                          "2"));
    if (!db_transaction(identify, reused_work, (char[]){"後"}, &f))
        fail_msg("%s", f.text);
    test_sql(&database, "UPDATE resident SET birth_date = 19900102 WHERE atenabango = 'A5'");
    if (!db_transaction(identify, reused_work, (char[]){"前"}, &f)) /* she only changed her name */
        fail_msg("%s", f.text);
    test_sql(&database, "DELETE FROM resident WHERE atenabango = 'A5';"
                        "DELETE FROM resident_past WHERE atenabango = 'A5'");
}

/* --- by 個人番号 and by keys ------------------------------------------------------------------ */

static bool number_work(struct db_tx *tx, void *context, struct failure *f)
{
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    const uint8_t(*hashes)[NUMBER_HASH_BYTES] = context;
    const struct bytes asked[] = {bytes_of(hashes[0], NUMBER_HASH_BYTES),
                                  bytes_of(hashes[1], NUMBER_HASH_BYTES)};
    if (!residents_by_number(tx, TEST_CITY, asked, 2, &set, f) || !resident_set_wait(tx, &set, f))
        return false;
    assert_int_equal(set.count, 1);
    assert_int_equal(set.answers[0].question, 1);
    assert_string_equal(set.answers[0].resident.atenabango, "A2");
    assert_memory_equal(set.answers[0].resident.number_hash, hashes[1], NUMBER_HASH_BYTES);
    return true;
}

static void residents_are_found_by_the_hash_of_their_number(void **state)
{
    (void)state;
    uint8_t hashes[2][NUMBER_HASH_BYTES];
    char sql[200] = "UPDATE resident SET number_hash = '\\x";
    struct failure f = {0};
    registry_number_hash(city_key, "111111111118", hashes[0]);
    registry_number_hash(city_key, "123456789018", hashes[1]);
    for (size_t i = 0; i < NUMBER_HASH_BYTES; i++)
        snprintf(sql + strlen(sql), 3, "%02x", hashes[1][i]);
    strcat(sql, "' WHERE atenabango = 'A2'");
    test_sql(&database, sql);
    if (!db_transaction(identify, number_work, hashes, &f))
        fail_msg("%s", f.text);
}

struct asked {
    const struct resident_keys *keys;
    size_t count, each;
    struct buffer found; /* "0:A1 0:A2 …" */
};

static bool keys_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct asked *asked = context;
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    if (!residents_by_keys(tx, TEST_CITY, asked->keys, asked->count, asked->each, &set, f) ||
        !resident_set_wait(tx, &set, f))
        return false;
    for (size_t i = 0; i < set.count; i++)
        buffer_format(&asked->found, "%zu:%s ", set.answers[i].question,
                      set.answers[i].resident.atenabango);
    return true;
}

static void candidates_agree_with_a_key(void **state)
{
    (void)state;
    const struct resident_keys keys[] = {
        {.birth_date = 19900102},
        {.birth_date = 19900103, .name_key = "通"},
        {.name_key = "", .kana_key = "", .address_key = "", .household = ""},
        {.address_key = "先", .name_key = "今"},
        {.address_key = "元", .kana_key = "カ"},
        {.household = "H1"},
        {.kana_key = "カナ"},
    };
    struct asked asked = {keys, 7, 10, {0}};
    struct failure f = {0};
    if (!db_transaction(identify, keys_work, &asked, &f))
        fail_msg("%s", f.text);
    assert_string_equal(buffer_text(&asked.found),
                        "0:A1 0:A2 1:A1 1:A2 3:A1 3:A2 5:A1 5:A2 6:A1 6:A2 ");
    struct asked one = {keys, 1, 1, {0}};
    assert_true(db_transaction(identify, keys_work, &one, &f));
    assert_string_equal(buffer_text(&one.found), "0:A1 ");
    buffer_free(&asked.found);
    buffer_free(&one.found);
}

static bool households_work(struct db_tx *tx, void *context, struct failure *f)
{
    static const char *const households[] = {"H1", "", NULL, "H2", "H1"};
    struct asked *asked = context;
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    if (!residents_by_household(tx, TEST_CITY, households, 5, asked->each, &set, f) ||
        !resident_set_wait(tx, &set, f))
        return false;
    for (size_t i = 0; i < set.count; i++)
        buffer_format(&asked->found, "%zu:%s ", set.answers[i].question,
                      set.answers[i].resident.atenabango);
    return true;
}

static void a_household_is_who_lives_there(void **state)
{
    (void)state;
    static const char *const expected[] = {"0:A1 4:A1 ", "0:A1 0:A2 4:A1 4:A2 "};
    struct failure f = {0};
    test_sql(
        &database,
        RESIDENT(
            "resident", KEYS,
            "'A0', '独', 19900102, '独', '', '', '2026-06-01+09'") "UPDATE resident SET household "
                                                                   "= '' WHERE atenabango = 'A0'");
    for (size_t each = 1; each <= 2; each++) {
        struct asked asked = {.each = each};
        if (!db_transaction(identify, households_work, &asked, &f))
            fail_msg("%s", f.text);
        assert_string_equal(buffer_text(&asked.found), expected[each - 1]);
        buffer_free(&asked.found);
    }
    test_sql(&database, "DELETE FROM resident WHERE atenabango = 'A0'");
}

/* --- links ------------------------------------------------------------------------------------ */

static bool links_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct buffer *found = context;
    struct registry_lookup lookups[] = {{.ca = "sign", .serial = "0a"},
                                        {.ca = "sign", .serial = "0b"},
                                        {.ca = "auth", .serial = "0a"},
                                        {.ca = "sign", .serial = "0c"},
                                        {.ca = "sign", .serial = "0b"}};
    for (size_t i = 0; i < 5; i++)
        lookups[i].at = at(i < 4 ? "2026-06-01T00:00:00+09:00" : "2026-05-31T23:59:59+09:00");
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    if (!residents_linked(tx, TEST_CITY, lookups, 5, &set, f) || !resident_set_wait(tx, &set, f))
        return false;
    resident_set_links(&set, lookups, 5);
    for (size_t i = 0; i < set.count; i++) /* A3 was removed: linked, and no resident */
        buffer_format(found, "%zu=%s(%s) ", set.answers[i].question,
                      set.answers[i].resident.atenabango, set.answers[i].resident.name);
    for (size_t i = 0; i < 5; i++) {
        buffer_format(found, "%zu:", lookups[i].count);
        for (size_t j = 0; j < lookups[i].count; j++)
            buffer_format(found, "%s ", lookups[i].atenabango[j]);
    }
    return true;
}

/* Of three, the first and the last; once each, however often it is told; in force at the moment. */
static void links_tell_whether_there_is_one(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer found = {0};
    struct failure f = {0};
    test_sql(&database,
             "INSERT INTO registry_link (city_code, ca, serial, atenabango, kind, valid_from,"
             " valid_to, import_id, source) VALUES"
             " ('992011', 'sign', '0a', 'A2', 'card', '2026-01-01+09', 'infinity', 1, 'juki'),"
             " ('992011', 'sign', '0a', 'A1', 'card', '2026-06-01+09', 'infinity', 1, 'juki'),"
             " ('992011', 'sign', '0a', 'A3', 'card', '2026-01-01+09', '2026-06-02+09', 1, 'juki'),"
             " ('992011', 'sign', '0b', 'A1', 'card', '2026-01-01+09', '2026-06-01+09', 1, 'juki'),"
             " ('992011', 'sign', '0b', 'A2', 'card', '2026-06-01+09', 'infinity', 1, 'juki'),"
             " ('992020', 'sign', '0c', 'Z9', 'card', '2026-01-01+09', 'infinity', 1, 'juki')");
    if (!db_transaction(identify, links_work, &found, &f))
        fail_msg("%s", f.text);
    assert_string_equal(buffer_text(&found),
                        "0=A1(今) 0=A2(通) 1=A2(通) 4=A1(旧) 2:A1 A3 1:A2 0:0:1:A1 ");
    test_sql(&database, "DELETE FROM registry_link");
}

/* --- changes ---------------------------------------------------------------------------------- */

static bool changes_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct buffer *found = context;
    struct registry_change changes[2];
    size_t count;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!registry_changes_take(tx, TEST_CITY, 2, changes, &count, &rows, f))
        return false;
    for (size_t i = 0; i < count; i++)
        buffer_format(found, "%s/%s/%s ", changes[i].everything ? "all" : changes[i].atenabango,
                      changes[i].ca, changes[i].serial);
    return true;
}

static void changes_are_taken_once(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer found = {0};
    struct failure f = {0};
    test_sql(&database,
             "INSERT INTO registry_change (city_code, import_id, atenabango, ca, serial)"
             " VALUES ('992011', 1, 'A1', NULL, NULL), ('992011', 1, 'A2', 'sign', '01'),"
             " ('992020', 1, 'Z9', NULL, NULL), ('992011', 2, NULL, NULL, NULL)");
    for (int i = 0; i < 3; i++)
        if (!db_transaction(identify, changes_work, &found, &f))
            fail_msg("%s", f.text);
    assert_string_equal(buffer_text(&found), "A1// A2/sign/01 all// ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residents_are_found_as_they_were),
        cmocka_unit_test(protection_since_the_day_asked_for_counts),
        cmocka_unit_test(who_was_no_resident_any_more_is_none_whenever_that_is_told),
        cmocka_unit_test(what_was_believed_of_another_person_does_not_count),
        cmocka_unit_test(residents_are_found_by_the_hash_of_their_number),
        cmocka_unit_test(candidates_agree_with_a_key),
        cmocka_unit_test(a_household_is_who_lives_there),
        cmocka_unit_test(links_tell_whether_there_is_one),
        cmocka_unit_test(changes_are_taken_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

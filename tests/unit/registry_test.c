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

/* --- good feeds ------------------------------------------------------------------------------- */

static void links_are_found_as_they_were_in_force(void **state)
{
    (void)state;
    struct registry_import_result result = import_good(
        HEADER "sign,067C6A21,card,A1,2024-01-01T00:00:00+09:00,2025-01-01T00:00:00+09:00\n"
               "sign,67c6a22,phone,A1,2025-01-01T00:00:00+09:00,\n"
               "auth,067c6a21,card,B2,,\n",
        false);
    assert_int_equal(result.rows, 3);
    assert_int_equal(result.added, 3);
    assert_int_equal(result.changed + result.removed, 0);
    assert_string_equal(found("sign", "067c6a21", "2024-01-01T00:00:00+09:00"), "A1");
    assert_string_equal(found("sign", "067c6a21", "2024-12-31T23:59:59.999999+09:00"), "A1");
    assert_string_equal(found("sign", "067c6a21", "2025-01-01T00:00:00+09:00"), "none");
    assert_string_equal(found("sign", "067c6a21", "2023-12-31T23:59:59+09:00"), "none");
    assert_string_equal(found("sign", "067c6a22", "2026-01-01T00:00:00+09:00"), "A1");
    /* the two counters give out the same numbers */
    assert_string_equal(found("auth", "067c6a21", "1990-01-01T00:00:00+09:00"), "B2");
}

static void a_differential_feed_adds_and_changes(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", false);
    struct registry_import_result result =
        import_good(HEADER "sign,01,card,A1,,2025-01-01T00:00:00Z\n" /* ends */
                           "sign,02,card,A2,,\n"                     /* as it was */
                           "sign,03,card,A1,2025-01-01T00:00:00Z,\n" /* new */,
                    false);
    assert_int_equal(result.rows, 3);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.changed, 1);
    assert_int_equal(links(), 3);
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "none");
    assert_string_equal(found("sign", "03", "2025-06-01T00:00:00Z"), "A1");
    assert_string_equal(found("sign", "02", "2025-06-01T00:00:00Z"), "A2");
}

static void a_full_feed_replaces_the_citys_links_only(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", false);
    test_sql(&feeds_database, "INSERT INTO registry_link (city_code, ca, serial, atenabango, kind,"
                              " import_id, source)"
                              " VALUES ('992020', 'sign', '01', 'Z9', 'card', 1, 'juki')");
    struct registry_import_result result = import_good(HEADER "sign,02,card,A2,,\n", true);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.added + result.changed, 0);
    assert_int_equal(links(), 3);
    /* what is gone was in force until the feed that has it no more */
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "A1");
    assert_string_equal(found("sign", "01", "2100-01-01T00:00:00Z"), "none");
    assert_string_equal(found("sign", "02", "2100-01-01T00:00:00Z"), "A2");
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT count(*) FROM registry_link_past"
                                     " WHERE serial = '01' AND valid_to = 'infinity'"),
                     1);
}

static void two_people_on_one_serial_are_both_found(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,01,card,A2,,\n", false);
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "many");
}

static void the_import_is_remembered(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT count(*) FROM registry_import WHERE"
                                     " rows = 1 AND NOT full_load AND sha256 ="
                                     " sha256(convert_to(" /* the file's own bytes */
                                     "'ca,serial,kind,atenabango,valid_from,valid_to'"
                                     " || chr(10) || 'sign,01,card,A1,,' || chr(10),"
                                     " 'UTF8'))"),
                     1);
    assert_true(test_sql_number(&feeds_database,
                                "SELECT count(*) FROM audit_entry WHERE"
                                " action = 'registry.import' AND chain = 'registry'") > 0);
}

/* --- waking ----------------------------------------------------------------------------------- */

/* Who is tried again is identification's business: it learns what changed, at once. */
static void identification_learns_what_changed(void **state)
{
    (void)state;
    static const char *const channels[] = {"work_identify"};
    struct db_listener *listener;
    struct failure f = {0};
    assert_true(db_listen(feeds_identify, channels, 1, &listener, &f));
    db_listener_wait(listener, INSTANT_SECOND / 10);
    import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_true(db_listener_wait(listener, 10 * INSTANT_SECOND));
    db_listener_close(listener);
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_change"
                                                      " WHERE atenabango = 'A1' AND serial = '01'"),
                     1);
}

/* For whom the links were too old: they are as old as the last feed of them. */
static void a_feed_without_changes_is_told_too(void **state)
{
    (void)state;
    static const char everything[] =
        "SELECT count(*) FROM registry_change WHERE atenabango IS NULL";
    import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_int_equal(test_sql_number(&feeds_database, everything), 0);
    import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_int_equal(test_sql_number(&feeds_database, everything), 1);
    import_good(HEADER, false);
    assert_int_equal(test_sql_number(&feeds_database, everything), 2);
}

static bool hold_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    if (!registry_hold(tx, TEST_CITY, f))
        return false;
    /* the import's lock is not to be had while we hold: a look-up and what is decided by it are
     * one. (A try, not a wait: the import would wait for us.) */
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT pg_try_advisory_xact_lock("
                                     "hashtextextended('registry_link:" TEST_CITY "', 0))::int"),
                     0);
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT pg_try_advisory_xact_lock("
                                     "hashtextextended('registry_link:992020', 0))::int"),
                     1);
    return true;
}

static void an_identification_holds_the_links(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(feeds_identify, hold_work, NULL, &f))
        fail_msg("%s", f.text);
}

/* --- residents -------------------------------------------------------------------------------- */

static void residents_are_kept_with_their_past(void **state)
{
    (void)state;
    const struct call full = {.kind = FEED_RESIDENTS, .full = true, .removals_most = 100};
    struct registry_import_result result =
        import_as(RESIDENTS RESIDENT("A1", "齋藤　花子", "本町", "123456789018", "24727059608")
                      RESIDENT("A2", "外字\xF4\x8F\xBA\x92　太郎", "本町", "", ""),
                  &full);
    assert_int_equal(result.added, 2);
    char *moved_at = test_sql_text(&feeds_database, "SELECT clock_timestamp()::text");
    result = import_as(RESIDENTS RESIDENT("A1", "齋藤　花子", "南町", "123456789018", "")
                           RESIDENT("A3", "佐藤　次郎", "本町", "", ""),
                       &full);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.changed, 1);
    assert_int_equal(result.removed, 1);
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT count(*) FROM resident WHERE atenabango = 'A1'"
                                     " AND town = '南町' AND birth_date = 19900102"
                                     " AND name_key <> '' AND former_key <> '' AND kana_key <> ''"
                                     " AND address_key LIKE '%1-2-3%' AND length(number_hash) = 32"
                                     " AND length(number_sealed) = 41"
                                     " AND juminhyo_code_sealed IS NULL"),
                     1);
    char *sql = text_format("SELECT string_agg(atenabango || name || town, ',' ORDER BY atenabango)"
                            " FROM resident_past WHERE valid_from <= '%s' AND '%s' < valid_to",
                            moved_at, moved_at);
    char *past = test_sql_text(&feeds_database, sql);
    assert_string_equal(past, "A1齋藤　花子本町,A2外字\xF4\x8F\xBA\x92　太郎本町");
    free(sql);
    free(past);
    free(moved_at);
    /* nothing new is no new version */
    result = import_as(RESIDENTS RESIDENT("A1", "齋藤　花子", "南町", "123456789018", ""),
                       &(struct call){.kind = FEED_RESIDENTS});
    assert_int_equal(result.added + result.changed + result.removed, 0);
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM resident_past"), 2);
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_change"), 5);
}

static void faulty_residents_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
    } faults[] = {
        {RESIDENT("A1", "名", "町", "123456789019", ""),
         "item kojinbango: E0004 has a wrong check"},
        {RESIDENT("A1", "名", "町", "12345678901", ""), "item kojinbango: E0003 must have 12"},
        {RESIDENT("A1", "名", "町", "", "24727059609"), "item juminhyokodo: E0004"},
        {RESIDENT("A1", "", "町", "", ""), "item shimei: E0001"},
        {RESIDENT("A1", "名\t", "町", "", ""), "item shimei: E0002 has a control character"},
        {RESIDENT("A1", "名\uFFFD", "町", "", ""), "item shimei: E0002 has a character that was"},
        {RESIDENT("A1", "名\uFEFF", "町", "", ""), "item shimei: E0002 has a byte order mark"},
        {RESIDENT("A1", "名", "町", "", "") RESIDENT("A1", "名", "町", "", ""),
         "line 3, item atenabango: E0004 stands in line 2 already"},
        {"A1,,,名,,,,,,,1990-02-30,,,2,,,,,,,,,1,,,,,,,,,\n", "item seinengappi: E0002"},
        {"A1,,,名,,,,,,,1990-00-00,,,2,,,,,,,,,1,,,,,,,,,\n",
         "item seinengappi_fushoflag: E0004 is 1 if"},
        {"A1,,,名,,,,,,,1990-02-03,,,2,,,,,,,,,1,,,2026-01-01,,,,,,\n",
         "item shiensochi_flag: E0004 is not set, but has days"},
        {"A1,,,名,,,,,,,1990-02-03,,,2,,,,,,,,,1,,1,2026-01-02,2026-01-01,,,,,\n",
         "item shiensochi_shuryo: E0004"},
        {"A1,,,名,,,,,,,1990-02-03,,,2,992012,,,,,,,,1,,,,,,,,,\n",
         "item jusho_shikuchoson_code: E0004"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *feed = text_format("%s%s", RESIDENTS, faults[i].feed);
        import_bad(feed, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_INPUT, faults[i].text);
        free(feed);
    }
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM resident"), 0);
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_import"), 0);
}

static void sources_do_not_touch_each_other(void **state)
{
    (void)state;
    const struct call juki = {.kind = FEED_RESIDENTS, .full = true, .removals_most = 100};
    const struct call jutogai = {
        .kind = FEED_RESIDENTS, .full = true, .source = "jutogai", .removals_most = 100};
    import_as(RESIDENTS RESIDENT("A1", "名", "町", "", ""), &juki);
    import_as(RESIDENTS RESIDENT("B1", "名", "町", "", ""), &jutogai);
    import_bad(RESIDENTS RESIDENT("A1", "名", "町", "", ""), &jutogai, FAILURE_INPUT,
               "item atenabango: E0004 is in force from another source");
    struct registry_import_result result =
        import_as(RESIDENTS RESIDENT("A2", "名", "町", "", ""), &juki);
    assert_int_equal(result.removed, 1);
    assert_int_equal(
        test_sql_number(&feeds_database, "SELECT count(*) FROM resident WHERE source = 'jutogai'"),
        1);
}

/* --- renewal, removal ------------------------------------------------------------------------- */

static void renewed_serials_are_tied_to_the_old_ones(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,2026-01-01T00:00:00Z\n", false);
    import_good(OLD_HEADER "sign,02,card,A1,2026-01-01T00:00:00Z,,01\n"
                           "sign,03,card,A1,2026-06-01T00:00:00Z,,02\n",
                false);
    assert_string_equal(found("sign", "01", "2025-12-31T00:00:00Z"), "A1");
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_link AS new"
                                                      " JOIN registry_link AS old"
                                                      " ON old.serial = new.old_serial"),
                     2);
    import_bad(OLD_HEADER "sign,04,card,A2,,,02\n", &(struct call){0}, FAILURE_INPUT,
               "is no serial of this atenabango");
    import_good("ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\nsign,03,,A1,,,1\n",
                false);
    assert_string_equal(found("sign", "03", "2100-01-01T00:00:00Z"), "none");
}

static void decimal_serials_are_read_as_such(void **state)
{
    (void)state;
    import_as(HEADER "sign,255,card,A1,,\n"
                     "sign,1461501637330902918203684832716283019655932542975,card,A2,,\n",
              &(struct call){.feed = {.decimal_serials = true}});
    assert_string_equal(found("sign", "ff", "2025-01-01T00:00:00Z"), "A1");
    assert_string_equal(
        found("sign", "ffffffffffffffffffffffffffffffffffffffff", "2025-01-01T00:00:00Z"), "A2");
    import_bad(HEADER "sign,1461501637330902918203684832716283019655932542976,card,A2,,\n",
               &(struct call){.feed = {.decimal_serials = true}}, FAILURE_INPUT,
               "item serial: E0003 is a number of more than 20 bytes");
    import_bad(HEADER "sign,ff,card,A2,,\n", &(struct call){.feed = {.decimal_serials = true}},
               FAILURE_INPUT, "item serial: E0002");
}

/* --- the order of feeds, and what manifests promise ------------------------------------------- */

static void sequence_and_time_go_forward(void **state)
{
    (void)state;
    const char *row = HEADER "sign,01,card,A1,,\n";
    import_as(row, &(struct call){.feed = {.sequence = 5}, .full = true});
    import_bad(row, &(struct call){.feed = {.sequence = 5}}, FAILURE_INPUT,
               "sequence 5 was taken in already");
    import_bad(row, &(struct call){.feed = {.sequence = 7}}, FAILURE_INPUT,
               "sequence 7 does not follow 5");
    import_as(row, &(struct call){.feed = {.sequence = 6}});
    import_as(row, &(struct call){.feed = {.sequence = 9}, .full = true});
    import_bad(row, &(struct call){.feed = {.as_of = clock_now() - INSTANT_DAY}}, FAILURE_INPUT,
               "time runs backwards");
    import_bad(row, &(struct call){.feed = {.as_of = clock_now() + 2 * INSTANT_DAY}}, FAILURE_INPUT,
               "to come");
}

static void a_feed_is_what_its_manifest_promised(void **state)
{
    (void)state;
    const char *text = HEADER "sign,01,card,A1,,\n";
    struct call call = {.feed = {.promised = true, .rows = 1}};
    import_bad(text, &call, FAILURE_INPUT, "its SHA-256 differs");
    sha256(bytes_of_text(text), call.feed.sha256);
    call.feed.rows = 2;
    import_bad(text, &call, FAILURE_INPUT, "the file has 1 rows, and the manifest says 2");
    call.feed.rows = 1;
    import_as(text, &call);
}

/* --- what stands beside an import ------------------------------------------------------------- */

static void keys_of_another_folding_stop_everything(void **state)
{
    (void)state;
    struct failure f = {0};
    int64_t residents, changed;
    const char *row = RESIDENTS RESIDENT("A1", "齋藤　花子", "本町", "", "");
    import_as(row, &(struct call){.kind = FEED_RESIDENTS});
    char *keys = test_sql_text(&feeds_database, "SELECT name_key || former_key || address_key"
                                                " FROM resident");
    test_sql(&feeds_database,
             "UPDATE registry_folding SET folding = '1-14.0-old';"
             "UPDATE resident SET name_key = 'x', former_key = 'y', address_key = 'z'");
    import_bad(row, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_USAGE,
               "run `uketsuke registry refold`");
    assert_false(db_transaction(feeds_identify, hold_work, NULL, &f));
    assert_non_null(strstr(f.text, "run `uketsuke registry refold`"));
    import_good(HEADER "sign,01,card,A1,,\n", false); /* links have no keys */
    f = (struct failure){0};
    if (!registry_refold(feeds_registry, TEST_CITY, &residents, &changed, &f))
        fail_msg("%s", f.text);
    assert_int_equal(residents, 1);
    assert_int_equal(changed, 1);
    char *again = test_sql_text(&feeds_database, "SELECT name_key || former_key || address_key"
                                                 " FROM resident");
    assert_string_equal(again, keys);
    import_as(row, &(struct call){.kind = FEED_RESIDENTS});
    assert_true(db_transaction(feeds_identify, hold_work, NULL, &f));
    assert_true(registry_refold(feeds_registry, TEST_CITY, &residents, &changed, &f));
    assert_int_equal(changed, 0);
    free(keys);
    free(again);
}

static void comparing_changes_nothing(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", true);
    struct registry_import_result result =
        import_as(HEADER "sign,01,phone,A1,,\nsign,03,card,A3,,\n",
                  &(struct call){.full = true, .compare_only = true});
    assert_int_equal(result.added, 1);
    assert_int_equal(result.changed, 1);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.import_id, 0);
    assert_int_equal(links(), 2);
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_import"), 1);
}

static bool import_beside(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement lock = {
        "test_import_lock", "SELECT pg_advisory_xact_lock("
                            "hashtextextended('registry_import:" TEST_CITY "', 0)) IS NULL"};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &lock, DB_NO_VALUES, &rows, f))
        return false;
    import_bad(HEADER "sign,01,card,A1,,\n", &(struct call){0}, FAILURE_USAGE,
               "another import is under way");
    return true;
}

static void two_imports_at_once_are_refused(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(feeds_identify, import_beside, NULL, &f))
        fail_msg("%s", f.text);
    import_good(HEADER "sign,01,card,A1,,\n", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(links_are_found_as_they_were_in_force, feeds_reset),
        cmocka_unit_test_setup(a_differential_feed_adds_and_changes, feeds_reset),
        cmocka_unit_test_setup(a_full_feed_replaces_the_citys_links_only, feeds_reset),
        cmocka_unit_test_setup(two_people_on_one_serial_are_both_found, feeds_reset),
        cmocka_unit_test_setup(the_import_is_remembered, feeds_reset),
        cmocka_unit_test_setup(identification_learns_what_changed, feeds_reset),
        cmocka_unit_test_setup(a_feed_without_changes_is_told_too, feeds_reset),
        cmocka_unit_test(an_identification_holds_the_links),
        cmocka_unit_test_setup(residents_are_kept_with_their_past, feeds_reset),
        cmocka_unit_test_setup(faulty_residents_change_nothing, feeds_reset),
        cmocka_unit_test_setup(sources_do_not_touch_each_other, feeds_reset),
        cmocka_unit_test_setup(renewed_serials_are_tied_to_the_old_ones, feeds_reset),
        cmocka_unit_test_setup(decimal_serials_are_read_as_such, feeds_reset),
        cmocka_unit_test_setup(sequence_and_time_go_forward, feeds_reset),
        cmocka_unit_test_setup(a_feed_is_what_its_manifest_promised, feeds_reset),
        cmocka_unit_test_setup(keys_of_another_folding_stop_everything, feeds_reset),
        cmocka_unit_test_setup(comparing_changes_nothing, feeds_reset),
        cmocka_unit_test_setup(two_imports_at_once_are_refused, feeds_reset),
    };
    return cmocka_run_group_tests(tests, feeds_set_up, feeds_tear_down);
}

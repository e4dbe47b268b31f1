#include "intake/registry/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "intake/registry/links.h"
#include "intake/schema.h"
#include "tests/support/applications.h"

#define HEADER "ca,serial,kind,atenabango,valid_from,valid_to\n"

static struct test_database database;
static struct db *registry, *identify, *owner;
static struct city_key *city_key;

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    registry = test_database_open(&database, "registry", 2);
    identify = test_database_open(&database, "identify", 2);
    owner = test_database_open(&database, "owner", 1);
    city_key = test_city_key(&database);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(registry);
    db_close(identify);
    db_close(owner);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM registry_link; DELETE FROM registry_import");
    return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

static bool import_text(const char *text, bool full, struct registry_import_result *ret_result,
                        struct failure *f)
{
    _cleanup_(cleanup_file) FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(in);
    return registry_import(registry, TEST_CITY, in, full, "role:registry", ret_result, f);
}

static struct registry_import_result import_good(const char *text, bool full)
{
    struct registry_import_result result = {0};
    struct failure f = {0};
    if (!import_text(text, full, &result, &f))
        fail_msg("%s", f.text);
    return result;
}

static long long links(void)
{
    return test_sql_number(&database, "SELECT count(*) FROM registry_link");
}

struct look {
    const char *at;
    struct registry_lookup lookup;
};

static bool look_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct look *look = context;
    assert_true(instant_parse(look->at, &look->lookup.at));
    /* behind one that finds nothing, so that answers must go where they belong */
    struct registry_lookup lookups[2] = {{"sign", "ffffffff", 0, .count = 7}, look->lookup};
    bool done = registry_links(tx, TEST_CITY, lookups, 2, f);
    assert_int_equal(lookups[0].count, 0);
    look->lookup = lookups[1];
    return done;
}

/* The 宛名番号 found, or "none", or "many". */
static const char *found(const char *ca, const char *serial, const char *at)
{
    static struct look look;
    struct failure f = {0};
    look = (struct look){.at = at, .lookup = {.ca = ca, .serial = serial}};
    if (!db_transaction(identify, look_work, &look, &f))
        fail_msg("%s", f.text);
    return look.lookup.count == 0   ? "none"
           : look.lookup.count == 1 ? look.lookup.atenabango[0]
                                    : "many";
}

/* --- good feeds ------------------------------------------------------------------------------- */

static void links_are_found_as_they_were_in_force(void **state)
{
    (void)state;
    struct registry_import_result result = import_good(
        HEADER "sign,067C6A21,card,A1,2024-01-01T00:00:00+09:00,2025-01-01T00:00:00+09:00\r\n"
               "sign,67c6a22,phone,A1,2025-01-01T00:00:00+09:00,\n"
               "auth,067c6a21,card,B2,,\n",
        false);
    assert_int_equal(result.rows, 3);
    assert_int_equal(result.added, 3);
    assert_int_equal(result.changed + result.removed + result.woken, 0);
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
    test_sql(&database, "INSERT INTO registry_link (city_code, ca, serial, atenabango, kind,"
                        " import_id, source)"
                        " VALUES ('992020', 'sign', '01', 'Z9', 'card', 1, 'juki')");
    struct registry_import_result result = import_good(HEADER "sign,02,card,A2,,\n", true);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.added + result.changed, 0);
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "none");
    assert_int_equal(links(), 2);
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
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import WHERE"
                                                " rows = 1 AND NOT full_load AND sha256 ="
                                                " sha256(convert_to(" /* the file's own bytes */
                                                "'ca,serial,kind,atenabango,valid_from,valid_to'"
                                                " || chr(10) || 'sign,01,card,A1,,' || chr(10),"
                                                " 'UTF8'))"),
                     1);
    assert_true(test_sql_number(&database,
                                "SELECT count(*) FROM audit_entry WHERE"
                                " action = 'registry.import' AND chain = 'registry'") > 0);
}

/* --- bad feeds: each has its own words, and nothing changes ----------------------------------- */

static void bad_feeds_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
        bool full;
    } faults[] = {
        {"", "line 1: the feed is empty, not even a header line", false},
        {"serial,ca\n", "line 1: the header line must read", false},
        {HEADER "sign,01,card,A1,\n", "line 2: has 5 items instead of 6", false},
        {HEADER "sign,02,card,A1,,\nsign,0g,card,A1,,\n", "line 3, item serial: E0002", false},
        {HEADER "sign,,card,A1,,\n", "line 2, item serial: E0001", false},
        {HEADER "mine,01,card,A1,,\n", "line 2, item ca: E0002", false},
        {HEADER "sign,01,card,1234567890123456,,\n", "line 2, item atenabango: E0003", false},
        {HEADER "sign,01,card,A1,,\nsign,02,card,A1,,\nsign,0001,card,A1,,\n",
         "line 4, item serial: E0004 the same ca, serial and atenabango stand in line 2 already",
         false},
        {HEADER "sign,01,card,A1,2025-01-01T00:00:00Z,2024-01-01T00:00:00Z\n",
         "line 2, item valid_to: E0004", false},
        {HEADER "sign,02,card,A1,,\nsign,\"01,card,A1,,\n", "line 3", false},
        {HEADER "sign,02,card,\xff,,\n", "line 2", false},
        {HEADER, "line 2: the feed has no rows, and a full load would remove every link", true},
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
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"), 1);
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
    assert_non_null(strstr(f.text, "line 20002, item serial: E0004"));
    assert_non_null(strstr(f.text, "line 2 already"));
    assert_int_equal(links(), 20000);
}

/* --- waking ----------------------------------------------------------------------------------- */

static void unknown_serials_are_woken(void **state)
{
    (void)state;
    static const char *const unmatched[] = {"collected", "verified", "unmatched", NULL};
    for (int n = 1; n <= 3; n++) {
        test_application_make(&database, city_key, n, NULL);
        test_application_move(&database, n, unmatched);
    }
    /* the reason can only be set along a transition: unmatched to unmatched */
    test_sql(&database, "UPDATE application SET state = 'unmatched', reason = CASE receipt_number"
                        " WHEN 'R-00000001' THEN 'serial-unknown'"
                        " WHEN 'R-00000002' THEN 'many-links' ELSE 'facts-differ' END;"
                        "DELETE FROM work;"
                        "INSERT INTO work (city_code, application_id, stage, due_at)"
                        " SELECT city_code, application_id, 'identify', now() + '1 day'"
                        " FROM application");
    static const char *const channels[] = {"work_identify"};
    struct db_listener *listener;
    struct failure f = {0};
    assert_true(db_listen(identify, channels, 1, &listener, &f));
    db_listener_wait(listener, INSTANT_SECOND / 10);
    struct registry_import_result result = import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_int_equal(result.woken, 2);
    assert_true(db_listener_wait(listener, 10 * INSTANT_SECOND));
    db_listener_close(listener);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM work WHERE due_at <= now()"),
                     2);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT count(*) FROM work JOIN application"
                                     " USING (city_code, application_id) WHERE due_at > now()"
                                     " AND reason = 'facts-differ'"),
                     1);
}

static bool hold_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    if (!registry_hold(tx, TEST_CITY, f))
        return false;
    /* the import's lock is not to be had while we hold: a look-up and what is decided by it are
     * one. (A try, not a wait: the import would wait for us.) */
    assert_int_equal(test_sql_number(&database,
                                     "SELECT pg_try_advisory_xact_lock("
                                     "hashtextextended('registry_link:" TEST_CITY "', 0))::int"),
                     0);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT pg_try_advisory_xact_lock("
                                     "hashtextextended('registry_link:992020', 0))::int"),
                     1);
    return true;
}

static void an_identification_holds_the_links(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(identify, hold_work, NULL, &f))
        fail_msg("%s", f.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(links_are_found_as_they_were_in_force, reset),
        cmocka_unit_test_setup(a_differential_feed_adds_and_changes, reset),
        cmocka_unit_test_setup(a_full_feed_replaces_the_citys_links_only, reset),
        cmocka_unit_test_setup(two_people_on_one_serial_are_both_found, reset),
        cmocka_unit_test_setup(the_import_is_remembered, reset),
        cmocka_unit_test_setup(bad_feeds_change_nothing, reset),
        cmocka_unit_test_setup(a_differential_feed_may_be_empty, reset),
        cmocka_unit_test_setup(a_long_feed_goes_in_whole, reset),
        cmocka_unit_test_setup(unknown_serials_are_woken, reset),
        cmocka_unit_test(an_identification_holds_the_links),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

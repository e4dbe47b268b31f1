/* Retention: when it is over, and what is forgotten then, and nothing else. */
#include "intake/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "intake/schema.h"
#include "tests/support/applications.h"

#define PROCEDURE "child-allowance.certification-claim"
#define FREE      "SET session_replication_role = replica; "
#define OF(n)                                                                                      \
    " (SELECT city_code, application_id FROM application WHERE receipt_number = 'R-0000000" #n "'" \
    ")"                                                                                            \
    " "
#define IS(n) " WHERE (city_code, application_id) =" OF(n)

static struct test_database database;
static struct db *administrator_db, *operator_db;
static struct city_key *city_key;

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&route_config_section};
    test_database_make(&database,
                       "[route " PROCEDURE "]\ndestination = child-allowance\nlegal-basis = x\n"
                       "retention-years = 1\n"
                       "[route other]\ndestination = child-allowance\nlegal-basis = x\n",
                       sections, 1);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    city_key = test_city_key(&database);
    administrator_db = test_database_open(&database, "administrator", 2);
    operator_db = test_database_open(&database, "operator", 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    city_key_free(city_key);
    db_close(administrator_db);
    db_close(operator_db);
    test_database_drop(&database);
    return 0;
}

/* Two that are over since 1 January 2025: handed over, completed, told. */
static int fresh(void **state)
{
    (void)state;
    test_sql(&database, FREE "SET client_min_messages = warning; TRUNCATE application, "
                             "application_event, delivery, outbox, outbox_item, work, "
                             "audit_entry, audit_chain CASCADE");
    for (int n = 1; n <= 2; n++)
        test_application_make(&database, city_key, n, NULL);
    test_sql(
        &database, FREE
        "DELETE FROM work; UPDATE application SET procedure_id = '" PROCEDURE
        "', state = 'completed',"
        " changed_at = '2023-12-31 23:59:59.999999+09';"
        "INSERT INTO package SELECT city_code, application_id, now(), 4, '\\x00', 'text' FROM "
        "application;"
        "INSERT INTO examination (city_code, application_id, verdict, ca, serial, report, record)"
        " SELECT city_code, application_id, 'accepted', 'sign', '0a', 'r', 'p' FROM application;"
        "INSERT INTO identification (city_code, application_id, atenabango, how)"
        " SELECT city_code, application_id, '17', 'serial' FROM application;"
        "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at, "
        "delivered_at,"
        " attempts, status, accepted) SELECT city_code, d, row_number() OVER (), application_id,"
        " '2023-12-30 09:00+09', '2023-12-31 23:59:59.999999+09', 1, s, true FROM application,"
        " (VALUES ('child-allowance', NULL), ('portal', 'completed')) AS v (d, s)");
    return 0;
}

static int64_t count_told;

static void tell(const char *receipt_number, const char *procedure_id, void *context)
{
    (void)context;
    assert_memory_equal(receipt_number, "R-0000000", 9);
    assert_string_equal(procedure_id, PROCEDURE);
    count_told++;
}

static int64_t run_at(const char *now, bool forget)
{
    struct failure f = {0};
    int64_t count = 0;
    instant moment;
    const struct retention_run run = {TEST_CITY, "operator:hanako",
                                      forget ? administrator_db : NULL, tell, NULL};
    count_told = 0;
    assert_true(instant_parse(now, &moment));
    if (!retention_run(operator_db, database.config, &run, moment, &count, &f))
        fail_msg("%s", f.text);
    assert_int_equal(count, count_told);
    return count;
}

#define OVER "2025-01-01T00:00:00+09:00"

static long long keys(void)
{
    return test_sql_number(&database, "SELECT count(*) FROM application_key");
}

static void last_day_is(const char *ended, const char *last, int years, int days)
{
    struct day day;
    char text[DAY_TEXT];
    const struct route route = {.retention_years = years, .retention_days = days};
    assert_true(day_parse(ended, &day));
    assert_string_equal(day_text(retention_last_day(day, &route), text), last);
    /* and what ended then is over on the day after, and not before */
    struct day after = day_add(retention_last_day(day, &route), 1);
    assert_true(retention_before(day_start(after), &route) >= day_start(day_add(day, 1)));
    assert_true(retention_before(day_start(after) - 1, &route) <= day_start(day));
}

static void years_end_as_the_civil_code_says(void **state)
{
    (void)state;
    last_day_is("2023-12-31", "2024-12-31", 1, 0);
    last_day_is("2024-02-27", "2025-02-27", 1, 0);
    last_day_is("2024-02-28", "2025-02-28", 1, 0); /* begins on the 29th, of which there is none */
    last_day_is("2024-02-29", "2025-02-28", 1, 0); /* begins on 1 March */
    last_day_is("2023-02-28", "2024-02-29", 1, 0);
    last_day_is("2024-02-29", "2028-02-29", 4, 0);
    last_day_is("2024-02-28", "2028-02-28", 4, 0);
    last_day_is("2024-02-29", "2024-03-01", 0, 1);
    last_day_is("2024-01-30", "2024-02-29", 0, 30);
    last_day_is("2000-02-29", "2100-02-28", 100, 0); /* 2100 has no 29 February */
}

static void what_is_over_is_forgotten_and_nothing_else(void **state)
{
    (void)state;
    test_sql(&database, FREE "UPDATE application SET changed_at = '2024-01-01 00:00+09'" IS(2));
    test_sql(&database, FREE "UPDATE delivery SET delivered_at = '2024-01-01 00:00+09'" IS(2));
    assert_int_equal(run_at("2024-12-31T23:59:59+09:00", true), 0);
    assert_int_equal(run_at(OVER, true), 1);
    assert_int_equal(run_at(OVER, true), 0); /* once */
    assert_int_equal(keys(), 1);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT count(*) FROM examination WHERE serial IS NULL"
                                     " AND report = '' AND record IS NULL"),
                     1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM identification"), 1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM package WHERE sealed = ''"),
                     1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM application"), 2);
    assert_int_equal(
        test_sql_number(
            &database, "SELECT count(*) FROM audit_entry WHERE action = 'application.forgotten' AND"
                       " chain = 'administrator' AND actor = 'operator:hanako'"),
        1);
    assert_int_equal(run_at("2025-01-02T00:00:00+09:00", true), 1);
    assert_int_equal(keys(), 0);
}

static void nothing_is_forgotten_unless_asked_for(void **state)
{
    (void)state;
    assert_int_equal(run_at("2030-01-01T00:00:00+09:00", false), 2);
    assert_int_equal(keys(), 2);
    test_sql(&database, FREE "UPDATE application SET procedure_id = 'other'"); /* for ever */
    assert_int_equal(run_at("2030-01-01T00:00:00+09:00", true), 0);
    test_sql(&database, FREE "UPDATE application SET procedure_id = 'without-route'");
    assert_int_equal(run_at("2030-01-01T00:00:00+09:00", true), 0);
}

static void what_is_open_in_any_way_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *obstacle; /* NULL: it is not listed as ended */
    } cases[] = {
        {"UPDATE application SET state = 'held'" IS(1), NULL},
        {"UPDATE application SET state = 'received'" IS(1), NULL},
        {"UPDATE application SET state = 'refused'" IS(1), "not-finished"},
        {"UPDATE application SET state = 'superseded'" IS(1), "not-finished"},
        {"UPDATE delivery SET accepted = false" IS(1) "AND destination <> 'portal'",
         "not-handed-over"},
        {"DELETE FROM delivery" IS(1) "AND destination <> 'portal'", "not-handed-over"},
        {"UPDATE delivery SET status = 'notice'" IS(1) "AND destination <> 'portal'",
         "not-handed-over"},
        {"INSERT INTO outbox (city_code, destination, application_id, status) SELECT city_code, "
         "'portal',"
         " application_id, 'completed' FROM application" IS(1),
         "message-waits"},
        {"INSERT INTO outbox (city_code, destination, application_id) SELECT city_code, 'health',"
         " application_id FROM application" IS(1),
         "message-waits"},
        {"DELETE FROM delivery" IS(1) "AND destination = 'portal'", "not-told"},
        {"UPDATE delivery SET delivered_at = '2023-12-31 23:59:59.999998+09'" IS(1), "not-told"},
        {"INSERT INTO withdrawal SELECT city_code, application_id, now(), 'portal' FROM "
         "application" IS(1),
         "withdrawal"},
        {"INSERT INTO work SELECT city_code, application_id, 'route' FROM application" IS(1),
         "at-work"},
        {"INSERT INTO staff_hold SELECT city_code, application_id, now(), 'a', now() FROM "
         "application" IS(1),
         "at-work"},
        {"INSERT INTO output (city_code, kind, application_id, asked_by, asked_at, terminal, "
         "reason,"
         " with_numbers) SELECT city_code, 'print', application_id, 'a', now(), 't', 'r', false"
         " FROM application" IS(1),
         "taken-out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct failure f = {0};
        instant now;
        _cleanup_(cleanup_json) json_t *list = NULL;
        fresh(NULL);
        _cleanup_(cleanup_text) char *sql = text_format(FREE "%s", cases[i].sql);
        test_sql(&database, sql);
        assert_true(instant_parse(OVER, &now));
        assert_true(retention_look(operator_db, database.config, TEST_CITY, now, &list, &f));
        assert_int_equal(json_array_size(list), 1);
        const json_t *one = json_array_get(list, 0);
        const json_t *kept = json_object_get(one, "kept");
        assert_int_equal(json_integer_value(json_object_get(one, "forgettable")), 1);
        if (cases[i].obstacle)
            assert_int_equal(json_integer_value(json_object_get(kept, cases[i].obstacle)), 1);
        assert_int_equal(json_object_size(kept), cases[i].obstacle ? 1 : 0);
        if (run_at(OVER, true) != 1 || keys() != 1)
            fail_msg("%s", cases[i].sql);
        assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM application_key" IS(1)),
                         1);
    }
}

/* Who the applicant was not goes, too; as long as there is a key it stays, whoever asks. */
static void a_taken_back_resident_goes_with_the_application(void **state)
{
    (void)state;
    char sqlstate[6];
    test_sql(&database,
             FREE "INSERT INTO identification_back (city_code, application_id, atenabango, "
                  "taken_back_by, taken_back_at) SELECT city_code, application_id, '18',"
                  " 'staff:a', now() FROM application");
    assert_string_equal(
        test_sql_state(&database, "admin", "DELETE FROM identification_back", sqlstate), "P0001");
    assert_int_equal(run_at(OVER, true), 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM identification_back"), 0);
}

static void only_the_administrator_forgets(void **state)
{
    (void)state;
    char sqlstate[6];
    const char *const forget = "SELECT application_forget('992011', "
                               "'00000000-0000-4000-8000-000000000001', now())";
    assert_string_equal(test_sql_state(&database, "operator", forget, sqlstate), "42501");
    assert_string_equal(test_sql_state(&database, "console", forget, sqlstate), "42501");
    assert_string_equal(
        test_sql_state(&database, "administrator", "DELETE FROM application_key", sqlstate),
        "42501");
    assert_string_equal(
        test_sql_state(&database, "administrator", "SELECT wrapped FROM application_key", sqlstate),
        "42501");
    /* never what has not ended before now */
    test_sql(&database, FREE "UPDATE application SET changed_at = now() + interval '1 day'");
    assert_string_equal(test_sql_state(&database, "administrator", forget, sqlstate), "00000");
    assert_int_equal(keys(), 2);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, fresh)
    const struct CMUnitTest tests[] = {
        EACH(years_end_as_the_civil_code_says),
        EACH(what_is_over_is_forgotten_and_nothing_else),
        EACH(nothing_is_forgotten_unless_asked_for),
        EACH(what_is_open_in_any_way_is_kept),
        EACH(a_taken_back_resident_goes_with_the_application),
        EACH(only_the_administrator_forgets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

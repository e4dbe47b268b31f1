/* intake/annual: what a city looks through once a year, on a real database, as role operator. */
#include "intake/annual.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/schema.h"
#include "tests/support/database.h"
#include "tests/unit/check.h"

#define CITY "992011"

static struct test_database database;
static struct db *operator_db;

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    operator_db = test_database_open(&database, "operator", 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(operator_db);
    test_database_drop(&database);
    return 0;
}

static void a_year_is_april_to_march(void **state)
{
    (void)state;
    assert_int_equal(annual_year((struct day){2026, 4, 1}), 2026);
    assert_int_equal(annual_year((struct day){2027, 3, 31}), 2026);
    assert_int_equal(annual_year((struct day){2026, 12, 31}), 2026);
    assert_int_equal(annual_year((struct day){2027, 1, 1}), 2026);
}

static json_t *report_of(int year)
{
    struct failure f = {0};
    json_t *report = annual_report(operator_db, CITY, year, NULL, "operator:one", &f);
    if (!report)
        fail_msg("%s", f.text);
    return report;
}

static json_int_t of(const json_t *report, const char *part, size_t i, const char *name)
{
    const json_t *one = json_array_get(json_object_get(report, part), i);
    return json_integer_value(json_object_get(one, name));
}

/* "applied": day and time in Japan. */
static void application(int number, const char *applied, bool stored, bool readable)
{
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO application (city_code, application_id, channel, receipt_number, changed_by,"
        " applied_at, procedure_id, form_version, promised_size, promised_sha256) VALUES ('" CITY
        "', lpad('%d', 32, '0')::uuid, 'pittari', 'R-%d', 'role:collect', '%s+09', 'p', '1', 1,"
        " decode(repeat('00', 32), 'hex'));",
        number, number, applied);
    _cleanup_(cleanup_text) char *package =
        text_format("INSERT INTO package SELECT '" CITY "', lpad('%d', 32, '0')::uuid, now(), 1,"
                    " decode(repeat('00', 32), 'hex'), '\\x00'",
                    number);
    _cleanup_(cleanup_text) char *key =
        text_format("INSERT INTO application_key SELECT '" CITY "', lpad('%d', 32, '0')::uuid,"
                    " '\\x00'",
                    number);
    test_sql(&database, sql);
    if (stored)
        test_sql(&database, package);
    if (readable)
        test_sql(&database, key);
}

static void what_is_stored_is_counted_by_its_age(void **state)
{
    (void)state;
    application(1, "2026-03-31 23:59:59", true, true);
    application(2, "2026-04-01 00:00:00", true, true);
    application(3, "2027-03-31 23:59:59", true, false); /* its key is destroyed */
    application(4, "2027-03-31 23:59:59", false, true); /* announced: there is nothing yet */
    _cleanup_(cleanup_json) json_t *report = report_of(2026);
    assert_string_equal(json_string_value(json_object_get(report, "to")), "2027-03-31");
    assert_int_equal(json_array_size(json_object_get(report, "stored")), 2);
    assert_int_equal(of(report, "stored", 0, "year"), 2025);
    assert_int_equal(of(report, "stored", 0, "applications"), 1);
    assert_int_equal(of(report, "stored", 1, "year"), 2026);
    assert_int_equal(of(report, "stored", 1, "applications"), 3);
    assert_int_equal(of(report, "stored", 1, "readable"), 1);
    assert_int_equal(of(report, "stored", 1, "forgotten"), 1);
    assert_int_equal(of(report, "stored", 1, "open"), 3);
}

static void who_asks_for_it_stands_in_the_next(void **state)
{
    (void)state;
    json_decref(report_of(2026));
    _cleanup_(cleanup_json) json_t *later = report_of(annual_year(day_of_instant(clock_now())));
    _cleanup_(cleanup_json) json_t *before = report_of(2000);
    const json_t *act = json_array_get(json_object_get(later, "acts"), 0);
    assert_string_equal(json_string_value(json_object_get(act, "action")), "audit.annual");
    assert_int_equal(of(later, "persons", 0, "sign_ins"), 0);
    assert_int_equal(json_array_size(json_object_get(before, "acts")), 0);
    assert_true(json_is_null(json_object_get(before, "verification")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_is_april_to_march),
        cmocka_unit_test(what_is_stored_is_counted_by_its_age),
        cmocka_unit_test(who_asks_for_it_stands_in_the_next),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

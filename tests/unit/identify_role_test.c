/* The worker on a real database: what a feed brings, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/application.h"
#include "intake/command.h"
#include "intake/identify/role.h"
#include "intake/schema.h"
#include "tests/support/residents.h"

#define ADDRESS "試験県桜野市本町一丁目２番３号"
#define SERIAL  "067c6a21"

static struct test_database database;
static struct role role;

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&work_config_section,
                                                            &identify_config_section};
    test_database_make(&database, "[identify]\nwait-for-serial = 2d\n", sections, 2);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    role = (struct role){.name = "identify",
                         .config = database.config,
                         .city_code = TEST_CITY,
                         .db = test_database_open(&database, "identify", 1),
                         .city_key = test_city_key(&database)};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_fix(0);
    db_close(role.db);
    city_key_free(role.city_key);
    test_database_drop(&database);
    return 0;
}

static void seal_as(const char *purpose, const char *plain, char **ret_hex)
{
    struct buffer sealed = {0};
    test_application_seal(&database, role.city_key, 1, purpose, bytes_of_text(plain), &sealed);
    *ret_hex = memory_allocate(2 * sealed.length + 1);
    hex_encode(sealed.data, sealed.length, *ret_hex);
    buffer_free(&sealed);
}

/* Application 1 is verified; name, birth date, sex and address are those that residents have. */
static int verified(void **state)
{
    (void)state;
    static const char person[] =
        "{\"name\":\"桜野　花子\",\"birth_date\":\"1992-04-01\",\"sex\":\"2\","
        "\"address\":\"" ADDRESS "\"}";
    char id[37];
    test_sql(&database, "SET session_replication_role = replica;"
                        "SET client_min_messages = warning;"
                        "TRUNCATE application, application_event, application_key, package,"
                        " package_evidence, examination, identification, identification_decision,"
                        " work, outbox, outbox_item, delivery, audit_entry, audit_chain,"
                        " audit_checkpoint CASCADE");
    test_residents_clear(&database);
    test_application_make(&database, role.city_key, 1, NULL);
    test_application_move(&database, 1, (const char *const[]){"collected", "verified", NULL});
    _cleanup_(cleanup_text) char *record = text_format("{\"claimant\":%s}", person);
    _cleanup_(cleanup_text) char *sealed_report = NULL, *sealed_facts = NULL, *sealed_record = NULL;
    seal_as("report", "{\"application\":{\"applicant_role\":\"self\"}}", &sealed_report);
    seal_as("facts", person, &sealed_facts);
    seal_as("record", record, &sealed_record);
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO examination (city_code, application_id, verdict, ca, serial, report, facts,"
        " record) VALUES ('" TEST_CITY "', '%s', 'accepted', 'sign', '" SERIAL "', '\\x%s',"
        " '\\x%s', '\\x%s'); INSERT INTO work (city_code, application_id, stage, due_at)"
        " VALUES ('" TEST_CITY "', '%s', 'identify', '2020-01-01')",
        test_application_id(1, id), sealed_report, sealed_facts, sealed_record, id);
    test_sql(&database, sql);
    clock_fix(0);
    return 0;
}

static void step(void)
{
    struct failure f = {0};
    if (identify_step(&role, &f) == WORK_FAILED)
        fail_msg("%s", f.text);
}

static void must_be(const char *state_and_reason)
{
    _cleanup_(cleanup_text) char *found =
        test_sql_text(&database, "SELECT state || ' ' || coalesce(reason, '') FROM application");
    assert_string_equal(found, state_and_reason);
}

static bool open_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct work_item item = {.city_code = TEST_CITY};
    test_application_id(1, item.application_id);
    return application_open_decision(tx, role.city_key, &item, context, f);
}

static json_t *decision(void)
{
    struct failure f = {0};
    json_t *found = NULL;
    if (!db_transaction(role.db, open_work, &found, &f))
        fail_msg("%s", f.text);
    return found;
}

static size_t candidates(void)
{
    _cleanup_(cleanup_json) json_t *found = decision();
    return json_array_size(json_object_get(found, "candidates"));
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_link_and_a_resident_identify(void **state)
{
    (void)state;
    assert_null(decision());
    test_resident_make(&database, &(struct test_resident){.atenabango = "17"});
    test_link_make(&database, SERIAL, "17");
    step();
    must_be("identified ");
    _cleanup_(cleanup_text) char *atenabango =
        test_sql_text(&database, "SELECT atenabango || how FROM identification");
    assert_string_equal(atenabango, "17serial");
    _cleanup_(cleanup_json) json_t *found = decision();
    assert_string_equal(json_string_value(json_object_get(found, "atenabango")), "17");
    _cleanup_(cleanup_text) char *kept =
        test_sql_text(&database, "SELECT position('atenabango'::bytea IN sealed)::text"
                                 " FROM identification_decision");
    assert_string_equal(kept, "0");
}

static void it_leaves_the_queue_when_the_serial_appears(void **state)
{
    (void)state;
    clock_fix(1795132800000000); /* 2026-11-20T09:00+09:00, the application's own time */
    step();
    must_be("unmatched serial-unknown");
    assert_int_equal(candidates(), 0);
    test_resident_make(&database, &(struct test_resident){.atenabango = "17"});
    step();
    must_be("unmatched serial-unknown");
    assert_int_equal(candidates(), 1); /* recomputed: a feed brought somebody */
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM application_event"
                                                " WHERE to_state = 'unmatched'"),
                     1);
    step(); /* nothing changed, nothing due */
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_change"), 0);
    test_link_make(&database, SERIAL, "17");
    step();
    must_be("identified ");
}

static void the_wait_for_a_serial_ends(void **state)
{
    (void)state;
    const instant applied_at = 1795132800000000;
    test_resident_make(&database, &(struct test_resident){.atenabango = "17"});
    clock_fix(applied_at + 2 * INSTANT_DAY - INSTANT_SECOND);
    step();
    must_be("unmatched serial-unknown");
    assert_int_equal(test_sql_number(&database, "SELECT extract(epoch FROM due_at)::bigint"
                                                " FROM work"),
                     (applied_at + 2 * INSTANT_DAY) / INSTANT_SECOND);
    clock_fix(applied_at + 2 * INSTANT_DAY);
    test_sql(&database, "UPDATE work SET due_at = '2020-01-01'");
    step();
    must_be("unmatched proposed-by-facts");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM identification"), 0);
}

static void links_to_nobody_wait_for_the_residents(void **state)
{
    (void)state;
    test_link_make(&database, SERIAL, "17");
    step();
    must_be("unmatched resident-unknown");
    test_resident_make(&database, &(struct test_resident){.atenabango = "17"});
    step();
    must_be("identified ");
}

static void protection_and_moves_stop_it(void **state)
{
    (void)state;
    test_link_make(&database, SERIAL, "17");
    test_resident_make(&database, &(struct test_resident){"17", .is_protected = true});
    step();
    must_be("unmatched protected");
    test_resident_make(&database, &(struct test_resident){"17", .status = 2});
    step();
    must_be("unmatched not-resident");
    test_resident_make(&database, &(struct test_resident){"17", .lot = "９番９号"});
    step();
    must_be("unmatched facts-differ");
    assert_int_equal(candidates(), 1);
}

int main(void)
{
#define VERIFIED(test) cmocka_unit_test_setup(test, verified)
    const struct CMUnitTest tests[] = {
        VERIFIED(a_link_and_a_resident_identify),
        VERIFIED(it_leaves_the_queue_when_the_serial_appears),
        VERIFIED(the_wait_for_a_serial_ends),
        VERIFIED(links_to_nobody_wait_for_the_residents),
        VERIFIED(protection_and_moves_stop_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

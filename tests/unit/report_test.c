#include "routing/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "intake/schema.h"
#include "routing/outbox.h"
#include "tests/support/applications.h"

static struct test_database database;
static struct db *db;      /* as the role report */
static struct db *putting; /* as the role routing */

/* --- the portal, played by the test --------------------------------------------------------------
 */

static struct {
    bool down;
    const char *refuses; /* a receipt number */
    const char *chokes;  /* on this one it answers the whole call with an error */
    size_t calls;
    char took[1024]; /* "R-00000001=取得済 …" */
} portal;

bool portal_register(struct portal *unused, const struct portal_status *statuses, size_t count,
                     bool *ret_done, struct failure *f)
{
    assert_null(unused);
    portal.calls++;
    if (portal.down)
        return failure_set(f, FAILURE_NETWORK, "the portal is away");
    for (size_t i = 0; i < count; i++)
        if (portal.chokes && strcmp(portal.chokes, statuses[i].receipt_number) == 0)
            return failure_set(f, FAILURE_PEER, "the portal answered 500 to the registration");
    for (size_t i = 0; i < count; i++) {
        const char *number = statuses[i].receipt_number;
        ret_done[i] = !portal.refuses || strcmp(portal.refuses, number) != 0;
        if (!ret_done[i])
            continue;
        size_t length = strlen(portal.took);
        snprintf(portal.took + length, sizeof portal.took - length, "%s%s=%s", length ? " " : "",
                 number, statuses[i].status);
    }
    return true;
}

/* --- set up -------------------------------------------------------------------------------------
 */

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&report_config_section};
    test_database_make(&database, "[report]\nbatch = 3\nretry-least = 1h\nretry-most = 2h\n",
                       sections, 1);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    db = test_database_open(&database, "report", 1);
    putting = test_database_open(&database, "routing", 1);
    struct city_key *key = test_city_key(&database);
    for (int n = 1; n <= 5; n++)
        test_application_make(&database, key, n, n == 5 ? "other" : NULL);
    city_key_free(key);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    db_close(putting);
    test_database_drop(&database);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM outbox; DELETE FROM delivery");
    memset(&portal, 0, sizeof portal);
    return 0;
}

static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    return outbox_put(tx, context, 1, f);
}

static void put(int n, const char *status)
{
    char id[37];
    struct outbox_entry entry = {.city_code = TEST_CITY,
                                 .destination = OUTBOX_PORTAL,
                                 .application_id = test_application_id(n, id),
                                 .status = status};
    struct failure f = {0};
    if (!db_transaction(putting, put_work, &entry, &f))
        fail_msg("%s", f.text);
}

static enum work_result step(struct failure *f)
{
    struct report_context context = {
        .config = database.config, .db = db, .city_code = TEST_CITY, .channel = "pittari"};
    return report_step(&context, f);
}

static void steps_until_idle(void)
{
    struct failure f = {0};
    enum work_result result;
    for (int i = 0; (result = step(&f)) == WORK_DONE; i++)
        assert_true(i < 20);
    if (result == WORK_FAILED)
        fail_msg("%s", f.text);
}

static long long waiting(void)
{
    return test_sql_number(&database, "SELECT count(*) FROM outbox");
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void nothing_to_tell_is_idle(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_int_equal(step(&f), WORK_IDLE);
    assert_int_equal(portal.calls, 0);
}

static void statuses_go_in_order_and_once(void **state)
{
    (void)state;
    put(1, "取得済");
    put(1, "処理中");
    put(2, "取得済");
    steps_until_idle();
    assert_string_equal(portal.took, "R-00000001=取得済 R-00000002=取得済 R-00000001=処理中");
    assert_int_equal(waiting(), 0);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM delivery WHERE accepted"), 3);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT count(*) FROM audit_entry WHERE chain = 'report' AND "
                                     "action = 'status.reported' AND reason = '処理中'"),
                     1);
}

static void another_channels_statuses_stay(void **state)
{
    (void)state;
    put(5, "取得済");
    steps_until_idle();
    assert_int_equal(portal.calls, 0);
    assert_int_equal(waiting(), 1);
}

static void a_batch_is_bounded(void **state)
{
    (void)state;
    struct failure f = {0};
    for (int n = 1; n <= 4; n++)
        put(n, "取得済");
    assert_int_equal(step(&f), WORK_DONE);
    assert_int_equal(waiting(), 1);
    steps_until_idle();
    assert_int_equal(portal.calls, 2);
}

static void a_portal_that_is_away_loses_nothing(void **state)
{
    (void)state;
    struct failure f = {0};
    put(1, "取得済");
    portal.down = true;
    assert_int_equal(step(&f), WORK_FAILED);
    assert_int_equal(f.kind, FAILURE_NETWORK);
    assert_int_equal(step(&f), WORK_FAILED);
    assert_int_equal(test_sql_number(&database, "SELECT attempts FROM outbox WHERE last_error = "
                                                "'the portal is away'"),
                     2);
    portal.down = false;
    steps_until_idle();
    assert_string_equal(portal.took, "R-00000001=取得済");
}

static void what_the_portal_refuses_waits_and_holds_back_its_like(void **state)
{
    (void)state;
    put(1, "取得済");
    put(1, "処理中");
    put(2, "取得済");
    portal.refuses = "R-00000001";
    steps_until_idle();
    assert_string_equal(portal.took, "R-00000002=取得済");
    assert_int_equal(waiting(), 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox WHERE attempts = 1 AND"
                                                " due_at BETWEEN now() + interval '59 min' AND"
                                                " now() + interval '3 hours'"),
                     1);
    portal.refuses = NULL;
    test_sql(&database, "UPDATE outbox SET due_at = now()");
    steps_until_idle();
    assert_string_equal(portal.took, "R-00000002=取得済 R-00000001=取得済 R-00000001=処理中");
}

/* One on which the portal answers with an error keeps no other from being told. */
static void one_that_chokes_the_portal_stops_no_other(void **state)
{
    (void)state;
    struct failure f = {0};
    for (int n = 1; n <= 3; n++)
        put(n, "取得済");
    portal.chokes = "R-00000001";
    steps_until_idle();
    assert_string_equal(portal.took, "R-00000002=取得済 R-00000003=取得済");
    assert_int_equal(waiting(), 1);
    test_sql(&database, "UPDATE outbox SET due_at = now()");
    assert_int_equal(step(&f), WORK_FAILED); /* alone, it may be the portal: it backs off */
    assert_int_equal(f.kind, FAILURE_PEER);
    portal.chokes = NULL;
    steps_until_idle();
    assert_int_equal(waiting(), 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(nothing_to_tell_is_idle),
        EACH(statuses_go_in_order_and_once),
        EACH(another_channels_statuses_stay),
        EACH(a_batch_is_bounded),
        EACH(a_portal_that_is_away_loses_nothing),
        EACH(what_the_portal_refuses_waits_and_holds_back_its_like),
        EACH(one_that_chokes_the_portal_stops_no_other),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

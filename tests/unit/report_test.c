#include "routing/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/schema.h"
#include "routing/message.h"
#include "routing/outbox.h"
#include "tests/support/applications.h"

static struct test_database database;
static struct db *db;      /* as the role report */
static struct db *putting; /* as the role routing */
static struct city_key *city_key;

/* --- the portal, played by the test --------------------------------------------------------------
 */

static struct {
    bool down;
    const char *refuses; /* a receipt number */
    const char *chokes;  /* on this one it answers the whole call with an error */
    size_t calls;
    char took[1024]; /* "R-00000001=取得済 …"; "+" behind one with a message */
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
        snprintf(portal.took + length, sizeof portal.took - length, "%s%s=%s%s", length ? " " : "",
                 number, statuses[i].status, statuses[i].message ? "+" : "");
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
    city_key = test_city_key(&database);
    for (int n = 1; n <= 5; n++)
        test_application_make(&database, city_key, n, n == 5 ? "other" : NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    db_close(putting);
    city_key_free(city_key);
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

/* With words of its own for 要訂正. */
static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct outbox_entry *entry = context;
    return (strcmp(entry->status, "要訂正") != 0 ||
            message_write(tx, city_key, TEST_CITY, entry->application_id, "staff:a", entry->status,
                          "続柄を直してください。", &entry->message_id, f)) &&
           outbox_put(tx, entry, 1, f);
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
    struct report_context context = {.config = database.config,
                                     .db = db,
                                     .city_code = TEST_CITY,
                                     .city_key = city_key,
                                     .channel = "pittari"};
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

/* Nor does one whose words can't be read; what is forgotten is told without. */
static void words_that_can_not_be_read_stop_no_other(void **state)
{
    (void)state;
    char broken[37], forgotten[37];
    for (int n = 1; n <= 3; n++)
        put(n, "要訂正");
    put(4, "取得済");
    _cleanup_(cleanup_text) char *sql = text_format(
        "SET session_replication_role = replica; UPDATE resident_message SET sealed = '\\x00'"
        " WHERE application_id = '%s'; DELETE FROM application_key WHERE application_id = '%s'",
        test_application_id(1, broken), test_application_id(2, forgotten));
    test_sql(&database, sql);
    steps_until_idle();
    assert_string_equal(portal.took, "R-00000002=要訂正 R-00000003=要訂正+ R-00000004=取得済");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox WHERE attempts = 1 AND"
                                                " last_error LIKE '%can''t be read'"
                                                " AND due_at > now() + interval '59 min'"),
                     1);
    assert_int_equal(waiting(), 1);
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
        EACH(words_that_can_not_be_read_stop_no_other),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "intake/status.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/audit.h"
#include "intake/command.h"
#include "intake/examine.h"
#include "intake/revocation.h"
#include "intake/schema.h"
#include "intake/state.h"
#include "signature/crl_index_writer.h"
#include "tests/support/applications.h"
#include "tests/support/database.h"

static struct test_database database;
static struct db *operator_db;
static struct city_key *city_key;

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {
        &city_config_section, &audit_config_section, &revocation_config_section,
        &revocation_list_config_section};
    test_database_make(&database,
                       "[city]\ncode = " TEST_CITY "\n[audit]\ncheckpoint-interval = 1h\n"
                       "[revocation]\ndirectory = ${folder}/crl\ninterval = 1h\n"
                       "[revocation-list a]\nsources = http://localhost/a.crl\n",
                       sections, 4);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    operator_db = test_database_open(&database, "operator", 1);
    city_key = test_city_key(&database);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(operator_db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

/* An index of no entries, of a list that is followed by another after three hours. */
static void crl_write(void)
{
    char path[100];
    struct crl_facts facts = {.number = "01", .this_update = clock_now() - INSTANT_SECOND};
    struct failure f = {0};
    facts.next_update = facts.this_update + 3 * 3600 * INSTANT_SECOND;
    memset(facts.tbs_sha256, 'a', 64);
    memset(facts.issuer_sha256, 'b', 64);
    snprintf(path, sizeof path, "%s/crl", database.folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/crl/a.idx", database.folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    struct crl_index_writer *writer = crl_index_writer_new(fd);
    assert_true(crl_index_writer_end(writer, &facts, &f));
    crl_index_writer_free(writer);
    close(fd);
}

/* Two applications that wait as they should; nothing is wrong. */
static int calm(void **state)
{
    (void)state;
    clock_fix(0);
    test_database_clear(&database, "application, application_event, work, outbox, audit_entry,"
                                   " audit_chain, audit_checkpoint");
    crl_write();
    test_application_make(&database, city_key, 1, "pittari");
    test_application_make(&database, city_key, 2, "pittari");
    test_sql(&database, "INSERT INTO work (city_code, application_id, stage)"
                        " SELECT city_code, application_id, 'collect' FROM application");
    return 0;
}

static json_t *read_now(void)
{
    struct failure f = {0};
    json_t *status = NULL;
    if (!status_read(operator_db, database.config, &status, &f))
        fail_msg("%s", f.text);
    return status;
}

static size_t problems(const json_t *status)
{
    return json_array_size(json_object_get(status, "problems"));
}

/* Exactly one problem, which says `what` and tells to do `next`. */
static void expect_problem(const char *what, const char *next)
{
    json_t *status = read_now();
    const json_t *problem = json_array_get(json_object_get(status, "problems"), 0);
    char *text = json_dumps(json_object_get(status, "problems"), 0);
    if (problems(status) != 1 ||
        !strstr(json_string_value(json_object_get(problem, "what")), what) ||
        !strstr(json_string_value(json_object_get(problem, "next")), next))
        fail_msg("expected %s / %s, found %s", what, next, text);
    free(text);
    json_decref(status);
}

static void expect_calm(void)
{
    json_t *status = read_now();
    char *text = json_dumps(json_object_get(status, "problems"), 0);
    if (problems(status))
        fail_msg("%s", text);
    free(text);
    json_decref(status);
}

static void nothing_is_wrong_when_nothing_is(void **state)
{
    (void)state;
    json_t *status = read_now();
    assert_int_equal(problems(status), 0);
    const json_t *announced = json_array_get(json_object_get(status, "states"), 0);
    assert_string_equal(json_string_value(json_object_get(announced, "state")), "announced");
    assert_string_equal(json_string_value(json_object_get(announced, "name")), "到着通知");
    assert_int_equal(json_integer_value(json_object_get(announced, "count")), 2);
    assert_int_equal(json_array_size(json_object_get(status, "states")), STATE_COUNT);
    assert_int_equal(json_array_size(json_object_get(status, "work")), 1);
    json_decref(status);
}

static void work_that_nobody_takes_shows_after_a_while(void **state)
{
    (void)state;
    test_sql(&database, "UPDATE work SET due_at = now() - interval '4 minutes'");
    expect_calm();
    test_sql(&database, "UPDATE work SET due_at = now() - interval '6 minutes'");
    expect_problem("2 applications wait for collect", "uketsuke@collect");
    test_sql(&database, "UPDATE work SET stage = 'route'");
    expect_problem("2 applications wait for route", "uketsuke@routing");
}

static void tries_that_fail_show_with_their_note(void **state)
{
    (void)state;
    test_sql(&database, "UPDATE work SET attempts = 2, note = 'portal-silent'");
    expect_calm();
    test_sql(&database, "UPDATE work SET attempts = 3");
    expect_problem("fail again and again at collect (portal-silent)", "log");
}

static void what_is_in_no_queue_shows(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM work");
    expect_problem("2 applications are in no queue", "report it");
    test_application_move(&database, 1, (const char *[]){"collected", "refused", NULL});
    test_application_move(&database, 2,
                          (const char *[]){"collected", "verified", "identified", "routed", NULL});
    expect_calm();
}

static void what_was_rejected_waits_for_people(void **state)
{
    (void)state;
    test_application_move(
        &database, 1,
        (const char *[]){"collected", "verified", "identified", "routed", "review", NULL});
    test_sql(&database, "SET session_replication_role = replica; DELETE FROM work w USING"
                        " application a WHERE a.application_id = w.application_id AND a.state ="
                        " 'review'; UPDATE application SET reason = 'rejected-by-destination'"
                        " WHERE state = 'review'");
    expect_problem("rejected-by-destination", "settle it with its department");
}

static void what_staff_leave_lying_shows(void **state)
{
    (void)state;
    test_sql(&database, "INSERT INTO escalation SELECT city_code, application_id, 'review',"
                        " now() - interval '2 days', 2, now() FROM application LIMIT 1");
    expect_problem("waits for staff for too long (review)", "routing report");
    test_sql(&database, "DELETE FROM escalation");
}

static void held_shows_with_what_to_do(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"revocation-unavailable", "revocation status"},
        {"download-mismatch", "portal's operator"},
        {"procedure-unknown", "[forms]"},
        {"route-missing", "[route"},
        {"of-another-kind", "uketsuke list"},
    };
    test_application_move(&database, 1, (const char *[]){"held", NULL});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[200];
        snprintf(sql, sizeof sql,
                 "UPDATE application SET version = version + 1, state = 'held', reason = '%s' "
                 "WHERE state = 'held'",
                 cases[i][0]);
        test_sql(&database, sql);
        expect_problem(cases[i][0], cases[i][1]);
    }
}

static void unmatched_is_daily_work(void **state)
{
    (void)state;
    test_application_move(&database, 1,
                          (const char *[]){"collected", "verified", "unmatched", NULL});
    expect_calm();
    json_t *status = read_now();
    assert_int_equal(json_array_size(json_object_get(status, "reasons")), 1);
    json_decref(status);
}

static void an_outbox_that_is_not_emptied_shows(void **state)
{
    (void)state;
    test_sql(&database,
             "INSERT INTO outbox (city_code, destination, application_id, created_at, last_error)"
             " SELECT city_code, 'child-allowance', application_id, now() - interval '23 hours',"
             " NULL FROM application WHERE receipt_number = 'R-00000001'");
    expect_calm();
    test_sql(&database, "UPDATE outbox SET created_at = now() - interval '25 hours'");
    expect_problem("1 item waits for child-allowance and is not fetched, the oldest for 25 h",
                   "department");
    test_sql(&database, "UPDATE outbox SET created_at = now() - interval '50 minutes',"
                        " destination = 'portal', last_error = 'connection refused'");
    expect_calm();
    test_sql(&database, "UPDATE outbox SET created_at = now() - interval '2 hours'");
    expect_problem("not taken by the portal, the oldest for 2 h (connection refused)", "portal");
}

static void revocation_lists_that_grow_old_show(void **state)
{
    (void)state;
    char path[100];
    /* the database's times stand still in the past, so nothing else gets old with the clock */
    test_sql(&database,
             "DELETE FROM work; UPDATE application SET version = version + 1, state = 'collected';"
             "UPDATE application SET version = version + 1, state = 'refused'");
    clock_fix(clock_now() + 2 * 3600 * INSTANT_SECOND);
    expect_calm();
    clock_fix(clock_now() + 2 * 3600 * INSTANT_SECOND);
    expect_problem("Of 1 revocation list 1 should have been followed", "revocation status");
    clock_fix(clock_now() + 3 * INSTANT_DAY); /* age-most */
    expect_problem("Of 1 revocation list 1 can't be used any more", "revocation status");
    snprintf(path, sizeof path, "%s/crl/a.idx", database.folder);
    crl_write();
    expect_calm();
    assert_int_equal(truncate(path, 5000), 0);
    expect_problem("can't be used any more: too old, or damaged", "revocation status");
    remove(path);
    expect_problem("no revocation list at all", "revocation status");
}

static bool append_one(struct db_tx *tx, void *context, struct failure *f)
{
    const struct audit_entry entry = {.action = "a", .actor = "b"};
    (void)context;
    return audit_append(tx, "operator", &entry, 1, f);
}

static void a_trail_that_nobody_signs_shows(void **state)
{
    (void)state;
    struct failure f = {0};
    clock_fix(clock_now() - 119 * 60 * INSTANT_SECOND);
    assert_true(db_transaction(operator_db, append_one, NULL, &f));
    clock_fix(0);
    expect_calm();
    test_sql(&database, "SET session_replication_role = replica;"
                        "UPDATE audit_entry SET at = at - interval '2 minutes'");
    expect_problem("not been signed for 2 h", "audit key create");
    test_sql(&database, "INSERT INTO audit_checkpoint (at, heads, key_id, signature) VALUES"
                        " (now(), '', '', '')");
    expect_calm();
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, calm)
    const struct CMUnitTest tests[] = {
        EACH(nothing_is_wrong_when_nothing_is),
        EACH(work_that_nobody_takes_shows_after_a_while),
        EACH(tries_that_fail_show_with_their_note),
        EACH(what_is_in_no_queue_shows),
        EACH(what_was_rejected_waits_for_people),
        EACH(what_staff_leave_lying_shows),
        EACH(held_shows_with_what_to_do),
        EACH(unmatched_is_daily_work),
        EACH(an_outbox_that_is_not_emptied_shows),
        EACH(revocation_lists_that_grow_old_show),
        EACH(a_trail_that_nobody_signs_shows),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

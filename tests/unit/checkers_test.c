/* A route that asks for two people to check, and for a 管理責任者 to approve after them: on a real
 * database, as the roles that do it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/staff/staff.h"
#include "tests/support/residents.h"
#include "tests/support/town_hall.h"

static int set_up(void **state)
{
    (void)state;
    hall_make(HALL_ROUTE "approval = superior\ncheckers = 2\n");
    test_sql(
        &hall.database,
        "INSERT INTO terminal (city_code, label, department, address, proposed_by, approved_by)"
        " VALUES ('" TEST_CITY "', 't', 'd', '10.0.0.1', 'a', 'b');"
        "INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
        " valid_to, created_by, approved_by) VALUES ('" TEST_CITY "', 'boss', 'b', 'd', 'staff',"
        " now() - interval '1 d', now() + interval '1 d', 'a', 'b');"
        "INSERT INTO account_right SELECT city_code, account_id, '*', '*', 'superior', 'a', 'b'"
        " FROM account;"
        "INSERT INTO session (city_code, token, account_id, terminal_id, complete, created_at,"
        " seen_at, until) SELECT city_code, decode(repeat('11', 32), 'hex'), account_id,"
        " terminal_id, true, now(), now(), now() + interval '1 h' FROM account JOIN terminal"
        " USING (city_code)");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hall_drop();
    return 0;
}

/* Application 1 is in review. */
static int in_review(void **state)
{
    (void)state;
    hall_clear();
    test_residents_clear(&hall.database);
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    hall_must_be(1, "review review-route");
    return 0;
}

static bool approve_as_superior(struct db_tx *tx, const struct staff_act *act, const void *what,
                                struct staff_answer *answer, struct failure *f)
{
    struct staff_act superior = *act;
    (void)what;
    superior.superior = true;
    return staff_approve(tx, &superior, answer, f);
}

static void expect(const char *who, hall_act *act, enum staff_result wanted)
{
    enum staff_result found = hall_do(who, 1, 0, act, NULL);
    if (found != wanted)
        fail_msg("%s: %s (%s) instead of %s", who, staff_result_name(found), hall.last.why,
                 staff_result_name(wanted));
}

static void two_check_and_a_superior_approves(void **state)
{
    (void)state;
    assert_int_equal(hall_count("review WHERE persons = 3 AND superior AND demands = 'route'"), 1);
    expect("staff:a", hall_approve, STAFF_ONE_MORE);
    expect("staff:a", hall_approve, STAFF_SAME_PERSON);
    expect("staff:b", hall_approve, STAFF_ONE_MORE);
    expect("staff:c", hall_approve, STAFF_SUPERIOR);
    assert_int_equal(hall_count("approval"), 2);
    assert_false(hall_try("staff:c", 1, approve_as_superior, NULL)); /* the database knows better */
    hall_must_be(1, "review review-route");
    hall_hand_over();
    assert_int_equal(hall_count("outbox"), 0);
    expect("staff:boss", approve_as_superior, STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("approval WHERE superior"), 1);
}

static void who_checked_does_not_approve(void **state)
{
    (void)state;
    expect("staff:boss", approve_as_superior, STAFF_ONE_MORE); /* as one who checks */
    expect("staff:a", hall_approve, STAFF_ONE_MORE);
    expect("staff:boss", approve_as_superior, STAFF_SAME_PERSON);
    expect("staff:b", hall_approve, STAFF_SUPERIOR);
    assert_int_equal(hall_count("approval WHERE superior"), 0);
    hall_must_be(1, "review review-route");
}

static void who_approved_without_one_got_nowhere(void **state)
{
    (void)state;
    char found[6];
    test_sql(&hall.database,
             "INSERT INTO approval (city_code, application_id, sha256, approved_by, approved_at)"
             " SELECT city_code, application_id, sha256, unnest(ARRAY['staff:a', 'staff:b',"
             " 'staff:c']), now() FROM review");
    test_sql_state(&hall.database, "console",
                   "UPDATE application SET state = 'identified', reason = NULL, changed_at = now(),"
                   " changed_by = 'staff:c'",
                   found);
    assert_string_equal(found, "42501");
    hall_must_be(1, "review review-route");
}

static void the_protected_take_no_fewer(void **state)
{
    (void)state;
    test_resident_make(&hall.database,
                       &(struct test_resident){.atenabango = "17", .is_protected = true});
    expect("staff:a", hall_approve, STAFF_ONE_MORE);
    expect("staff:b", hall_approve, STAFF_ONE_MORE);
    expect("staff:boss", approve_as_superior, STAFF_DONE);
    hall_hand_over(); /* that was of somebody who was not protected */
    hall_must_be(1, "review review-protected");
    assert_int_equal(hall_count("review WHERE persons = 3 AND superior"), 1);
}

/* Approved, but none of them was a superior's when it is handed over. */
static void hand_over_counts_again(void **state)
{
    (void)state;
    expect("staff:a", hall_approve, STAFF_ONE_MORE);
    expect("staff:b", hall_approve, STAFF_ONE_MORE);
    expect("staff:boss", approve_as_superior, STAFF_DONE);
    test_sql(&hall.database, "SET session_replication_role = replica;"
                             " UPDATE approval SET superior = false");
    hall_hand_over();
    hall_must_be(1, "review review-route");
    assert_int_equal(hall_count("outbox"), 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, in_review)
    const struct CMUnitTest tests[] = {
        EACH(two_check_and_a_superior_approves),
        EACH(who_checked_does_not_approve),
        EACH(who_approved_without_one_got_nowhere),
        EACH(the_protected_take_no_fewer),
        EACH(hand_over_counts_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

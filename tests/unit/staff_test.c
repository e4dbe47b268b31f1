/* Who must agree before something leaves the house, and what staff decide: on a real database, as
 * the roles that do it. */
#include "intake/staff/staff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/residents.h"
#include "tests/support/town_hall.h"

static int set_up(void **state)
{
    (void)state;
    hall_make(HALL_ROUTE "alternatives = welfare\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hall_drop();
    return 0;
}

static int clear(void **state)
{
    (void)state;
    hall_clear();
    test_residents_clear(&hall.database);
    return 0;
}

/* --- the acts, for hall_do -------------------------------------------------------------------- */

static bool propose(struct db_tx *tx, const struct staff_act *act, const void *what,
                    struct staff_answer *answer, struct failure *f)
{
    return staff_identify_propose(tx, act, what, answer, f);
}
static bool confirm(struct db_tx *tx, const struct staff_act *act, const void *what,
                    struct staff_answer *answer, struct failure *f)
{
    return staff_identify_confirm(tx, act, what, answer, f);
}
static bool approve_plain(struct db_tx *tx, const struct staff_act *act, const void *what,
                          struct staff_answer *answer, struct failure *f)
{
    (void)what;
    return staff_approve_plain(tx, act, answer, f);
}
static bool drop(struct db_tx *tx, const struct staff_act *act, const void *what,
                 struct staff_answer *answer, struct failure *f)
{
    (void)what;
    return staff_identify_drop(tx, act, answer, f);
}
static bool correct(struct db_tx *tx, const struct staff_act *act, const void *what,
                    struct staff_answer *answer, struct failure *f)
{
    return staff_correction_ask(tx, act, what, answer, f);
}
static bool refuse(struct db_tx *tx, const struct staff_act *act, const void *what,
                   struct staff_answer *answer, struct failure *f)
{
    return staff_refuse(tx, act, what, answer, f);
}
static bool withdraw(struct db_tx *tx, const struct staff_act *act, const void *what,
                     struct staff_answer *answer, struct failure *f)
{
    (void)what;
    return staff_withdraw(tx, act, answer, f);
}
static bool hold(struct db_tx *tx, const struct staff_act *act, const void *what,
                 struct staff_answer *answer, struct failure *f)
{
    return staff_hold_until(tx, act, *(const instant *)what, answer, f);
}
static bool reroute(struct db_tx *tx, const struct staff_act *act, const void *what,
                    struct staff_answer *answer, struct failure *f)
{
    return staff_reroute(tx, act, what, answer, f);
}

static void expect(enum staff_result found, enum staff_result wanted)
{
    if (found != wanted)
        fail_msg("%s (%s) instead of %s", staff_result_name(found), hall.last.why,
                 staff_result_name(wanted));
}

/* --- release ---------------------------------------------------------------------------------- */

static void what_demands_nobody_goes_out_at_once(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("outbox WHERE destination = 'child-allowance'"), 1);
}

static void a_finding_waits_for_one_person(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    hall_must_be(1, "review review-finding");
    assert_int_equal(hall_count("work"), 0);
    assert_int_equal(hall_count("outbox"), 0);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_must_be(1, "identified");
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("audit_entry WHERE chain = 'console' AND action = 'staff.approve'"
                                " AND actor = 'staff:a' AND terminal = 'pts/1'"
                                " AND reason = '窓口で確認済'"),
                     1);
}

static void an_approval_is_void_once_anything_changed(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_DONE);
    test_sql(&hall.database, "UPDATE identification SET atenabango = '18'");
    hall_hand_over();
    hall_must_be(1, "review review-finding");
    assert_int_equal(hall_count("outbox"), 0);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("approval"), 2);
}

static void who_identified_does_not_approve(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    test_sql(&hall.database, "UPDATE identification SET how = 'staff', proposed_by = 'staff:a',"
                             " confirmed_by = 'staff:b'");
    hall_hand_over();
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
    hall_must_be(1, "review review-finding");
    expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON); /* confirmed it */
    expect(hall_do("staff:c", 1, 0, hall_approve, NULL), STAFF_DONE);
}

static void the_protected_leave_by_two_people_only(void **state)
{
    (void)state;
    test_resident_make(&hall.database,
                       &(struct test_resident){.atenabango = "17", .is_protected = true});
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    assert_int_equal(hall_count("review WHERE persons = 2 AND demands = 'protected'"), 1);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_ONE_MORE);
    hall_must_be(1, "review review-protected");
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
    hall_hand_over();
    assert_int_equal(hall_count("outbox"), 0);
    expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
}

static void who_is_protected_since_voids_what_one_person_approved(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_DONE);
    test_resident_make(&hall.database,
                       &(struct test_resident){.atenabango = "17", .is_protected = true});
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    assert_int_equal(hall_count("outbox"), 0);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL),
           STAFF_ONE_MORE); /* that was of something else */
    expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
}

static void a_stale_view_is_told_what_changed(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    int seen = (int)test_sql_number(&hall.database, "SELECT version FROM application");
    expect(hall_do("staff:b", 1, seen, correct, "口座名義を直してください"), STAFF_DONE);
    expect(hall_do("staff:a", 1, seen, hall_approve, NULL), STAFF_STALE);
    assert_int_equal(json_array_size(hall.last.changes), 1);
    const json_t *change = json_array_get(hall.last.changes, 0);
    assert_string_equal(json_string_value(json_object_get(change, "to")), "correction");
    assert_string_equal(json_string_value(json_object_get(change, "actor")), "staff:b");
    assert_string_equal(hall.last.state, "correction");
    hall_must_be(1, "correction correction-asked");
}

static void what_the_state_does_not_allow_is_an_answer(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, propose, "17"), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, confirm, "17"), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, correct, "m"), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, refuse, NULL), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, hall_resend, NULL), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, reroute, "welfare"), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 2, 1, hall_approve, NULL), STAFF_NOT_POSSIBLE); /* there is none */
    hall_must_be(1, "identified");
    assert_int_equal(hall_count("audit_entry"), 0);
}

/* --- the applicant ---------------------------------------------------------------------------- */

static void unmatched(int n)
{
    char id[37];
    hall_application(n, HALL_NOTE, NULL);
    _cleanup_(cleanup_text) char *sql = text_format(
        "DELETE FROM identification WHERE application_id = '%s'; UPDATE work SET stage = 'identify'"
        " WHERE application_id = '%s'; SET session_replication_role = replica;"
        " UPDATE application SET state = 'unmatched', reason = 'no-candidate'"
        " WHERE application_id = '%s'",
        test_application_id(n, id), id, id);
    test_sql(&hall.database, sql);
}

static void two_people_identify(void **state)
{
    (void)state;
    unmatched(1);
    expect(hall_do("staff:a", 1, 0, confirm, "17"), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, propose, "1x"), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, propose, "1234567890123456"), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, propose, "17"), STAFF_DONE);
    hall_must_be(1, "unmatched confirmation-waits");
    assert_int_equal(hall_count("work"), 0);
    expect(hall_do("staff:a", 1, 0, confirm, "17"), STAFF_SAME_PERSON);
    expect(hall_do("staff:b", 1, 0, confirm, "18"), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:b", 1, 0, confirm, "17"), STAFF_DONE);
    hall_must_be(1, "identified");
    assert_int_equal(hall_count("identification WHERE atenabango = '17' AND how = 'staff'"
                                " AND proposed_by = 'staff:a' AND confirmed_by = 'staff:b'"),
                     1);
    assert_int_equal(hall_count("identification_proposal"), 0);
    hall_hand_over();
    hall_must_be(1, "routed");
}

static void a_proposal_can_be_dropped(void **state)
{
    (void)state;
    unmatched(1);
    expect(hall_do("staff:a", 1, 0, propose, "17"), STAFF_DONE);
    expect(hall_do("staff:b", 1, 0, drop, NULL), STAFF_DONE);
    hall_must_be(1, "unmatched proposal-dropped");
    assert_int_equal(hall_count("work WHERE stage = 'identify'"), 1);
    expect(hall_do("staff:b", 1, 0, confirm, "17"), STAFF_NOT_NOW);
}

/* Nobody confirms by what was taken back: another proposal has to come. */
static void an_identification_can_be_undone(void **state)
{
    (void)state;
    unmatched(1);
    expect(hall_do("staff:a", 1, 0, propose, "17"), STAFF_DONE);
    expect(hall_do("staff:a", 1, 0, hall_undo, NULL), STAFF_NOT_NOW);
    expect(hall_do("staff:b", 1, 0, confirm, "17"), STAFF_DONE);
    expect(hall_do("staff:b", 1, 0, hall_undo, NULL), STAFF_DONE);
    hall_must_be(1, "unmatched identification-undone");
    assert_int_equal(hall_count("identification"), 0);
    assert_int_equal(hall_count("work"), 0);
    expect(hall_do("staff:b", 1, 0, confirm, "17"), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, propose, "18"), STAFF_DONE);
    expect(hall_do("staff:b", 1, 0, confirm, "18"), STAFF_DONE);
    hall_hand_over();
    expect(hall_do("staff:b", 1, 0, hall_undo, NULL), STAFF_NOT_NOW); /* it was handed over */
    hall_must_be(1, "routed");
}

/* The same resident again, by who approved the first time: nothing from before counts. */
static void undoing_voids_what_was_approved(void **state)
{
    (void)state;
    test_resident_make(&hall.database,
                       &(struct test_resident){.atenabango = "17", .is_protected = true});
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    for (int round = 0; round < 2; round++) {
        expect(hall_do("staff:a", 1, 0, round ? hall_undo : hall_approve, NULL),
               round ? STAFF_DONE : STAFF_ONE_MORE);
        if (!round)
            expect(hall_do("staff:c", 1, 0, hall_undo, NULL), STAFF_DONE);
        expect(hall_do("staff:a", 1, 0, propose, "17"), STAFF_DONE);
        expect(hall_do("staff:b", 1, 0, confirm, "17"), STAFF_DONE);
        hall_hand_over();
        hall_must_be(1, "review review-protected");
        expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
        expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
        expect(hall_do("staff:c", 1, 0, hall_approve, NULL), STAFF_ONE_MORE); /* not the second */
    }
    expect(hall_do("staff:d", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
}

static void several_are_approved_only_without_a_finding(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    expect(hall_do("staff:a", 1, 0, approve_plain, NULL), STAFF_NOT_POSSIBLE);
    hall_must_be(1, "review review-finding");
    expect(hall_do("staff:a", 1, 0, hall_undo, NULL),
           STAFF_DONE); /* found by machine, taken back */
    hall_must_be(1, "unmatched identification-undone");
}

/* --- the resident's turn, or the end ---------------------------------------------------------- */

static void a_message_goes_out_sealed_with_its_status(void **state)
{
    (void)state;
    unmatched(1);
    expect(hall_do("staff:a", 1, 0, correct, ""), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, correct, "a\tb"), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, correct, "口座名義を直してください"), STAFF_DONE);
    assert_int_equal(hall_count("outbox WHERE destination = 'portal' AND status = '要訂正'"
                                " AND message_id = (SELECT message_id FROM resident_message)"),
                     1);
    assert_int_equal(
        hall_count("resident_message WHERE position(convert_to('口座', 'UTF8') IN sealed) > 0"), 0);
    expect(hall_do("staff:a", 1, 0, refuse, NULL), STAFF_DONE);
    hall_must_be(1, "refused refused-by-staff");
    assert_int_equal(hall_count("outbox WHERE destination = 'portal'"), 2);
    expect(hall_do("staff:a", 1, 0, withdraw, NULL), STAFF_NOT_NOW);
}

static void what_waits_for_staff_can_be_withdrawn(void **state)
{
    (void)state;
    unmatched(1);
    expect(hall_do("staff:a", 1, 0, propose, "17"), STAFF_DONE);
    expect(hall_do("staff:a", 1, 0, withdraw, NULL), STAFF_DONE);
    hall_must_be(1, "withdrawn withdrawn-by-staff");
    assert_int_equal(hall_count("identification_proposal"), 0);
    assert_int_equal(hall_count("outbox WHERE status = '取下げ'"), 1);
}

static void a_hold_ends_with_the_next_act(void **state)
{
    (void)state;
    instant past = clock_now(), week = past + 7 * INSTANT_DAY, far = past + 400 * INSTANT_DAY;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    expect(hall_do("staff:a", 1, 0, hold, &past), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, hold, &far), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, hold, &week), STAFF_DONE);
    hall_must_be(1, "review review-finding");
    assert_int_equal(hall_count("staff_hold WHERE held_by = 'staff:a'"), 1);
    expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    assert_int_equal(hall_count("staff_hold"), 0);
}

/* --- again, elsewhere ------------------------------------------------------------------------- */

static void what_was_rejected_or_received_is_made_anew(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    test_application_move(&hall.database, 1, (const char *const[]){"review", NULL});
    test_sql(&hall.database, "DELETE FROM outbox; SET session_replication_role = replica;"
                             " UPDATE application SET reason = 'rejected-by-destination';"
                             " UPDATE application_event SET reason = 'rejected-by-destination',"
                             " actor = 'business:child-allowance' WHERE to_state = 'review'");
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_NOT_NOW);
    expect(hall_do("staff:a", 1, 0, hall_resend, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
    test_sql(&hall.database, "DELETE FROM outbox");
    test_application_move(&hall.database, 1, (const char *const[]){"received", NULL});
    expect(hall_do("staff:a", 1, 0, hall_resend, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "received");
    assert_int_equal(hall_count("outbox WHERE destination = 'child-allowance'"), 1);
    assert_int_equal(hall_count("work"), 0);
}

static void another_destination_only_as_the_route_allows(void **state)
{
    (void)state;
    hall_application(1, HALL_REVIEW, NULL);
    hall_hand_over();
    expect(hall_do("staff:a", 1, 0, reroute, "health"), STAFF_NOT_POSSIBLE);
    expect(hall_do("staff:a", 1, 0, reroute, "welfare"), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "review review-route");
    assert_int_equal(hall_count("review WHERE destination = 'welfare'"), 1);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
    expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    assert_int_equal(hall_count("outbox WHERE destination = 'welfare'"), 1);
}

static void what_is_held_goes_elsewhere_by_two_people_only(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    test_application_move(&hall.database, 1, (const char *const[]){"held", NULL});
    test_sql(&hall.database, "UPDATE work SET stage = 'route'");
    expect(hall_do("staff:a", 1, 0, reroute, "welfare"), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "review review-route");
    assert_int_equal(hall_count("outbox WHERE destination <> 'portal'"), 0);
    expect(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
    expect(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("outbox WHERE destination = 'welfare'"), 1);
}

/* --- correction ------------------------------------------------------------------------------- */

static void corrected(void)
{
    hall_application(1, HALL_NOTE, NULL);
    test_application_move(&hall.database, 1, (const char *const[]){"review", "correction", NULL});
    test_sql(&hall.database, "DELETE FROM work");
}

static void a_corrected_one_takes_the_place_of_the_first(void **state)
{
    (void)state;
    corrected();
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(1, "superseded");
    hall_must_be(2, "routed");
}

static void another_persons_correction_waits_for_people(void **state)
{
    (void)state;
    corrected();
    test_sql(&hall.database, "UPDATE identification SET atenabango = '99'");
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(1, "correction");
    hall_must_be(2, "review review-correction");
    expect(hall_do("staff:a", 2, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(2, "routed"); /* as an application of its own */
    hall_must_be(1, "correction");
    hall_application(3, HALL_NOTE, "R-00000404"); /* corrects what is not there */
    hall_hand_over();
    hall_must_be(3, "review review-correction");
}

static void of_an_unidentified_one_the_same_certificate_tells(void **state)
{
    (void)state;
    corrected();
    test_sql(&hall.database, "DELETE FROM identification");
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(1, "superseded");
    hall_must_be(2, "routed");
}

static void two_corrections_of_one_the_first_counts(void **state)
{
    (void)state;
    corrected();
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_application(3, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(2, "routed");
    hall_must_be(3, "review review-correction");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, clear)
    const struct CMUnitTest tests[] = {
        EACH(what_demands_nobody_goes_out_at_once),
        EACH(a_finding_waits_for_one_person),
        EACH(an_approval_is_void_once_anything_changed),
        EACH(who_identified_does_not_approve),
        EACH(the_protected_leave_by_two_people_only),
        EACH(who_is_protected_since_voids_what_one_person_approved),
        EACH(a_stale_view_is_told_what_changed),
        EACH(what_the_state_does_not_allow_is_an_answer),
        EACH(two_people_identify),
        EACH(a_proposal_can_be_dropped),
        EACH(an_identification_can_be_undone),
        EACH(undoing_voids_what_was_approved),
        EACH(several_are_approved_only_without_a_finding),
        EACH(a_message_goes_out_sealed_with_its_status),
        EACH(what_waits_for_staff_can_be_withdrawn),
        EACH(a_hold_ends_with_the_next_act),
        EACH(what_was_rejected_or_received_is_made_anew),
        EACH(another_destination_only_as_the_route_allows),
        EACH(what_is_held_goes_elsewhere_by_two_people_only),
        EACH(a_corrected_one_takes_the_place_of_the_first),
        EACH(another_persons_correction_waits_for_people),
        EACH(of_an_unidentified_one_the_same_certificate_tells),
        EACH(two_corrections_of_one_the_first_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

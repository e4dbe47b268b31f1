/* Attacks on what leaves the house: protection that comes late, corrections that are none, names
 * and SQL that get around the second person. */
#include "intake/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/hand_over.h"
#include "intake/withdrawal.h"
#include "tests/support/residents.h"
#include "tests/support/town_hall.h"

#define OURS "outbox WHERE destination = 'child-allowance'"

static int set_up(void **state)
{
    (void)state;
    hall_make(HALL_ROUTE);
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

static void protect(void)
{
    test_resident_make(&hall.database,
                       &(struct test_resident){.atenabango = "17", .is_protected = true});
}

/* --- protection that comes while an item waits ------------------------------------------------ */

static int asked; /* how often who knows of residents was asked */

static bool ask(struct db_tx *tx, const char *destination, struct recheck_item *items, size_t count,
                void *context, struct failure *f)
{
    asked++;
    return hand_over_recheck(tx, destination, items, count, context, f);
}

static bool pull_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct recheck recheck = {.city_code = TEST_CITY,
                                    .destination = "child-allowance",
                                    .ask = ask,
                                    .context = &hall.routing};
    int64_t id = test_sql_number(&hall.database, "SELECT coalesce(max(outbox_id), 0) FROM " OURS);
    return recheck_items(tx, &recheck, &id, 1, context, f);
}

/* How many are taken back when the item that waits is pulled. */
static size_t pull(void)
{
    size_t taken_back = 0;
    struct failure f = {0};
    if (!db_transaction(hall.routing.db, pull_work, &taken_back, &f))
        fail_msg("%s", f.text);
    return taken_back;
}

static void received(void)
{
    test_sql(&hall.database,
             "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
             " attempts, sha256, accepted, kept) SELECT city_code, destination, outbox_id,"
             " application_id, now(), 1, sha256, true, true FROM " OURS "; DELETE FROM " OURS
             "; DELETE FROM work");
    test_application_move(&hall.database, 1, (const char *const[]){"received", NULL});
}

static void asked_for_again(void)
{
    test_sql(&hall.database,
             "INSERT INTO outbox (city_code, destination, outbox_id, application_id, sha256, again)"
             " OVERRIDING SYSTEM VALUE SELECT city_code, destination, outbox_id, application_id,"
             " sha256, true FROM delivery WHERE destination = 'child-allowance'");
}

static void nobody_is_asked_twice_for_nothing(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    asked = 0;
    assert_int_equal(pull(), 0);
    assert_int_equal(asked, 0); /* it was asked when it was put there */
    clock_fix(clock_now() + INSTANT_DAY);
    assert_int_equal(pull(), 0); /* protection begins with a day */
    assert_int_equal(asked, 1);
    assert_int_equal(pull(), 0);
    assert_int_equal(asked, 1);
    test_resident_make(&hall.database,
                       &(struct test_resident){.atenabango = "18", .name = "他人　太郎"});
    assert_int_equal(pull(), 0);
    assert_int_equal(asked, 1); /* nobody came under protection */
    test_resident_make(
        &hall.database,
        &(struct test_resident){.atenabango = "18", .name = "他人　太郎", .is_protected = true});
    assert_int_equal(pull(), 0);
    assert_int_equal(asked, 2); /* somebody did, but nobody of this item */
    assert_int_equal(hall_count(OURS), 1);
}

static void what_waits_is_taken_back_when_protection_comes(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    protect();
    assert_int_equal(pull(), 1);
    assert_int_equal(hall_count(OURS), 0);
    assert_int_equal(hall_count("outbox_item"), 0);
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    assert_int_equal(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_ONE_MORE);
    assert_int_equal(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_SAME_PERSON);
    assert_int_equal(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
    test_sql(&hall.database, "UPDATE outbox SET checked = 0");
    assert_int_equal(pull(), 0); /* two people let it go, knowing who it is */
    assert_int_equal(hall_count(OURS), 1);
}

/* --- who it is, when somebody may have read it already ---------------------------------------- */

static void must_not_be_undone(void)
{
    assert_int_equal(hall_do("staff:a", 1, 0, hall_undo, NULL), STAFF_NOT_NOW);
    test_sql(&hall.database, "SET ROLE uketsuke_console; DELETE FROM identification");
    assert_int_equal(hall_count("identification"), 1); /* the policy, whatever the program asks */
    assert_int_equal(hall_count("identification_back"), 0);
}

static void what_was_received_is_not_undone_on_its_second_way(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    received();
    protect();
    asked_for_again();
    assert_int_equal(pull(), 1);
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    must_not_be_undone();
}

/* Taken back after it was read: neither undone as if nobody had it, nor lost from its trail. */
static void what_was_read_and_taken_back_is_remembered(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    test_sql(&hall.database, "UPDATE outbox SET attempts = 1 WHERE destination <> 'portal'");
    protect();
    int64_t id = test_sql_number(&hall.database, "SELECT max(outbox_id) FROM " OURS);
    assert_int_equal(pull(), 1);
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    must_not_be_undone();
    char application_id[37];
    test_application_id(1, application_id);
    _cleanup_(cleanup_text) char *entry = text_format(
        "SET session_replication_role = replica;"
        "INSERT INTO audit_entry (chain, position, at, action, actor, city_code, detail, previous, "
        "hash)"
        " VALUES ('routing', 9999, now(), 'items.delivered', 'business:x', '" TEST_CITY "',"
        " '{\"first\":\"%lld\",\"last\":\"%lld\",\"items\":[[\"%lld\",\"%s\"]]}',"
        " decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))",
        (long long)id, (long long)id, (long long)id, application_id);
    test_sql(&hall.database, entry);
    _cleanup_(cleanup_text) char *found =
        text_format("audit_of_application('" TEST_CITY "', '%s') WHERE action = 'items.delivered'",
                    application_id);
    assert_int_equal(hall_count(found), 1);
}

static void what_was_rejected_may_be_put_right(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    test_sql(&hall.database,
             "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
             " attempts, sha256, accepted) SELECT city_code, destination, outbox_id,"
             " application_id, now(), 1, sha256, false FROM " OURS "; DELETE FROM " OURS);
    test_application_move(&hall.database, 1, (const char *const[]){"review", NULL});
    assert_int_equal(hall_do("staff:a", 1, 0, hall_undo, NULL), STAFF_DONE);
    assert_int_equal(hall_count("identification_back WHERE atenabango = '17'"
                                " AND taken_back_by = 'staff:a'"),
                     1);
}

static void what_is_free_again_goes_out_again(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    protect();
    assert_int_equal(pull(), 1);
    test_residents_clear(&hall.database);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count(OURS), 1);
    assert_int_equal(hall_count("work"), 0);
}

/* The resident took it back meanwhile: nobody has to approve anything. */
static void what_was_withdrawn_is_put_before_nobody(void **state)
{
    (void)state;
    struct failure f = {0};
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    test_sql(&hall.database, "UPDATE outbox SET attempts = 1; INSERT INTO withdrawal"
                             " SELECT city_code, application_id, now(), 'portal' FROM application");
    assert_int_equal(withdrawal_step(&hall.routing, &f), WORK_DONE);
    hall_must_be(1, "routed");
    test_sql(&hall.database, "DELETE FROM outbox WHERE status = 'withdrawn'"); /* was told */
    protect();
    assert_int_equal(pull(), 1);
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    assert_int_equal(withdrawal_step(&hall.routing, &f), WORK_DONE);
    hall_must_be(1, "withdrawn withdrawn-by-resident");
}

static void redelivery_of_the_protected_takes_people(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    received();
    protect();
    asked_for_again();
    assert_int_equal(pull(), 1);
    assert_int_equal(hall_count("outbox_item"), 1); /* the past is kept */
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    assert_int_equal(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_ONE_MORE);
    assert_int_equal(hall_do("staff:b", 1, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count(OURS), 1);
}

static void redelivery_of_what_has_ended_does_not_leave(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    received();
    test_application_move(&hall.database, 1, (const char *const[]){"completed", NULL});
    asked_for_again();
    protect();
    assert_int_equal(pull(), 1);
    hall_hand_over();
    hall_must_be(1, "completed");
    assert_int_equal(hall_count("work"), 0);
}

static void resending_the_protected_takes_people(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    received();
    protect();
    assert_int_equal(hall_do("staff:a", 1, 0, hall_resend, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(1, "review review-protected");
    assert_int_equal(hall_count(OURS), 0);
}

/* What can't be asked about does not leave. */
static void the_unreadable_stays(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    test_sql(&hall.database, "UPDATE outbox SET checked = 0; UPDATE examination SET record = "
                             "'\\x0102'");
    assert_int_equal(pull(), 1);
    hall_hand_over();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("work WHERE note = 'unreadable'"), 1);
}

/* --- corrections that are none ---------------------------------------------------------------- */

static void first_in(const char *state)
{
    _cleanup_(cleanup_text) char *sql =
        text_format("SET session_replication_role = replica; UPDATE application SET state = '%s';"
                    " DELETE FROM work",
                    state);
    hall_application(1, HALL_NOTE, NULL);
    test_sql(&hall.database, sql);
}

static void only_what_waits_for_it_is_corrected(void **state)
{
    (void)state;
    static const char *const states[] = {
        "announced", "collected", "verified",   "identified", "review",  "held",      "unmatched",
        "routed",    "received",  "superseded", "withdrawn",  "refused", "completed", "rejected"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        clear(NULL);
        first_in(states[i]);
        hall_application(2, HALL_NOTE, "R-00000001");
        hall_hand_over();
        hall_must_be(1, states[i]);
        hall_must_be(2, "review review-correction");
    }
}

static void nothing_corrects_itself_or_what_is_unknown(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, "R-00000001");
    hall_application(2, HALL_NOTE, "R-99999999");
    hall_hand_over();
    hall_must_be(1, "review review-correction");
    hall_must_be(2, "review review-correction");
}

static void list_and_package_have_to_agree(void **state)
{
    (void)state;
    static const char *const claims[][2] = {/* the package's, the list's */
                                            {"R-00000001", NULL},
                                            {NULL, "R-00000001"},
                                            {"R-00000002", "R-00000001"},
                                            {"R-00000001", "R-00000002"}};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        clear(NULL);
        first_in("correction");
        hall_application(3, HALL_NOTE, claims[i][0]);
        hall_list_says(3, claims[i][1]);
        hall_hand_over();
        hall_must_be(1, "correction");
        hall_must_be(3, "review review-correction");
    }
}

static void a_chain_is_followed_one_by_one(void **state)
{
    (void)state;
    first_in("correction");
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(1, "superseded");
    test_application_move(&hall.database, 2, (const char *const[]){"review", "correction", NULL});
    hall_application(3, HALL_NOTE, "R-00000001"); /* past its end */
    hall_application(4, HALL_NOTE, "R-00000002");
    hall_hand_over();
    hall_must_be(3, "review review-correction");
    hall_must_be(2, "superseded");
    hall_must_be(4, "routed");
    assert_int_equal(hall_count("supersession"), 2);
}

static void a_loop_comes_to_an_end(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, "R-00000002");
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(1, "review review-correction");
    hall_must_be(2, "review review-correction");
    test_application_move(&hall.database, 1, (const char *const[]){"correction", NULL});
    assert_int_equal(hall_do("staff:a", 2, 0, hall_approve, NULL), STAFF_DONE);
    hall_hand_over(); /* in another position than was approved: nobody needs to agree any more */
    hall_must_be(2, "routed");
    hall_must_be(1, "superseded");
}

static void another_persons_is_no_correction(void **state)
{
    (void)state;
    first_in("correction");
    test_sql(&hall.database, "UPDATE identification SET atenabango = '99'");
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    hall_must_be(1, "correction");
    hall_must_be(2, "review review-correction");
}

/* Handed over once more, it is still what it was. */
static void a_correction_stays_one(void **state)
{
    (void)state;
    first_in("correction");
    hall_application(2, HALL_NOTE, "R-00000001");
    hall_hand_over();
    test_sql(&hall.database, "DELETE FROM outbox");
    test_application_move(&hall.database, 2, (const char *const[]){"received", NULL});
    assert_int_equal(hall_do("staff:a", 2, 0, hall_resend, NULL), STAFF_DONE);
    hall_hand_over();
    hall_must_be(2, "received");
    assert_int_equal(hall_count(OURS), 1);
}

/* --- around the second person ----------------------------------------------------------------- */

static void a_name_is_written_one_way(void **state)
{
    (void)state;
    static const char *const names[] = {"staff:A", "staff:a ", "staff: a", "staff:a\n",
                                        "staff:",  "staff:Ａ", "a",        "role:console"};
    protect();
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    assert_int_equal(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_ONE_MORE);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(hall_try(names[i], 1, hall_approve, NULL));
    hall_must_be(1, "review review-protected");
}

/* `sql` as that role of the database. */
static void refused(const char *role, const char *sql)
{
    char found[6];
    if (strcmp(test_sql_state(&hall.database, role, sql, found), "00000") == 0)
        fail_msg("%s may: %s", role, sql);
}

#define MOVE(to, reason)                                                                           \
    "UPDATE application SET version = version + 1, state = '" to "', reason = " reason             \
    ", changed_at = now(),"                                                                        \
    " changed_by = 'staff:a'"

static void sql_of_the_console_does_not_get_around_approvals(void **state)
{
    (void)state;
    protect();
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    refused("console", MOVE("identified", "NULL"));
    assert_int_equal(hall_do("staff:a", 1, 0, hall_approve, NULL), STAFF_ONE_MORE);
    refused("console", MOVE("identified", "NULL"));
    refused("console", "DO $$ BEGIN " MOVE("review", "'rejected-by-destination'") "; " MOVE(
                           "identified", "NULL") "; END $$");
    refused("console", MOVE("routed", "NULL"));
    refused("console", "UPDATE review SET persons = 1");
    refused("console", "DELETE FROM approval");
    refused("console", "UPDATE approval SET approved_by = 'staff:b'");
    refused("console",
            "INSERT INTO approval (city_code, application_id, sha256, approved_by, approved_at)"
            " SELECT city_code, application_id, sha256, 'staff:A', now() FROM review");
    refused("console", "INSERT INTO outbox (city_code, destination, application_id, sha256)"
                       " SELECT city_code, 'child-allowance', application_id, sha256 FROM review");
    refused("console", "SELECT sealed FROM outbox_item");
    refused("console", "SELECT * FROM resident");
    hall_must_be(1, "review review-protected");
}

static void sql_of_the_console_changes_no_applicant(void **state)
{
    (void)state;
    hall_application(1, HALL_NOTE, NULL);
    test_sql(&hall.database, "INSERT INTO identification_proposal SELECT city_code, application_id,"
                             " '18', 'staff:a', now() FROM application");
    char found[6];
    test_sql_state(&hall.database, "console",
                   "UPDATE identification SET atenabango = '18', how = 'staff',"
                   " proposed_by = 'staff:a', confirmed_by = 'staff:b'",
                   found); /* there is no row for it to change */
    assert_int_equal(hall_count("identification WHERE atenabango = '17' AND how = 'serial'"), 1);
    refused("console",
            "INSERT INTO identification (city_code, application_id, atenabango, how, proposed_by,"
            " confirmed_by) SELECT city_code, application_id, '18', 'staff', 'staff:a', 'staff:b'"
            " FROM application ON CONFLICT (city_code, application_id) DO UPDATE SET"
            " atenabango = '18'");
}

static void sql_of_routing_approves_nothing(void **state)
{
    (void)state;
    protect();
    hall_application(1, HALL_NOTE, NULL);
    hall_hand_over();
    refused("routing",
            "INSERT INTO approval (city_code, application_id, sha256, approved_by, approved_at)"
            " SELECT city_code, application_id, sha256, 'staff:b', now() FROM review");
    refused("routing",
            "UPDATE application SET version = version + 1, state = 'identified', reason = NULL,"
            " changed_at = now(), changed_by = 'role:routing'");
    refused("routing",
            "UPDATE application SET version = version + 1, state = 'identified', reason = NULL,"
            " changed_at = now(), changed_by = 'staff:a'");
    refused("routing", "UPDATE identification SET atenabango = '18'");
    refused("routing", "UPDATE protection_change SET number = 0");
    refused("routing", "SELECT * FROM resident");
    refused("routing", "DELETE FROM supersession");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, clear)
    const struct CMUnitTest tests[] = {
        EACH(nobody_is_asked_twice_for_nothing),
        EACH(what_waits_is_taken_back_when_protection_comes),
        EACH(what_is_free_again_goes_out_again),
        EACH(what_was_received_is_not_undone_on_its_second_way),
        EACH(what_was_read_and_taken_back_is_remembered),
        EACH(what_was_rejected_may_be_put_right),
        EACH(what_was_withdrawn_is_put_before_nobody),
        EACH(redelivery_of_the_protected_takes_people),
        EACH(redelivery_of_what_has_ended_does_not_leave),
        EACH(resending_the_protected_takes_people),
        EACH(the_unreadable_stays),
        EACH(only_what_waits_for_it_is_corrected),
        EACH(nothing_corrects_itself_or_what_is_unknown),
        EACH(list_and_package_have_to_agree),
        EACH(a_chain_is_followed_one_by_one),
        EACH(a_loop_comes_to_an_end),
        EACH(another_persons_is_no_correction),
        EACH(a_correction_stays_one),
        EACH(a_name_is_written_one_way),
        EACH(sql_of_the_console_does_not_get_around_approvals),
        EACH(sql_of_the_console_changes_no_applicant),
        EACH(sql_of_routing_approves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

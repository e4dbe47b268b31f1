/* 取下げ in every state there is. */
#include "intake/withdrawal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/state.h"
#include "tests/support/town_hall.h"

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
    hall_application(1, "[]", NULL);
    return 0;
}

static void put_into(const char *code)
{
    _cleanup_(cleanup_text) char *sql =
        text_format("SET session_replication_role = replica; UPDATE application SET state = '%s',"
                    " version = version + 1",
                    code);
    test_sql(&hall.database, sql);
}

static void ask_and_settle(void)
{
    struct failure f = {0};
    test_sql(&hall.database, "INSERT INTO withdrawal SELECT city_code, application_id, now(),"
                             " 'portal' FROM application ON CONFLICT DO NOTHING");
    if (withdrawal_step(&hall.routing, &f) != WORK_DONE)
        fail_msg("%s", f.text);
    assert_int_equal(withdrawal_step(&hall.routing, &f), WORK_IDLE);
    assert_int_equal(hall_count("withdrawal WHERE settled_at IS NULL"), 0);
}

static void what_is_not_handed_over_ends(void **state)
{
    (void)state;
    static const enum state states[] = {STATE_ANNOUNCED,  STATE_COLLECTED, STATE_VERIFIED,
                                        STATE_IDENTIFIED, STATE_REVIEW,    STATE_UNMATCHED,
                                        STATE_HELD,       STATE_CORRECTION};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        clear(NULL);
        put_into(state_code(states[i]));
        ask_and_settle();
        hall_must_be(1, "withdrawn withdrawn-by-resident");
        assert_int_equal(hall_count("work"), 0);
        assert_int_equal(hall_count("withdrawal WHERE outcome = 'withdrawn'"), 1);
        assert_int_equal(hall_count("outbox WHERE destination = 'portal' AND status = '取下げ'"),
                         1);
    }
}

static void what_nobody_fetched_is_taken_back(void **state)
{
    (void)state;
    hall_hand_over();
    hall_must_be(1, "routed");
    ask_and_settle();
    hall_must_be(1, "withdrawn withdrawn-by-resident");
    assert_int_equal(hall_count("outbox WHERE destination <> 'portal'"), 0);
    assert_int_equal(hall_count("outbox_item"), 0);
}

static void who_may_have_it_is_told(void **state)
{
    (void)state;
    hall_hand_over();
    test_sql(&hall.database, "UPDATE outbox SET attempts = 1");
    ask_and_settle();
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("outbox WHERE destination = 'child-allowance'"), 2);
    assert_int_equal(hall_count("outbox WHERE status = 'withdrawn' AND sha256 IS NOT NULL"), 1);
    assert_int_equal(hall_count("withdrawal WHERE outcome = 'told-destination'"), 1);
    assert_int_equal(hall_count("outbox WHERE destination = 'portal'"), 0);
}

static void who_has_it_is_told(void **state)
{
    (void)state;
    hall_hand_over();
    test_sql(&hall.database,
             "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
             " attempts, accepted) SELECT city_code, destination, outbox_id, application_id, now(),"
             " 1, true FROM outbox; DELETE FROM outbox; DELETE FROM outbox_item");
    put_into("received");
    ask_and_settle();
    hall_must_be(1, "received");
    assert_int_equal(hall_count("outbox JOIN outbox_item USING (city_code, destination, outbox_id)"
                                " WHERE destination = 'child-allowance' AND status = 'withdrawn'"),
                     1);
}

/* Somebody is fetching it at this moment: who has it must hear of it. */
static void *fetch_slowly(void *unused)
{
    test_sql(&hall.database, "BEGIN; UPDATE outbox SET attempts = 1 WHERE destination <> 'portal';"
                             " SELECT pg_sleep(1); COMMIT");
    return unused;
}

static void who_is_fetching_it_is_told(void **state)
{
    (void)state;
    pthread_t thread;
    hall_hand_over();
    assert_int_equal(pthread_create(&thread, NULL, fetch_slowly, NULL), 0);
    for (int i = 0; i < 500 && !hall_count("pg_stat_activity WHERE wait_event = 'PgSleep'"); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    ask_and_settle();
    pthread_join(thread, NULL);
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("outbox WHERE status = 'withdrawn'"), 1);
    assert_int_equal(hall_count("withdrawal WHERE outcome = 'told-destination'"), 1);
}

/* Somebody claims it at this moment (routing/claim.h): the same, and when the claim is over, too.
 */
static void *claim_slowly(void *unused)
{
    test_sql(&hall.database,
             "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('claim/' || city_code || '/' ||"
             " destination, 0)) FROM outbox WHERE destination <> 'portal';"
             " INSERT INTO outbox_claim SELECT city_code, destination, outbox_id, outbox_id,"
             " gen_random_uuid(), now(), now() FROM outbox WHERE destination <> 'portal';"
             " SELECT pg_sleep(1); COMMIT");
    return unused;
}

static void who_is_claiming_it_is_told(void **state)
{
    (void)state;
    pthread_t thread;
    hall_hand_over();
    assert_int_equal(pthread_create(&thread, NULL, claim_slowly, NULL), 0);
    for (int i = 0; i < 500 && !hall_count("pg_stat_activity WHERE wait_event = 'PgSleep'"); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    ask_and_settle();
    pthread_join(thread, NULL);
    hall_must_be(1, "routed");
    assert_int_equal(hall_count("outbox WHERE status = 'withdrawn'"), 1);
    assert_int_equal(hall_count("withdrawal WHERE outcome = 'told-destination'"), 1);
}

/* It said that something is missing, and would wait for the corrected one for ever. */
static void who_asked_for_a_correction_is_told(void **state)
{
    (void)state;
    hall_hand_over();
    test_sql(&hall.database,
             "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
             " attempts, accepted) SELECT city_code, destination, outbox_id, application_id, now(),"
             " 1, true FROM outbox; DELETE FROM outbox; DELETE FROM outbox_item");
    put_into("correction");
    ask_and_settle();
    hall_must_be(1, "withdrawn withdrawn-by-resident");
    assert_int_equal(hall_count("outbox WHERE destination = 'child-allowance'"
                                " AND status = 'withdrawn'"),
                     1);
}

/* It was read, and then waited for people, since somebody had come under protection. */
static void who_read_it_before_it_was_taken_back_is_told(void **state)
{
    (void)state;
    hall_hand_over();
    test_sql(&hall.database, "INSERT INTO outbox_taken_back SELECT city_code, application_id,"
                             " outbox_id, destination, now() FROM outbox;"
                             " DELETE FROM outbox; DELETE FROM outbox_item");
    put_into("review");
    ask_and_settle();
    hall_must_be(1, "withdrawn withdrawn-by-resident");
    assert_int_equal(hall_count("outbox WHERE destination = 'child-allowance'"
                                " AND status = 'withdrawn'"),
                     1);
}

/* One that can't be settled as asked keeps back no other. */
static void what_was_received_nobody_knows_where_is_for_the_counter(void **state)
{
    (void)state;
    put_into("received");
    ask_and_settle();
    hall_must_be(1, "received");
    assert_int_equal(hall_count("withdrawal WHERE outcome = 'too-late'"), 1);
}

static void staff_took_it_back(void **state)
{
    (void)state;
    struct failure f = {0};
    hall_hand_over();
    test_sql(&hall.database, "INSERT INTO withdrawal SELECT city_code, application_id, now(),"
                             " 'staff:a' FROM application");
    assert_int_equal(withdrawal_step(&hall.routing, &f), WORK_DONE);
    hall_must_be(1, "withdrawn withdrawn-by-staff");
}

static void what_has_ended_stays_and_the_resident_reads_so(void **state)
{
    (void)state;
    static const char *const ends[][2] = {
        {"completed", "完了"}, {"rejected", "完了"}, {"refused", "受付エラー"}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        clear(NULL);
        put_into(ends[i][0]);
        ask_and_settle();
        hall_must_be(1, ends[i][0]);
        assert_int_equal(hall_count("withdrawal WHERE outcome = 'too-late'"), 1);
        _cleanup_(cleanup_text) char *told =
            text_format("outbox WHERE destination = 'portal' AND status = '%s' AND message_id IS"
                        " NOT NULL",
                        ends[i][1]);
        assert_int_equal(hall_count(told), 1);
    }
}

/* Whatever became of it: it is settled, and stops no other. */
static void what_is_forgotten_stops_no_other(void **state)
{
    (void)state;
    static const char *const ends[][2] = {{"identified", "withdrawn withdrawn-by-resident"},
                                          {"received", "received"},
                                          {"completed", "completed"},
                                          {"rejected", "rejected"}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        clear(NULL);
        hall_application(2, "[]", NULL);
        test_sql(&hall.database, "DELETE FROM withdrawal");
        put_into("received");
        test_sql(&hall.database, "INSERT INTO delivery (city_code, destination, outbox_id,"
                                 " application_id, created_at, attempts, sha256, accepted)"
                                 " SELECT city_code, 'child-allowance', 900, application_id, now(),"
                                 " 1, sha256('x'), true FROM application"
                                 " ORDER BY application_id LIMIT 1");
        _cleanup_(cleanup_text) char *sql = text_format(
            "SET session_replication_role = replica; UPDATE application a SET state = '%s',"
            " version = version + 1 FROM delivery d WHERE d.application_id = a.application_id;"
            " DELETE FROM application_key k USING delivery d"
            " WHERE d.application_id = k.application_id",
            ends[i][0]);
        test_sql(&hall.database, sql);
        ask_and_settle();
        hall_must_be(1, ends[i][1]);
        assert_int_equal(hall_count("withdrawal WHERE settled_at IS NOT NULL"), 2);
        assert_int_equal(hall_count("outbox WHERE message_id IS NOT NULL"), 1); /* of the other */
    }
}

static void what_another_took_the_place_of_stays(void **state)
{
    (void)state;
    put_into("superseded");
    ask_and_settle();
    hall_must_be(1, "superseded");
    assert_int_equal(hall_count("outbox"), 0); /* the portal is told of the other */
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, clear)
    const struct CMUnitTest tests[] = {
        EACH(what_is_not_handed_over_ends),
        EACH(what_nobody_fetched_is_taken_back),
        EACH(who_may_have_it_is_told),
        EACH(who_has_it_is_told),
        EACH(who_is_fetching_it_is_told),
        EACH(who_is_claiming_it_is_told),
        EACH(who_asked_for_a_correction_is_told),
        EACH(who_read_it_before_it_was_taken_back_is_told),
        EACH(what_was_received_nobody_knows_where_is_for_the_counter),
        EACH(staff_took_it_back),
        EACH(what_has_ended_stays_and_the_resident_reads_so),
        EACH(what_is_forgotten_stops_no_other),
        EACH(what_another_took_the_place_of_stays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

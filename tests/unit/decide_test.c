/* Decisions: state, event, work and what is told change together, and once. */
#include "intake/decide.h"

#include "tests/unit/work_support.h"

struct deciding {
    const char *chain;
    struct decision *decisions;
    size_t count;
    bool fail;
};

static bool decide_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct deciding *d = context;
    return decide(tx, database.config, d->chain, d->decisions, d->count, f) &&
           (!d->fail || failure_set(f, FAILURE_INPUT, "on purpose"));
}

static bool decide_all(struct db *db, const char *chain, struct decision *decisions, size_t n,
                       struct failure *f)
{
    struct deciding d = {chain, decisions, n, false};
    return db_transaction(db, decide_work, &d, f);
}

static struct decision collected(const char *id)
{
    return (struct decision){.city_code = TEST_CITY,
                             .application_id = id,
                             .from = STATE_ANNOUNCED,
                             .to = STATE_COLLECTED,
                             .next = STAGE_EXAMINE,
                             .actor = "role:collect"};
}

static void a_decision_changes_everything_together(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    make_due(1, "collect");
    struct decision d = collected(test_application_id(1, id));
    assert_true(decide_all(collect_db, "collect", &d, 1, &f));
    assert_true(d.moved);
    assert_int_equal(count("application WHERE state = 'collected' AND version = 2"
                           " AND changed_by = 'role:collect'"),
                     1);
    assert_int_equal(count("application_event WHERE version = 2 AND from_state = 'announced'"
                           " AND to_state = 'collected' AND actor = 'role:collect'"),
                     1);
    assert_int_equal(count("work WHERE stage = 'examine' AND attempts = 0 AND due_at <= now()"), 1);
    assert_int_equal(count("outbox WHERE destination = 'portal' AND status = '取得済'"), 1);
    assert_int_equal(count("audit_entry WHERE chain = 'collect' AND action = 'application.move'"
                           " AND detail = '{\"from\":\"announced\",\"to\":\"collected\"}'"),
                     1);
}

static void a_transaction_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    make_due(1, "collect");
    struct decision d = collected(test_application_id(1, id));
    struct deciding all = {"collect", &d, 1, true};
    assert_false(db_transaction(collect_db, decide_work, &all, &f));
    assert_int_equal(count("application WHERE state = 'announced' AND version = 1"), 1);
    assert_int_equal(count("application_event"), 1);
    assert_int_equal(count("work WHERE stage = 'collect'"), 1);
    assert_int_equal(count("outbox"), 0);
    assert_int_equal(count("audit_entry"), 0);
}

/* A clock that stood a year ahead for a moment must not keep an application for a year. */
static void what_a_wrong_clock_put_off_is_found_again(void **state)
{
    (void)state;
    struct work_item items[MOST];
    make_due(3, "collect");
    clock_fix(clock_now() + 365 * INSTANT_DAY);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 3);
    clock_fix(0); /* put right; the worker had died */
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 0);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 3);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 0);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 0); /* a lease is not lost */
}

static void a_stale_workers_decision_does_nothing(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    make_due(1, "collect");
    struct decision first = collected(test_application_id(1, id)), late = first;
    late.to = STATE_HELD;
    late.reason = "download-mismatch";
    late.next = STAGE_COLLECT;
    assert_true(decide_all(collect_db, "collect", &first, 1, &f));
    late.moved = true;
    assert_true(decide_all(collect_db, "collect", &late, 1, &f));
    assert_false(late.moved);
    late = collected(id); /* the same decision twice, too */
    assert_true(decide_all(collect_db, "collect", &late, 1, &f));
    assert_false(late.moved);
    assert_int_equal(count("application WHERE state = 'collected' AND version = 2"), 1);
    assert_int_equal(count("work WHERE stage = 'examine'"), 1);
    assert_int_equal(count("outbox"), 1);
    assert_int_equal(count("audit_entry"), 1);
}

static void a_hold_that_another_stage_made_is_not_this_workers(void **state)
{
    (void)state;
    struct failure f = {0};
    struct work_item item;
    char id[37];
    make_due(1, "collect");
    test_application_move(&database, 1, (const char *const[]){"held", NULL});
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &item), 1);
    assert_int_equal(item.version, 2);
    struct decision stalled = collected(test_application_id(1, id));
    stalled.from = item.state;
    stalled.version = item.version;
    test_application_move(&database, 1, (const char *const[]){"collected", "held", NULL});
    assert_true(decide_all(collect_db, "collect", &stalled, 1, &f));
    assert_false(stalled.moved);
    assert_int_equal(count("application WHERE state = 'held' AND version = 4"), 1);
    stalled.version = 4;
    assert_true(decide_all(collect_db, "collect", &stalled, 1, &f));
    assert_true(stalled.moved);
}

/* Both hold the application as announced; whoever commits second finds it moved. */
static void *decide_in_thread(void *context)
{
    struct decision *d = context;
    for (int i = 0; i < 20; i++)
        if (!decide_all(collect_db, "collect", d + i, 1, NULL))
            return context;
    return NULL;
}

static void of_two_who_decide_at_once_one_does(void **state)
{
    (void)state;
    struct decision a[20], b[20];
    char ids[20][37];
    make_due(20, "collect");
    for (int i = 0; i < 20; i++)
        a[i] = b[i] = collected(test_application_id(i + 1, ids[i]));
    pthread_t thread;
    void *failed;
    assert_int_equal(pthread_create(&thread, NULL, decide_in_thread, a), 0);
    assert_null(decide_in_thread(b));
    pthread_join(thread, &failed);
    assert_null(failed);
    for (int i = 0; i < 20; i++)
        assert_int_equal(a[i].moved + b[i].moved, 1);
    assert_int_equal(count("application_event WHERE version = 2"), 20);
    assert_int_equal(count("audit_entry"), 20);
}

static void what_is_decided_for_good_leaves_the_queue(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    make_due(1, "examine");
    test_application_move(&database, 1, (const char *[]){"collected", NULL});
    struct decision d = {.city_code = TEST_CITY,
                         .application_id = test_application_id(1, id),
                         .from = STATE_COLLECTED,
                         .to = STATE_REFUSED,
                         .reason = "certificate-revoked",
                         .actor = "role:examine"};
    assert_true(decide_all(examine_db, "examine", &d, 1, &f));
    assert_true(d.moved);
    assert_int_equal(count("work"), 0);
    assert_int_equal(count("application WHERE reason = 'certificate-revoked'"), 1);
    assert_int_equal(count("audit_entry WHERE reason = 'certificate-revoked'"), 1);
    assert_int_equal(count("outbox WHERE status = '受付エラー'"), 1);
}

static void held_waits_for_its_time(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    struct work_item item;
    make_due(1, "collect");
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &item), 1);
    struct decision d = collected(test_application_id(1, id));
    d.to = STATE_HELD;
    d.reason = "download-mismatch";
    d.next = STAGE_COLLECT;
    d.due_at = clock_now() + 100 * INSTANT_SECOND;
    assert_true(decide_all(collect_db, "collect", &d, 1, &f));
    assert_int_equal(count("outbox"), 0);
    clock_fix(clock_now() + 99 * INSTANT_SECOND);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &item), 0);
    clock_fix(clock_now() + 2 * INSTANT_SECOND);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &item), 1);
    assert_int_equal(item.state, STATE_HELD);
    assert_int_equal(item.attempts, 1);
}

static void a_channel_that_wants_no_statuses_gets_none(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    test_application_make(&database, city_key, 1, "quiet");
    test_application_make(&database, city_key, 2, "not-configured");
    struct decision d[2] = {collected(test_application_id(1, id))};
    char other[37];
    d[1] = collected(test_application_id(2, other));
    assert_true(decide_all(collect_db, "collect", d, 2, &f));
    assert_true(d[0].moved && d[1].moved);
    assert_int_equal(count("outbox"), 0);
    assert_int_equal(count("work WHERE stage = 'examine'"), 2);
}

static void a_transition_that_is_not_in_the_table_is_a_bug(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    make_due(1, "collect");
    struct decision d = collected(test_application_id(1, id));
    d.to = STATE_RECEIVED;
    assert_false(decide_all(collect_db, "collect", &d, 1, &f));
    assert_non_null(strstr(f.text, "no transition from announced to received"));
    assert_int_equal(count("application WHERE state = 'announced'"), 1);
}

static void a_batch_moves_what_can_be_moved(void **state)
{
    (void)state;
    enum { N = 100 };
    struct failure f = {0};
    struct decision d[N];
    char ids[N][37];
    make_due(N, "collect");
    for (int i = 0; i < N; i++) {
        d[i] = collected(test_application_id(i + 1, ids[i]));
        if (i % 10 == 3)
            d[i].from = STATE_HELD; /* it is not */
    }
    assert_true(decide_all(collect_db, "collect", d, N, &f));
    for (int i = 0; i < N; i++)
        assert_int_equal(d[i].moved, i % 10 != 3);
    assert_int_equal(count("application WHERE state = 'collected'"), 90);
    assert_int_equal(count("work WHERE stage = 'collect'"), 10);
    assert_int_equal(count("audit_entry"), 90);
    struct audit_summary summary;
    bool intact = false;
    struct db *operator_db = test_database_open(&database, "operator", 1);
    assert_true(
        audit_verify(operator_db, database.config, NULL, NULL, NULL, &intact, &summary, &f));
    db_close(operator_db);
    assert_true(intact);
    assert_int_equal(summary.entries, 90);
}

static void an_item_goes_out_with_its_decision(void **state)
{
    (void)state;
    struct failure f = {0};
    char id[37];
    const uint8_t hash[32] = {1};
    struct db *routing_db = test_database_open(&database, "routing", 1);
    make_due(1, "route");
    test_application_move(&database, 1,
                          (const char *[]){"collected", "verified", "identified", NULL});
    struct outbox_entry entry = {.city_code = TEST_CITY,
                                 .destination = "child-allowance",
                                 .application_id = test_application_id(1, id),
                                 .sealed = bytes_of_text("sealed"),
                                 .sha256 = hash};
    struct decision d = {.city_code = TEST_CITY,
                         .application_id = id,
                         .from = STATE_IDENTIFIED,
                         .to = STATE_ROUTED,
                         .actor = "role:routing",
                         .outbox = &entry};
    struct decision stale = d;
    stale.from = STATE_HELD;
    assert_true(decide_all(routing_db, "routing", &stale, 1, &f));
    assert_int_equal(count("outbox"), 0);
    assert_true(decide_all(routing_db, "routing", &d, 1, &f));
    assert_int_equal(count("outbox WHERE destination = 'child-allowance'"), 1);
    assert_int_equal(count("outbox_item"), 1);
    db_close(routing_db);
}

static void the_next_stage_is_woken(void **state)
{
    (void)state;
    struct failure f = {0};
    struct db_listener *listener;
    char ids[2][37];
    make_due(2, "collect");
    assert_true(
        db_listen(examine_db, (const char *[]){work_channel(STAGE_EXAMINE)}, 1, &listener, &f));
    struct decision d[2] = {collected(test_application_id(1, ids[0])),
                            collected(test_application_id(2, ids[1]))};
    assert_true(decide_all(collect_db, "collect", d, 2, &f));
    assert_true(db_listener_wait(listener, 5 * INSTANT_SECOND));
    d[0].moved = true;
    assert_true(decide_all(collect_db, "collect", d, 2, &f)); /* nothing moves: nobody is woken */
    assert_false(db_listener_wait(listener, INSTANT_SECOND / 20));
    db_listener_close(listener);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, empty)
    const struct CMUnitTest tests[] = {
        EACH(a_decision_changes_everything_together),
        EACH(a_transaction_that_fails_changes_nothing),
        EACH(what_a_wrong_clock_put_off_is_found_again),
        EACH(a_stale_workers_decision_does_nothing),
        EACH(a_hold_that_another_stage_made_is_not_this_workers),
        EACH(of_two_who_decide_at_once_one_does),
        EACH(what_is_decided_for_good_leaves_the_queue),
        EACH(held_waits_for_its_time),
        EACH(a_channel_that_wants_no_statuses_gets_none),
        EACH(a_transition_that_is_not_in_the_table_is_a_bug),
        EACH(a_batch_moves_what_can_be_moved),
        EACH(an_item_goes_out_with_its_decision),
        EACH(the_next_stage_is_woken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Claims: a worker's right to an application for a while. Crash semantics first. */
#include "intake/lease.h"

#include "tests/unit/work_support.h"

static void a_claim_is_a_lease_of_the_oldest(void **state)
{
    (void)state;
    struct work_item items[MOST];
    char id[37];
    make_due(5, "collect");
    assert_int_equal(claim(collect_db, STAGE_EXAMINE, MOST, items), 0);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 2, items), 2);
    assert_string_equal(items[0].application_id, test_application_id(1, id));
    assert_string_equal(items[1].application_id, test_application_id(2, id));
    assert_string_equal(items[0].city_code, TEST_CITY);
    assert_string_equal(items[0].receipt_number, "R-00000001");
    assert_string_equal(items[0].channel, "pittari");
    assert_int_equal(items[0].state, STATE_ANNOUNCED);
    assert_int_equal(items[0].attempts, 1);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 3);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 0);

    clock_fix(clock_now() + 29 * INSTANT_SECOND);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 0);
    clock_fix(clock_now() + 2 * INSTANT_SECOND); /* the worker died: the lease runs out */
    assert_int_equal(claim(collect_db, STAGE_COLLECT, MOST, items), 5);
    assert_int_equal(items[0].attempts, 2);
}

struct claimer {
    struct work_item items[MOST];
    size_t count;
};

static void *claim_in_small_steps(void *context)
{
    struct claimer *c = context;
    for (size_t n = 1; n > 0 && c->count + 7 <= MOST; c->count += n)
        if (!work_claim(collect_db, database.config, STAGE_COLLECT, 7, c->items + c->count, &n,
                        NULL))
            return context;
    return NULL;
}

static void claims_of_two_workers_never_overlap(void **state)
{
    (void)state;
    static struct claimer a, b;
    pthread_t thread;
    make_due(200, "collect");
    assert_int_equal(pthread_create(&thread, NULL, claim_in_small_steps, &a), 0);
    assert_null(claim_in_small_steps(&b));
    void *failed;
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(a.count + b.count, 200);
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++)
            assert_string_not_equal(a.items[i].application_id, b.items[j].application_id);
    assert_int_equal(count("work WHERE attempts <> 1"), 0);
}

static bool hold_claim(struct db_tx *tx, void *context, struct failure *f)
{
    (void)f;
    static const struct db_statement lock = {
        "lock_one", "SELECT application_id FROM work ORDER BY due_at LIMIT 1 FOR UPDATE"};
    struct work_item items[MOST];
    assert_true(db_execute(tx, &lock, DB_NO_VALUES, NULL, f));
    *(size_t *)context = claim(collect_db, STAGE_COLLECT, MOST, items);
    return true;
}

static void a_claim_does_not_wait_for_what_another_holds(void **state)
{
    (void)state;
    size_t n = 0;
    make_due(3, "collect");
    assert_true(db_transaction(collect_db, hold_claim, &n, NULL));
    assert_int_equal(n, 2);
}

struct giving_back {
    const struct work_item *item;
    instant due_at;
};

static bool give_back(struct db_tx *tx, void *context, struct failure *f)
{
    const struct giving_back *g = context;
    return work_return(tx, g->item, g->due_at, "portal-silent", f);
}

static void what_is_given_back_is_due_again_then(void **state)
{
    (void)state;
    struct work_item first, second;
    struct giving_back g = {&first, clock_now() + 5 * INSTANT_SECOND};
    make_due(1, "collect");
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &first), 1);
    assert_true(db_transaction(collect_db, give_back, &g, NULL));
    assert_int_equal(count("work WHERE note = 'portal-silent'"), 1);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &second), 0);
    clock_fix(clock_now() + 6 * INSTANT_SECOND);
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &second), 1);
    g.due_at = 0; /* who claimed before gives nothing back any more */
    assert_true(db_transaction(collect_db, give_back, &g, NULL));
    assert_int_equal(count("work WHERE due_at < now()"), 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, empty)
    const struct CMUnitTest tests[] = {
        EACH(a_claim_is_a_lease_of_the_oldest),
        EACH(claims_of_two_workers_never_overlap),
        EACH(a_claim_does_not_wait_for_what_another_holds),
        EACH(what_is_given_back_is_due_again_then),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

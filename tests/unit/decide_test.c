/* Claims, decisions, and what is stored with an application: crash semantics first. */
#include "intake/decide.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "intake/application.h"
#include "intake/schema.h"
#include "intake/work.h"
#include "routing/portal.h"
#include "tests/support/applications.h"
#include "tests/support/database.h"

static struct test_database database;
static struct db *collect_db, *examine_db;
static struct city_key *city_key;

static const char more[] = "[work]\nlease = 30s\n"
                           "[channel pittari]\nurl = https://localhost\nclient-id = x\n"
                           "[channel quiet]\nurl = https://localhost\nclient-id = x\n"
                           "status-collected =\n";

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {
        &work_config_section, &channel_config_section, &audit_config_section};
    test_database_make(&database, more, sections, 3);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    collect_db = test_database_open(&database, "collect", 4);
    examine_db = test_database_open(&database, "examine", 4);
    city_key = test_city_key(&database);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(collect_db);
    db_close(examine_db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    clock_fix(0);
    test_sql(&database,
             "SET session_replication_role = replica;"
             "SET client_min_messages = warning;"
             "TRUNCATE application, application_event, application_key, package,"
             " package_evidence, examination, identification,"
             " identification_decision, work, outbox,"
             " outbox_item, delivery, audit_entry, audit_chain, audit_checkpoint CASCADE");
    return 0;
}

static long long count(const char *what)
{
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", what);
    return test_sql_number(&database, sql);
}

/* `n` announced applications, due for `stage`; the first has been due for longest. */
static void make_due(int n, const char *stage)
{
    for (int i = 1; i <= n; i++) {
        char sql[300], id[37];
        test_application_make(&database, city_key, i, "pittari");
        snprintf(sql, sizeof sql,
                 "INSERT INTO work (city_code, application_id, stage, due_at) VALUES ('" TEST_CITY
                 "', '%s', '%s', now() - interval '1 hour' + interval '1 second' * %d)",
                 test_application_id(i, id), stage, i);
        test_sql(&database, sql);
    }
}

/* --- claims ------------------------------------------------------------------------------------
 */

#define MOST 300

static size_t claim(struct db *db, enum stage stage, size_t most, struct work_item *items)
{
    struct failure f = {0};
    size_t n = 0;
    if (!work_claim(db, database.config, stage, most, items, &n, &f))
        fail_msg("%s", f.text);
    return n;
}

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

/* --- decisions ---------------------------------------------------------------------------------
 */

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

/* --- what is stored ----------------------------------------------------------------------------
 */

struct storing {
    struct work_item item;
    struct bytes package;
    bool evidence;
    const struct examination *examination;
    struct stored_application application;
    struct stored_examination stored;
};

static bool store_package(struct db_tx *tx, void *context, struct failure *f)
{
    const struct storing *s = context;
    struct wrapped_key key;
    return application_keys(tx, city_key, &s->item, 1, &key, f) &&
           application_store_package(tx, city_key, &s->item, &key, s->package, s->evidence, f);
}

static bool load_package(struct db_tx *tx, void *context, struct failure *f)
{
    struct storing *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return application_fetch_packages(tx, &s->item, 1, 0, &rows, f) &&
           application_open_package(rows, 0, city_key, &s->item, &s->application, f);
}

static bool store_examination(struct db_tx *tx, void *context, struct failure *f)
{
    const struct storing *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    struct stored_application package = {0};
    if (!application_fetch_packages(tx, &s->item, 1, 0, &rows, f) ||
        !application_open_package(rows, 0, city_key, &s->item, &package, f))
        return false;
    bool done =
        application_store_examination(tx, city_key, &s->item, &package.key, s->examination, f);
    stored_application_free(&package);
    return done;
}

static bool load_examination(struct db_tx *tx, void *context, struct failure *f)
{
    struct storing *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return application_fetch_examinations(tx, &s->item, 1, &rows, f) &&
           application_open_examination(rows, 0, city_key, &s->item, &s->stored, f);
}

static bool store_atenabango(struct db_tx *tx, void *context, struct failure *f)
{
    const struct storing *s = context;
    return application_store_atenabango(tx, &s->item, "000000000012345", "serial", f);
}

static struct storing one_to_store(void)
{
    struct storing s = {0};
    make_due(1, "collect");
    test_sql(&database, "DELETE FROM application_key");
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &s.item), 1);
    return s;
}

static void a_package_is_stored_sealed_and_once(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.package = bytes_of_text("first bytes, 桜野市");
    assert_false(db_transaction(examine_db, load_package, &s, &f));
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    s.package = bytes_of_text("second bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_true(db_transaction(examine_db, load_package, &s, &f));
    assert_true(
        bytes_equal(buffer_bytes(&s.application.package), bytes_of_text("first bytes, 桜野市")));
    assert_string_equal(s.application.receipt_number, "R-00000001");
    assert_true(s.application.applied_at != 0);
    assert_int_equal(count("package WHERE position('first'::bytea IN sealed) > 0"), 0);
    assert_int_equal(count("package WHERE size = octet_length('first bytes, 桜野市')"
                           " AND sha256 = sha256(convert_to('first bytes, 桜野市', 'UTF8'))"),
                     1);
    assert_int_equal(count("application_key"), 1);
    stored_application_free(&s.application);
}

static void evidence_is_kept_aside_under_the_same_key(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.evidence = true;
    s.package = bytes_of_text("other bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_int_equal(count("package_evidence"), 1);
    assert_int_equal(count("package"), 0);
    assert_false(db_transaction(examine_db, load_package, &s, &f));
    s.evidence = false;
    s.package = bytes_of_text("the promised bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_true(db_transaction(examine_db, load_package, &s, &f));
    assert_int_equal(count("application_key"), 1);
    stored_application_free(&s.application);
    /* evidence in a package's place does not open as one */
    test_sql(&database, "UPDATE package SET sealed = e.sealed FROM package_evidence e");
    assert_false(db_transaction(examine_db, load_package, &s, &f));
    assert_int_equal(f.kind, FAILURE_INPUT);
}

static struct buffer buffer_of_text(const char *text)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, text);
    return buffer;
}

static void assert_json(const json_t *found, const struct buffer *expected)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    json_write(found, &text);
    assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(expected)));
}

static void an_examination_is_stored_and_replaced(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.package = bytes_of_text("bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));

    struct examination held = {.verdict = VERDICT_HELD,
                               .reason = "revocation-unavailable",
                               .sub_indication = "TRY_LATER",
                               .report = buffer_of_text("{\"verdict\":\"held\"}")};
    s.examination = &held;
    assert_true(db_transaction(examine_db, store_examination, &s, &f));
    struct db *identify_db = test_database_open(&database, "identify", 1);
    assert_true(db_transaction(identify_db, load_examination, &s, &f));
    assert_null(s.stored.record);
    assert_null(s.stored.facts);
    assert_string_equal(s.stored.serial, "");
    stored_examination_free(&s.stored);

    struct examination good = {.verdict = VERDICT_ACCEPTED,
                               .ca = "sign",
                               .serial = "0a1b",
                               .report = buffer_of_text("{\"verdict\":\"accepted\"}"),
                               .facts = buffer_of_text("{\"name\":\"桜野 花子\"}"),
                               .record = buffer_of_text("{\"children\":2}")};
    s.examination = &good;
    assert_true(db_transaction(examine_db, store_examination, &s, &f));
    assert_int_equal(count("examination WHERE verdict = 'accepted' AND reason IS NULL"), 1);
    assert_true(db_transaction(identify_db, store_atenabango, &s, &f));
    assert_true(db_transaction(identify_db, load_examination, &s, &f));
    db_close(identify_db);
    assert_json(s.stored.report, &good.report);
    assert_json(s.stored.facts, &good.facts);
    assert_json(s.stored.record, &good.record);
    assert_string_equal(s.stored.ca, "sign");
    assert_string_equal(s.stored.serial, "0a1b");
    assert_string_equal(s.stored.atenabango, "000000000012345");
    stored_examination_free(&s.stored);
    examination_free(&held);
    examination_free(&good);
}

struct fetching {
    struct work_item items[3];
    int64_t bytes_most;
    size_t rows;
    char texts[3][16]; /* "" of what could not be opened */
};

static bool store_each(struct db_tx *tx, void *context, struct failure *f)
{
    static const char *const texts[] = {"first", "second", "third"};
    const struct fetching *x = context;
    struct wrapped_key keys[3];
    if (!application_keys(tx, city_key, x->items, 3, keys, f))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!application_store_package(tx, city_key, &x->items[i], &keys[i],
                                       bytes_of_text(texts[i]), false, f))
            return false;
    return true;
}

static bool fetch_each(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetching *x = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!application_fetch_packages(tx, x->items, 3, x->bytes_most, &rows, f))
        return false;
    x->rows = db_row_count(rows);
    for (size_t i = 0; i < x->rows; i++) {
        struct stored_application stored = {0};
        struct failure why = {0};
        bool opened = application_open_package(rows, i, city_key, &x->items[i], &stored, &why);
        assert_true(opened || why.kind == FAILURE_INPUT);
        snprintf(x->texts[i], sizeof x->texts[i], "%.*s", (int)stored.package.length,
                 opened ? (const char *)stored.package.data : "");
        stored_application_free(&stored);
    }
    return true;
}

static void packages_come_in_order_and_bounded(void **state)
{
    (void)state;
    struct failure f = {0};
    struct fetching x = {.bytes_most = 0};
    make_due(3, "collect");
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 3, x.items), 3);
    assert_true(db_transaction(collect_db, store_each, &x, &f));
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 1); /* one always comes */
    x.bytes_most = 11;           /* "first" and "second" fill it to the edge */
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 2);
    x.bytes_most = 12;
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 3);
    char sql[160];
    snprintf(sql, sizeof sql, "DELETE FROM application_key WHERE application_id = '%s'",
             x.items[1].application_id);
    test_sql(&database, sql);
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 3);
    assert_string_equal(x.texts[0], "first");
    assert_string_equal(x.texts[1], "");
    assert_string_equal(x.texts[2], "third");
}

static void a_destroyed_key_forgets_the_application(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.package = bytes_of_text("bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    test_sql(&database, "DELETE FROM application_key");
    assert_false(db_transaction(examine_db, load_package, &s, &f));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, empty)
    const struct CMUnitTest tests[] = {
        EACH(a_claim_is_a_lease_of_the_oldest),
        EACH(claims_of_two_workers_never_overlap),
        EACH(a_claim_does_not_wait_for_what_another_holds),
        EACH(what_is_given_back_is_due_again_then),
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
        EACH(a_package_is_stored_sealed_and_once),
        EACH(evidence_is_kept_aside_under_the_same_key),
        EACH(an_examination_is_stored_and_replaced),
        EACH(packages_come_in_order_and_bounded),
        EACH(a_destroyed_key_forgets_the_application),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

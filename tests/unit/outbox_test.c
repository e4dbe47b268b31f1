#include "routing/outbox.h"

#include <pthread.h>
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
#include "tests/support/applications.h"

static struct test_database database;
static struct db *db; /* as the role routing */
static struct city_key *city_key;

static const char item_text[] = "{\"city_code\":\"992011\"}";

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    db = test_database_open(&database, "routing", 4);
    city_key = test_city_key(&database);
    for (int n = 1; n <= 12; n++)
        test_application_make(&database, city_key, n, n == 12 ? "other" : NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM outbox; DELETE FROM outbox_item; DELETE FROM delivery");
    return 0;
}

/* --- helpers: each is one transaction -----------------------------------------------------------
 */

static void hash_of_item(uint8_t hash[32])
{
    sha256(bytes_of_text(item_text), hash);
}

static const char *hash_text(void)
{
    static char text[65];
    sha256_hex(bytes_of_text(item_text), text);
    return text;
}

struct put {
    const struct outbox_entry *entries;
    size_t count;
};

static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct put *put = context;
    return outbox_put(tx, put->entries, put->count, f);
}

static void put_as(struct db *as, const struct outbox_entry *entries, size_t count)
{
    struct put put = {entries, count};
    struct failure f = {0};
    if (!db_transaction(as, put_work, &put, &f))
        fail_msg("%s", f.text);
}

static void put_item(const char *destination, int n)
{
    char id[37];
    uint8_t hash[32];
    struct buffer sealed = {0};
    hash_of_item(hash);
    test_application_seal(&database, city_key, n, "item", bytes_of_text(item_text), &sealed);
    struct outbox_entry entry = {
        TEST_CITY, destination, test_application_id(n, id), buffer_bytes(&sealed), hash, NULL};
    put_as(db, &entry, 1);
    buffer_free(&sealed);
}

static void put_status_as(struct db *as, int n, const char *status)
{
    char id[37];
    struct outbox_entry entry = {.city_code = TEST_CITY,
                                 .destination = OUTBOX_PORTAL,
                                 .application_id = test_application_id(n, id),
                                 .status = status};
    put_as(as, &entry, 1);
}

struct listing {
    const char *city, *destination, *channel;
    int64_t after;
    struct outbox_row rows[32];
    size_t most, count;
};

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct listing *l = context;
    const struct outbox_query query = {.city_code = l->city,
                                       .destination = l->destination,
                                       .channel = l->channel,
                                       .after = l->after};
    return outbox_list(tx, &query, l->rows, l->most, &l->count, f);
}

static struct listing list(const char *destination, const char *channel, int64_t after, size_t most)
{
    struct listing l = {.city = TEST_CITY,
                        .destination = destination,
                        .channel = channel,
                        .after = after,
                        .most = most};
    struct failure f = {0};
    if (!db_transaction(db, list_work, &l, &f))
        fail_msg("%s", f.text);
    return l;
}

static int64_t only_id(const char *destination)
{
    struct listing l = list(destination, NULL, 0, 32);
    assert_int_equal(l.count, 1);
    return l.rows[0].outbox_id;
}

struct receiving {
    const char *destination;
    struct outbox_receipt *receipts;
    size_t count;
};

static bool receive_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct receiving *r = context;
    return outbox_receive(tx, TEST_CITY, r->destination, r->receipts, r->count, f);
}

static void receive(const char *destination, struct outbox_receipt *receipts, size_t count)
{
    struct receiving r = {destination, receipts, count};
    struct failure f = {0};
    if (!db_transaction(db, receive_work, &r, &f))
        fail_msg("%s", f.text);
}

static struct outbox_receipt receipt(int64_t id, const char *sha256, bool accepted)
{
    struct outbox_receipt r = {
        .outbox_id = id, .accepted = accepted, .problems = accepted ? NULL : "[{}]"};
    snprintf(r.sha256, sizeof r.sha256, "%s", sha256);
    return r;
}

static enum receipt_result receive_one(const char *destination, int64_t id, const char *sha256,
                                       bool accepted)
{
    struct outbox_receipt r = receipt(id, sha256, accepted);
    receive(destination, &r, 1);
    return r.result;
}

/* --- putting ------------------------------------------------------------------------------------
 */

static void what_is_put_waits_once(void **state)
{
    (void)state;
    put_item("child-allowance", 1);
    put_item("child-allowance", 1);
    struct listing l = list("child-allowance", NULL, 0, 32);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.rows[0].receipt_number, "R-00000001");
    assert_string_equal(l.rows[0].channel, "pittari");
    assert_string_equal(l.rows[0].procedure_id, "child-allowance.certification-claim");
    assert_string_equal(l.rows[0].sha256, hash_text());
    assert_string_equal(l.rows[0].status, "");
    assert_int_equal(l.rows[0].attempts, 0);
    assert_true(l.rows[0].created_at > 0);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox_item"), 1);
    assert_int_equal(list("health", NULL, 0, 32).count, 0);
}

static void many_entries_share_a_transaction(void **state)
{
    (void)state;
    char ids[5][37];
    uint8_t hash[32] = {0};
    struct outbox_entry entries[5] = {0};
    for (int i = 0; i < 5; i++)
        entries[i] = (struct outbox_entry){
            .city_code = TEST_CITY,
            .destination = i % 2 ? "health" : "child-allowance",
            .application_id = test_application_id(i + 1, ids[i]),
            .sealed = bytes_of("x", 1),
            .sha256 = hash,
        };
    entries[4] = (struct outbox_entry){.city_code = TEST_CITY,
                                       .destination = OUTBOX_PORTAL,
                                       .application_id = ids[0],
                                       .status = "処理中"};
    put_as(db, entries, 5);
    put_as(db, entries, 0);
    assert_int_equal(list("child-allowance", NULL, 0, 32).count, 2);
    assert_int_equal(list("health", NULL, 0, 32).count, 2);
    assert_int_equal(list(OUTBOX_PORTAL, NULL, 0, 32).count, 1);
}

static void every_role_may_tell_the_portal(void **state)
{
    (void)state;
    static const char *const roles[] = {"collect", "examine", "identify", "routing"};
    for (int i = 0; i < 4; i++) {
        struct db *as = test_database_open(&database, roles[i], 1);
        put_status_as(as, i + 1, "取得済");
        db_close(as);
    }
    assert_int_equal(list(OUTBOX_PORTAL, NULL, 0, 32).count, 4);
}

static void a_put_wakes_who_listens(void **state)
{
    (void)state;
    char name[OUTBOX_CHANNEL];
    const char *channel = outbox_channel("child-allowance", name);
    assert_string_equal(channel, "outbox_child_allowance");
    struct db_listener *listener = NULL;
    struct failure f = {0};
    assert_true(db_listen(db, &channel, 1, &listener, &f));
    assert_false(db_listener_wait(listener, INSTANT_SECOND / 20));
    put_item("health", 1);
    assert_false(db_listener_wait(listener, INSTANT_SECOND / 20));
    put_item("child-allowance", 1);
    assert_true(db_listener_wait(listener, 5 * INSTANT_SECOND));
    db_listener_close(listener);
}

/* A transaction that put first holds back one that puts later until it ends: nobody can see the
 * later id without the earlier. */
struct slow_put {
    pthread_barrier_t *barrier;
    int n;
};

static bool slow_put_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct slow_put *slow = context;
    static const struct db_statement nothing = {"test_nothing", "SELECT 1"};
    char id[37];
    uint8_t hash[32] = {0};
    struct outbox_entry entry = {
        TEST_CITY, "child-allowance", test_application_id(slow->n, id), bytes_of("x", 1), hash,
        NULL};
    if (!outbox_put(tx, &entry, 1, f) || !db_execute(tx, &nothing, DB_NO_VALUES, NULL, f))
        return false;
    pthread_barrier_wait(slow->barrier); /* the other one may try now */
    usleep(300000);
    return true;
}

static void *slow_put_run(void *context)
{
    struct failure f = {0};
    return db_transaction(db, slow_put_work, context, &f) ? NULL : context;
}

static void ids_appear_in_their_order(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    struct slow_put slow = {&barrier, 1};
    assert_int_equal(pthread_create(&thread, NULL, slow_put_run, &slow), 0);
    pthread_barrier_wait(&barrier);
    put_item("health", 3); /* another destination does not wait */
    assert_int_equal(list("child-allowance", NULL, 0, 32).count, 0);
    put_item("child-allowance", 2);
    struct listing l = list("child-allowance", NULL, 0, 32);
    void *broken = NULL;
    pthread_join(thread, &broken);
    pthread_barrier_destroy(&barrier);
    assert_null(broken);
    assert_int_equal(l.count, 2);
    assert_string_equal(l.rows[0].receipt_number, "R-00000001");
    assert_string_equal(l.rows[1].receipt_number, "R-00000002");
}

/* --- what waits ---------------------------------------------------------------------------------
 */

static void a_list_pages_by_its_cursor(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        put_item("child-allowance", n);
    struct listing first = list("child-allowance", NULL, 0, 2);
    assert_int_equal(first.count, 2);
    struct listing second = list("child-allowance", NULL, first.rows[1].outbox_id, 2);
    assert_int_equal(second.count, 2);
    assert_string_equal(second.rows[0].receipt_number, "R-00000003");
    struct listing third = list("child-allowance", NULL, second.rows[1].outbox_id, 2);
    assert_int_equal(third.count, 1);
    assert_int_equal(list("child-allowance", NULL, third.rows[0].outbox_id, 2).count, 0);
}

static void a_list_keeps_to_its_channel(void **state)
{
    (void)state;
    put_status_as(db, 1, "取得済");
    put_status_as(db, 12, "取得済");
    assert_int_equal(list(OUTBOX_PORTAL, NULL, 0, 32).count, 2);
    struct listing l = list(OUTBOX_PORTAL, "other", 0, 32);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.rows[0].receipt_number, "R-00000012");
    assert_string_equal(l.rows[0].status, "取得済");
}

struct fetching {
    const char *destination;
    int64_t id;
    bool found;
    char application_id[37];
    struct buffer sealed, key;
};

static bool fetch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetching *x = context;
    return outbox_fetch(tx, TEST_CITY, x->destination, x->id, &x->found, x->application_id,
                        &x->sealed, &x->key, f);
}

static struct fetching fetch(const char *destination, int64_t id)
{
    struct fetching x = {.destination = destination, .id = id};
    struct failure f = {0};
    if (!db_transaction(db, fetch_work, &x, &f))
        fail_msg("%s", f.text);
    return x;
}

static void a_fetch_gives_what_was_put_and_counts(void **state)
{
    (void)state;
    char id[37], binding[64];
    put_item("child-allowance", 7);
    int64_t outbox_id = only_id("child-allowance");
    struct fetching x = fetch("child-allowance", outbox_id);
    assert_true(x.found);
    assert_string_equal(x.application_id, test_application_id(7, id));
    struct application_key key;
    struct buffer plain = {0};
    struct failure f = {0};
    snprintf(binding, sizeof binding, "%s/%s", TEST_CITY, id);
    assert_true(application_key_unwrap(city_key, binding, buffer_bytes(&x.key), &key, &f));
    assert_true(unseal(&key, "item", binding, buffer_bytes(&x.sealed), &plain, &f));
    assert_string_equal(buffer_text(&plain), item_text);
    assert_int_equal(list("child-allowance", NULL, 0, 32).rows[0].attempts, 1);
    assert_false(fetch("health", outbox_id).found);
    assert_false(fetch("child-allowance", outbox_id + 1).found);
    buffer_free(&x.sealed);
    buffer_free(&x.key);
    buffer_free(&plain);
}

/* --- receipts -----------------------------------------------------------------------------------
 */

static void a_receipt_moves_the_item_to_the_past(void **state)
{
    (void)state;
    char id[37];
    put_item("child-allowance", 1);
    struct outbox_receipt r = receipt(only_id("child-allowance"), hash_text(), true);
    receive("child-allowance", &r, 1);
    assert_int_equal(r.result, RECEIPT_TAKEN);
    assert_string_equal(r.application_id, test_application_id(1, id));
    assert_int_equal(list("child-allowance", NULL, 0, 32).count, 0);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox_item"), 1);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT count(*) FROM delivery WHERE accepted "
                                     "AND kept AND problems IS NULL AND length(sha256) = 32"),
                     1);
}

static void a_repeated_receipt_changes_nothing(void **state)
{
    (void)state;
    put_item("child-allowance", 1);
    int64_t id = only_id("child-allowance");
    assert_int_equal(receive_one("child-allowance", id, hash_text(), true), RECEIPT_TAKEN);
    assert_int_equal(receive_one("child-allowance", id, hash_text(), true), RECEIPT_REPEATED);
    assert_int_equal(receive_one("child-allowance", id, hash_text(), true), RECEIPT_REPEATED);
    assert_int_equal(test_sql_number(&database, "SELECT repeated FROM delivery"), 2);
}

static void another_result_than_before_is_a_conflict(void **state)
{
    (void)state;
    put_item("child-allowance", 1);
    int64_t id = only_id("child-allowance");
    assert_int_equal(receive_one("child-allowance", id, hash_text(), false), RECEIPT_TAKEN);
    assert_int_equal(receive_one("child-allowance", id, hash_text(), true), RECEIPT_CONFLICT);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM delivery WHERE NOT accepted "
                                                "AND NOT kept AND repeated = 0"),
                     1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox_item"), 0);
}

static void a_wrong_hash_is_no_receipt(void **state)
{
    (void)state;
    char wrong[65];
    memset(wrong, 'a', 64);
    wrong[64] = '\0';
    put_item("child-allowance", 1);
    int64_t id = only_id("child-allowance");
    assert_int_equal(receive_one("child-allowance", id, wrong, true), RECEIPT_WRONG_HASH);
    assert_int_equal(list("child-allowance", NULL, 0, 32).count, 1);
    assert_int_equal(receive_one("child-allowance", id, hash_text(), true), RECEIPT_TAKEN);
    assert_int_equal(receive_one("child-allowance", id, wrong, true), RECEIPT_WRONG_HASH);
}

static void anothers_item_is_unknown(void **state)
{
    (void)state;
    put_item("child-allowance", 1);
    int64_t id = only_id("child-allowance");
    assert_int_equal(receive_one("health", id, hash_text(), true), RECEIPT_UNKNOWN);
    assert_int_equal(receive_one("child-allowance", id + 1, hash_text(), true), RECEIPT_UNKNOWN);
    assert_int_equal(list("child-allowance", NULL, 0, 32).count, 1);
}

static void one_request_may_hold_all_kinds(void **state)
{
    (void)state;
    char wrong[65];
    memset(wrong, 'b', 64);
    wrong[64] = '\0';
    for (int n = 1; n <= 3; n++)
        put_item("child-allowance", n);
    struct listing l = list("child-allowance", NULL, 0, 32);
    int64_t a = l.rows[0].outbox_id, b = l.rows[1].outbox_id, c = l.rows[2].outbox_id;
    struct outbox_receipt r[] = {
        receipt(a, hash_text(), true), receipt(b, wrong, true),     receipt(b, hash_text(), false),
        receipt(a, hash_text(), true), receipt(c + 9, wrong, true), receipt(a, hash_text(), false),
        receipt(c, wrong, true),
    };
    receive("child-allowance", r, 7);
    const enum receipt_result expected[] = {RECEIPT_TAKEN,     RECEIPT_WRONG_HASH, RECEIPT_TAKEN,
                                            RECEIPT_REPEATED,  RECEIPT_UNKNOWN,    RECEIPT_CONFLICT,
                                            RECEIPT_WRONG_HASH};
    for (int i = 0; i < 7; i++)
        assert_string_equal(receipt_result_name(r[i].result), receipt_result_name(expected[i]));
    assert_int_equal(only_id("child-allowance"), c);
}

struct race {
    int64_t id;
    enum receipt_result result;
};

static void *race_run(void *context)
{
    struct race *race = context;
    struct outbox_receipt r = receipt(race->id, hash_text(), true);
    struct receiving x = {"child-allowance", &r, 1};
    struct failure f = {0};
    if (!db_transaction(db, receive_work, &x, &f))
        return context;
    race->result = r.result;
    return NULL;
}

static void of_receipts_that_race_one_is_taken(void **state)
{
    (void)state;
    for (int round = 1; round <= 5; round++) {
        put_item("child-allowance", round);
        int64_t id = only_id("child-allowance");
        struct race races[4];
        pthread_t threads[4];
        int taken = 0;
        for (int i = 0; i < 4; i++) {
            races[i] = (struct race){id, RECEIPT_UNKNOWN};
            pthread_create(&threads[i], NULL, race_run, &races[i]);
        }
        for (int i = 0; i < 4; i++) {
            void *broken = NULL;
            pthread_join(threads[i], &broken);
            assert_null(broken);
            assert_true(races[i].result == RECEIPT_TAKEN || races[i].result == RECEIPT_REPEATED);
            taken += races[i].result == RECEIPT_TAKEN;
        }
        assert_int_equal(taken, 1);
    }
}

/* --- statuses -----------------------------------------------------------------------------------
 */

struct noting {
    int64_t id;
    instant due_at; /* 0: deliver */
};

static bool note_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct noting *n = context;
    if (n->due_at)
        return outbox_defer(tx, TEST_CITY, OUTBOX_PORTAL, &n->id, 1, "not now", n->due_at, f);
    return outbox_deliver(tx, TEST_CITY, OUTBOX_PORTAL, &n->id, 1, f);
}

/* As the role report, which may do less. */
static void note(int64_t id, instant due_at)
{
    struct noting n = {id, due_at};
    struct failure f = {0};
    struct db *as = test_database_open(&database, "report", 1);
    if (!db_transaction(as, note_work, &n, &f))
        fail_msg("%s", f.text);
    db_close(as);
}

static void statuses_of_an_application_keep_their_order(void **state)
{
    (void)state;
    put_status_as(db, 1, "取得済");
    put_status_as(db, 1, "処理中");
    put_status_as(db, 2, "取得済");
    struct listing l = list(OUTBOX_PORTAL, NULL, 0, 32);
    assert_int_equal(l.count, 2); /* the second of application 1 waits for the first */
    assert_string_equal(l.rows[0].status, "取得済");
    note(l.rows[0].outbox_id, clock_now() + 3600 * INSTANT_SECOND);
    struct listing deferred = list(OUTBOX_PORTAL, NULL, 0, 32);
    assert_int_equal(deferred.count, 1);
    assert_string_equal(deferred.rows[0].receipt_number, "R-00000002");
    note(l.rows[0].outbox_id, clock_now() + 365 * INSTANT_DAY); /* by a clock that stood wrong */
    assert_int_equal(list(OUTBOX_PORTAL, NULL, 0, 32).count, 2);
    note(l.rows[0].outbox_id, 0);
    struct listing next = list(OUTBOX_PORTAL, NULL, 0, 32);
    assert_int_equal(next.count, 2);
    assert_string_equal(next.rows[0].status, "処理中");
    assert_int_equal(test_sql_number(&database, "SELECT attempts FROM delivery"), 3);
}

static void a_deferred_row_says_why(void **state)
{
    (void)state;
    put_status_as(db, 1, "取得済");
    note(only_id(OUTBOX_PORTAL), clock_now() - INSTANT_SECOND);
    struct listing l = list(OUTBOX_PORTAL, NULL, 0, 32);
    assert_int_equal(l.rows[0].attempts, 1);
    char *why = test_sql_text(&database, "SELECT last_error FROM outbox");
    assert_string_equal(why, "not now");
    free(why);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(what_is_put_waits_once),
        EACH(many_entries_share_a_transaction),
        EACH(every_role_may_tell_the_portal),
        EACH(a_put_wakes_who_listens),
        EACH(ids_appear_in_their_order),
        EACH(a_list_pages_by_its_cursor),
        EACH(a_list_keeps_to_its_channel),
        EACH(a_fetch_gives_what_was_put_and_counts),
        EACH(a_receipt_moves_the_item_to_the_past),
        EACH(a_repeated_receipt_changes_nothing),
        EACH(another_result_than_before_is_a_conflict),
        EACH(a_wrong_hash_is_no_receipt),
        EACH(anothers_item_is_unknown),
        EACH(one_request_may_hold_all_kinds),
        EACH(of_receipts_that_race_one_is_taken),
        EACH(statuses_of_an_application_keep_their_order),
        EACH(a_deferred_row_says_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

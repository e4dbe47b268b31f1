/* Consumers of one destination that share its work: claims. */
#include "routing/claim.h"

#include <inttypes.h>
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
#include "tests/support/routing.h"

#define CLAIMS "/routing/v1/claims"

static int set_up(void **state)
{
    (void)state;
    house_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    return 0;
}

/* Anew: it remembers when claims end. */
static int reset(void **state)
{
    (void)state;
    house_stop();
    house_start();
    house_clear();
    return 0;
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static size_t items_of(const json_t *answer)
{
    return json_array_size(json_object_get(answer, "items"));
}

/* --- claims --------------------------------------------------------------------------------------
 */

static json_t *claim(struct http_client *c, int most, int seconds)
{
    _cleanup_(cleanup_text) char *body = text_format("{\"most\":%d,\"seconds\":%d}", most, seconds);
    return house_ask_json(c, "POST", CLAIMS, body, 200);
}

/* What becomes of a receipt under a claim. */
static const char *receipt_under(const json_t *item, const char *claim)
{
    static char result[32];
    _cleanup_(cleanup_text) char *body =
        text_format("[{\"id\":\"%s\",\"sha256\":\"%s\",\"result\":\"accepted\"%s%s%s}]",
                    text_at(item, "id"), text_at(item, "sha256"), claim ? ",\"claim\":\"" : "",
                    claim ? claim : "", claim ? "\"" : "");
    _cleanup_(cleanup_json) json_t *answer =
        house_ask_json(house.ours, "POST", "/routing/v1/receipts", body, 200);
    snprintf(result, sizeof result, "%s",
             house_text(json_object_get(answer, "results"), 0, "result"));
    return result;
}

static void consumers_share_what_waits(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        house_put(n);
    _cleanup_(cleanup_json) json_t *first = claim(house.ours, 2, 60);
    _cleanup_(cleanup_json) json_t *second = claim(house.ours, 100, 60);
    _cleanup_(cleanup_json) json_t *third = claim(house.ours, 100, 60);
    assert_int_equal(items_of(first), 2);
    assert_int_equal(items_of(second), 3);
    assert_int_equal(items_of(third), 0);
    assert_null(json_object_get(third, "claim"));
    const json_t *items = json_object_get(first, "items");
    assert_string_equal(text_at(first, "oldest_waiting"), house_text(items, 0, "id"));
    assert_string_equal(house_text(items, 0, "receipt_number"), "R-00000001");
    _cleanup_(cleanup_text) char *content = house_item(1);
    assert_string_equal(house_text(items, 0, "item"), content);
    assert_string_equal(house_text(json_object_get(second, "items"), 0, "receipt_number"),
                        "R-00000003");
    _cleanup_(cleanup_json) json_t *list = /* the order stays to be seen */
        house_ask_json(house.ours, "GET", "/routing/v1/items", NULL, 200);
    assert_int_equal(items_of(list), 5);
    assert_non_null(text_at(json_array_get(json_object_get(list, "items"), 4), "claimed_until"));
    _cleanup_(cleanup_json) json_t *others = claim(house.theirs, 100, 60);
    assert_int_equal(items_of(others), 0);
}

static void a_claim_keeps_others_receipts_off(void **state)
{
    (void)state;
    house_put(1);
    _cleanup_(cleanup_json) json_t *mine = claim(house.ours, 1, 60);
    const json_t *item = json_array_get(json_object_get(mine, "items"), 0);
    assert_string_equal(receipt_under(item, NULL), "claimed");
    assert_string_equal(receipt_under(item, "00000000-0000-4000-8000-000000000000.1.9"), "claimed");
    assert_int_equal(house.accepted, 0);
    assert_string_equal(receipt_under(item, text_at(mine, "claim")), "taken");
    assert_string_equal(receipt_under(item, NULL), "repeated");
}

static void a_claim_runs_out_by_itself(void **state)
{
    (void)state;
    house_put(1);
    _cleanup_(cleanup_json) json_t *mine = claim(house.ours, 1, 1);
    usleep(1100000);
    _cleanup_(cleanup_json) json_t *theirs = claim(house.ours, 1, 60);
    assert_int_equal(items_of(theirs), 1);
    const json_t *item = json_array_get(json_object_get(mine, "items"), 0);
    assert_string_equal(receipt_under(item, text_at(mine, "claim")), "claimed");
    assert_string_equal(receipt_under(item, text_at(theirs, "claim")), "taken");
    _cleanup_(cleanup_text) char *path = text_format(CLAIMS "/%s/renew", text_at(mine, "claim"));
    house_expect(house.ours, "POST", path, "{\"seconds\":5}", 409, "E0105");
}

/* A claim of ours, and one that another process made. */
static void who_waits_to_claim_is_woken_when_a_claim_ends(void **state)
{
    (void)state;
    house_put(1);
    for (int i = 0; i < 2; i++) {
        _cleanup_(cleanup_json) json_t *held = i ? NULL : claim(house.ours, 1, 1);
        if (held)
            assert_int_equal(items_of(held), 1);
        else
            test_sql(&house.database,
                     "DELETE FROM outbox_claim; INSERT INTO outbox_claim SELECT city_code,"
                     " destination, outbox_id, outbox_id, gen_random_uuid(), now(),"
                     " now() + interval '1 second' FROM outbox");
        int64_t begun = clock_monotonic();
        _cleanup_(cleanup_json) json_t *mine = house_ask_json(house.ours, "POST", CLAIMS "?wait=30",
                                                              "{\"most\":1,\"seconds\":60}", 200);
        assert_int_equal(items_of(mine), 1);
        assert_true(clock_monotonic() - begun < 10 * INSTANT_SECOND);
    }
}

static void a_claim_is_renewed_and_released(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        house_put(n);
    _cleanup_(cleanup_json) json_t *mine = claim(house.ours, 3, 1);
    _cleanup_(cleanup_text) char *path = text_format(CLAIMS "/%s", text_at(mine, "claim"));
    _cleanup_(cleanup_text) char *renew = text_format("%s/renew", path);
    _cleanup_(cleanup_json) json_t *renewed =
        house_ask_json(house.ours, "POST", renew, "{\"seconds\":60}", 200);
    assert_int_equal(json_integer_value(json_object_get(renewed, "held")), 3);
    usleep(1100000);
    _cleanup_(cleanup_json) json_t *none = claim(house.ours, 3, 60);
    assert_int_equal(items_of(none), 0);
    house_expect(house.theirs, "DELETE", path, NULL, 409, "E0105"); /* not theirs */
    _cleanup_(cleanup_json) json_t *released =
        house_ask_json(house.ours, "DELETE", path, NULL, 200);
    assert_int_equal(json_integer_value(json_object_get(released, "released")), 3);
    _cleanup_(cleanup_json) json_t *again = claim(house.ours, 3, 60);
    assert_int_equal(items_of(again), 3);
}

static json_t *release(const json_t *claim)
{
    _cleanup_(cleanup_text) char *path = text_format(CLAIMS "/%s", text_at(claim, "claim"));
    return house_ask_json(house.ours, "DELETE", path, NULL, 200);
}

static long long count_claims(void)
{
    return test_sql_number(&house.database, "SELECT count(*) FROM outbox_claim");
}

/* Never two runs with an id in common. */
static void assert_apart(void)
{
    assert_int_equal(test_sql_number(&house.database,
                                     "SELECT count(*) FROM outbox_claim a JOIN outbox_claim b"
                                     " USING (city_code, destination) WHERE a.first_id < b.first_id"
                                     " AND a.last_id >= b.first_id"),
                     0);
}

static void assert_numbers(const json_t *answer, const char *expected)
{
    char numbers[64] = "";
    for (size_t i = 0; i < items_of(answer); i++) {
        const char *number = house_text(json_object_get(answer, "items"), i, "receipt_number");
        strncat(numbers, number + strlen(number) - 1, 1);
    }
    assert_string_equal(numbers, expected);
}

static void a_claim_fills_the_gaps_between_others(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++)
        house_put(n);
    _cleanup_(cleanup_json) json_t *first = claim(house.ours, 2, 60);
    _cleanup_(cleanup_json) json_t *second = claim(house.ours, 2, 60);
    _cleanup_(cleanup_json) json_t *third = claim(house.ours, 1, 60);
    json_decref(release(first));
    _cleanup_(cleanup_json) json_t *gaps = claim(house.ours, 4, 60);
    assert_numbers(gaps, "1267");
    assert_apart();
    json_decref(release(third));
    _cleanup_(cleanup_json) json_t *rest = claim(house.ours, 100, 60);
    assert_numbers(rest, "58");
    assert_apart();
    _cleanup_(cleanup_json) json_t *released = release(gaps); /* of both of its runs */
    assert_int_equal(json_integer_value(json_object_get(released, "released")), 4);
    json_decref(release(second));
    _cleanup_(cleanup_json) json_t *again = claim(house.ours, 100, 60);
    assert_numbers(again, "123467");
    assert_apart();
}

static void what_comes_again_is_in_no_claim(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        house_put(n);
    _cleanup_(cleanup_json) json_t *mine = claim(house.ours, 3, 60);
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(json_object_get(mine, "items"), i);
        _cleanup_(cleanup_text) char *path =
            text_format("/routing/v1/items/%s/redeliver", text_at(item, "id"));
        assert_string_equal(receipt_under(item, text_at(mine, "claim")), "taken");
        json_decref(house_ask_json(house.ours, "POST", path, NULL, 200));
        assert_apart();
        _cleanup_(cleanup_json) json_t *again = claim(house.ours, 3, 60);
        assert_int_equal(items_of(again), 1);
        assert_string_equal(house_text(json_object_get(again, "items"), 0, "id"),
                            text_at(item, "id"));
        assert_apart();
        assert_string_equal(receipt_under(item, text_at(mine, "claim")), "claimed");
        assert_string_equal(receipt_under(item, text_at(again, "claim")), "taken");
    }
    assert_int_equal(count_claims(), 0);
}

/* As often as it was handed out, whatever became of the claim. */
static void what_is_claimed_was_tried(void **state)
{
    (void)state;
    house_put(1);
    house_put(2);
    json_decref(claim(house.ours, 2, 1));
    usleep(1100000);
    _cleanup_(cleanup_json) json_t *given_back = claim(house.ours, 2, 60);
    json_decref(release(given_back));
    _cleanup_(cleanup_json) json_t *mine = claim(house.ours, 2, 60);
    _cleanup_(cleanup_json) json_t *list =
        house_ask_json(house.ours, "GET", "/routing/v1/items", NULL, 200);
    for (size_t i = 0; i < 2; i++) {
        const json_t *item = json_array_get(json_object_get(list, "items"), i);
        assert_int_equal(json_integer_value(json_object_get(item, "attempts")), 3);
        item = json_array_get(json_object_get(mine, "items"), i);
        assert_int_equal(count_claims(), 1);
        assert_string_equal(receipt_under(item, text_at(mine, "claim")), "taken");
    }
    assert_int_equal(count_claims(), 0); /* nothing is left to hold */
    assert_int_equal(test_sql_number(&house.database, "SELECT sum(attempts) FROM delivery"), 6);
}

/* The trail takes nothing, so that nothing may be handed out. */
static void what_was_claimed_and_could_not_be_read_is_anybodys(void **state)
{
    (void)state;
    house_put(1);
    house_put(2);
    test_sql(&house.database, "REVOKE INSERT ON audit_entry FROM uketsuke_routing");
    house_expect(house.ours, "POST", CLAIMS, "{\"most\":2,\"seconds\":60}", 503, "E0190");
    test_sql(&house.database, "GRANT INSERT ON audit_entry TO uketsuke_routing");
    assert_int_equal(count_claims(), 0);
    _cleanup_(cleanup_json) json_t *mine = claim(house.ours, 2, 60);
    assert_int_equal(items_of(mine), 2);
    assert_int_equal(test_sql_number(&house.database, "SELECT sum(attempts) FROM outbox_tried"), 2);
}

/* --- claims of several servers -------------------------------------------------------------------
 */

struct rival {
    pthread_t thread;
    struct claim_place place;
    struct claim claim;
    int64_t ids[2];
    size_t count;
};

static bool rival_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct rival *r = context;
    bool done = claim_make(tx, &r->place, 2, 60, &r->claim, r->ids, &r->count, f);
    usleep(100000); /* as if it read much */
    return done;
}

static void *rival_run(void *context)
{
    struct failure f = {0};
    return db_transaction(house.db, rival_work, context, &f) ? context : NULL;
}

static void several_servers_never_claim_the_same(void **state)
{
    (void)state;
    struct rival rivals[4] = {0};
    for (int n = 1; n <= 8; n++)
        house_put(n);
    for (int i = 0; i < 4; i++) {
        rivals[i].place = (struct claim_place){TEST_CITY, HOUSE_OURS, 0};
        assert_int_equal(pthread_create(&rivals[i].thread, NULL, rival_run, &rivals[i]), 0);
    }
    int64_t seen[8];
    size_t count = 0;
    for (int i = 0; i < 4; i++) {
        void *done;
        pthread_join(rivals[i].thread, &done);
        assert_non_null(done);
        assert_int_equal(rivals[i].count, 2);
        assert_true(rivals[i].ids[0] < rivals[i].ids[1]);
        for (size_t j = 0; j < 2; j++) {
            for (size_t k = 0; k < count; k++)
                assert_int_not_equal(rivals[i].ids[j], seen[k]);
            seen[count++] = rivals[i].ids[j];
        }
    }
    assert_apart();
}

/* A server that has not heard yet that something old waits again leaves another's claim on it. */
static void a_stale_floor_ends_no_claim(void **state)
{
    (void)state;
    house_put(1);
    house_put(2);
    json_decref(claim(house.ours, 1, 60));
    struct rival late = {.place = {TEST_CITY, HOUSE_OURS, 0}};
    late.place.floor = test_sql_number(&house.database, "SELECT min(outbox_id) FROM outbox");
    assert_non_null(rival_run(&late));
    assert_int_equal(late.count, 1);
    assert_int_equal(count_claims(), 2);
    test_sql(&house.database, "DELETE FROM outbox WHERE outbox_id = (SELECT min(outbox_id)"
                              " FROM outbox)"); /* withdrawn: nothing waits in the first */
    late.count = 0;
    assert_non_null(rival_run(&late));
    assert_int_equal(late.count, 0);
    assert_int_equal(count_claims(), 1);
}

static void what_is_no_claim_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code;
    } wrong[] = {
        {"{}", "E0001"},
        {"{\"most\":1}", "E0001"},
        {"{\"most\":0,\"seconds\":5}", "E0002"},
        {"{\"most\":501,\"seconds\":5}", "E0002"},
        {"{\"most\":1,\"seconds\":0}", "E0002"},
        {"{\"most\":1,\"seconds\":3601}", "E0002"},
        {"{\"most\":\"1\",\"seconds\":5}", "E0002"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        house_expect(house.ours, "POST", CLAIMS, wrong[i].body, 400, wrong[i].code);
    json_decref(claim(house.ours, 100, 3600));
    house_expect(house.ours, "DELETE", CLAIMS "/x", NULL, 404, "E0100");
    house_expect(house.ours, "DELETE", CLAIMS "/00000000-0000-4000-8000-000000000000.2.1", NULL,
                 404, "E0100");
    house_expect(house.ours, "DELETE", CLAIMS "/00000000-0000-4000-8000-000000000000.1.2", NULL,
                 409, "E0105");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(consumers_share_what_waits),
        EACH(a_claim_keeps_others_receipts_off),
        EACH(a_claim_runs_out_by_itself),
        EACH(who_waits_to_claim_is_woken_when_a_claim_ends),
        EACH(a_claim_is_renewed_and_released),
        EACH(a_claim_fills_the_gaps_between_others),
        EACH(what_comes_again_is_in_no_claim),
        EACH(what_is_claimed_was_tried),
        EACH(what_was_claimed_and_could_not_be_read_is_anybodys),
        EACH(several_servers_never_claim_the_same),
        EACH(a_stale_floor_ends_no_claim),
        EACH(what_is_no_claim_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

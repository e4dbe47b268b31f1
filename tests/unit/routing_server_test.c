#include "routing/server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/metrics.h"
#include "base/text.h"
#include "tests/support/routing.h"

static int set_up(void **state)
{
    (void)state;
    house.more = "connections-of-destination-most = 3\n";
    house_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    return 0;
}

static int reset(void **state)
{
    (void)state;
    house_clear();
    return 0;
}

/* --- lists --------------------------------------------------------------------------------------
 */

static void a_list_tells_what_waits(void **state)
{
    (void)state;
    house_put(1);
    json_t *answer = house_ask_json(house.ours, "GET", "/routing/v1/items", NULL, 200);
    const json_t *items = json_object_get(answer, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(house_text(items, 0, "receipt_number"), "R-00000001");
    assert_string_equal(house_text(items, 0, "procedure_id"),
                        "child-allowance.certification-claim");
    assert_string_equal(house_text(items, 0, "sha256"), house_hash(1));
    instant at;
    assert_true(instant_parse(house_text(items, 0, "created_at"), &at));
    const json_t *attempts = json_object_get(json_array_get(items, 0), "attempts");
    assert_int_equal(json_integer_value(attempts), 0);
    const char *next = json_string_value(json_object_get(answer, "next"));
    assert_int_equal(strncmp(next, house_text(items, 0, "id"), strcspn(next, "-")), 0);
    json_decref(answer);
}

static void a_list_pages(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        house_put(n);
    char path[128], next[64] = "0";
    size_t seen = 0;
    for (int page = 0; page < 3; page++) {
        snprintf(path, sizeof path, "/routing/v1/items?limit=2&after=%s", next);
        json_t *answer = house_ask_json(house.ours, "GET", path, NULL, 200);
        seen += json_array_size(json_object_get(answer, "items"));
        snprintf(next, sizeof next, "%s", json_string_value(json_object_get(answer, "next")));
        json_decref(answer);
    }
    assert_int_equal(seen, 5);
    snprintf(path, sizeof path, "/routing/v1/items?after=%s", next);
    json_t *end = house_ask_json(house.ours, "GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(end, "items")), 0);
    assert_string_equal(json_string_value(json_object_get(end, "next")), next);
    json_decref(end);
}

static void the_bounds_of_a_list_hold(void **state)
{
    (void)state;
    json_decref(house_ask_json(house.ours, "GET", "/routing/v1/items?limit=1", NULL, 200));
    json_decref(house_ask_json(house.ours, "GET", "/routing/v1/items?limit=500", NULL, 200));
    house_expect(house.ours, "GET", "/routing/v1/items?limit=0", NULL, 400, "E0002");
    house_expect(house.ours, "GET", "/routing/v1/items?limit=501", NULL, 400, "E0002");
    house_expect(house.ours, "GET", "/routing/v1/items?wait=61", NULL, 400, "E0002");
    house_expect(house.ours, "GET", "/routing/v1/items?after=-1", NULL, 400, "E0002");
    house_expect(house.ours, "GET", "/routing/v1/items?after=x", NULL, 400, "E0002");
    house_expect(house.ours, "GET", "/routing/v1/batch?limit=501", NULL, 400, "E0002");
    house_expect(house.ours, "DELETE", "/routing/v1/items", NULL, 405, "E0101");
    house_expect(house.ours, "GET", "/routing/v1/other", NULL, 404, "E0100");
}

/* --- long poll ----------------------------------------------------------------------------------
 */

struct poll {
    pthread_t thread;
    struct http_client *client;
    size_t count;
    unsigned status;
    int64_t answered_at;
    int seconds;
};

static void *poll_run(void *context)
{
    struct poll *p = context;
    char path[64];
    snprintf(path, sizeof path, "/routing/v1/items?wait=%d", p->seconds);
    struct http_call call = {.method = "GET", .path = path};
    struct http_answer answer = {0};
    struct failure f = {0};
    if (http_client_call(p->client, &call, &answer, &f)) {
        p->answered_at = clock_monotonic();
        p->status = answer.status;
        json_t *json = http_answer_json(&answer, &f);
        p->count = json_array_size(json_object_get(json, "items"));
        json_decref(json);
    }
    http_answer_free(&answer);
    return NULL;
}

static void a_poll_for_nothing_ends_in_time(void **state)
{
    (void)state;
    struct poll p = {.client = house.ours, .seconds = 1};
    int64_t begun = clock_monotonic();
    poll_run(&p);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.count, 0);
    assert_in_range(p.answered_at - begun, INSTANT_SECOND * 9 / 10, 5 * INSTANT_SECOND);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void a_poll_is_woken_by_an_item(void **state)
{
    (void)state;
    enum { ROUNDS = 40 };
    int64_t times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        house_clear();
        struct poll p = {.client = house.ours, .seconds = 20};
        pthread_create(&p.thread, NULL, poll_run, &p);
        usleep(20000);
        house_put(1 + i % 8);
        int64_t put_at = clock_monotonic();
        pthread_join(p.thread, NULL);
        assert_int_equal(p.status, 200);
        assert_int_equal(p.count, 1);
        times[i] = p.answered_at - put_at;
    }
    qsort(times, ROUNDS, sizeof times[0], compare_times);
    print_message("long poll: median %.1f ms, worst of %d %.1f ms\n", times[ROUNDS / 2] / 1000.0,
                  ROUNDS, times[ROUNDS - 1] / 1000.0);
    assert_true(times[ROUNDS - 1] < 2 * INSTANT_SECOND);
    assert_true(times[ROUNDS / 2] < INSTANT_SECOND / 4);
}

static void anothers_item_does_not_end_a_poll(void **state)
{
    (void)state;
    struct poll p = {.client = house.theirs, .seconds = 1};
    int64_t begun = clock_monotonic();
    pthread_create(&p.thread, NULL, poll_run, &p);
    usleep(100000);
    house_put(1);
    pthread_join(p.thread, NULL);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.count, 0);
    assert_true(p.answered_at - begun > INSTANT_SECOND * 9 / 10);
}

static void a_stop_does_not_wait_for_a_poll(void **state)
{
    (void)state;
    struct http_client *c = house_client("business-child-allowance");
    struct poll p = {.client = c, .seconds = 60};
    pthread_create(&p.thread, NULL, poll_run, &p);
    usleep(300000);
    int64_t begun = clock_monotonic();
    house_stop();
    pthread_join(p.thread, NULL);
    assert_true(clock_monotonic() - begun < 10 * INSTANT_SECOND);
    assert_int_equal(p.status, 200);
    http_client_close(c);
    house_start();
}

/* --- items --------------------------------------------------------------------------------------
 */

static void an_item_comes_byte_for_byte(void **state)
{
    (void)state;
    long long before = house_audited("item.delivered");
    int64_t id = house_put_one(2);
    _cleanup_(cleanup_text) char *path = house_path(id, "");
    _cleanup_(cleanup_text) char *text = house_item(2);
    char etag[80];
    snprintf(etag, sizeof etag, "\"%s\"", house_hash(2));
    for (int i = 0; i < 2; i++) { /* as often as it is asked for */
        struct http_answer answer = house_ask(house.ours, "GET", path, NULL);
        assert_int_equal(answer.status, 200);
        assert_string_equal(buffer_text(&answer.body), text);
        assert_string_equal(answer.etag, etag);
        assert_string_equal(answer.content_type, "application/json");
        http_answer_free(&answer);
    }
    assert_int_equal(house_audited("item.delivered") - before, 2);
    assert_int_equal(test_sql_number(&house.database, "SELECT attempts FROM outbox"), 2);
}

static void an_item_that_is_not_there_is_404(void **state)
{
    (void)state;
    house_expect(house.ours, "GET", "/routing/v1/items/1", NULL, 404, "E0100");
    house_expect(house.ours, "GET", "/routing/v1/items/0", NULL, 404, "E0100");
    house_expect(house.ours, "GET", "/routing/v1/items/x", NULL, 404, "E0100");
    house_expect(house.ours, "GET", "/routing/v1/items/99999999999999999999", NULL, 404, "E0100");
    house_expect(house.ours, "GET", "/routing/v1/items/1/package", NULL, 404, "E0100");
}

static void an_item_that_does_not_open_harms_no_other(void **state)
{
    (void)state;
    house_put(1);
    test_sql(&house.database, "UPDATE outbox_item SET sealed = set_byte(sealed, 20, 0) || '\\x00'");
    house_put(2);
    int64_t ids[2];
    assert_int_equal(house_waiting(ids, 2), 2);
    _cleanup_(cleanup_text) char *bad = house_path(ids[0], "");
    _cleanup_(cleanup_text) char *good = house_path(ids[1], "");
    long long before = house_audited("item.delivered");
    house_expect(house.ours, "GET", bad, NULL, 500, "E0199");
    assert_int_equal(house_audited("item.delivered"), before);
    struct http_answer answer = house_ask(house.ours, "GET", good, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    json_t *batch = house_ask_json(house.ours, "GET", "/routing/v1/batch", NULL, 200);
    const json_t *items = json_object_get(batch, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(house_text(items, 0, "sha256"), house_hash(2));
    json_decref(batch);
    /* nor does it stop who takes one at a time: `next` lies behind it */
    batch = house_ask_json(house.ours, "GET", "/routing/v1/batch?limit=1", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(batch, "items")), 0);
    char path[96];
    snprintf(path, sizeof path, "/routing/v1/batch?limit=1&after=%s",
             json_string_value(json_object_get(batch, "next")));
    json_decref(batch);
    batch = house_ask_json(house.ours, "GET", path, NULL, 200);
    assert_string_equal(house_text(json_object_get(batch, "items"), 0, "sha256"), house_hash(2));
    json_decref(batch);
}

static void a_batch_brings_the_same_bytes(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        house_put(n);
    json_t *answer = house_ask_json(house.ours, "GET", "/routing/v1/batch?limit=3", NULL, 200);
    const json_t *items = json_object_get(answer, "items");
    assert_int_equal(json_array_size(items), 3);
    for (int n = 1; n <= 3; n++) {
        _cleanup_(cleanup_text) char *text = house_item(n);
        assert_string_equal(house_text(items, (size_t)n - 1, "item"), text);
        assert_string_equal(house_text(items, (size_t)n - 1, "sha256"), house_hash(n));
    }
    char path[96];
    snprintf(path, sizeof path, "/routing/v1/batch?after=%s",
             json_string_value(json_object_get(answer, "next")));
    json_decref(answer);
    answer = house_ask_json(house.ours, "GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 2);
    json_decref(answer);
    for (int n = 1; n <= 5; n++)
        assert_int_equal(house_audited_of(n, "items.delivered"), 1);
    assert_int_equal(test_sql_number(&house.database, "SELECT sum(attempts) FROM outbox"), 5);
    answer = house_ask_json(house.theirs, "GET", "/routing/v1/batch", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 0);
    json_decref(answer);
}

static void store_package(int n, struct bytes package)
{
    char id[37], hash[65];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    test_application_seal(&house.database, house.city_key, n, "package", package, &sealed);
    char *hex = memory_allocate(2 * sealed.length + 1);
    sha256_hex(package, hash);
    hex_encode(sealed.data, sealed.length, hex);
    char *sql = text_format("INSERT INTO package (city_code, application_id, size, sha256, sealed) "
                            "VALUES ('" TEST_CITY "', '%s', %zu, '\\x%s', '\\x%s')",
                            test_application_id(n, id), package.length, hash, hex);
    test_sql(&house.database, sql);
    free(sql);
    free(hex);
}

static void the_package_comes_untouched_and_in_parts(void **state)
{
    (void)state;
    uint8_t package[100000];
    char hash[65];
    for (size_t i = 0; i < sizeof package; i++)
        package[i] = (uint8_t)(i * 7919 >> 3);
    sha256_hex(bytes_of(package, sizeof package), hash);
    store_package(3, bytes_of(package, sizeof package));
    int64_t id = house_put_one(3);
    _cleanup_(cleanup_text) char *path = house_path(id, "/package");

    struct http_answer answer = house_ask(house.ours, "GET", path, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "application/zip");
    assert_non_null(strstr(answer.etag, hash));
    assert_int_equal(answer.body.length, sizeof package);
    assert_memory_equal(answer.body.data, package, sizeof package);
    http_answer_free(&answer);

    const char *const headers[] = {"Range: bytes=99990-", NULL};
    struct http_call call = {.method = "GET", .path = path, .headers = headers};
    struct http_answer rest = {0};
    struct failure f = {0};
    assert_true(http_client_call(house.ours, &call, &rest, &f));
    assert_int_equal(rest.status, 206);
    assert_int_equal(rest.body.length, 10);
    assert_memory_equal(rest.body.data, package + 99990, 10);
    http_answer_free(&rest);

    assert_int_equal(house_audited("package.delivered"), 2);
    house_expect(house.theirs, "GET", path, NULL, 403, "E0104"); /* package = no */
}

/* --- who asks -----------------------------------------------------------------------------------
 */

static void another_destination_sees_nothing_of_ours(void **state)
{
    (void)state;
    int64_t id = house_put_one(1);
    _cleanup_(cleanup_text) char *path = house_path(id, "");
    json_t *answer = house_ask_json(house.theirs, "GET", "/routing/v1/items", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 0);
    json_decref(answer);
    house_expect(house.theirs, "GET", path, NULL, 404, "E0100");
    assert_string_equal(house_send(house.theirs, id, house_hash(1), true), "unknown");
    assert_int_equal(house.calls, 0);
    assert_int_equal(house_waiting(&id, 1), 1);
}

static void a_certificate_of_nobody_is_turned_away(void **state)
{
    (void)state;
    struct http_client *city = house_client("city");
    house_expect(city, "GET", "/routing/v1/items", NULL, 403, "E0104");
    house_expect(city, "GET", "/routing/v1/items/1", NULL, 403, "E0104");
    house_expect(city, "GET", "/routing/v1/items/1/package", NULL, 403, "E0104");
    house_expect(city, "GET", "/routing/v1/batch", NULL, 403, "E0104");
    house_expect(city, "POST", "/routing/v1/receipts", "[]", 403, "E0104");
    http_client_close(city);
}

static void without_a_certificate_nothing_is_said(void **state)
{
    (void)state;
    struct http_client *nobody = house_client(NULL);
    struct http_call call = {.method = "GET", .path = "/routing/v1/items"};
    struct http_answer answer = {0};
    struct failure f = {0};
    bool answered = http_client_call(nobody, &call, &answer, &f);
    assert_true(!answered || answer.status == 401);
    http_answer_free(&answer);
    http_client_close(nobody);
}

/* One destination never holds all connections: the others have room. */
static void a_destination_has_so_many_connections(void **state)
{
    (void)state;
    struct http_client *more[3];
    json_decref(house_ask_json(house.ours, "GET", "/routing/v1/items", NULL, 200));
    for (int i = 0; i < 3; i++)
        more[i] = house_client("business-child-allowance");
    for (int i = 0; i < 2; i++)
        json_decref(house_ask_json(more[i], "GET", "/routing/v1/items", NULL, 200));
    struct http_call call = {.method = "GET", .path = "/routing/v1/items"};
    struct http_answer answer = {0};
    struct failure f = {0};
    assert_false(http_client_call(more[2], &call, &answer, &f));
    http_answer_free(&answer);
    json_decref(house_ask_json(house.theirs, "GET", "/routing/v1/items", NULL, 200));
    json_decref(house_ask_json(house.ours, "GET", "/routing/v1/items", NULL, 200));
    for (int i = 0; i < 3; i++)
        http_client_close(more[i]);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(a_list_tells_what_waits),
        EACH(a_list_pages),
        EACH(the_bounds_of_a_list_hold),
        EACH(a_poll_for_nothing_ends_in_time),
        EACH(a_poll_is_woken_by_an_item),
        EACH(anothers_item_does_not_end_a_poll),
        EACH(a_stop_does_not_wait_for_a_poll),
        EACH(an_item_comes_byte_for_byte),
        EACH(an_item_that_is_not_there_is_404),
        EACH(an_item_that_does_not_open_harms_no_other),
        EACH(a_batch_brings_the_same_bytes),
        EACH(the_package_comes_untouched_and_in_parts),
        EACH(another_destination_sees_nothing_of_ours),
        EACH(a_certificate_of_nobody_is_turned_away),
        EACH(without_a_certificate_nothing_is_said),
        EACH(a_destination_has_so_many_connections),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* What consumers read beside single items: lists, cursors, bundles, what they get again. */
#include "routing/redelivery.h"

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
#include "base/metrics.h"
#include "base/text.h"
#include "tests/support/routing.h"

static int set_up(void **state)
{
    (void)state;
    house.more = "requests-most = 40\n";
    house_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    return 0;
}

/* Anew, so that requests of the test before do not count. */
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

/* --- redelivery ----------------------------------------------------------------------------------
 */

static void what_was_accepted_comes_again_under_its_id(void **state)
{
    (void)state;
    int64_t id = house_put_one(1), again = 0;
    _cleanup_(cleanup_text) char *path = house_path(id, "/redeliver");
    _cleanup_(cleanup_text) char *item = house_path(id, "");
    house_expect(house.ours, "POST", path, NULL, 404, "E0100"); /* not accepted yet */
    assert_string_equal(house_send(house.ours, id, house_hash(1), true), "taken");
    house_expect(house.theirs, "POST", path, NULL, 404, "E0100");
    json_decref(house_ask_json(house.ours, "POST", path, NULL, 200));
    json_decref(house_ask_json(house.ours, "POST", path, NULL, 200)); /* asked twice */
    assert_int_equal(house_waiting(&again, 1), 1);
    assert_int_equal(again, id);
    struct http_answer answer = house_ask(house.ours, "GET", item, NULL);
    _cleanup_(cleanup_text) char *text = house_item(1);
    assert_string_equal(buffer_text(&answer.body), text);
    http_answer_free(&answer);
    assert_string_equal(house_send(house.ours, id, house_hash(1), false), "conflict");
    assert_string_equal(house_send(house.ours, id, house_hash(1), true), "taken");
    assert_int_equal(house.calls, 1); /* the application is told once */
    assert_int_equal(test_sql_number(&house.database, "SELECT redelivered FROM delivery"), 1);
    assert_int_equal(house_audited("item.redelivered") > 0, 1);
}

static void what_is_kept_no_longer_is_gone(void **state)
{
    (void)state;
    int64_t id = house_put_one(2);
    _cleanup_(cleanup_text) char *path = house_path(id, "/redeliver");
    assert_string_equal(house_send(house.ours, id, house_hash(2), true), "taken");
    test_sql(&house.database, "UPDATE delivery SET kept = false; DELETE FROM outbox_item");
    house_expect(house.ours, "POST", path, NULL, 409, "E0105");
}

static void set_state(int n, const char *state)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql =
        text_format("SET session_replication_role = replica; UPDATE application SET state = '%s'"
                    " WHERE application_id = '%s'",
                    state, test_application_id(n, id));
    test_sql(&house.database, sql);
}

/* What it was, comes no more; that it was taken back (a notice), does. */
static void what_was_withdrawn_comes_again_as_a_notice_only(void **state)
{
    (void)state;
    int64_t item = house_put_one(7);
    assert_string_equal(house_send(house.ours, item, house_hash(7), true), "taken");
    int64_t notice = house_put_one(7);
    test_sql(&house.database, "UPDATE outbox SET status = 'withdrawn'");
    assert_string_equal(house_send(house.ours, notice, house_hash(7), true), "taken");
    set_state(7, "withdrawn");
    _cleanup_(cleanup_text) char *of_item = house_path(item, "/redeliver");
    _cleanup_(cleanup_text) char *of_notice = house_path(notice, "/redeliver");
    house_expect(house.ours, "POST", of_item, NULL, 409, "E0105");
    json_decref(house_ask_json(house.ours, "POST", of_notice, NULL, 200));
    assert_int_equal(test_sql_number(&house.database, "SELECT count(*) FROM outbox"
                                                      " WHERE status = 'withdrawn'"),
                     1);
    set_state(7, "routed");
}

/* --- redelivery at another process --------------------------------------------------------------
 */

struct waiter {
    pthread_t thread;
    struct http_answer answer;
    int64_t took;
};

static void *wait_run(void *context)
{
    struct waiter *w = context;
    struct failure f = {0};
    const struct http_call call = {.method = "GET", .path = "/routing/v1/items?wait=30"};
    int64_t begun = clock_monotonic();
    bool done = http_client_call(house.ours, &call, &w->answer, &f);
    w->took = clock_monotonic() - begun;
    return done ? context : NULL;
}

static void wait_for_one_waiter(void)
{
    for (int i = 0; i < 500; i++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        metrics_write(&text);
        if (strstr(buffer_text(&text), "uketsuke_routing_waiting 1\n"))
            return;
        usleep(10000);
    }
    fail_msg("nobody waits");
}

/* It has seen that all so far is over, so it looks for what is newer only. */
static void who_waits_at_another_process_sees_what_comes_again(void **state)
{
    (void)state;
    struct http_client *ours = house.ours, *theirs = house.theirs;
    struct routing_server *first = house.server;
    house_start(); /* another one: house.server and its clients are those of this one */
    int64_t old = house_put_one(1), none;
    assert_string_equal(house_send(house.ours, old, house_hash(1), true), "taken");
    int64_t newer = house_put_one(2); /* which lifts its floor above the first */
    assert_string_equal(house_send(house.ours, newer, house_hash(2), true), "taken");
    assert_int_equal(house_waiting(&none, 1), 0);
    struct waiter waiter = {0};
    void *done;
    assert_int_equal(pthread_create(&waiter.thread, NULL, wait_run, &waiter), 0);
    wait_for_one_waiter();
    _cleanup_(cleanup_text) char *path = house_path(old, "/redeliver");
    json_decref(house_ask_json(ours, "POST", path, NULL, 200));
    pthread_join(waiter.thread, &done);
    assert_non_null(done);
    assert_true(waiter.took < 5 * INSTANT_SECOND);
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *list = http_answer_json(&waiter.answer, &f);
    _cleanup_(cleanup_text) char *id = text_format("%" PRId64, old);
    assert_string_equal(house_text(json_object_get(list, "items"), 0, "id"), id);
    http_answer_free(&waiter.answer);
    house_stop();
    house.ours = ours;
    house.theirs = theirs;
    house.server = first;
}

/* --- cursors, filters, rates ---------------------------------------------------------------------
 */

static void a_cursor_is_its_destinations(void **state)
{
    (void)state;
    house_put(1);
    _cleanup_(cleanup_json) json_t *list =
        house_ask_json(house.ours, "GET", "/routing/v1/items", NULL, 200);
    const char *next = text_at(list, "next");
    _cleanup_(cleanup_text) char *path = text_format("/routing/v1/items?after=%s", next);
    _cleanup_(cleanup_text) char *batch = text_format("/routing/v1/batch?after=%s", next);
    json_decref(house_ask_json(house.ours, "GET", path, NULL, 200));
    json_decref(house_ask_json(house.ours, "GET", batch, NULL, 200));
    house_expect(house.theirs, "GET", path, NULL, 400, "E0002");
    house_expect(house.theirs, "GET", batch, NULL, 400, "E0002");
    static const char *const wrong[] = {"1",
                                        "01",
                                        "0-",
                                        "-1",
                                        "x",
                                        "1-00000000000000000000",
                                        "1%27%20OR%20true--",
                                        "99999999999999999999",
                                        ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        _cleanup_(cleanup_text) char *bad = text_format("/routing/v1/items?after=%s", wrong[i]);
        house_expect(house.ours, "GET", bad, NULL, 400, "E0002");
    }
}

static size_t listed(const char *query)
{
    _cleanup_(cleanup_text) char *path = text_format("/routing/v1/items?%s", query);
    _cleanup_(cleanup_json) json_t *list = house_ask_json(house.ours, "GET", path, NULL, 200);
    return items_of(list);
}

static void a_list_is_filtered(void **state)
{
    (void)state;
    house_put(1);
    house_put(2);
    test_sql(&house.database, "UPDATE outbox SET created_at = now() - interval '2 days' WHERE "
                              "outbox_id = (SELECT min(outbox_id) FROM outbox)");
    assert_int_equal(listed("procedure=child-allowance.certification-claim"), 2);
    assert_int_equal(listed("procedure=another"), 0);
    assert_int_equal(listed("procedure=%27%20OR%20%27%27%3D%27"), 0);
    char since[INSTANT_TEXT];
    instant_text_jst(clock_now() - INSTANT_DAY, since);
    _cleanup_(cleanup_text) char *escaped = http_escape(since);
    _cleanup_(cleanup_text) char *query = text_format("since=%s", escaped);
    assert_int_equal(listed(query), 1);
    house_expect(house.ours, "GET", "/routing/v1/items?since=yesterday", NULL, 400, "E0002");
}

static void a_destination_has_its_rate(void **state)
{
    (void)state;
    int refused = 0;
    for (int i = 0; i < 200 && !refused; i++) {
        struct http_answer answer = house_ask(house.ours, "GET", "/routing/v1/items", NULL);
        refused = answer.status == 429 ? i : 0;
        http_answer_free(&answer);
    }
    assert_true(refused >= 80); /* 40 a second, twice as many at once */
    json_decref(house_ask_json(house.theirs, "GET", "/routing/v1/items", NULL, 200));
}

/* --- bundles, and what was not changed -----------------------------------------------------------
 */

static void store(int n, const char *purpose, const char *text, const char *insert)
{
    char id[37];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    test_application_seal(&house.database, house.city_key, n, purpose, bytes_of_text(text),
                          &sealed);
    _cleanup_(cleanup_text) char *hex = memory_allocate(2 * sealed.length + 1);
    hex_encode(sealed.data, sealed.length, hex);
    _cleanup_(cleanup_text) char *sql = text_format(insert, test_application_id(n, id), hex);
    test_sql(&house.database, sql);
}

/* The package of application n, and the report about it. */
static void store_all(int n)
{
    store(
        n, "package", "the package",
        "INSERT INTO package (city_code, application_id, size, sha256, sealed) VALUES ('" TEST_CITY
        "', '%s', 11, sha256('the package'), '\\x%s') ON CONFLICT DO NOTHING");
    store(n, "report", "{\"indication\":\"TOTAL-PASSED\"}",
          "INSERT INTO examination (city_code, application_id, verdict, report) VALUES ('" TEST_CITY
          "', '%s', 'accepted', '\\x%s') ON CONFLICT DO NOTHING");
}

static struct http_answer get_with(const char *path, const char *header)
{
    const char *headers[] = {header, NULL};
    struct http_call call = {.method = "GET", .path = path, .headers = headers};
    struct http_answer answer = {0};
    struct failure f = {0};
    if (!http_client_call(house.ours, &call, &answer, &f))
        fail_msg("%s", f.text);
    return answer;
}

/* Whoever has a part of it may have it: a withdrawal has to tell them. */
static long long tries(void)
{
    return test_sql_number(&house.database, "SELECT attempts FROM outbox");
}

/* RFC 9110, section 9.3.2: what a GET says, without what it does. */
static void who_looks_at_the_headers_got_nothing(void **state)
{
    (void)state;
    static const char *const ways[] = {"", "/package", "/bundle", NULL};
    store_all(8);
    int64_t id = house_put_one(8);
    long long before = house_audited("item.delivered") + house_audited("package.delivered") +
                       house_audited("bundle.delivered") + house_audited("items.delivered");
    for (int i = 0; i < 4; i++) {
        _cleanup_(cleanup_text) char *path = house_path(id, ways[i] ? ways[i] : "");
        const char *place = ways[i] ? path : "/routing/v1/batch";
        struct http_answer head = house_ask(house.ours, "HEAD", place, NULL);
        assert_int_equal(head.status, 200);
        assert_int_equal(head.body.length, 0);
        assert_int_equal(tries(), 0);
        assert_int_equal(house_audited("item.delivered") + house_audited("package.delivered") +
                             house_audited("bundle.delivered") + house_audited("items.delivered"),
                         before);
        struct http_answer got = house_ask(house.ours, "GET", place, NULL);
        assert_string_equal(head.etag, got.etag);
        assert_string_equal(head.content_type, got.content_type);
        assert_int_equal(tries(), 1);
        test_sql(&house.database, "UPDATE outbox SET attempts = 0");
        before++;
        http_answer_free(&head);
        http_answer_free(&got);
    }
    struct http_answer none = house_ask(house.ours, "HEAD", "/routing/v1/items/99999999", NULL);
    assert_int_equal(none.status, 404);
    http_answer_free(&none);
}

static void an_id_and_a_number_have_one_form(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "0%s",  "%%2B%s", "%%20%s", "%s%%20", "+%s", "%s.0", "00000000000000000000%s",
        "0x%s", "%s,1"};
    int64_t id = house_put_one(1);
    _cleanup_(cleanup_text) char *number = text_format("%" PRId64, id);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        _cleanup_(cleanup_text) char *form = text_format(forms[i], number);
        _cleanup_(cleanup_text) char *path = text_format("/routing/v1/items/%s", form);
        house_expect(house.ours, "GET", path, NULL, 404, "E0100");
    }
    static const char *const numbers[] = {"limit=007",  "limit=%2B7",
                                          "limit=7%20", "wait=-0",
                                          "limit=",     "limit=000000000000000000000001"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        _cleanup_(cleanup_text) char *path = text_format("/routing/v1/items?%s", numbers[i]);
        house_expect(house.ours, "GET", path, NULL, 400, "E0002");
    }
    house_expect(house.ours, "DELETE",
                 "/routing/v1/claims/00000000-0000-4000-8000-000000000000.01.2", NULL, 404,
                 "E0100");
    assert_int_equal(tries(), 0);
}

static void a_bundle_holds_it_all_and_is_the_same_each_time(void **state)
{
    (void)state;
    store_all(3);
    int64_t id = house_put_one(3);
    _cleanup_(cleanup_text) char *path = house_path(id, "/bundle");
    struct http_answer one = get_with(path, NULL), two = get_with(path, NULL);
    assert_int_equal(one.status, 200);
    assert_string_equal(one.content_type, "application/zip");
    assert_int_equal(one.body.length, two.body.length);
    assert_memory_equal(one.body.data, two.body.data, one.body.length);
    static const char *const parts[] = {"item.json", "report.json", "package.zip", "the package"};
    for (size_t i = 0; i < 4; i++)
        assert_non_null(memmem(one.body.data, one.body.length, parts[i], strlen(parts[i])));
    _cleanup_(cleanup_text) char *match = text_format("If-None-Match: \"x\", W/%s", one.etag);
    struct http_answer unchanged = get_with(path, match), rest = get_with(path, "Range: bytes=4-");
    assert_int_equal(unchanged.status, 304);
    assert_int_equal(unchanged.body.length, 0);
    assert_int_equal(rest.status, 206);
    assert_int_equal(rest.body.length, one.body.length - 4);
    assert_int_equal(tries(), 4);
    _cleanup_(cleanup_text) char *package = house_path(id, "/package");
    struct http_answer alone = get_with(package, NULL);
    assert_int_equal(alone.status, 200);
    assert_int_equal(tries(), 5);
    http_answer_free(&alone);
    http_answer_free(&one);
    http_answer_free(&two);
    http_answer_free(&unchanged);
    http_answer_free(&rest);
    house_expect(house.theirs, "GET", path, NULL, 403, "E0104"); /* package = no */
}

/* Whoever takes an item back asks whether somebody may have read it (intake/withdrawal.c). */
static void what_was_read_in_any_way_was_tried(void **state)
{
    (void)state;
    static const char *const ways[] = {"", "/package", "/bundle"};
    store_all(5);
    int64_t id = house_put_one(5);
    for (int i = 0; i < 3; i++) {
        _cleanup_(cleanup_text) char *path = house_path(id, ways[i]);
        struct http_answer answer = get_with(path, NULL);
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
        assert_int_equal(test_sql_number(&house.database, "SELECT attempts FROM outbox"), i + 1);
    }
    json_decref(house_ask_json(house.ours, "GET", "/routing/v1/batch", NULL, 200));
    assert_int_equal(test_sql_number(&house.database, "SELECT attempts FROM outbox"), 4);
}

static void *take_back_slowly(void *unused)
{
    test_sql(&house.database, "BEGIN; DELETE FROM outbox; SELECT pg_sleep(0.5); COMMIT");
    return unused;
}

/* It is taken back in this very moment, by who saw that nobody had read it. */
static void what_is_being_taken_back_is_not_read(void **state)
{
    (void)state;
    static const char *const ways[] = {"", "/package", "/bundle", NULL};
    store_all(6);
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        int64_t id = house_put_one(6);
        _cleanup_(cleanup_text) char *path = house_path(id, ways[i] ? ways[i] : "");
        assert_int_equal(pthread_create(&thread, NULL, take_back_slowly, NULL), 0);
        while (!test_sql_number(&house.database, "SELECT count(*) FROM pg_stat_activity"
                                                 " WHERE wait_event = 'PgSleep'"))
            usleep(10000);
        if (ways[i]) {
            house_expect(house.ours, "GET", path, NULL, 404, "E0100");
        } else {
            _cleanup_(cleanup_json) json_t *batch =
                house_ask_json(house.ours, "GET", "/routing/v1/batch", NULL, 200);
            assert_int_equal(items_of(batch), 0);
        }
        pthread_join(thread, NULL);
    }
}

static void an_item_that_is_known_is_not_sent_again(void **state)
{
    (void)state;
    int64_t id = house_put_one(4);
    _cleanup_(cleanup_text) char *path = house_path(id, "");
    _cleanup_(cleanup_text) char *match = text_format("If-None-Match: \"%s\"", house_hash(4));
    struct http_answer answer = get_with(path, match);
    assert_int_equal(answer.status, 304);
    http_answer_free(&answer);
}

static void a_long_answer_is_compressed_for_who_takes_that(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++)
        house_put(n);
    struct http_answer plain = get_with("/routing/v1/items", NULL);
    struct http_answer packed = get_with("/routing/v1/items", "Accept-Encoding: br, gzip;q=0.5");
    struct http_answer given_up = get_with("/routing/v1/items", "Accept-Encoding: gzip;q=0");
    assert_true(plain.body.length > 1024 && plain.body.data[0] == '{');
    assert_true(packed.body.length < plain.body.length / 2);
    assert_int_equal(packed.body.data[0], 0x1f);
    assert_int_equal(given_up.body.data[0], '{');
    http_answer_free(&plain);
    http_answer_free(&packed);
    http_answer_free(&given_up);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(what_was_accepted_comes_again_under_its_id),
        EACH(what_is_kept_no_longer_is_gone),
        EACH(what_was_withdrawn_comes_again_as_a_notice_only),
        EACH(who_waits_at_another_process_sees_what_comes_again),
        EACH(a_cursor_is_its_destinations),
        EACH(a_list_is_filtered),
        EACH(a_destination_has_its_rate),
        EACH(an_id_and_a_number_have_one_form),
        EACH(who_looks_at_the_headers_got_nothing),
        EACH(a_bundle_holds_it_all_and_is_the_same_each_time),
        EACH(what_was_read_in_any_way_was_tried),
        EACH(what_is_being_taken_back_is_not_read),
        EACH(an_item_that_is_known_is_not_sent_again),
        EACH(a_long_answer_is_compressed_for_who_takes_that),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* base/http_client: many calls at once, over real connections. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/http_server.h"
#include "tests/unit/check.h"

#define MS 1000 /* of an instant */

static struct http_server *server;
static struct http_client *client;
static int waiting, waiting_most; /* requests to /wait at one time; touched by one thread */

static void leave(void *state)
{
    (void)state;
    waiting--;
}

static enum http_flow get_wait(struct http_request *request, void *context)
{
    (void)context;
    if (!http_request_kept(request)) {
        waiting++;
        waiting_most = waiting > waiting_most ? waiting : waiting_most;
        http_request_keep(request, &waiting, leave);
    }
    if (http_request_expired(request))
        return http_reply_json(request, 200, json_object());
    return http_request_wait(request, 300 * MS);
}

static enum http_flow post_echo(struct http_request *request, void *context)
{
    (void)context;
    struct bytes body = http_request_body(request);
    return http_reply_bytes(request, body.length ? 200 : 400, "text/plain", body);
}

static const struct http_route routes[] = {
    {"GET", "/wait", get_wait, 0},
    {"POST", "/echo", post_echo, 1000},
};

static int setup(void **state)
{
    (void)state;
    char url[64];
    struct failure f = {0};
    const struct http_server_options options = {.address = "127.0.0.1:0",
                                                .threads = 1,
                                                .routes = routes,
                                                .route_count = sizeof routes / sizeof *routes};
    if (!http_server_start(&options, &server, &f))
        fail_msg("%s", f.text);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
    if (!http_client_open(&(struct http_client_options){.base_url = url}, &client, &f))
        fail_msg("%s", f.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_client_close(client);
    http_server_stop(server);
    return 0;
}

static void free_all(struct http_exchange *exchanges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        http_answer_free(&exchanges[i].answer);
}

static void test_each_gets_its_own_answer(void **state)
{
    enum { COUNT = 40 };
    static struct http_exchange all[COUNT];
    char bodies[COUNT][16];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(bodies[i], sizeof bodies[i], "body %d", i);
        all[i].call = (struct http_call){
            .method = "POST", .path = "/echo", .body = bytes_of_text(i == 7 ? "" : bodies[i])};
    }
    all[9].call.answer_most = 5; /* one byte less than it gets */
    http_client_call_all(client, all, COUNT, 8, 20 * INSTANT_SECOND);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(all[i].answered, i != 9);
        assert_false(all[i].timed_out);
        assert_int_equal(all[i].answer.status, i == 7 ? 400 : 200);
        if (i != 7 && i != 9)
            assert_string_equal(buffer_text(&all[i].answer.body), bodies[i]);
    }
    assert_int_equal(all[9].failure.kind, FAILURE_LIMIT);
    free_all(all, COUNT);
    http_client_call_all(client, all, 0, 8, INSTANT_SECOND); /* nothing to do */
}

static void test_so_many_at_a_time(void **state)
{
    struct http_exchange all[8] = {0};
    (void)state;
    for (size_t i = 0; i < 8; i++)
        all[i].call = (struct http_call){.method = "GET", .path = "/wait"};
    waiting_most = 0;
    int64_t begun = clock_monotonic();
    http_client_call_all(client, all, 8, 4, 20 * INSTANT_SECOND);
    int64_t took = clock_monotonic() - begun;
    for (size_t i = 0; i < 8; i++)
        assert_true(all[i].answered);
    assert_int_equal(waiting_most, 4);
    assert_true(took >= 600 * MS && took < 2000 * MS); /* two rounds, not eight */
    free_all(all, 8);
}

static void test_the_time_is_for_all_together(void **state)
{
    struct http_exchange all[6] = {0};
    (void)state;
    for (size_t i = 0; i < 6; i++)
        all[i].call = (struct http_call){.method = "GET", .path = "/wait"};
    int64_t begun = clock_monotonic();
    http_client_call_all(client, all, 6, 2, 450 * MS);
    int64_t took = clock_monotonic() - begun;
    assert_true(took >= 440 * MS && took < 800 * MS);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(all[i].answered, i < 2);
        assert_int_equal(all[i].timed_out, i >= 2); /* 2 and 3 under way, 4 and 5 not begun */
        assert_int_equal(all[i].failure.kind, i < 2 ? FAILURE_NONE : FAILURE_NETWORK);
    }
    free_all(all, 6);
}

static void test_nobody_there(void **state)
{
    char url[64];
    struct http_client *lonely;
    struct http_exchange all[3] = {0};
    struct http_server *gone;
    const struct http_server_options options = {
        .address = "127.0.0.1:0", .routes = routes, .route_count = 1};
    (void)state;
    assert_true(http_server_start(&options, &gone, NULL));
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(gone));
    http_server_stop(gone);
    assert_true(http_client_open(&(struct http_client_options){.base_url = url}, &lonely, NULL));
    for (size_t i = 0; i < 3; i++)
        all[i].call = (struct http_call){.method = "GET", .path = "/"};
    http_client_call_all(lonely, all, 3, 3, 5 * INSTANT_SECOND);
    for (size_t i = 0; i < 3; i++) {
        assert_false(all[i].answered);
        assert_false(all[i].timed_out);
        assert_int_equal(all[i].failure.kind, FAILURE_NETWORK);
    }
    free_all(all, 3);
    http_client_close(lonely);
}

static void test_plain_http_to_others(void **state)
{
    struct http_client_options options = {.base_url = "http://ocsp.example"};
    struct http_client *other;
    struct failure f = {0};
    (void)state;
    assert_false(http_client_open(&options, &other, &f));
    assert_failure(f, FAILURE_USAGE, "on this machine only");
    options.plain = true;
    assert_true(http_client_open(&options, &other, &f));
    http_client_close(other);
    options.base_url = "ftp://ocsp.example";
    assert_false(http_client_open(&options, &other, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_gets_its_own_answer),
        cmocka_unit_test(test_so_many_at_a_time),
        cmocka_unit_test(test_the_time_is_for_all_together),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_plain_http_to_others),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* base/http_client: many calls at once, and peers that break off, lie or send too much. */
#include "tests/unit/http_support.h"

#include <pthread.h>

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

/* --- peers that lie --------------------------------------------------------------------------- */

static void test_urls_that_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://example.test",
                                       "http://127.0.0.1.example.test",
                                       "https://user:secret@localhost",
                                       "ftp://localhost",
                                       "https://localhost", /* without a CA */
                                       "file:///etc/passwd",
                                       ""};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_client_options options = {.base_url = urls[i]};
        struct http_client *refused = NULL;
        struct failure f = {0};
        assert_false(http_client_open(&options, &refused, &f));
        assert_int_equal(f.kind, FAILURE_USAGE);
        assert_null(strstr(f.text, "secret"));
    }
}

struct peer { /* answers one connection with fixed bytes, and hangs up */
    int listener;
    unsigned port;
    const char *says;
    size_t flood; /* then so many bytes of 'x' */
    pthread_t thread;
};

static void *run_peer(void *context)
{
    struct peer *peer = context;
    char request[4096], block[4096];
    int fd = accept(peer->listener, NULL, NULL);
    if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0)
        return NULL;
    raw_say(fd, peer->says);
    memset(block, 'x', sizeof block);
    for (size_t sent = 0; sent < peer->flood; sent += sizeof block)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) <= 0)
            break;
    shutdown(fd, SHUT_WR);
    while (recv(fd, request, sizeof request, 0) > 0)
        ;
    close(fd);
    return NULL;
}

/* What the client makes of an answer that is `says`. */
static bool hear(const char *says, size_t flood, size_t most, struct http_answer *answer,
                 struct failure *f)
{
    struct peer peer = {.says = says, .flood = flood};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer.listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(peer.listener, 1), 0);
    getsockname(peer.listener, (struct sockaddr *)&at, &size);
    assert_int_equal(pthread_create(&peer.thread, NULL, run_peer, &peer), 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    struct http_client *caller;
    if (!http_client_open(&(struct http_client_options){.base_url = url}, &caller, f))
        fail_msg("%s", f->text);
    const struct http_call call = {.method = "GET", .path = "/", .answer_most = most};
    bool good = http_client_call(caller, &call, answer, f);
    http_client_close(caller);
    pthread_join(peer.thread, NULL);
    close(peer.listener);
    return good;
}

static void test_a_broken_body_keeps_what_came(void **state)
{
    (void)state;
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    buffer_append_text(&answer.body, "first ");
    assert_false(hear("HTTP/1.1 206 X\r\nContent-Length: 100\r\nContent-Range: bytes 6-105/106\r\n"
                      "ETag: \"e\"\r\n\r\nhalf",
                      0, 0, &answer, &f));
    assert_int_equal(f.kind, FAILURE_NETWORK);
    assert_int_equal(answer.status, 206);
    assert_string_equal(buffer_text(&answer.body), "first half");
    assert_string_equal(answer.content_range, "bytes 6-105/106");
    assert_string_equal(answer.etag, "\"e\"");
}

static void test_answer_limit_at_its_edge(void **state)
{
    (void)state;
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    static const char ten[] = "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n0123456789";
    assert_true(hear(ten, 0, 10, &answer, &f));
    assert_int_equal(answer.body.length, 10);
    assert_false(hear(ten, 0, 9, &answer, &f));
    assert_int_equal(f.kind, FAILURE_LIMIT);
    static const char endless[] = "HTTP/1.1 200 X\r\n\r\n";
    assert_false(hear(endless, 100 * 1000 * 1000, 0, &answer, &f));
    assert_int_equal(f.kind, FAILURE_LIMIT);
    assert_int_equal(answer.body.length, 10 + 9 + 1024 * 1024); /* of all three */
}

static void test_answers_that_are_none(void **state)
{
    (void)state;
    static const char *const answers[] = {"", "\x01\x02 garbage", "HTTP/1.1 200",
                                          "HTTP/1.1 200 X\r\nContent-Length: abc\r\n\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        _cleanup_(http_answer_free) struct http_answer answer = {0};
        struct failure f = {0};
        assert_false(hear(answers[i], 0, 0, &answer, &f));
        assert_int_equal(f.kind, FAILURE_NETWORK);
    }
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer flood = {0};
    buffer_append_text(&flood, "HTTP/1.1 200 X\r\n");
    for (int i = 0; i < 2000; i++)
        buffer_format(&flood, "X-Flood-%d: 0123456789012345678901234567890123456789\r\n", i);
    assert_false(hear(buffer_text(&flood), 0, 0, &answer, &f));
    assert_int_equal(f.kind, FAILURE_LIMIT);
}

static void test_answers_as_json(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "nonsense 桜", "{} {}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_(http_answer_free) struct http_answer answer = {0};
        struct failure f = {0};
        buffer_append_text(&answer.body, bad[i]);
        assert_null(http_answer_json(&answer, &f));
        assert_int_equal(f.kind, FAILURE_PEER);
        assert_null(strstr(f.text, "nonsense"));
    }
}

static void test_redirects_are_not_followed(void **state)
{
    (void)state;
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    assert_true(hear("HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
                     0, 0, &answer, &f));
    assert_int_equal(answer.status, 302);
    assert_int_equal(answer.body.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_gets_its_own_answer),
        cmocka_unit_test(test_so_many_at_a_time),
        cmocka_unit_test(test_the_time_is_for_all_together),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_plain_http_to_others),
        cmocka_unit_test(test_urls_that_are_refused),
        cmocka_unit_test(test_a_broken_body_keeps_what_came),
        cmocka_unit_test(test_answer_limit_at_its_edge),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_answers_as_json),
        cmocka_unit_test(test_redirects_are_not_followed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

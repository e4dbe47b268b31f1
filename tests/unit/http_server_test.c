/* The HTTP server without TLS: what a hostile or clumsy peer can say, and the long poll. */
#include "tests/unit/http_support.h"

#include <pthread.h>
#include <sys/resource.h>

#include "base/http_server.h"
#include "base/text.h"

enum { BODY_MOST = 100, CONTENT = 1000 };

static struct {
    struct http_server *server;
    unsigned port;
    _Atomic int calls; /* of the waiting handler */
    _Atomic int released;
    _Atomic int news;
} world;

/* --- handlers --------------------------------------------------------------------------------- */

static enum http_flow get_echo(struct http_request *request, void *context)
{
    assert_ptr_equal(context, &world);
    const char *q = http_request_query(request, "q");
    json_t *json =
        json_pack("{s:s, s:s?, s:s, s:s?}", "id", http_request_parameter(request, "id"), "q", q,
                  "address", http_request_address(request), "peer", http_request_peer(request));
    return http_reply_json(request, 200, json);
}

static enum http_flow get_number(struct http_request *request, void *context)
{
    (void)context;
    int64_t n;
    if (!http_request_query_number(request, "n", 1, 10, 5, &n))
        return HTTP_DONE;
    return http_reply_json(request, 200, json_pack("{s:I}", "n", (json_int_t)n));
}

static enum http_flow post_body(struct http_request *request, void *context)
{
    (void)context;
    return http_reply_json(
        request, 200, json_pack("{s:I}", "length", (json_int_t)http_request_body(request).length));
}

static enum http_flow post_json(struct http_request *request, void *context)
{
    (void)context;
    json_t *json = http_request_json(request);
    return json ? http_reply_json(request, 200, json) : HTTP_DONE;
}

static enum http_flow get_range(struct http_request *request, void *context)
{
    (void)context;
    uint8_t content[CONTENT];
    for (size_t i = 0; i < CONTENT; i++)
        content[i] = (uint8_t)('a' + i % 26);
    return http_reply_range(request, "text/plain", "tag", bytes_of(content, CONTENT));
}

static void count_release(void *state)
{
    free(state);
    world.released++;
}

static enum http_flow get_wait(struct http_request *request, void *context)
{
    (void)context;
    world.calls++;
    int64_t seconds;
    if (!http_request_query_number(request, "seconds", 0, 60, 60, &seconds))
        return HTTP_DONE;
    if (!http_request_kept(request))
        http_request_keep(request, memory_allocate(1), count_release);
    if (world.news > 0)
        return http_reply_json(request, 200, json_pack("{s:s}", "news", "yes"));
    if (http_request_expired(request))
        return http_reply_json(request, 200, json_pack("{s:s}", "news", "none"));
    return http_request_wait(request, seconds * INSTANT_SECOND);
}

static enum http_flow get_nothing(struct http_request *request, void *context)
{
    (void)request, (void)context;
    return HTTP_DONE;
}

static enum http_flow get_stubborn(struct http_request *request, void *context)
{
    (void)context;
    return http_request_wait(request, 0);
}

/* Answers when a second one is here, too. */
static enum http_flow get_meet(struct http_request *request, void *context)
{
    (void)context;
    int64_t until = clock_monotonic() + 5 * INSTANT_SECOND;
    for (world.calls++; world.calls < 2 && clock_monotonic() < until;)
        usleep(1000);
    return http_reply_json(request, 200,
                           json_pack("{s:s}", "met", world.calls == 2 ? "yes" : "no"));
}

static const struct http_route routes[] = {
    {"GET", "/echo/{id}", get_echo, 0},      {"GET", "/number", get_number, 0},
    {"POST", "/body", post_body, BODY_MOST}, {"POST", "/json", post_json, 1000},
    {"GET", "/range", get_range, 0},         {"GET", "/wait", get_wait, 0},
    {"GET", "/nothing", get_nothing, 0},     {"GET", "/stubborn", get_stubborn, 0},
    {"PUT", "/echo/{id}", post_body, 0},     {"GET", "/meet", get_meet, 0},
};

static void start(const char *address, instant timeout)
{
    struct failure f = {0};
    struct http_server_options options = {.address = address,
                                          .timeout = timeout,
                                          .routes = routes,
                                          .route_count = sizeof routes / sizeof *routes,
                                          .context = &world};
    if (!http_server_start(&options, &world.server, &f))
        fail_msg("%s", f.text);
    world.port = http_server_port(world.server);
}

static int setup(void **state)
{
    (void)state;
    world.calls = world.released = world.news = 0;
    start("127.0.0.1:0", 1 * INSTANT_SECOND);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_server_stop(world.server);
    return 0;
}

static void expect(const char *request, unsigned status, const char *part)
{
    char *answer = raw_ask(world.port, request);
    if (raw_status(answer) != status)
        fail_msg("expected %u, got: %s", status, answer);
    assert_contains(answer, part);
    free(answer);
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

/* --- addresses -------------------------------------------------------------------------------- */

static void test_parameters_are_decoded_once(void **state)
{
    (void)state;
    expect("GET /echo/a-1" END, 200, "{\"id\":\"a-1\",\"q\":null,\"address\":\"127.0.0.1\"");
    expect("GET /echo/a%2Fb" END, 200, "\"id\":\"a/b\""); /* one segment all the same */
    expect("GET /echo/a%252F" END, 200, "\"id\":\"a%2F\"");
    expect("GET /echo/%E6%A1%9C?q=a+b%2Bc%26" END, 200, "\"q\":\"a b+c&\"");
    expect("GET /echo/a+b" END, 200, "\"id\":\"a+b\"");
    expect("GET /echo/x?q" END, 200, "\"q\":\"\"");
    expect("GET /%65cho/x" END, 200, "\"id\":\"x\"");
}

static void test_addresses_that_are_refused(void **state)
{
    (void)state;
    expect("GET /echo/a%00b" END, 400, "E0002");
    expect("GET /echo/a%0" END, 400, "E0002");
    expect("GET /echo/%zz" END, 400, "E0002");
    expect("GET /echo/%" END, 400, "E0002");
    expect("GET /echo/%ff" END, 400, "E0002"); /* not UTF-8 */
    expect("GET /echo/.." END, 400, "E0002");
    expect("GET /echo/%2e%2e" END, 400, "E0002");
    expect("GET /echo/x?q=1&q=2" END, 400, "E0002");
    expect("GET /echo/x?q=%00" END, 400, "E0002");
    expect("GET /echo/" END, 404, "E0100"); /* an empty parameter is none */
    expect("GET /echo/x/" END, 404, "E0100");
    expect("GET /echo" END, 404, "E0100");
    expect("GET /" END, 404, "E0100");
    expect("GET /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q" END, 400, "E0002");
}

static void test_errors_have_their_form(void **state)
{
    (void)state;
    char *answer = raw_ask(world.port, "GET /unknown" END);
    assert_contains(answer, "Content-Type: application/json");
    char *id = strstr(answer, "X-Request-Id: ");
    assert_non_null(id);
    char body[256];
    snprintf(body, sizeof body,
             "{\"title\":\"Not found\",\"detail\":\"there is nothing at this address\","
             "\"errors\":[{\"code\":\"E0100\",\"message\":\"there is nothing at this address\"}],"
             "\"request_id\":\"%.16s\"}",
             id + 14);
    assert_contains(answer, body);
    free(answer);
    expect("DELETE /echo/x" END, 405, "Allow: GET, PUT\r\n");
    expect("DELETE /echo/x" END, 405, "E0101");
    expect("GET /nothing" END, 500, "E0199");
    expect("GET /stubborn" END, 503, "E0190");
}

static void test_head_answers_as_get_without_body(void **state)
{
    (void)state;
    char *answer = raw_ask(world.port, "HEAD /range" END);
    assert_int_equal(raw_status(answer), 200);
    assert_contains(answer, "Content-Length: 1000\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
}

static void test_query_numbers(void **state)
{
    (void)state;
    expect("GET /number" END, 200, "{\"n\":5}");
    expect("GET /number?n=1" END, 200, "{\"n\":1}");
    expect("GET /number?n=10" END, 200, "{\"n\":10}");
    expect("GET /number?n=0" END, 400, "E0002");
    expect("GET /number?n=11" END, 400, "E0002");
    expect("GET /number?n=" END, 400, "E0002");
    expect("GET /number?n=99999999999999999999" END, 400, "E0002");
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void post(const char *path, const char *body, size_t length, unsigned status,
                 const char *part)
{
    char head[256];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
             path, length);
    int fd = raw_connect(world.port);
    raw_say(fd, head);
    raw_send(fd, body, length);
    char *answer = raw_read(fd, 10 * INSTANT_SECOND);
    close(fd);
    if (raw_status(answer) != status)
        fail_msg("expected %u, got: %s", status, answer);
    assert_contains(answer, part);
    free(answer);
}

static void test_body_limit_at_its_edge(void **state)
{
    (void)state;
    char body[BODY_MOST + 1] = {0};
    post("/body", body, 0, 200, "{\"length\":0}");
    post("/body", body, BODY_MOST, 200, "{\"length\":100}");
    post("/body", body, BODY_MOST + 1, 413, "E0102");
}

/* The refusal comes though not one byte of the announced body was sent. */
static void test_large_body_is_refused_unread(void **state)
{
    (void)state;
    expect("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413, "E0102");
    expect("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n",
           413, "E0102");
    expect("GET /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 413, "E0102");
}

static void test_chunked_body_limit(void **state)
{
    (void)state;
    static const char head[] = "POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char request[512], chunk[BODY_MOST + 2];
    memset(chunk, 'x', sizeof chunk);
    snprintf(request, sizeof request, "%s64\r\n%.100s\r\n0\r\n\r\n", head, chunk);
    expect(request, 200, "{\"length\":100}");
    snprintf(request, sizeof request, "%s65\r\n%.101s\r\n0\r\n\r\n", head, chunk);
    expect(request, 413, "E0102");
}

/* A chunked body without end is cut off, not swallowed. */
static void test_endless_chunks_are_cut(void **state)
{
    (void)state;
    int fd = raw_connect(world.port);
    raw_say(fd, "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[1000 + 7] = "3e8\r\n";
    memset(chunk + 5, 'x', 1000);
    memcpy(chunk + 1005, "\r\n", 2);
    size_t sent = 0;
    for (; sent < 64 * 1000 * 1000; sent += sizeof chunk)
        if (send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) <= 0)
            break;
    assert_true(sent < 64 * 1000 * 1000);
    close(fd);
}

static void test_json_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        unsigned status;
        const char *part;
    } cases[] = {
        {"{\"a\":1}", 200, "{\"a\":1}"},     {"[1,2]", 200, "[1,2]"},
        {"{\"a\":1,\"a\":2}", 400, "E0002"}, /* whoever reads the other one is fooled */
        {"{\"a\":", 400, "E0002"},           {"", 400, "E0001"},
        {"\"text\"", 400, "E0002"},          {"{\"a\":\"\\u0000\"}", 400, "E0002"},
        {"{\"a\":\"\xff\"}", 400, "E0002"},  {"{} x", 400, "E0002"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        post("/json", cases[i].body, strlen(cases[i].body), cases[i].status, cases[i].part);
}

static void test_header_flood(void **state)
{
    (void)state;
    int fd = raw_connect(world.port);
    raw_say(fd, "GET /echo/x HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 5000; i++)
        raw_say(fd, "X-Flood: 0123456789012345678901234567890123456789\r\n");
    raw_say(fd, "\r\n");
    char *answer = raw_read(fd, 5 * INSTANT_SECOND);
    close(fd);
    assert_int_not_equal(raw_status(answer), 200);
    free(answer);
    expect("GET /echo/y" END, 200, "\"id\":\"y\""); /* others are unharmed */
}

static void test_smuggling_is_refused(void **state)
{
    (void)state;
    expect("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400, "");
    expect("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "");
    expect("GET /echo/x HTTP/1.1\r\n\r\n", 400, ""); /* RFC 9112: Host is a must */
    static const char *const doubtful[] = {"Content-Length: 4\r\nTransfer-Encoding: chunked",
                                           "Content-Length: 2\r\nContent-Length: 50"};
    for (size_t i = 0; i < sizeof doubtful / sizeof *doubtful; i++) {
        char request[300];
        snprintf(request, sizeof request,
                 "POST /body HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n0\r\n\r\nGET /echo/hidden" END,
                 doubtful[i]);
        char *answer = raw_ask(world.port, request);
        if (raw_status(answer) != 400 || strstr(answer, "hidden"))
            fail_msg("%s: %s", doubtful[i], answer);
        free(answer);
    }
}

/* A peer that sends a byte now and then does not hold its connection: the whole has a deadline. */
static void drip(const char *head)
{
    int fd = raw_connect(world.port);
    int64_t begun = clock_monotonic();
    raw_say(fd, head);
    bool open = true;
    while (open && clock_monotonic() - begun < 8 * INSTANT_SECOND) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char byte;
        if (poll(&p, 1, 100) > 0)
            open = recv(fd, &byte, 1, 0) > 0;
        else
            raw_say(fd, "x");
    }
    close(fd);
    assert_false(open);
    assert_true(clock_monotonic() - begun >= 900 * 1000);
}

static void test_slow_peers_are_cut(void **state)
{
    (void)state;
    drip("GET /echo/");                                                    /* line */
    drip("GET /echo/x HTTP/1.1\r\nHost: ");                                /* header */
    drip("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"); /* body */
}

/* --- ranges ----------------------------------------------------------------------------------- */

static void range(const char *header, unsigned status, const char *part)
{
    char request[256];
    snprintf(request, sizeof request,
             "GET /range HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", header);
    expect(request, status, part);
}

static void test_ranges(void **state)
{
    (void)state;
    range("Range: bytes=0-3", 206, "Content-Range: bytes 0-3/1000\r\n");
    range("Range: bytes=0-3", 206, "\r\n\r\nabcd");
    range("Range: bytes=26-27", 206, "\r\n\r\nab");
    range("Range: bytes=998-", 206, "Content-Range: bytes 998-999/1000\r\n");
    range("Range: bytes=999-5000", 206, "Content-Range: bytes 999-999/1000\r\n");
    range("Range: bytes=-2", 206, "Content-Range: bytes 998-999/1000\r\n");
    range("Range: bytes=-5000", 206, "Content-Range: bytes 0-999/1000\r\n");
    range("Range: bytes=1000-", 416, "Content-Range: bytes */1000\r\n");
    range("Range: bytes=99999999999999999999999-", 416, "E0002");
    range("Range: bytes=-0", 416, "Content-Range: bytes */1000\r\n");
    range("Range: bytes=5-4", 200, "Content-Length: 1000\r\n");
    range("Range: bytes=a-b", 200, "Content-Length: 1000\r\n");
    range("Range: bytes=-", 200, "Content-Length: 1000\r\n");
    range("Range: bytes=0-1,4-5", 200, "Content-Length: 1000\r\n");
    range("Range: lines=0-1", 200, "ETag: \"tag\"\r\n");
    range("Range: bytes=0-3\r\nIf-Range: \"tag\"", 206, "Accept-Ranges: bytes\r\n");
    range("Range: bytes=0-3\r\nIf-Range: \"other\"", 200, "Content-Length: 1000\r\n");
}

/* --- long poll -------------------------------------------------------------------------------- */

static void await_calls(int calls)
{
    for (int i = 0; i < 500 && world.calls < calls; i++)
        usleep(10 * 1000);
    assert_int_equal(world.calls, calls);
}

static void test_wait_until_the_deadline(void **state)
{
    (void)state;
    int64_t begun = clock_monotonic();
    expect("GET /wait?seconds=2" END, 200, "{\"news\":\"none\"}"); /* beyond the time-out of 1 s */
    int64_t took = clock_monotonic() - begun;
    assert_in_range(took, 2 * INSTANT_SECOND, 3 * INSTANT_SECOND);
    assert_int_equal(world.calls, 2);
}

static void test_wait_until_woken(void **state)
{
    (void)state;
    int fd = raw_connect(world.port);
    raw_say(fd, "GET /wait" END);
    await_calls(1);
    http_server_wake(world.server); /* for nothing: it goes on waiting */
    await_calls(2);
    world.news = 1;
    http_server_wake(world.server);
    char *answer = raw_read(fd, 5 * INSTANT_SECOND);
    close(fd);
    assert_contains(answer, "{\"news\":\"yes\"}");
    assert_int_equal(world.calls, 3);
    free(answer);
}

/* While the server is idle, all that connect share a thread of libmicrohttpd's. */
static void test_no_handler_waits_for_another(void **state)
{
    (void)state;
    int fds[2];
    for (int i = 0; i < 2; i++) {
        fds[i] = raw_connect(world.port);
        raw_say(fds[i], "GET /number HTTP/1.1\r\nHost: x\r\n\r\n");
        char *answer = raw_read(fds[i], INSTANT_SECOND / 5);
        assert_contains(answer, "{\"n\":5}");
        free(answer);
    }
    for (int i = 0; i < 2; i++)
        raw_say(fds[i], "GET /meet" END);
    for (int i = 0; i < 2; i++) {
        char *answer = raw_read(fds[i], 10 * INSTANT_SECOND);
        assert_contains(answer, "{\"met\":\"yes\"}");
        free(answer);
        close(fds[i]);
    }
}

static void test_stop_while_waiting(void **state)
{
    (void)state;
    int fd = raw_connect(world.port);
    raw_say(fd, "GET /wait" END);
    await_calls(1);
    int64_t begun = clock_monotonic();
    http_server_stop(world.server);
    assert_true(clock_monotonic() - begun < 2 * INSTANT_SECOND);
    char *answer = raw_read(fd, 5 * INSTANT_SECOND);
    close(fd);
    assert_contains(answer, "{\"news\":\"none\"}"); /* answered, not hung up on */
    free(answer);
    assert_int_equal(world.released, 1);
    start("127.0.0.1:0", 1 * INSTANT_SECOND); /* for the teardown */
}

static int64_t processor_time(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INSTANT_SECOND + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

static void test_500_waiters_cost_nothing(void **state)
{
    (void)state;
    enum { WAITERS = 500 };
    int fds[WAITERS];
    for (int i = 0; i < WAITERS; i++) {
        fds[i] = raw_connect(world.port);
        raw_say(fds[i], "GET /wait" END);
    }
    await_calls(WAITERS);
    usleep(200 * 1000);
    int64_t before = processor_time();
    sleep(2);
    assert_true(processor_time() - before < 20 * 1000); /* 1 % of one processor */
    expect("GET /echo/x" END, 200, "\"id\":\"x\"");
    world.news = 1;
    http_server_wake(world.server);
    for (int i = 0; i < WAITERS; i++) {
        char *answer = raw_read(fds[i], 5 * INSTANT_SECOND);
        assert_contains(answer, "{\"news\":\"yes\"}");
        free(answer);
        close(fds[i]);
    }
    for (int i = 0; i < 100 && world.released < WAITERS; i++)
        usleep(10 * 1000);
    assert_int_equal(world.released, WAITERS);
}

static void *wake_often(void *context)
{
    for (int i = 0; i < 2000; i++) {
        http_server_wake(world.server);
        usleep(200);
    }
    return context;
}

/* Wake-ups, deadlines and peers that leave, all at once: for the sanitizers as well. */
static void test_wakes_and_waits_race(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_often, NULL), 0);
    for (int i = 0; i < 100; i++) {
        int fd = raw_connect(world.port);
        raw_say(fd, i % 2 ? "GET /wait?seconds=0" END : "GET /wait?seconds=1" END);
        if (i % 4 != 2) {
            char *answer = raw_read(fd, 5 * INSTANT_SECOND);
            assert_contains(answer, "{\"news\":\"none\"}");
            free(answer);
        }
        close(fd);
        if (i > 20)
            i += 3;
    }
    pthread_join(thread, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_parameters_are_decoded_once),
        T(test_addresses_that_are_refused),
        T(test_errors_have_their_form),
        T(test_head_answers_as_get_without_body),
        T(test_query_numbers),
        T(test_body_limit_at_its_edge),
        T(test_large_body_is_refused_unread),
        T(test_chunked_body_limit),
        T(test_endless_chunks_are_cut),
        T(test_json_bodies),
        T(test_header_flood),
        T(test_smuggling_is_refused),
        T(test_slow_peers_are_cut),
        T(test_ranges),
        T(test_wait_until_the_deadline),
        T(test_wait_until_woken),
        T(test_no_handler_waits_for_another),
        T(test_stop_while_waiting),
        T(test_500_waiters_cost_nothing),
        T(test_wakes_and_waits_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

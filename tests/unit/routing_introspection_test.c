/* Tokens of an external authorization server: ours asks it about each (RFC 7662). The server here
 * is a real one on this machine; what it answers is what the tests say. */
#include "routing/introspection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/http_server.h"
#include "tests/support/routing.h"

#define LIST "/routing/v1/items"

static struct http_server *outside;
static char thumbprint[44];
static atomic_int asked;

/* A token's text says what is wrong with it: "good", "scope", "expired", … */
static enum http_flow answer(struct http_request *request, void *context)
{
    (void)context;
    assert_true(http_request_form(request));
    const char *token = http_request_field(request, "token");
    json_int_t now = clock_now() / INSTANT_SECOND;
    atomic_fetch_add(&asked, 1);
    if (strcmp(token, "broken") == 0)
        return http_reply_error(request, 500, "E0199", "broken");
    if (strcmp(token, "nonsense") == 0)
        return http_reply_bytes(request, 200, "application/json", bytes_of_text("[]"));
    if (strcmp(token, "unbound") == 0)
        return http_reply_json(request, 200,
                               json_pack("{s:b, s:s, s:s, s:I}", "active", true, "client_id",
                                         HOUSE_OUR_ID, "scope", "029:items/v1:Read", "exp",
                                         now + 60));
    bool scope = strcmp(token, "scope") != 0, client = strcmp(token, "client") != 0;
    return http_reply_json(
        request, 200,
        json_pack("{s:b, s:s, s:s, s:I, s:{s:s}}", "active", strcmp(token, "inactive") != 0,
                  "client_id", client ? HOUSE_OUR_ID : HOUSE_THEIR_ID, "scope",
                  scope ? "openid 029:items/v1:Read" : "029:batches/v1:Read", "exp",
                  strcmp(token, "expired") == 0 ? now - 1 : now + 60, "cnf", "x5t#S256",
                  strcmp(token, "certificate") == 0 ? "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                                    : thumbprint));
}

static void start_outside(void)
{
    static const struct http_route routes[] = {{"POST", "/introspect", answer, 16384}};
    struct http_server_options options = {
        .address = "127.0.0.1:0", .routes = routes, .route_count = 1};
    struct failure f = {0};
    if (!http_server_start(&options, &outside, &f))
        fail_msg("%s", f.text);
}

static int set_up(void **state)
{
    (void)state;
    static char more[128];
    char peer[65];
    start_outside();
    snprintf(more, sizeof more, "introspection-url = http://127.0.0.1:%u/introspect\n",
             http_server_port(outside));
    house.tokens = true;
    house.more = more;
    house_make();
    _cleanup_(cleanup_text) char *path =
        text_format("%s/business-child-allowance.sha256", house.pki);
    _cleanup_(cleanup_file) FILE *in = fopen(path, "r");
    assert_true(in && fscanf(in, "%64s", peer) == 1);
    thumbprint_text(peer, thumbprint);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    http_server_stop(outside);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    house_stop();
    house_start();
    return 0;
}

static unsigned list_with(const char *token)
{
    _cleanup_(cleanup_text) char *header = text_format("Authorization: Bearer %s", token);
    const char *headers[] = {header, NULL};
    struct http_call call = {.method = "GET", .path = LIST, .headers = headers};
    struct http_answer got = {0};
    struct failure f = {0};
    if (!http_client_call(house.ours, &call, &got, &f))
        fail_msg("%s", f.text);
    unsigned status = got.status;
    http_answer_free(&got);
    return status;
}

static void only_what_it_vouches_for_gets_in(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        unsigned status;
    } tokens[] = {{"good", 200},    {"inactive", 401}, {"expired", 401},
                  {"client", 401},  {"scope", 403},    {"certificate", 401},
                  {"unbound", 401}, {"nonsense", 401}, {"broken", 503}};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        if (list_with(tokens[i].token) != tokens[i].status)
            fail_msg("%s: not %u", tokens[i].token, tokens[i].status);
}

static void what_it_said_is_remembered_for_a_moment(void **state)
{
    (void)state;
    int before = atomic_load(&asked);
    for (int i = 0; i < 5; i++)
        assert_int_equal(list_with("good"), 200);
    assert_int_equal(atomic_load(&asked) - before, 1);
}

static void who_gives_tokens_elsewhere_gives_none_here(void **state)
{
    (void)state;
    struct http_call call = {.method = "POST",
                             .path = "/routing/v1/token",
                             .content_type = "application/x-www-form-urlencoded",
                             .body = bytes_of_text("grant_type=client_credentials")};
    struct http_answer got = {0};
    struct failure f = {0};
    assert_true(http_client_call(house.ours, &call, &got, &f));
    assert_int_equal(got.status, 400);
    assert_non_null(strstr(buffer_text(&got.body), "unauthorized_client"));
    http_answer_free(&got);
}

static void while_it_is_away_nobody_gets_in(void **state)
{
    (void)state;
    http_server_stop(outside);
    assert_int_equal(list_with("good"), 503);
    start_outside(); /* for tear_down; on another port */
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(only_what_it_vouches_for_gets_in),
        EACH(what_it_said_is_remembered_for_a_moment),
        EACH(who_gives_tokens_elsewhere_gives_none_here),
        EACH(while_it_is_away_nobody_gets_in),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* The portal's client against a portal that says, in turn, exactly what the test wrote down. */
#include "tests/unit/http_support.h"

#include <pthread.h>

#include "base/cleanup.h"
#include "routing/portal.h"
#include "routing/portal_answer.h"

#define LOGIN    "{\"result\":{\"token\":\"secret-token\",\"expires_in\":3600}}"
#define HASH     "000000000000000000000000000000000000000000000000000000000000000f"
#define NOT_USED (size_t)100

enum { ANSWERS_MOST = 16 };

/* --- a portal that follows a script ----------------------------------------------------------- */

struct script {
    int listener;
    unsigned port;
    pthread_t thread;
    char *answers[ANSWERS_MOST];
    size_t answer_count;
    char *requests[ANSWERS_MOST]; /* what was asked, heads and bodies */
    _Atomic size_t request_count;
};

static void says(struct script *script, char *answer)
{
    assert_true(script->answer_count < ANSWERS_MOST);
    script->answers[script->answer_count++] = answer;
}

static void says_json(struct script *script, unsigned status, const char *body)
{
    says(script, text_format("HTTP/1.1 %u X\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                             status, strlen(body), body));
}

/* `length` may be more than there is: the transfer breaks off. */
static void says_part(struct script *script, unsigned status, const char *range, size_t length,
                      const char *body)
{
    says(script, text_format("HTTP/1.1 %u X\r\nContent-Type: application/zip\r\n%s%s%s"
                             "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                             status, range ? "Content-Range: bytes " : "", range ? range : "",
                             range ? "\r\n" : "", length, body));
}

static char *read_request(int fd)
{
    struct buffer got = {0};
    const char *text = "", *end = NULL, *length = NULL;
    while (!end || (length && strlen(end + 4) < (size_t)atol(length + 16))) {
        ssize_t n = recv(fd, buffer_reserve(&got, 65536), 65536, 0);
        if (n <= 0)
            break;
        buffer_commit(&got, (size_t)n);
        text = buffer_text(&got);
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
    }
    char *request = text_copy(text);
    buffer_free(&got);
    return request;
}

static void *run(void *context)
{
    struct script *script = context;
    for (size_t i = 0; i < script->answer_count; i++) {
        int fd = accept(script->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        script->requests[i] = read_request(fd);
        script->request_count++;
        raw_say(fd, script->answers[i]);
        close(fd);
    }
    return NULL;
}

static const struct config_key city_keys[] = {
    {"code", CONFIG_TEXT, NULL, 0, 0, NULL, "The city's code."}};
static const struct config_section city_section = {
    .name = "city", .keys = city_keys, .key_count = 1, .required = true};

struct fixture {
    struct script script;
    struct config *config;
    struct portal *portal;
};

static void open_portal(struct fixture *x)
{
    char path[] = "/tmp/portal-test-XXXXXX";
    const struct config_section *sections[] = {&city_section, &channel_config_section};
    struct failure f = {0};
    int fd = mkstemp(path);
    dprintf(fd,
            "[city]\ncode = 992011\n[channel pittari]\nurl = http://127.0.0.1:%u\n"
            "client-id = sakurano\nlist-limit = 10\npatience = 3s\n",
            x->script.port);
    close(fd);
    if (!config_load(path, sections, 2, &x->config, &f) ||
        !portal_open(x->config, "pittari", &x->portal, &f))
        fail_msg("%s", f.text);
    unlink(path);
}

static int setup(void **state)
{
    struct fixture *x = memory_allocate(sizeof *x);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    x->script.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(x->script.listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(x->script.listener, 16), 0);
    getsockname(x->script.listener, (struct sockaddr *)&at, &size);
    x->script.port = ntohs(at.sin_port);
    open_portal(x);
    *state = x;
    return 0;
}

static void begin(struct fixture *x)
{
    assert_int_equal(pthread_create(&x->script.thread, NULL, run, &x->script), 0);
}

/* The whole script must have been played. */
static int teardown(void **state)
{
    struct fixture *x = *state;
    shutdown(x->script.listener, SHUT_RDWR);
    if (x->script.answer_count > 0)
        pthread_join(x->script.thread, NULL);
    close(x->script.listener);
    int left = (int)(x->script.answer_count - x->script.request_count);
    for (size_t i = 0; i < x->script.answer_count; i++) {
        free(x->script.answers[i]);
        free(x->script.requests[i]);
    }
    portal_close(x->portal);
    config_free(x->config);
    free(x);
    return left;
}

/* --- the list --------------------------------------------------------------------------------- */

#define ENTRY(receipt, more)                                                                       \
    "{\"receipt_number\":\"" receipt "\",\"city_code\":\"992011\",\"procedure_id\":\"p.q-1\","     \
    "\"form_version\":\"1\",\"applied_at\":\"2026-11-21T09:00:00+09:00\"," more "}"
#define GOOD "\"size\":1000,\"sha256\":\"" HASH "\""
#define LIST(entries, cursor)                                                                      \
    "{\"metadata\":{},\"result\":{\"applications\":[" entries "],\"next_cursor\":" cursor "}}"

static void test_list(void **state)
{
    struct fixture *x = *state;
    struct portal_entry entries[20];
    char cursor[129] = "";
    size_t count = NOT_USED, left_out = NOT_USED;
    struct failure f = {0};
    says_json(&x->script, 200, LOGIN);
    says_json(&x->script, 200,
              LIST(ENTRY("R-1", GOOD) "," ENTRY("R-2", GOOD ",\"status\":\"取下げ\""), "\"7&\""));
    says_json(&x->script, 200, LIST("", "\"\""));
    begin(x);
    if (!portal_list(x->portal, PORTAL_NOT_COLLECTED, cursor, entries, 20, &count, &left_out, &f))
        fail_msg("%s", f.text);
    assert_int_equal(count, 2);
    assert_string_equal(cursor, "7&");
    assert_string_equal(entries[0].receipt_number, "R-1");
    assert_string_equal(entries[1].receipt_number, "R-2");
    assert_false(entries[0].withdrawn);
    assert_true(entries[1].withdrawn);
    assert_string_equal(entries[0].procedure_id, "p.q-1");
    assert_string_equal(entries[0].sha256, HASH);
    assert_int_equal(entries[0].size, 1000);
    char at[INSTANT_TEXT];
    assert_string_equal(instant_text_jst(entries[0].applied_at, at),
                        "2026-11-21T09:00:00.000000+09:00");
    assert_true(
        portal_list(x->portal, PORTAL_NOT_COLLECTED, cursor, entries, 5, &count, &left_out, &f));
    assert_int_equal(count, 0);
    assert_string_equal(cursor, "");
    assert_contains(x->script.requests[0], "POST /api/v1/login ");
    assert_contains(x->script.requests[0], "{\"client_id\":\"sakurano\"}");
    assert_contains(x->script.requests[1],
                    "GET /api/v1/applications?status=%E6%9C%AA%E5%8F%96%E5%BE%97"
                    "&city_code=992011&limit=10 ");
    assert_contains(x->script.requests[1], "Authorization: Bearer secret-token\r\n");
    assert_contains(x->script.requests[2], "&limit=5&cursor=7%26 ");
}

static void test_lists_that_are_nonsense(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "[]",
        "{}",
        "{\"result\":null}",
        "{\"result\":[]}",
        "{\"result\":{\"applications\":\"none\"}}",
        "{\"result\":{\"applications\":{}}}",
        LIST(ENTRY("R-1", GOOD), "5"),
        LIST(ENTRY("R-1", GOOD), "\"1\""), /* the cursor stands still */
        LIST(ENTRY("R-1", GOOD), "\"a b\""),
        LIST(ENTRY("1", GOOD) "," ENTRY("2", GOOD) "," ENTRY("3", GOOD), "\"\""), /* asked for 2 */
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        _cleanup_(cleanup_json) json_t *json = json_loads(answers[i], 0, NULL);
        struct portal_entry entries[2] = {0};
        char cursor[129] = "1";
        struct portal_page page = {.count = NOT_USED};
        struct failure f = {0};
        assert_non_null(json);
        if (portal_answer_list(json, "992011", cursor, entries, 2, &page, &f))
            fail_msg("taken: %s", answers[i]);
        assert_int_equal(f.kind, FAILURE_PEER);
        assert_int_equal(page.count, NOT_USED); /* untouched */
        assert_string_equal(cursor, "1");
        assert_string_equal(entries[0].receipt_number, "");
    }
}

/* One bad entry must not keep the others from being taken in. */
static void test_entries_that_are_left_out(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "1",
        "null",
        ENTRY("R-1", GOOD), /* a second time */
        ENTRY("", GOOD),
        ENTRY("../x", GOOD),
        ENTRY("桜", GOOD),
        ENTRY("R-1", "\"size\":-1,\"sha256\":\"" HASH "\""),
        ENTRY("R-1", "\"size\":1.5,\"sha256\":\"" HASH "\""),
        ENTRY("R-1", "\"size\":\"1\",\"sha256\":\"" HASH "\""),
        ENTRY("R-1", "\"size\":9000000000000000000,\"sha256\":\"" HASH "\""),
        ENTRY("R-1", "\"size\":1,\"sha256\":\"" HASH "0\""),
        ENTRY("R-1", "\"size\":1,\"sha256\":\"xyz\""),
        ENTRY("R-1", "\"size\":1"),
        "{\"receipt_number\":\"R-1\",\"city_code\":\"992012\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_(cleanup_text) char *text =
            text_format(LIST(ENTRY("R-1", GOOD) ",%s," ENTRY("R-2", GOOD), "\"\""), bad[i]);
        _cleanup_(cleanup_json) json_t *json = json_loads(text, 0, NULL);
        struct portal_entry entries[3] = {0};
        char cursor[129] = "1";
        struct portal_page page;
        struct failure f = {0};
        assert_non_null(json);
        assert_true(portal_answer_list(json, "992011", cursor, entries, 3, &page, &f));
        assert_int_equal(page.count, 2);
        assert_int_equal(page.left_out, 1);
        assert_non_null(page.fault);
        assert_string_equal(entries[0].receipt_number, "R-1");
        assert_string_equal(entries[1].receipt_number, "R-2");
    }
}

static void test_withdrawals_that_are_left_out(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"receipt_number\":\"R-2\"}", "{\"withdrawn_at\":\"2026-11-21T09:00:00+09:00\"}",
        "{\"receipt_number\":\"R 2\",\"withdrawn_at\":\"2026-11-21T09:00:00+09:00\"}",
        "{\"receipt_number\":\"R-2\",\"withdrawn_at\":\"yesterday\"}", "7"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct portal_withdrawal found[3];
        struct portal_page page;
        char cursor[PORTAL_CURSOR_SIZE] = "";
        struct failure f = {0};
        _cleanup_(cleanup_text) char *text = text_format(
            "{\"result\":{\"withdrawals\":[%s,{\"receipt_number\":\"R-1\",\"withdrawn_at\":"
            "\"2026-11-21T09:00:00+09:00\"}]}}",
            bad[i]);
        _cleanup_(cleanup_json) json_t *json = json_loads(text, 0, NULL);
        assert_true(portal_answer_withdrawals(json, cursor, found, 3, &page, &f));
        assert_int_equal(page.count, 1);
        assert_int_equal(page.left_out, 1);
        assert_string_equal(found[0].receipt_number, "R-1");
        assert_false(portal_answer_withdrawals(json, cursor, found, 1, &page, &f));
    }
}

static void test_lists_that_are_no_answer(void **state)
{
    struct fixture *x = *state;
    struct portal_entry entries[10];
    char cursor[129] = "";
    size_t count = NOT_USED, left_out = NOT_USED;
    says_json(&x->script, 200, LOGIN);
    says_json(&x->script, 500, "{\"errors\":[{\"code\":\"E0199\",\"message\":\"x\"}]}");
    says_json(&x->script, 200, "<html>nonsense</html>");
    says(&x->script, text_copy(""));
    says(&x->script, text_copy("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"result\""));
    says(&x->script, text_copy("HTTP/1.1 200 X\r\nContent-Length: 99999999\r\n\r\n{"));
    begin(x);
    static const enum failure_kind kinds[] = {FAILURE_PEER, FAILURE_PEER, FAILURE_NETWORK,
                                              FAILURE_NETWORK, FAILURE_NETWORK};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct failure f = {0};
        assert_false(portal_list(x->portal, PORTAL_NOT_COLLECTED, cursor, entries, 10, &count,
                                 &left_out, &f));
        assert_int_equal(f.kind, kinds[i]);
        assert_null(strstr(f.text, "nonsense"));
        if (i == 0)
            assert_contains(f.text, "500 E0199");
    }
    assert_int_equal(count, NOT_USED);
}

/* --- the login -------------------------------------------------------------------------------- */

static void test_a_token_that_ran_out(void **state)
{
    struct fixture *x = *state;
    struct portal_entry entries[10];
    char cursor[129] = "";
    size_t count, left_out;
    struct failure f = {0};
    says_json(&x->script, 200, LOGIN);
    says_json(&x->script, 200, LIST("", "\"\""));
    says_json(&x->script, 401, "{}"); /* the portal was started again */
    says_json(&x->script, 200, "{\"result\":{\"token\":\"another\",\"expires_in\":3600}}");
    says_json(&x->script, 200, LIST("", "null"));
    begin(x);
    for (int i = 0; i < 2; i++)
        if (!portal_list(x->portal, PORTAL_NOT_COLLECTED, cursor, entries, 10, &count, &left_out,
                         &f))
            fail_msg("%s", f.text);
    assert_contains(x->script.requests[4], "Bearer another\r\n");
}

/* A portal that refuses what it has just given is not asked for ever. */
static void test_a_portal_that_always_says_401(void **state)
{
    struct fixture *x = *state;
    struct portal_entry entries[10];
    char cursor[129] = "";
    size_t count, left_out;
    struct failure f = {0};
    says_json(&x->script, 200, LOGIN);
    says_json(&x->script, 401, "{\"errors\":[{\"code\":\"E0103\"}]}");
    begin(x);
    assert_false(
        portal_list(x->portal, PORTAL_NOT_COLLECTED, cursor, entries, 10, &count, &left_out, &f));
    assert_int_equal(f.kind, FAILURE_PEER);
    assert_contains(f.text, "401 E0103");
}

static void test_logins_that_are_nonsense(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "{}",
        "{\"result\":{\"token\":5,\"expires_in\":1}}",
        "{\"result\":{\"token\":\"\",\"expires_in\":1}}",
        "{\"result\":{\"token\":\"a b\",\"expires_in\":1}}",
        "{\"result\":{\"token\":\"a\\r\\nX: y\",\"expires_in\":1}}",
        "{\"result\":{\"token\":\"a\",\"expires_in\":0}}",
        "{\"result\":{\"token\":\"a\",\"expires_in\":-1}}",
        "{\"result\":{\"token\":\"a\",\"expires_in\":\"1\"}}",
        "{\"result\":{\"token\":\"a\",\"expires_in\":9223372036854775807}}",
        "{\"result\":{\"token\":\"a\"}}",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        _cleanup_(cleanup_json) json_t *json = json_loads(answers[i], 0, NULL);
        char *token = NULL;
        instant lasts = 0;
        struct failure f = {0};
        assert_false(portal_answer_login(json, &token, &lasts, &f));
        assert_true(f.kind == FAILURE_PEER && !token);
    }
}

/* --- packages --------------------------------------------------------------------------------- */

static void expect_get(struct fixture *x, size_t most, const char *before, const char *after,
                       enum failure_kind kind)
{
    _cleanup_(cleanup_buffer) struct buffer body = {0};
    struct failure f = {0};
    buffer_append_text(&body, before);
    bool good = portal_get(x->portal, "R-1", most, &body, &f);
    if (f.kind != kind || good != (kind == FAILURE_NONE))
        fail_msg("got %d: %s", (int)f.kind, f.text);
    assert_string_equal(buffer_text(&body), after);
}

static void test_a_download_in_one_go(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_part(&x->script, 200, NULL, 10, "0123456789");
    says_part(&x->script, 200, NULL, 10, "0123456789");
    begin(x);
    expect_get(x, 10, "", "0123456789", FAILURE_NONE);
    expect_get(x, 9, "", "012345678", FAILURE_LIMIT);
    assert_contains(x->script.requests[1], "GET /api/v1/applications/R-1 ");
    assert_null(strstr(x->script.requests[1], "Range:"));
}

static void test_a_download_that_breaks_is_resumed(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_part(&x->script, 200, NULL, 10, "0123");
    says_part(&x->script, 206, "4-9/10", 6, "45");
    says_part(&x->script, 206, "6-9/10", 4, "6789");
    begin(x);
    expect_get(x, 10, "", "0123456789", FAILURE_NONE);
    assert_contains(x->script.requests[2], "Range: bytes=4-\r\n");
    assert_contains(x->script.requests[3], "Range: bytes=6-\r\n");
}

/* What came is kept for the next time, in another call. */
static void test_a_download_that_stays_broken(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_part(&x->script, 200, NULL, 10, "0123");
    says(&x->script, text_copy(""));
    says_part(&x->script, 206, "4-9/10", 6, "456789");
    begin(x);
    expect_get(x, 10, "", "0123", FAILURE_NETWORK);
    expect_get(x, 10, "0123", "0123456789", FAILURE_NONE);
}

static void test_a_portal_without_ranges(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_part(&x->script, 200, NULL, 10, "0123456789");
    begin(x);
    expect_get(x, 10, "xyz", "0123456789", FAILURE_NONE); /* not appended */
}

static void test_parts_that_were_not_asked_for(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_part(&x->script, 206, "0-9/10", 10, "0123456789");
    says_part(&x->script, 206, NULL, 2, "xx");
    says_part(&x->script, 206, "4-5/2", 2, "xx");
    says_part(&x->script, 206, "4-5/999", 2, "xx");
    says_part(&x->script, 206, "4-9/10", 4, "4567"); /* whole, and yet short */
    says_part(&x->script, 206, "8-9/10", 2, "89");
    begin(x);
    expect_get(x, 10, "0123", "0123", FAILURE_PEER);
    expect_get(x, 10, "0123", "0123", FAILURE_PEER);
    expect_get(x, 10, "0123", "0123", FAILURE_PEER);
    expect_get(x, 10, "0123", "0123", FAILURE_LIMIT);
    expect_get(x, 10, "0123", "0123456789", FAILURE_NONE);
}

static void test_nothing_left_to_send(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_part(&x->script, 416, "*/4", 2, "{}");
    says_part(&x->script, 416, "*/3", 2, "{}");
    begin(x);
    expect_get(x, 10, "0123", "0123", FAILURE_NONE); /* all was there */
    expect_get(x, 10, "0123", "", FAILURE_PEER);     /* it belongs to something else */
}

static void test_downloads_that_are_none(void **state)
{
    struct fixture *x = *state;
    says_json(&x->script, 200, LOGIN);
    says_json(&x->script, 200, "{\"result\": [\"garbage");
    says_json(&x->script, 404, "{}");
    says_json(&x->script, 500, "{}");
    says_part(&x->script, 302, NULL, 0, "");
    says_part(&x->script, 200, NULL, 0, "");
    begin(x);
    expect_get(x, 100, "", "", FAILURE_PEER);
    expect_get(x, 10, "", "", FAILURE_PEER);
    expect_get(x, 10, "", "", FAILURE_PEER);
    expect_get(x, 10, "", "", FAILURE_PEER);
    expect_get(x, 10, "", "", FAILURE_NONE); /* empty, and says so: the caller compares */
}

static void test_receipt_numbers_are_checked(void **state)
{
    struct fixture *x = *state;
    struct failure f = {0};
    struct buffer body = {0};
    assert_false(portal_get(x->portal, "../login", 10, &body, &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
}

/* --- statuses --------------------------------------------------------------------------------- */

static const struct portal_status two[] = {{"R-1", "取得済"}, {"R-2", "処理中"}};

static void test_registering(void **state)
{
    struct fixture *x = *state;
    bool done[2] = {false, true};
    struct failure f = {0};
    says_json(&x->script, 200, LOGIN);
    says_json(&x->script, 200,
              "{\"result\":{\"statuses\":[{\"receipt_number\":\"R-1\",\"registered\":true},"
              "{\"receipt_number\":\"R-2\",\"registered\":false}]}}");
    begin(x);
    assert_true(portal_register(x->portal, two, 0, NULL, &f)); /* nothing to say */
    if (!portal_register(x->portal, two, 2, done, &f))
        fail_msg("%s", f.text);
    assert_true(done[0]);
    assert_false(done[1]);
    assert_contains(x->script.requests[1], "POST /api/v1/statuses ");
    assert_contains(x->script.requests[1],
                    "{\"statuses\":[{\"receipt_number\":\"R-1\",\"status\":\"取得済\"},"
                    "{\"receipt_number\":\"R-2\",\"status\":\"処理中\"}]}");
}

static void test_registrations_that_are_nonsense(void **state)
{
    (void)state;
#define ONE(receipt, registered) "{\"receipt_number\":" receipt ",\"registered\":" registered "}"
#define BOTH(a, b)               "{\"result\":{\"statuses\":[" a "," b "]}}"
    static const char *const answers[] = {
        "{}",
        "[]",
        "{\"result\":{\"statuses\":[]}}",
        "{\"result\":{\"statuses\":[" ONE("\"R-1\"", "true") "]}}",
        BOTH(ONE("\"R-2\"", "true"), ONE("\"R-1\"", "true")),
        BOTH(ONE("\"R-1\"", "true"), ONE("\"R-1\"", "true")),
        BOTH(ONE("\"R-1\"", "\"true\""), ONE("\"R-2\"", "true")),
        BOTH(ONE("5", "true"), ONE("\"R-2\"", "true")),
        BOTH("null", ONE("\"R-2\"", "true")),
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        _cleanup_(cleanup_json) json_t *json = json_loads(answers[i], 0, NULL);
        bool done[2] = {false, false};
        struct failure f = {0};
        assert_non_null(json);
        assert_false(portal_answer_statuses(json, two, 2, done, &f));
        assert_true(f.kind == FAILURE_PEER && !done[0] && !done[1]);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_list),
        cmocka_unit_test(test_lists_that_are_nonsense),
        cmocka_unit_test(test_entries_that_are_left_out),
        cmocka_unit_test(test_withdrawals_that_are_left_out),
        T(test_lists_that_are_no_answer),
        T(test_a_token_that_ran_out),
        T(test_a_portal_that_always_says_401),
        cmocka_unit_test(test_logins_that_are_nonsense),
        T(test_a_download_in_one_go),
        T(test_a_download_that_breaks_is_resumed),
        T(test_a_download_that_stays_broken),
        T(test_a_portal_without_ranges),
        T(test_parts_that_were_not_asked_for),
        T(test_nothing_left_to_send),
        T(test_downloads_that_are_none),
        T(test_receipt_numbers_are_checked),
        T(test_registering),
        cmocka_unit_test(test_registrations_that_are_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

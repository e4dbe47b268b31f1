#include "routing/server.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/metrics.h"
#include "base/process.h"
#include "base/text.h"
#include "tests/support/routing.h"

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

static int reset(void **state)
{
    (void)state;
    house_clear();
    return 0;
}

/* --- receipts -----------------------------------------------------------------------------------
 */

static void a_receipt_is_taken_and_told(void **state)
{
    (void)state;
    char id_text[37];
    int64_t id = house_put_one(4);
    assert_string_equal(house_send(house.ours, id, house_hash(4), true), "taken");
    assert_int_equal(house.calls, 1);
    assert_int_equal(house.accepted, 1);
    assert_string_equal(house.application_id, test_application_id(4, id_text));
    assert_int_equal(house_waiting(&id, 1), 0);
    assert_int_equal(house_audited_of(4, "items.received"), 1);
    assert_string_equal(house_send(house.ours, id, house_hash(4), true), "repeated");
    assert_string_equal(house_send(house.ours, id, house_hash(4), false), "conflict");
    assert_int_equal(house.calls, 1);
    _cleanup_(cleanup_text) char *path = house_path(id, "");
    house_expect(house.ours, "GET", path, NULL, 404, "E0100");
}

static void a_rejection_keeps_its_problems(void **state)
{
    (void)state;
    int64_t id = house_put_one(5);
    assert_string_equal(house_send(house.ours, id, house_hash(5), false), "taken");
    assert_int_equal(house.rejected, 1);
    char *problems = house_unseal(5, "problems", "SELECT encode(problems, 'hex') FROM delivery");
    assert_string_equal(problems, "[{\"code\":\"E0004\",\"item\":\"atenabango\","
                                  "\"message\":\"no such person\"}]");
    free(problems);
}

static void a_receipt_must_prove_possession(void **state)
{
    (void)state;
    int64_t id = house_put_one(1);
    long long before = house_audited("receipt.refused");
    assert_string_equal(house_send(house.ours, id, house_hash(2), true), "wrong-hash");
    assert_string_equal(house_send(house.ours, id + 1, house_hash(1), true), "unknown");
    assert_int_equal(house.calls, 0);
    assert_int_equal(house_audited("receipt.refused") - before, 1);
    assert_int_equal(house_waiting(&id, 1), 1);
    char capital[65];
    for (int i = 0; i < 65; i++) /* hexadecimal digits of either case are the same hash */
        capital[i] = house_hash(1)[i] >= 'a' ? (char)(house_hash(1)[i] - 32) : house_hash(1)[i];
    assert_string_equal(house_send(house.ours, id, capital, true), "taken");
}

/* `count` receipts: the first for `id`, the others for items that are not there. */
static char *many_receipts(int64_t id, int count)
{
    struct buffer body = {0};
    for (int i = 0; i < count; i++) {
        _cleanup_(cleanup_text) char *one =
            house_receipt(i ? 1000000 + i : id, house_hash(1), true);
        buffer_format(&body, "%c%s", i ? ',' : '[', one);
    }
    buffer_append_text(&body, "]");
    char *text = text_copy(buffer_text(&body));
    buffer_free(&body);
    return text;
}

static void five_hundred_receipts_fit_and_one_more_does_not(void **state)
{
    (void)state;
    int64_t id = house_put_one(1);
    _cleanup_(cleanup_text) char *more = many_receipts(id, 501);
    house_expect(house.ours, "POST", "/routing/v1/receipts", more, 400, "E0003");
    assert_int_equal(house_waiting(&id, 1), 1);
    _cleanup_(cleanup_text) char *most = many_receipts(id, 500);
    json_t *answer = house_ask_json(house.ours, "POST", "/routing/v1/receipts", most, 200);
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 500);
    assert_string_equal(house_text(results, 0, "result"), "taken");
    assert_string_equal(house_text(results, 499, "result"), "unknown");
    json_decref(answer);
}

#define HASH    "\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define PROBLEM "{\"code\":\"E0001\",\"item\":\"b\",\"message\":\"c\"}"

static void one_wrong_receipt_refuses_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *receipt, *code;
    } wrong[] = {
        {"5", "E0001"},
        {"{" HASH ",\"result\":\"accepted\"}", "E0001"},
        {"{\"id\":1," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":null," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"\"," HASH ",\"result\":\"accepted\"}", "E0001"},
        {"{\"id\":\"01\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"+1\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\" 1\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"9223372036854775808\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"x\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"0\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"99999999999999999999\"," HASH ",\"result\":\"accepted\"}", "E0003"},
        {"{\"id\":\"1\",\"result\":\"accepted\"}", "E0001"},
        {"{\"id\":\"1\",\"sha256\":\"aa\",\"result\":\"accepted\"}", "E0003"},
        {"{\"id\":\"1\"," HASH "}", "E0001"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"maybe\"}", "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\"}", "E0004"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"accepted\",\"problems\":[" PROBLEM "]}", "E0004"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":{}}", "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":[{\"code\":\"E0001\"}]}",
         "E0001"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":[{\"code\":\"no\",\"item\":"
         "\"b\",\"message\":\"c\"}]}",
         "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":[{\"code\":\"E0001\","
         "\"item\":\"b\\r\\nX: y\",\"message\":\"c\"}]}",
         "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"accepted\",\"claim\":\"mine\"}", "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"accepted\",\"claim\":null}", "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"accepted\",\"claim\":"
         "\"00000000-0000-4000-8000-000000000000.01.2\"}",
         "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":[{\"code\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"item\":\"b\","
         "\"message\":\"c\"}]}",
         "E0003"},
    };
    int64_t id = house_put_one(1);
    _cleanup_(cleanup_text) char *good = house_receipt(id, house_hash(1), true);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        _cleanup_(cleanup_text) char *body = text_format("[%s,%s]", good, wrong[i].receipt);
        house_expect(house.ours, "POST", "/routing/v1/receipts", body, 400, wrong[i].code);
    }
    house_expect(house.ours, "POST", "/routing/v1/receipts", "[]", 400, "E0001");
    house_expect(house.ours, "POST", "/routing/v1/receipts", good, 400, "E0001");
    struct http_answer answer = house_ask(house.ours, "POST", "/routing/v1/receipts", "[{");
    assert_int_equal(answer.status, 400);
    http_answer_free(&answer);
    assert_int_equal(house.calls, 0);
    assert_int_equal(house_waiting(&id, 1), 1);
}

static void twenty_problems_fit_and_one_more_does_not(void **state)
{
    (void)state;
    int64_t id = house_put_one(1);
    struct buffer problems = {0};
    for (int i = 0; i < 20; i++)
        buffer_format(&problems, "%s" PROBLEM, i ? "," : "");
    for (int more = 1; more >= 0; more--) {
        _cleanup_(cleanup_text) char *body = text_format(
            "[{\"id\":\"%" PRId64 "\",\"sha256\":\"%s\",\"result\":\"rejected\",\"problems\":"
            "[%s%s]}]",
            id, house_hash(1), buffer_text(&problems), more ? "," PROBLEM : "");
        if (more)
            house_expect(house.ours, "POST", "/routing/v1/receipts", body, 400, "E0003");
        else
            json_decref(house_ask_json(house.ours, "POST", "/routing/v1/receipts", body, 200));
    }
    buffer_free(&problems);
    assert_int_equal(house.rejected, 1);
}

static void what_the_house_can_not_decide_is_not_taken(void **state)
{
    (void)state;
    int64_t id = house_put_one(1);
    _cleanup_(cleanup_text) char *receipt = house_receipt(id, house_hash(1), true);
    _cleanup_(cleanup_text) char *body = text_format("[%s]", receipt);
    house.fails = true;
    house_expect(house.ours, "POST", "/routing/v1/receipts", body, 500, "E0199");
    assert_int_equal(house_waiting(&id, 1), 1);
    house.fails = false;
    assert_string_equal(house_send(house.ours, id, house_hash(1), true), "taken");
}

/* The server lets go of a request a moment after its answer has come. */
static void wait_until_none_waits(struct buffer *ret_text)
{
    for (int tries = 0; tries < 200; tries++) {
        buffer_clear(ret_text);
        metrics_write(ret_text);
        if (strstr(buffer_text(ret_text), "uketsuke_routing_waiting 0"))
            return;
        process_sleep(INSTANT_SECOND / 100);
    }
    fail_msg("a long poll that has ended still counts as waiting");
}

static void what_happens_is_counted(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    int64_t id = house_put_one(1);
    _cleanup_(cleanup_text) char *path = house_path(id, "");
    struct http_answer answer = house_ask(house.ours, "GET", path, NULL);
    http_answer_free(&answer);
    assert_string_equal(house_send(house.ours, id, house_hash(1), true), "taken");
    assert_string_equal(house_send(house.ours, id, house_hash(1), true), "repeated");
    json_decref(house_ask_json(house.ours, "GET", "/routing/v1/items?wait=1", NULL, 200));
    wait_until_none_waits(&text);
    const char *all = buffer_text(&text);
    assert_non_null(strstr(all, "uketsuke_routing_delivered_total{kind=\"item\"}"));
    assert_non_null(strstr(all, "uketsuke_routing_receipts_total{result=\"repeated\"}"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(a_receipt_is_taken_and_told),
        EACH(a_rejection_keeps_its_problems),
        EACH(a_receipt_must_prove_possession),
        EACH(five_hundred_receipts_fit_and_one_more_does_not),
        EACH(one_wrong_receipt_refuses_the_request),
        EACH(twenty_problems_fit_and_one_more_does_not),
        EACH(what_the_house_can_not_decide_is_not_taken),
        EACH(what_happens_is_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "routing/outcomes_parse.h"

#include <inttypes.h>
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

#define PATH "/routing/v1/outcomes"
#define REASONS                                                                                    \
    "\"reasons\":[{\"code\":\"E0001\",\"item\":\"record.claimant\",\"message\":\"no proof\"}]"

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

/* The id of application n's item, received. */
static int64_t received(int n)
{
    int64_t id = house_put_one(n);
    assert_string_equal(house_send(house.ours, id, house_hash(n), true), "taken");
    return id;
}

static json_t *send(struct http_client *c, const char *body)
{
    json_t *answer = house_ask_json(c, "POST", PATH, body, 200);
    json_t *results = json_incref(json_object_get(answer, "results"));
    json_decref(answer);
    return results;
}

/* One outcome for the item, with what else stands in `rest`; what became of it. */
static const char *send_one(struct http_client *c, int64_t id, const char *outcome,
                            const char *rest)
{
    static char result[32];
    _cleanup_(cleanup_text) char *body = text_format(
        "[{\"id\":\"%" PRId64 "\",\"outcome\":\"%s\"%s%s}]", id, outcome, *rest ? "," : "", rest);
    _cleanup_(cleanup_json) json_t *results = send(c, body);
    assert_int_equal(json_array_size(results), 1);
    snprintf(result, sizeof result, "%s", house_text(results, 0, "result"));
    return result;
}

static long long kept(const char *where)
{
    _cleanup_(cleanup_text) char *sql = text_format("SELECT count(*) FROM outcome WHERE %s", where);
    return test_sql_number(&house.database, sql);
}

static void an_outcome_is_taken_once_and_told(void **state)
{
    (void)state;
    int64_t id = received(1);
    long long before = house_audited("outcome.taken");
    assert_string_equal(send_one(house.ours, id, "completed", ""), "taken");
    assert_string_equal(send_one(house.ours, id, "completed", ""), "repeated");
    assert_string_equal(send_one(house.ours, id, "completed", ""), "repeated");
    assert_int_equal(house.outcomes[OUTCOME_COMPLETED], 1);
    assert_int_equal(kept("outcome = 'completed' AND number = 1 AND repeated = 2"), 1);
    assert_int_equal(house_audited("outcome.taken") - before, 1);
}

static void what_it_says_is_kept_sealed(void **state)
{
    (void)state;
    int64_t id = received(2);
    assert_string_equal(send_one(house.ours, id, "incomplete",
                                 "\"message\":\"住民票を\\n添えてください\"," REASONS),
                        "taken");
    assert_string_equal(house.message, "住民票を\n添えてください");
    _cleanup_(cleanup_text) char *content =
        house_unseal(2, "outcome", "SELECT encode(sealed, 'hex') FROM outcome");
    assert_string_equal(
        content, "{\"message\":\"住民票を\\n添えてください\",\"reasons\":[{\"code\":\"E0001\","
                 "\"item\":\"record.claimant\",\"message\":\"no proof\"}]}");
}

static void the_last_word_stands(void **state)
{
    (void)state;
    int64_t id = received(3);
    assert_string_equal(send_one(house.ours, id, "incomplete", "\"message\":\"a\"," REASONS),
                        "taken");
    assert_string_equal(send_one(house.ours, id, "rejected", REASONS), "taken");
    long long before = house_audited("outcome.refused");
    assert_string_equal(send_one(house.ours, id, "completed", ""), "conflict");
    assert_string_equal(send_one(house.ours, id, "rejected", REASONS), "repeated");
    assert_int_equal(house_audited("outcome.refused") - before, 1);
    assert_int_equal(kept("true"), 2);
}

/* By its receipt number it is the item's, also when a notice (取下げ) was received since. */
static void a_notice_has_no_outcome_of_its_own(void **state)
{
    (void)state;
    static const char by_number[] =
        "[{\"receipt_number\":\"R-00000005\",\"outcome\":\"completed\"}]";
    received(5);
    json_t *results = send(house.ours, by_number);
    assert_string_equal(house_text(results, 0, "result"), "taken");
    json_decref(results);
    int64_t notice = house_put_one(5);
    test_sql(&house.database, "UPDATE outbox SET status = 'withdrawn'");
    assert_string_equal(house_send(house.ours, notice, house_hash(5), true), "taken");
    results = send(house.ours, by_number);
    assert_string_equal(house_text(results, 0, "result"), "repeated");
    json_decref(results);
}

static void what_the_application_does_not_take_is_a_conflict(void **state)
{
    (void)state;
    int64_t id = received(4);
    house.unmoved = true;
    assert_string_equal(send_one(house.ours, id, "completed", ""), "conflict");
    assert_int_equal(kept("true"), 0);
    house.unmoved = false;
    assert_string_equal(send_one(house.ours, id, "completed", ""), "taken");
}

static void only_what_was_received_has_an_outcome(void **state)
{
    (void)state;
    int64_t id = house_put_one(5);
    assert_string_equal(send_one(house.ours, id, "completed", ""), "unknown");
    assert_string_equal(house_send(house.ours, id, house_hash(5), false), "taken");
    assert_string_equal(send_one(house.ours, id, "completed", ""), "unknown");
    assert_string_equal(send_one(house.ours, id + 1000, "completed", ""), "unknown");
    int64_t ours = received(6);
    assert_string_equal(send_one(house.theirs, ours, "completed", ""), "unknown");
    assert_int_equal(house.outcomes[OUTCOME_COMPLETED], 0);
}

static void a_receipt_number_names_an_item_too(void **state)
{
    (void)state;
    int64_t id = received(7);
    _cleanup_(cleanup_json) json_t *results = send(
        house.ours, "[{\"receipt_number\":\"R-00000007\",\"outcome\":\"completed\"},"
                    "{\"receipt_number\":\"R-00000008\",\"outcome\":\"completed\"},"
                    "{\"receipt_number\":\"R-00000007\",\"outcome\":\"completed\"},"
                    "{\"receipt_number\":\"R-00000007\",\"outcome\":\"rejected\"," REASONS "}]");
    _cleanup_(cleanup_text) char *text = text_format("%" PRId64, id);
    assert_string_equal(house_text(results, 0, "result"), "taken");
    assert_string_equal(house_text(results, 0, "id"), text);
    assert_string_equal(house_text(results, 1, "result"), "unknown");
    assert_string_equal(house_text(results, 2, "result"), "repeated");
    assert_string_equal(house_text(results, 3, "result"), "conflict");
    _cleanup_(cleanup_json) json_t *others =
        send(house.theirs, "[{\"receipt_number\":\"R-00000007\",\"outcome\":\"completed\"}]");
    assert_string_equal(house_text(others, 0, "result"), "unknown");
}

static void one_wrong_outcome_refuses_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *outcome, *code;
    } wrong[] = {
        {"5", "E0001"},
        {"{\"outcome\":\"completed\"}", "E0001"},
        {"{\"id\":\"1\"}", "E0001"},
        {"{\"id\":\"0\",\"outcome\":\"completed\"}", "E0002"},
        {"{\"id\":\"1\",\"receipt_number\":\"R\",\"outcome\":\"completed\"}", "E0004"},
        {"{\"receipt_number\":\"R'; DROP TABLE outcome\",\"outcome\":\"completed\"}", "E0002"},
        {"{\"id\":\"1\",\"outcome\":\"perhaps\"}", "E0002"},
        {"{\"id\":\"1\",\"outcome\":\"completed\"," REASONS "}", "E0004"},
        {"{\"id\":\"1\",\"outcome\":\"rejected\"}", "E0004"},
        {"{\"id\":\"1\",\"outcome\":\"incomplete\"," REASONS "}", "E0004"},
        {"{\"id\":\"1\",\"outcome\":\"completed\",\"message\":\"a\\u001b[2J\"}", "E0002"},
        {"{\"id\":\"1\",\"outcome\":\"completed\",\"message\":\"\"}", "E0001"},
    };
    int64_t id = received(1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        _cleanup_(cleanup_text) char *body = text_format(
            "[{\"id\":\"%" PRId64 "\",\"outcome\":\"completed\"},%s]", id, wrong[i].outcome);
        house_expect(house.ours, "POST", PATH, body, 400, wrong[i].code);
    }
    house_expect(house.ours, "POST", PATH, "[]", 400, "E0001");
    house_expect(house.ours, "POST", PATH, "{}", 400, "E0001");
    assert_int_equal(house.outcomes[OUTCOME_COMPLETED], 0);
}

static void the_limits_hold_at_their_edge(void **state)
{
    (void)state;
    int64_t id = received(1);
    for (int more = 1; more >= 0; more--) {
        _cleanup_(cleanup_buffer) struct buffer body = {0};
        for (int i = 0; i < OUTCOMES_MOST + more; i++)
            buffer_format(&body, "%s{\"id\":\"%" PRId64 "\",\"outcome\":\"completed\"}",
                          i ? "," : "[", id + i * 1000);
        buffer_append_text(&body, "]");
        if (more)
            house_expect(house.ours, "POST", PATH, buffer_text(&body), 400, "E0003");
        else
            json_decref(house_ask_json(house.ours, "POST", PATH, buffer_text(&body), 200));
    }
    for (int more = 1; more >= 0; more--) {
        _cleanup_(cleanup_buffer) struct buffer body = {0};
        buffer_format(&body, "[{\"id\":\"%" PRId64 "\",\"outcome\":\"completed\",\"message\":\"",
                      id);
        for (int i = 0; i < OUTCOMES_MESSAGE_MOST + more; i++)
            buffer_append_text(&body, "桜");
        buffer_append_text(&body, "\"}]");
        if (more)
            house_expect(house.ours, "POST", PATH, buffer_text(&body), 400, "E0003");
        else
            json_decref(house_ask_json(house.ours, "POST", PATH, buffer_text(&body), 200));
    }
}

static void what_the_house_can_not_decide_is_not_taken(void **state)
{
    (void)state;
    int64_t id = received(1);
    _cleanup_(cleanup_text) char *body =
        text_format("[{\"id\":\"%" PRId64 "\",\"outcome\":\"completed\"}]", id);
    house.fails = true;
    house_expect(house.ours, "POST", PATH, body, 500, "E0199");
    assert_int_equal(kept("true"), 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(an_outcome_is_taken_once_and_told),
        EACH(what_it_says_is_kept_sealed),
        EACH(the_last_word_stands),
        EACH(a_notice_has_no_outcome_of_its_own),
        EACH(what_the_application_does_not_take_is_a_conflict),
        EACH(only_what_was_received_has_an_outcome),
        EACH(a_receipt_number_names_an_item_too),
        EACH(one_wrong_outcome_refuses_the_request),
        EACH(the_limits_hold_at_their_edge),
        EACH(what_the_house_can_not_decide_is_not_taken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

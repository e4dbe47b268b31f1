#include "routing/assertion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/jws.h"
#include "base/text.h"
#include "tests/support/routing.h"

#define LIST "/routing/v1/items"

/* House: both destinations need tokens, whose life is 10 minutes; 20 refusals a minute. */
static int set_up(void **state)
{
    (void)state;
    house.tokens = true;
    house_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    return 0;
}

/* Anew, so that refusals of the test before do not count. */
static int reset(void **state)
{
    (void)state;
    clock_fix(0);
    house_stop();
    house_start();
    house_clear();
    test_sql(&house.database, "DELETE FROM token; DELETE FROM token_assertion");
    return 0;
}

/* --- asking for tokens ---------------------------------------------------------------------------
 */

static char *audience(void)
{
    return text_format("https://127.0.0.1:%u/routing/v1/token", routing_server_port(house.server));
}

static json_t *claims_of(const char *client_id, const char *jti)
{
    _cleanup_(cleanup_text) char *aud = audience();
    json_int_t now = clock_now() / INSTANT_SECOND;
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "iss", client_id, "sub", client_id, "aud", aud,
                     "jti", jti, "exp", now + 60);
}

static char *form_of(const json_t *claims, const char *secret, const char *rest)
{
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer jws = {0};
    assert_true(jws_make(claims, bytes_of_text(secret), &jws, &f));
    _cleanup_(cleanup_text) char *type = http_escape(ASSERTION_TYPE);
    return text_format("grant_type=client_credentials&client_assertion_type=%s&client_assertion="
                       "%s%s",
                       type, buffer_text(&jws), rest);
}

static struct http_answer post_form(struct http_client *c, const char *path, const char *form,
                                    const char *authorization)
{
    const char *headers[] = {authorization, NULL};
    struct http_call call = {.method = "POST",
                             .path = path,
                             .headers = headers,
                             .content_type = "application/x-www-form-urlencoded",
                             .body = bytes_of_text(form)};
    struct http_answer answer = {0};
    struct failure f = {0};
    if (!http_client_call(c, &call, &answer, &f))
        fail_msg("%s", f.text);
    return answer;
}

/* The answer to a token request, whose status must be this. */
static json_t *ask(struct http_client *c, const char *form, unsigned status)
{
    struct failure f = {0};
    struct http_answer answer = post_form(c, "/routing/v1/token", form, NULL);
    if (answer.status != status)
        fail_msg("%u instead of %u: %s", answer.status, status, buffer_text(&answer.body));
    json_t *json = http_answer_json(&answer, &f);
    http_answer_free(&answer);
    return json;
}

/* Who signed it is told what of it does not hold. */
static void expect_reason(const char *form, const char *reason)
{
    _cleanup_(cleanup_json) json_t *json = ask(house.ours, form, 401);
    assert_string_equal(json_string_value(json_object_get(json, "error")), "invalid_client");
    assert_non_null(strstr(json_string_value(json_object_get(json, "detail")), reason));
}

static void expect_error(struct http_client *c, const char *form, unsigned status,
                         const char *error)
{
    _cleanup_(cleanup_json) json_t *json = ask(c, form, status);
    assert_string_equal(json_string_value(json_object_get(json, "error")), error);
    assert_non_null(json_object_get(json, "error_description"));
    assert_non_null(json_object_get(json, "request_id"));
}

/* "Authorization: Bearer …" for us by one of our secrets, with a scope (NULL: all). */
static char *bearer_by(const char *secret, const char *jti, const char *scope)
{
    _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_OUR_ID, jti);
    _cleanup_(cleanup_text) char *escaped = http_escape(scope ? scope : "");
    _cleanup_(cleanup_text) char *rest = text_format("%s%s", scope ? "&scope=" : "", escaped);
    _cleanup_(cleanup_text) char *form = form_of(claims, secret, rest);
    _cleanup_(cleanup_json) json_t *json = ask(house.ours, form, 200);
    return text_format("Authorization: Bearer %s",
                       json_string_value(json_object_get(json, "access_token")));
}

static char *bearer(const char *jti, const char *scope)
{
    return bearer_by(HOUSE_OUR_SECRET, jti, scope);
}

/* The status of a call with the header; *ret_code (may be NULL) gets the E-code. */
static unsigned call_with(struct http_client *c, const char *method, const char *path,
                          const char *authorization)
{
    const char *headers[] = {authorization, NULL};
    struct http_call call = {
        .method = method,
        .path = path,
        .headers = headers,
        .content_type = strcmp(method, "POST") == 0 ? "application/json" : NULL,
        .body = strcmp(method, "POST") == 0 ? bytes_of_text("[]") : (struct bytes){0}};
    struct http_answer answer = {0};
    struct failure f = {0};
    if (!http_client_call(c, &call, &answer, &f))
        fail_msg("%s", f.text);
    unsigned status = answer.status;
    http_answer_free(&answer);
    return status;
}

/* --- tokens --------------------------------------------------------------------------------------
 */

static void a_token_opens_what_its_scope_covers(void **state)
{
    (void)state;
    assert_int_equal(call_with(house.ours, "GET", LIST, NULL), 401);
    _cleanup_(cleanup_text) char *all = bearer("one", NULL);
    assert_int_equal(call_with(house.ours, "GET", LIST, all), 200);
    _cleanup_(cleanup_text) char *some = bearer("two", "029:items/v1:Read 029:batches/v1:Read");
    assert_int_equal(call_with(house.ours, "GET", LIST, some), 200);
    assert_int_equal(call_with(house.ours, "GET", "/routing/v1/batch", some), 200);
    assert_int_equal(call_with(house.ours, "GET", LIST "/1", some), 403);
    assert_int_equal(call_with(house.ours, "GET", LIST "/1/package", some), 403);
    assert_int_equal(call_with(house.ours, "POST", "/routing/v1/receipts", some), 403);
    assert_int_equal(call_with(house.ours, "POST", "/routing/v1/outcomes", some), 403);
    assert_int_equal(call_with(house.ours, "POST", "/routing/v1/outcomes", all), 400);
}

static void what_a_token_answer_says(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_OUR_ID, "answer");
    _cleanup_(cleanup_text) char *form =
        form_of(claims, HOUSE_OUR_SECRET, "&scope=029%3Aitems%2Fv1%3ARead");
    _cleanup_(cleanup_json) json_t *json = ask(house.ours, form, 200);
    assert_string_equal(json_string_value(json_object_get(json, "token_type")), "Bearer");
    assert_int_equal(json_integer_value(json_object_get(json, "expires_in")), 600);
    assert_string_equal(json_string_value(json_object_get(json, "scope")), "029:items/v1:Read");
    assert_int_equal(house_audited("token.issued") > 0, 1);
    _cleanup_(cleanup_text) char *kept = /* only its hash */
        test_sql_text(&house.database, "SELECT length(token) || ' ' || destination FROM token");
    assert_string_equal(kept, "32 child-allowance");
}

static void a_token_ends(void **state)
{
    (void)state;
    instant now = clock_now();
    clock_fix(now);
    _cleanup_(cleanup_text) char *header = bearer("ends", NULL);
    clock_fix(now + 599 * INSTANT_SECOND);
    assert_int_equal(call_with(house.ours, "GET", LIST, header), 200);
    clock_fix(now + 600 * INSTANT_SECOND);
    assert_int_equal(call_with(house.ours, "GET", LIST, header), 401);
}

static void a_token_is_for_who_asked_with_that_certificate(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *header = bearer("mine", NULL);
    assert_int_equal(call_with(house.theirs, "GET", LIST, header), 401);
    assert_int_equal(call_with(house.theirs, "GET", LIST, "Authorization: Bearer nonsense"), 401);
    assert_int_equal(call_with(house.ours, "GET", LIST, "Authorization: Basic bm86bm8="), 401);
    assert_int_equal(call_with(house.ours, "GET", LIST "?access_token=x", NULL), 401);
    /* another certificate of the same destination: bound to the one that asked */
    test_sql(&house.database, "UPDATE token SET peer = repeat('a', 64)");
    house_stop(); /* it remembers tokens for a moment */
    house_start();
    assert_int_equal(call_with(house.ours, "GET", LIST, header), 401);
}

static json_t *introspect(struct http_client *c, const char *authorization, const char *token)
{
    struct failure f = {0};
    _cleanup_(cleanup_text) char *form = text_format("token=%s", token);
    struct http_answer answer = post_form(c, "/routing/v1/introspect", form, authorization);
    assert_int_equal(answer.status, 200);
    json_t *json = http_answer_json(&answer, &f);
    http_answer_free(&answer);
    return json;
}

static void replace_our_secret(const char *text)
{
    house_stop();
    house_secret("ours", text);
    house_start();
}

static void a_token_ends_with_the_secret_it_was_asked_for_by(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *old = bearer("old", NULL);
    _cleanup_(cleanup_text) char *next = bearer_by(HOUSE_OUR_NEXT, "next", NULL);
    replace_our_secret("somebody else has read the old one");
    assert_int_equal(call_with(house.ours, "GET", LIST, old), 401);
    assert_int_equal(call_with(house.ours, "GET", LIST, next), 200); /* only that one's */
    _cleanup_(cleanup_json) json_t *gone = introspect(house.ours, next, strrchr(old, ' ') + 1);
    assert_true(json_is_false(json_object_get(gone, "active")));
    replace_our_secret(HOUSE_OUR_SECRET); /* a restart alone ends none */
    assert_int_equal(call_with(house.ours, "GET", LIST, old), 200);
}

static void an_assertion_is_good_once(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_OUR_ID, "once");
    _cleanup_(cleanup_text) char *form = form_of(claims, HOUSE_OUR_SECRET, "");
    json_decref(ask(house.ours, form, 200));
    expect_error(house.ours, form, 401, "invalid_client");
    house_stop(); /* nor on another machine, or after a restart */
    house_start();
    _cleanup_(cleanup_json) json_t *again = claims_of(HOUSE_OUR_ID, "once");
    _cleanup_(cleanup_text) char *other = form_of(again, HOUSE_OUR_SECRET, "");
    expect_error(house.ours, other, 401, "invalid_client");
    assert_int_equal(test_sql_number(&house.database, "SELECT count(*) FROM token"), 1);
}

static void set(json_t *claims, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(claims, key, value);
    else
        json_object_del(claims, key);
}

static void an_assertion_that_does_not_hold_gets_nothing(void **state)
{
    (void)state;
    json_int_t now = clock_now() / INSTANT_SECOND;
    const struct {
        const char *key;
        json_t *value;
        const char *reason;
    } wrong[] = {
        {"iss", json_string(HOUSE_THEIR_ID), "assertion-issuer"},
        {"sub", json_string(HOUSE_THEIR_ID), "assertion-issuer"},
        {"aud", json_string("https://elsewhere.example/token"), "assertion-audience"},
        {"aud", NULL, "assertion-audience"},
        {"exp", json_integer(now - 1), "assertion-expired"},
        {"exp", json_integer(now + 3600), "assertion-too-long"},
        {"exp", json_string("later"), "assertion-no-expiry"},
        {"exp", NULL, "assertion-no-expiry"},
        {"nbf", json_integer(now + 600), "assertion-not-yet"},
        {"iat", json_integer(now + 600), "assertion-not-yet"},
        {"jti", json_string(""), "assertion-no-jti"},
        {"jti", NULL, "assertion-no-jti"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_OUR_ID, "wrong");
        set(claims, wrong[i].key, wrong[i].value);
        _cleanup_(cleanup_text) char *form = form_of(claims, HOUSE_OUR_SECRET, "");
        expect_reason(form, wrong[i].reason);
    }
    _cleanup_(cleanup_json) json_t *good = claims_of(HOUSE_OUR_ID, "right");
    set(good, "aud", json_pack("[s, o]", "x", json_incref(json_object_get(good, "aud"))));
    _cleanup_(cleanup_text) char *form = form_of(good, HOUSE_OUR_SECRET, "");
    json_decref(ask(house.ours, form, 200));
}

static void a_forged_assertion_gets_nothing(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_OUR_ID, "forged");
    _cleanup_(cleanup_text) char *guessed = form_of(claims, "0123456789abcdef0123456789abcdeX", "");
    expect_error(house.ours, guessed, 401, "invalid_client");
    /* another client's secret, shown with our certificate; and ours with theirs */
    _cleanup_(cleanup_text) char *theirs = form_of(claims, HOUSE_THEIR_SECRET, "");
    expect_error(house.ours, theirs, 401, "invalid_client");
    _cleanup_(cleanup_text) char *ours = form_of(claims, HOUSE_OUR_SECRET, "");
    expect_error(house.theirs, ours, 401, "invalid_client");
    /* {"alg":"none"} and {"alg":"HS512"} */
    static const char *const headers[] = {"eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzUxMiJ9"};
    const char *payload = strchr(strstr(ours, "client_assertion=ey"), '.');
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(cleanup_text) char *form = text_format(
            "%.*sclient_assertion=%s%s", (int)(strstr(ours, "client_assertion=ey") - ours), ours,
            headers[i], payload);
        expect_error(house.ours, form, 401, "invalid_client");
    }
    json_decref(ask(house.ours, ours, 200)); /* none of it spoiled the real one */
}

static void what_is_no_token_request_is_said(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_OUR_ID, "shape");
    _cleanup_(cleanup_text) char *scope =
        form_of(claims, HOUSE_OUR_SECRET, "&scope=029%3Aitems%2Fv1%3AWrite");
    expect_error(house.ours, scope, 400, "invalid_scope");
    expect_error(house.ours, "grant_type=password", 400, "unsupported_grant_type");
    expect_error(house.ours, "grant_type=client_credentials", 401, "invalid_client");
    house_expect(house.ours, "POST", "/routing/v1/token", "{}", 400, "E0002");
    struct http_answer twice = post_form(house.ours, "/routing/v1/token",
                                         "grant_type=password&grant_type=client_credentials", NULL);
    assert_int_equal(twice.status, 400);
    http_answer_free(&twice);
}

static void introspection_tells_of_ones_own_token(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *header = bearer("look", NULL);
    const char *token = strrchr(header, ' ') + 1;
    _cleanup_(cleanup_json) json_t *json = introspect(house.ours, header, token);
    assert_true(json_is_true(json_object_get(json, "active")));
    assert_string_equal(json_string_value(json_object_get(json, "client_id")), HOUSE_OUR_ID);
    assert_non_null(json_object_get(json_object_get(json, "cnf"), "x5t#S256"));
    _cleanup_(cleanup_json) json_t *none = introspect(house.ours, header, "nonsense");
    assert_true(json_is_false(json_object_get(none, "active")));
    assert_int_equal(json_object_size(none), 1);
    /* theirs, asked by us */
    _cleanup_(cleanup_json) json_t *claims = claims_of(HOUSE_THEIR_ID, "theirs");
    _cleanup_(cleanup_text) char *form = form_of(claims, HOUSE_THEIR_SECRET, "");
    _cleanup_(cleanup_json) json_t *theirs = ask(house.theirs, form, 200);
    _cleanup_(cleanup_json) json_t *foreign =
        introspect(house.ours, header, json_string_value(json_object_get(theirs, "access_token")));
    assert_true(json_is_false(json_object_get(foreign, "active")));
}

/* --- too many
 * -------------------------------------------------------------------------------------
 */

static void who_guesses_is_shut_out_for_a_while(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *header = bearer("guess", NULL);
    unsigned status = 0;
    int tries = 0;
    for (; tries < 40 && status != 429; tries++) {
        _cleanup_(cleanup_text) char *path = text_format(LIST "/%d", 1000 + tries);
        status = call_with(house.ours, "GET", path, header);
        assert_true(status == 404 || status == 429);
    }
    assert_in_range(tries, 20, 23); /* 20, and what a slow run wins back */
    assert_int_equal(call_with(house.ours, "GET", LIST, header), 429);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(a_token_opens_what_its_scope_covers),
        EACH(what_a_token_answer_says),
        EACH(a_token_ends),
        EACH(a_token_is_for_who_asked_with_that_certificate),
        EACH(a_token_ends_with_the_secret_it_was_asked_for_by),
        EACH(an_assertion_is_good_once),
        EACH(an_assertion_that_does_not_hold_gets_nothing),
        EACH(a_forged_assertion_gets_nothing),
        EACH(what_is_no_token_request_is_said),
        EACH(introspection_tells_of_ones_own_token),
        EACH(who_guesses_is_shut_out_for_a_while),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* An ID token counts only when all of it is as asked for. */
#include "intake/console/id_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define NOW 1800000000 /* seconds */
#define AGE 300

static const char *const classes[] = {"face", "card"};
static const struct id_token_rule rule = {.issuer = "https://base.city.example",
                                          .client_id = "console",
                                          .nonce = "n",
                                          .claim = "preferred_username",
                                          .age = AGE * INSTANT_SECOND,
                                          .classes = classes,
                                          .class_count = 2,
                                          .now = NOW * INSTANT_SECOND};

static json_t *good(void)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s}", "iss", rule.issuer, "aud",
                     "console", "nonce", "n", "exp", NOW + 60, "iat", NOW - 1, "auth_time",
                     NOW - 30, "acr", "card", "preferred_username", "hanako");
}

/* What is wrong once this claim is that (JSON; "": away); "": nothing. */
static const char *with(const char *claim, const char *json)
{
    const char *name, *why = "";
    _cleanup_(cleanup_json) json_t *claims = good();
    if (*json)
        json_object_set_new(claims, claim, json_loads(json, JSON_DECODE_ANY, NULL));
    else
        json_object_del(claims, claim);
    if (id_token_check(claims, &rule, &name, &why))
        assert_string_equal(name, "hanako");
    return why;
}

static void each_claim_is_as_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *claim, *json, *why;
    } examples[] = {
        {"more", "1", ""},
        {"iss", "\"https://base.city.example/\"", "id-token-issuer"},
        {"iss", "", "id-token-issuer"},
        {"aud", "\"other\"", "id-token-audience"},
        {"aud", "[\"console\"]", ""},
        {"aud", "[]", "id-token-audience"},
        {"aud", "[1, \"other\"]", "id-token-audience"},
        {"aud", "[\"console\", \"other\"]", "id-token-audience"}, /* who asked? */
        {"azp", "\"console\"", ""},
        {"azp", "\"other\"", "id-token-audience"},
        {"azp", "1", "id-token-audience"},
        {"nonce", "\"m\"", "id-token-nonce"},
        {"nonce", "", "id-token-nonce"},
        {"exp", "1799999941", ""}, /* clocks may differ by a minute */
        {"exp", "1799999940", "id-token-expired"},
        {"exp", "\"1800000060\"", "id-token-expired"},
        {"exp", "", "id-token-expired"},
        {"iat", "1800000060", ""},
        {"iat", "1800000061", "id-token-too-old"}, /* from tomorrow: no better */
        {"auth_time", "1799999640", ""},           /* five minutes, and the clocks */
        {"auth_time", "1799999639", "id-token-too-old"},
        {"auth_time", "1800000061", "id-token-too-old"},
        {"auth_time", "1e300", "id-token-too-old"},
        {"auth_time", "-1", "id-token-too-old"},
        {"auth_time", "", "id-token-too-old"},
        {"acr", "\"face\"", ""},
        {"acr", "\"password\"", "id-token-class"},
        {"acr", "", "id-token-class"},
        {"preferred_username", "\"\"", "id-token-nobody"},
        {"preferred_username", "[\"hanako\"]", "id-token-nobody"},
        {"preferred_username", "", "id-token-nobody"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (strcmp(with(examples[i].claim, examples[i].json), examples[i].why) != 0)
            fail_msg("%s %s: \"%s\"", examples[i].claim, examples[i].json,
                     with(examples[i].claim, examples[i].json));
}

static void of_several_for_us_when_we_asked(void **state)
{
    (void)state;
    const char *name, *why = "";
    _cleanup_(cleanup_json) json_t *claims = good();
    json_object_set_new(claims, "aud", json_pack("[s, s]", "other", "console"));
    json_object_set_new(claims, "azp", json_string("console"));
    assert_true(id_token_check(claims, &rule, &name, &why));
}

static void any_class_when_none_is_asked_for(void **state)
{
    (void)state;
    const char *name, *why;
    struct id_token_rule any = rule;
    any.class_count = 0;
    _cleanup_(cleanup_json) json_t *claims = good();
    json_object_del(claims, "acr");
    assert_true(id_token_check(claims, &any, &name, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_claim_is_as_asked_for),
        cmocka_unit_test(of_several_for_us_when_we_asked),
        cmocka_unit_test(any_class_when_none_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "routing/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "routing/files.h"
#include "routing/item.h"

#define PEER_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PEER_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ROUTE  "[route area.procedure]\ndestination = allowance\nlegal-basis = 番号法第9条第1項\n"
#define A      "[destination allowance]\npeers = " PEER_A "\n"
#define FILES  "[files allowance]\nto = /srv/hand-over\n"
#define NOBODY "[destination allowance]\n" /* who has no certificate */

static struct config *read_config(const char *text)
{
    static const struct config_section *const sections[] = {
        &route_config_section, &destination_config_section, &files_config_section};
    struct config *config = NULL;
    struct failure f = {0};
    if (!config_parse("test.conf", bytes_of_text(text), sections, 3, &config, &f))
        fail_msg("%s", f.text);
    return config;
}

static void a_procedure_has_one_route(void **state)
{
    (void)state;
    struct config *config = read_config(ROUTE A);
    struct route route = {0};
    struct failure f = {0};
    assert_true(routes_check(config, &f));
    assert_true(route_find(config, "area.procedure", &route));
    assert_string_equal(route.procedure_id, "area.procedure");
    assert_string_equal(route.destination, "allowance");
    assert_string_equal(route.legal_basis, "番号法第9条第1項");
    assert_false(route_find(config, "area.other", &route));
    config_free(config);
}

static void staff_may_choose_an_alternative_only(void **state)
{
    (void)state;
    struct config *config = read_config(ROUTE "alternatives = health\napproval = staff\n" A
                                              "[destination health]\npeers = " PEER_B "\n");
    struct route route = {0};
    struct failure f = {0};
    assert_true(routes_check(config, &f));
    assert_true(route_find(config, "area.procedure", &route));
    assert_true(route.approval && !route.superior && route.checkers == 0);
    assert_false(route.individual_number);
    assert_string_equal(route_alternative(config, &route, "health"), "health");
    assert_string_equal(route_alternative(config, &route, "allowance"), "allowance");
    assert_null(route_alternative(config, &route, "registry"));
    config_free(config);
}

static void a_route_says_how_and_is_right(void **state)
{
    (void)state;
    static const char *const right[][2] = {{"pull", A}, {"files", NOBODY FILES}, {"both", A FILES}};
    for (size_t i = 0; i < 3; i++) {
        struct route route = {0};
        struct failure f = {0};
        _cleanup_(cleanup_text) char *text =
            text_format(ROUTE "hand-over = %s\n%s", right[i][0], right[i][1]);
        struct config *config = read_config(text);
        if (!routes_check(config, &f))
            fail_msg("%s", f.text);
        assert_true(route_find(config, "area.procedure", &route));
        assert_string_equal(route.hand_over, right[i][0]);
        config_free(config);
    }
}

static void a_peer_belongs_to_its_destination(void **state)
{
    (void)state;
    struct config *config = read_config(A "[destination health]\npeers = " PEER_B "\n");
    assert_string_equal(destination_of_peer(config, PEER_A), "allowance");
    assert_string_equal(destination_of_peer(config, PEER_B), "health");
    assert_string_equal(
        destination_of_peer(config,
                            "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"),
        "health");
    assert_null(destination_of_peer(config, ""));
    assert_null(destination_of_peer(config, NULL));
    config_free(config);
}

static void what_is_not_sound_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *config, *says;
    } wrong[] = {
        {ROUTE, "no [destination] section"},
        {ROUTE "alternatives = nobody\n" A, "leads to nobody"},
        {"[route a.b]\ndestination = allowance\nlegal-basis = 条例\nindividual-number = yes\n" A,
         "does not name 番号法"},
        {"[destination portal]\npeers = " PEER_A "\n", "not \"portal\""},
        {"[destination Health]\npeers = " PEER_A "\n", "a-z, 0-9"},
        {"[destination a23456789012345678901234567890123456789012]\npeers = " PEER_A "\n", "40"},
        {"[destination health]\npeers = abc\n", "64 hexadecimal digits"},
        {A "[destination health]\npeers = " PEER_B " " PEER_A "\n", "share a client certificate"},
        {ROUTE NOBODY, "can't pull"},
        {ROUTE NOBODY FILES, "can't pull"},
        {ROUTE "hand-over = both\n" NOBODY FILES, "can't pull"},
        {ROUTE "hand-over = files\n" A, "no [files allowance]"},
        {ROUTE "hand-over = both\n" A, "no [files allowance]"},
        {ROUTE "hand-over = files\n" A FILES, "may pull"},
        {ROUTE A FILES, "gets files, too"},
        {ROUTE "checkers = 1\n" A, "who approves after them"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct config *config = read_config(wrong[i].config);
        struct failure f = {0};
        if (routes_check(config, &f))
            fail_msg("accepted: %s", wrong[i].config);
        assert_int_equal(f.kind, FAILURE_USAGE);
        if (!strstr(f.text, wrong[i].says))
            fail_msg("\"%s\" does not say \"%s\"", f.text, wrong[i].says);
        config_free(config);
    }
}

/* --- the item -----------------------------------------------------------------------------------
 */

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static void an_item_has_the_same_bytes_each_time(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"applied_at\":\"2026-11-21T09:00:00.000000+09:00\",\"atenabango\":\"1001\","
        "\"city_code\":\"992011\",\"legal_basis\":\"番号法\",\"package_sha256\":\"" PEER_A "\","
        "\"procedure\":{\"form_version\":\"1\",\"id\":\"area.procedure\"},"
        "\"receipt_number\":\"R-1\",\"record\":{\"a\":[1,2],\"claimant\":{\"name\":\"桜野　花子\"}}"
        ","
        "\"verification\":{\"indication\":\"TOTAL-PASSED\",\"judged_at\":\"2026-11-21T09:01:00Z\"}"
        "}";
    /* The order of the keys that come in makes no difference. */
    static const char *const records[] = {"{\"claimant\":{\"name\":\"桜野　花子\"},\"a\":[1,2]}",
                                          "{\"a\":[1,2],\"claimant\":{\"name\":\"桜野　花子\"}}"};
    struct route route = {"area.procedure", "allowance", "番号法"};
    json_t *report = json("{\"judged_at\":\"2026-11-21T09:01:00Z\",\"checks\":[1,2,3],"
                          "\"indication\":\"TOTAL-PASSED\"}");
    struct item_source source = {.city_code = "992011",
                                 .receipt_number = "R-1",
                                 .procedure_id = "area.procedure",
                                 .form_version = "1",
                                 .atenabango = "1001",
                                 .route = &route,
                                 .report = report,
                                 .package_sha256 = PEER_A};
    assert_true(instant_parse("2026-11-21T00:00:00Z", &source.applied_at));
    for (int i = 0; i < 2; i++) {
        json_t *record = json(records[i]);
        struct buffer item = {0};
        uint8_t hash[32], right[32];
        source.record = record;
        item_build(&source, &item, hash);
        assert_string_equal(buffer_text(&item), expected);
        sha256(bytes_of_text(expected), right);
        assert_memory_equal(hash, right, 32);
        buffer_free(&item);
        json_decref(record);
    }
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_procedure_has_one_route),
        cmocka_unit_test(staff_may_choose_an_alternative_only),
        cmocka_unit_test(a_route_says_how_and_is_right),
        cmocka_unit_test(a_peer_belongs_to_its_destination),
        cmocka_unit_test(what_is_not_sound_is_refused),
        cmocka_unit_test(an_item_has_the_same_bytes_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/identify/identify.h"

#define NAME    "桜野　花子"
#define ADDRESS "試験県桜野市本町一丁目２番３号"

static json_t *facts_with(const char *key, const char *value)
{
    json_t *facts = json_pack("{s:s s:s s:s s:s s:s s:s}", "name", NAME, "name_substituted",
                              "00000", "sex", "2", "birth_date", "1992-04-01", "address", ADDRESS,
                              "address_substituted", "000000000000000");
    if (key)
        json_object_set_new(facts, key, json_string(value));
    return facts;
}

static json_t *claimant_with(const char *key, const char *value)
{
    json_t *claimant =
        json_pack("{s:s s:s s:s s:s s:s}", "name", NAME, "name_kana", "サクラノ　ハナコ", "sex",
                  "2", "birth_date", "1992-04-01", "address", ADDRESS);
    if (key)
        json_object_set_new(claimant, key, json_string(value));
    return claimant;
}

static bool agrees(const char *fact, const char *certificate, const char *marks, const char *form)
{
    char marks_key[64];
    snprintf(marks_key, sizeof(marks_key), "%s_substituted", fact);
    _cleanup_(cleanup_json) json_t *facts = facts_with(fact, certificate);
    _cleanup_(cleanup_json) json_t *claimant = claimant_with(fact, form);
    if (marks)
        json_object_set_new(facts, marks_key, json_string(marks));
    return identify_fact_agrees(fact, facts, claimant);
}

/* --- the decision ----------------------------------------------------------------------------- */

static const char *const one[] = {"000000000000001"};
static const char *const two[] = {"000000000000001", "000000000000002"};

static const char *reason_of(struct identification_input input)
{
    struct identification found = {0};
    identify(&input, &found);
    assert_int_equal(found.identified, !*found.reason);
    if (found.identified)
        assert_ptr_equal(found.atenabango, input.links[0]);
    else
        assert_null(found.atenabango);
    return found.reason;
}

static void each_branch_has_its_reason(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *facts = facts_with(NULL, NULL);
    _cleanup_(cleanup_json) json_t *claimant = claimant_with(NULL, NULL);
    struct identification_input good = {.ca = "sign",
                                        .serial = "067c6a21",
                                        .facts = facts,
                                        .claimant = claimant,
                                        .links = one,
                                        .link_count = 1};
    assert_string_equal(reason_of(good), "");

    struct identification_input input = good;
    input.serial = input.ca = "";
    assert_string_equal(reason_of(input), "unsigned");
    input.by_agent = true; /* without a signature there is nothing to say of an agent */
    assert_string_equal(reason_of(input), "unsigned");
    input = good, input.by_agent = true;
    assert_string_equal(reason_of(input), "agent");
    input = good, input.link_count = 0;
    assert_string_equal(reason_of(input), "serial-unknown");
    input = good, input.links = two, input.link_count = 2;
    assert_string_equal(reason_of(input), "many-links");
    input = good, input.facts = NULL;
    assert_string_equal(reason_of(input), "facts-differ");
    input = good, input.claimant = NULL;
    assert_string_equal(reason_of(input), "facts-differ");
}

static void each_fact_must_agree(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } other[] = {{"name", "桜野　葉子"},
                 {"sex", "1"},
                 {"birth_date", "1992-04-02"},
                 {"address", "試験県桜野市本町一丁目２番４号"},
                 {"name", ""},
                 {"sex", ""},
                 {"birth_date", ""},
                 {"address", ""}};
    _cleanup_(cleanup_json) json_t *facts = facts_with(NULL, NULL);
    for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
        _cleanup_(cleanup_json) json_t *claimant = claimant_with(other[i].key, other[i].value);
        struct identification_input input = {"sign", "01", facts, claimant, false, one, 1};
        assert_string_equal(reason_of(input), "facts-differ");
    }
}

/* --- folding ---------------------------------------------------------------------------------- */

static void width_and_white_space_fold(void **state)
{
    (void)state;
    assert_true(agrees("name", NAME, "00000", "桜野 花子"));
    assert_true(agrees("name", NAME, "00000", "桜野花子"));
    assert_true(agrees("name", "ＪＯＨＮ　ＳＭＩＴＨ", "", "JOHN SMITH"));
    assert_false(agrees("name", "ＪＯＨＮ　ＳＭＩＴＨ", "", "JOHN SMYTH"));
    assert_true(agrees("address", "試験県桜野市本町１－２－３", "", "試験県桜野市本町1-2-3"));
    assert_true(agrees("address", "試験県桜野市本町１－２－３", "", "試験県桜野市本町1−2‐3"));
    assert_false(agrees("address", "試験県桜野市本町１－２－３", "", "試験県桜野市本町1-23"));
}

static void kana_width_folds_and_kana_stay_themselves(void **state)
{
    (void)state;
    assert_true(agrees("name", "ガーデン　パブ", "", "ｶﾞｰﾃﾞﾝ ﾊﾟﾌﾞ"));
    assert_true(agrees("name", "ガーデン", "", "カ\u3099ーテ\u3099ン"));
    assert_false(agrees("name", "ガーデン", "", "カーデン"));
    assert_false(agrees("name", "ガーデン", "", "がーでん"));
}

static void glyph_selectors_fold_but_variant_kanji_do_not(void **state)
{
    (void)state;
    assert_true(agrees("name", "葛城　一", "", "葛\U000E0100城　一"));
    assert_false(agrees("name", "高橋　一", "", "髙橋　一"));
}

static void substituted_positions_match_any_one_character(void **state)
{
    (void)state;
    assert_true(agrees("name", "高橋　一郎", "10000", "髙橋　一郎"));
    assert_true(agrees("name", "高橋　一郎", "10000", "𠮷橋　一郎")); /* beyond the BMP */
    assert_true(agrees("name", "高橋　一郎", "10000", "葛\U000E0100橋　一郎"));
    assert_false(agrees("name", "高橋　一郎", "10000", "髙嶋　一郎"));
    assert_false(agrees("name", "高橋　一郎", "10000", "橋　一郎"));
    assert_false(agrees("name", "高橋　一郎", "10000", "髙髙橋　一郎"));
    assert_true(agrees("address", "試験県桜野市＝町１", "000000100", "試験県桜野市\U00020BB7町1"));
    /* of a text that is substituted all through nothing is known but its length */
    assert_false(agrees("name", "〓〓", "11", "髙﨑"));
    assert_false(agrees("name", "〓　〓", "101", "髙　﨑"));
    assert_true(agrees("name", "〓　花〓", "1001", "髙　花﨑"));
}

static void marks_that_do_not_fit_say_nothing(void **state)
{
    (void)state;
    assert_true(agrees("name", NAME, "", NAME));
    assert_false(agrees("name", NAME, "0000", NAME));
    assert_false(agrees("name", NAME, "000000", NAME));
    assert_false(agrees("name", NAME, "0000x", NAME));
}

/* The wildcard itself must not be smuggled in through either text. */
static void a_noncharacter_never_agrees(void **state)
{
    (void)state;
    assert_false(agrees("name", "\uFDD0", "", "花"));
    assert_false(agrees("name", "\uFDD0", "", "\uFDD0"));
    assert_false(agrees("name", "花", "", "\uFDD0"));
}

static void hostile_texts_are_survived(void **state)
{
    (void)state;
    char longest[FILENAME_MAX];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    assert_false(agrees("name", NAME, "", longest));
    assert_false(agrees("name", longest, "", longest));
    /* one character whose compatibility form has 18 */
    _cleanup_(cleanup_buffer) struct buffer many = {0};
    for (int i = 0; i < 1000; i++)
        buffer_append_text(&many, "\uFDFA");
    assert_false(agrees("name", buffer_text(&many), "", buffer_text(&many)));
    assert_false(agrees("name", "　", "", " "));
}

static void sex_and_birth_date(void **state)
{
    (void)state;
    assert_true(agrees("sex", "2", NULL, "2"));
    assert_true(agrees("sex", "9", NULL, "3")); /* both: not known */
    assert_false(agrees("sex", "3", NULL, "1"));
    assert_false(agrees("sex", "4", NULL, "4"));
    assert_false(agrees("sex", "22", NULL, "22"));
    assert_true(agrees("birth_date", "1992-04-01", NULL, "1992-04-01"));
    assert_false(agrees("birth_date", "", NULL, "")); /* not known: never by machine */
    assert_false(agrees("family", "1", NULL, "1"));
}

static void facts_of_a_wrong_type_never_agree(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *facts = facts_with(NULL, NULL);
    _cleanup_(cleanup_json) json_t *claimant = claimant_with(NULL, NULL);
    json_object_set_new(facts, "name", json_integer(1));
    json_object_set_new(claimant, "name", json_integer(1));
    assert_false(identify_fact_agrees("name", facts, claimant));
    assert_true(identify_fact_agrees("address", facts, claimant));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_branch_has_its_reason),
        cmocka_unit_test(each_fact_must_agree),
        cmocka_unit_test(width_and_white_space_fold),
        cmocka_unit_test(kana_width_folds_and_kana_stay_themselves),
        cmocka_unit_test(glyph_selectors_fold_but_variant_kanji_do_not),
        cmocka_unit_test(substituted_positions_match_any_one_character),
        cmocka_unit_test(marks_that_do_not_fit_say_nothing),
        cmocka_unit_test(a_noncharacter_never_agrees),
        cmocka_unit_test(hostile_texts_are_survived),
        cmocka_unit_test(sex_and_birth_date),
        cmocka_unit_test(facts_of_a_wrong_type_never_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is folded when it is first compared, and once where it is told in the same words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/unit/hanako_support.h"

static enum agreement compare(enum fact fact, const struct facts *a, const struct facts *b)
{
    _cleanup_(cleanup_known) struct known *one = known_of(a), *other = known_of(b);
    return known_compare(fact, one, other);
}

static struct resident resident_called(const char *name)
{
    struct resident resident = registered;
    resident.name = name;
    return resident;
}

/* Whatever was folded before, and for whom: what is told is compared as if it stood alone. */
static void the_same_words_are_folded_once(void **state)
{
    (void)state;
    static const struct {
        const char *name, *marks;
    } cards[] = {
        {NAME, ""},
        {NAME, "00000"},
        {NAME, "10000"},
        {NAME, "0000"}, /* marks that do not fit */
        {"桜野　葉子", "00000"},
        {"桜野［梅田］　花子", ""},
        {"", ""},
    };
    static const char *const forms[] = {NAME, "桜野花子", "桜野［梅田］　花子", "梅田　花子", ""};
    const size_t count = sizeof forms / sizeof *forms;
    for (size_t i = 0; i < sizeof cards / sizeof *cards * count * count; i++) {
        struct facts card = certificate, form = certificate, third = certificate;
        card.name = cards[i / count / count].name;
        card.name_substituted = cards[i / count / count].marks;
        card.address_substituted = i % 2 ? "" : certificate.address_substituted;
        form.name = forms[i / count % count];
        third.name = forms[i % count];
        form.name_substituted = third.name_substituted = form.address_substituted = "";
        _cleanup_(cleanup_known) struct known *signer = known_of(&card),
                                              *claimant = known_of(&form),
                                              *other = known_of(&third);
        known_beside(claimant, signer);
        enum agreement name = compare(FACT_NAME, &form, &third);
        assert_int_equal(known_compare(FACT_NAME, claimant, other), name);
        assert_int_equal(known_compare(FACT_NAME, other, claimant), name);
        assert_int_equal(known_compare(FACT_NAME, signer, claimant),
                         compare(FACT_NAME, &card, &form));
        assert_int_equal(known_compare(FACT_ADDRESS, claimant, other), AGREE_SAME);
        assert_int_equal(known_compare(FACT_ADDRESS, signer, claimant), AGREE_SAME);
        char key[FOLD_KEY], expected[FOLD_KEY];
        known_name_key(signer, key);
        fold_name_key(card.name, expected);
        assert_string_equal(key, expected);
        known_name_key(claimant, key);
        fold_name_key(form.name, expected);
        assert_string_equal(key, expected);
    }
}

static void a_resident_has_the_same_words_in_parts(void **state)
{
    (void)state;
    struct resident resident = resident_called(NAME);
    struct facts facts = certificate;
    facts.kana = KANA;
    _cleanup_(cleanup_known) struct known *known = known_of_resident(&resident);
    _cleanup_(cleanup_known) struct known *same = known_of(&facts);
    for (enum fact fact = FACT_NAME; fact <= FACT_ADDRESS; fact += FACT_ADDRESS - FACT_NAME)
        assert_int_equal(known_compare(fact, same, known), AGREE_SAME);
    assert_int_equal(known_compare(FACT_KANA, known, same), AGREE_SAME);
    resident.building = "コーポ１０１";
    facts.address = ADDRESS "　コーポ１０１";
    facts.address_substituted = "";
    _cleanup_(cleanup_known) struct known *housed = known_of_resident(&resident);
    _cleanup_(cleanup_known) struct known *there = known_of(&facts);
    assert_int_equal(known_compare(FACT_ADDRESS, there, housed), AGREE_SAME);
    facts.address = ADDRESS " コーポ１０１";
    _cleanup_(cleanup_known) struct known *other = known_of(&facts);
    assert_int_equal(known_compare(FACT_ADDRESS, other, housed), AGREE_NOTATION);
}

/* A 外字 fits any character, wherever it stands, and nothing else does. */
static void gaiji_may_be_opened(void **state)
{
    (void)state;
    struct resident resident = resident_called("\uE000野　花子");
    struct facts facts = certificate;
    facts.name = "\uE000野　花子";
    facts.name_substituted = "";
    _cleanup_(cleanup_known) struct known *known = known_of_resident(&resident);
    _cleanup_(cleanup_known) struct known *form = known_of(&facts);
    assert_int_equal(known_compare(FACT_NAME, form, known), AGREE_SAME);
    _cleanup_(cleanup_known) struct known *open = known_with_gaiji_open(known);
    assert_non_null(open);
    assert_int_equal(known_compare(FACT_NAME, form, open), AGREE_SUBSTITUTED);
    assert_int_equal(known_compare(FACT_NAME, form, known), AGREE_SAME); /* a copy */
    facts.name = NAME;
    _cleanup_(cleanup_known) struct known *cherry = known_of(&facts);
    assert_int_equal(known_compare(FACT_NAME, cherry, open), AGREE_SUBSTITUTED);
    assert_false(agrees(known_compare(FACT_NAME, cherry, known)));
    resident.name = NAME;
    _cleanup_(cleanup_known) struct known *none = known_of_resident(&resident);
    assert_null(known_with_gaiji_open(none));
    resident.lot = "\U000F0000番地";
    _cleanup_(cleanup_known) struct known *place = known_of_resident(&resident);
    _cleanup_(cleanup_known) struct known *opened = known_with_gaiji_open(place);
    assert_non_null(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_words_are_folded_once),
        cmocka_unit_test(a_resident_has_the_same_words_in_parts),
        cmocka_unit_test(gaiji_may_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

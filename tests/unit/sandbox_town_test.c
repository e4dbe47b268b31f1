/* The made-up town: the people of a seed, their numbers, and which applications are sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_digit.h"
#include "base/text.h"
#include "deploy/sandbox/town.h"
#include "deploy/sandbox/town_plan.h"

#define NOW (INT64_C(1795224000) * INSTANT_SECOND) /* 2026-11-21 in JST */

static void household_is_the_same_for_the_same_seed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        struct household a, b, other;
        household_make(7, i, "桜野市", NOW, &a);
        household_make(7, i, "桜野市", NOW, &b);
        household_make(8, i, "桜野市", NOW, &other);
        assert_memory_equal(&a, &b, sizeof a);
        assert_string_not_equal(a.claimant.addressee_number, other.claimant.addressee_number);
        assert_string_not_equal(a.claimant.individual_number, other.claimant.individual_number);
    }
}

static void person_is_sound(const struct person *person, struct day today)
{
    assert_true(utf8_valid(bytes_of_text(person->name)));
    assert_non_null(strstr(person->name, "　"));
    assert_non_null(strstr(person->name_kana, "　"));
    assert_true(day_valid(person->birth_day));
    assert_true(day_compare(person->birth_day, today) <= 0);
    assert_true(digits_only(person->addressee_number, 15));
    if (person->individual_number[0])
        assert_true(kojinbango_valid(person->individual_number)); /* another's computation */
}

static void household_makes_sense(void **state)
{
    (void)state;
    struct day today = day_of_instant(NOW);
    int newborns = 0, spouses = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        struct household household;
        household_make(3, i, "桜野市", NOW, &household);
        person_is_sound(&household.claimant, today);
        assert_string_not_equal(household.claimant.individual_number, "");
        person_is_sound(&household.spouse, today);
        assert_in_range(household.child_count, 1, HOUSEHOLD_YOUNG);
        for (size_t c = 0; c < household.child_count; c++) {
            const struct person *child = &household.children[c];
            person_is_sound(child, today);
            assert_true(child->birth_day.year - household.claimant.birth_day.year >= 18);
            assert_true(today.year - child->birth_day.year < 18);
        }
        const struct person *last = &household.children[household.child_count - 1];
        assert_int_equal(household.newborn, last->individual_number[0] == '\0');
        assert_memory_equal(household.address, "試験県桜野市", strlen("試験県桜野市"));
        newborns += household.newborn;
        spouses += household.has_spouse;
    }
    assert_in_range(newborns, 1000, 1400); /* about 60 % */
    assert_in_range(spouses, 1500, 1700);  /* about 80 % */
}

static void check_digit_agrees_with_published_samples(void **state)
{
    (void)state;
    assert_int_equal(individual_number_check("12345678901"), '8');
    assert_int_equal(individual_number_check("98320567321"), '4');
    assert_int_equal(individual_number_check("50795710072"), '1');
}

static struct town_plan plan_of(const char *kinds, int64_t count, int64_t share)
{
    struct town_options options = {.kinds = kinds, .count = count, .bad_share = share, .seed = 5};
    struct town_plan plan = {0};
    struct failure f = {0};
    assert_true(town_plan_make(&options, &plan, &f));
    return plan;
}

static size_t plan_count(const struct town_plan *plan, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += strcmp(plan->kinds[i]->name, name) == 0;
    return count;
}

static void plan_has_one_of_each_fault(void **state)
{
    (void)state;
    struct town_plan plan = plan_of("all", 24, -1);
    assert_int_equal(plan.count, 24 + town_kind_count - town_kind_good);
    for (size_t i = 0; i < town_kind_count; i++)
        assert_int_equal(plan_count(&plan, town_kinds[i].name), i < town_kind_good ? 3 : 1);
    town_plan_free(&plan);
}

static void plan_keeps_the_share(void **state)
{
    (void)state;
    struct town_plan plan = plan_of("good,sha1,unsigned", 900, 10);
    assert_int_equal(plan_count(&plan, "good"), 900);
    assert_int_equal(plan_count(&plan, "sha1"), 50);
    assert_int_equal(plan_count(&plan, "unsigned"), 50);
    town_plan_free(&plan);
    plan = plan_of("sha1,unsigned", 9, -1); /* no good one: so many in all, rounded up */
    assert_int_equal(plan.count, 10);
    town_plan_free(&plan);
    plan = plan_of("good", 16, 50);
    assert_int_equal(plan_count(&plan, "good-enveloped"), 2);
    assert_int_equal(plan.count, 16);
    town_plan_free(&plan);
}

static void plan_refuses_unknown_kinds(void **state)
{
    (void)state;
    static const char *const lists[] = {"sha", "good,,sha1", "sha1,sha1", ""};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct town_options options = {.kinds = lists[i], .count = 1, .bad_share = -1};
        struct town_plan plan = {0};
        struct failure f = {0};
        assert_false(town_plan_make(&options, &plan, &f));
        assert_int_equal(f.kind, FAILURE_USAGE);
        assert_null(plan.kinds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(household_is_the_same_for_the_same_seed),
        cmocka_unit_test(household_makes_sense),
        cmocka_unit_test(check_digit_agrees_with_published_samples),
        cmocka_unit_test(plan_has_one_of_each_fault),
        cmocka_unit_test(plan_keeps_the_share),
        cmocka_unit_test(plan_refuses_unknown_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "deploy/sandbox/town_people.h"

#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town_names.h"

struct dice dice_make(uint64_t seed, uint64_t stream)
{
    struct dice dice = {seed * 0x9E3779B97F4A7C15u ^ (stream + 1) * 0xD1342543DE82EF95u};
    dice_roll(&dice);
    return dice;
}

uint64_t dice_roll(struct dice *dice)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int dice_between(struct dice *dice, int least, int most)
{
    return least + (int)(dice_roll(dice) % (uint64_t)(most - least + 1));
}

bool dice_chance(struct dice *dice, int percent)
{
    return dice_between(dice, 0, 99) < percent;
}

char individual_number_check(const char eleven_digits[11])
{
    static const int weights[11] = {6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    int sum = 0;
    for (int i = 0; i < 11; i++)
        sum += (eleven_digits[i] - '0') * weights[i];
    return sum % 11 <= 1 ? '0' : (char)('0' + 11 - sum % 11);
}

static void individual_number_make(struct dice *dice, char ret_number[INDIVIDUAL_DIGIT])
{
    ret_number[0] = ret_number[1] = '9';
    for (int i = 2; i < 11; i++)
        ret_number[i] = (char)('0' + dice_between(dice, 0, 9));
    ret_number[11] = individual_number_check(ret_number);
    ret_number[12] = '\0';
}

static struct day birth_day_make(struct dice *dice, int year)
{
    return (struct day){year, dice_between(dice, 1, 12), dice_between(dice, 1, 28)};
}

static void person_make(struct dice *dice, const struct town_name *family, char sex,
                        struct person *ret_person)
{
    const struct town_name *given =
        sex == '1' ? &town_given_men[dice_roll(dice) % town_given_men_count]
                   : &town_given_women[dice_roll(dice) % town_given_women_count];
    snprintf(ret_person->name, sizeof ret_person->name, "%s　%s", family->kanji, given->kanji);
    snprintf(ret_person->name_kana, sizeof ret_person->name_kana, "%s　%s", family->kana,
             given->kana);
    ret_person->sex = sex;
    ret_person->status = PERSON_PRESENT;
    individual_number_make(dice, ret_person->individual_number);
}

static const struct town_name *family_roll(struct dice *dice)
{
    return &town_families[dice_roll(dice) % town_families_count];
}

void person_rename(struct dice *dice, const struct person *person, char ret_name[PERSON_NAME])
{
    const char *given = strstr(person->name, "　");
    do
        snprintf(ret_name, PERSON_NAME, "%s%s", family_roll(dice)->kanji, given);
    while (strcmp(ret_name, person->name) == 0);
}

void person_twin(struct dice *dice, const struct person *person, struct person *ret_twin)
{
    *ret_twin = *person;
    individual_number_make(dice, ret_twin->individual_number);
    memcpy(ret_twin->addressee_number + 13, "99", 2); /* the last of the household */
}

void address_make(struct dice *dice, const char *city, char ret_address[TOWN_ADDRESS])
{
    static const char *const kanji[] = {"一", "二", "三", "四", "五"};
    static const char *const wide[] = {"０", "１", "２", "３", "４", "５", "６", "７", "８", "９"};
    const char *street = town_streets[dice_roll(dice) % town_streets_count];
    const char *block = kanji[dice_between(dice, 0, 4)];
    int lot = dice_between(dice, 1, 29), house = dice_between(dice, 1, 9);
    snprintf(ret_address, TOWN_ADDRESS, "試験県%s%s%s丁目%s%s番%s号", city, street, block,
             lot >= 10 ? wide[lot / 10] : "", wide[lot % 10], wide[house]);
}

static void child_add(struct dice *dice, const struct town_name *family, int year,
                      struct household *household)
{
    struct person *child = &household->children[household->child_count++];
    person_make(dice, family, dice_chance(dice, 50) ? '1' : '2', child);
    child->birth_day = birth_day_make(dice, year);
}

static void children_make(struct dice *dice, const struct town_name *family, struct day today,
                          struct household *household)
{
    household->newborn = dice_chance(dice, 60);
    int older = dice_between(dice, household->newborn ? 0 : 1, HOUSEHOLD_YOUNG - 1);
    int age = dice_between(dice, 8, 14);
    for (int i = 0; i < older && age > 0; i++, age -= dice_between(dice, 2, 4))
        child_add(dice, family, today.year - age, household);
    if (!household->newborn)
        return;
    child_add(dice, family, today.year, household);
    struct person *youngest = &household->children[household->child_count - 1];
    youngest->birth_day = day_add(today, -dice_between(dice, 1, 13));
    youngest->individual_number[0] = '\0'; /* not given yet */
}

/* 15 characters, unique over seeds and households: seed, household, place in the household. */
static void addressee_number_make(uint64_t seed, uint32_t number, unsigned place,
                                  struct person *person)
{
    char text[32];
    snprintf(text, sizeof text, "%05u%08u%02u", (unsigned)(seed % 100000),
             (unsigned)(number % 100000000), place % 100);
    memcpy(person->addressee_number, text, 16);
}

static void addressee_numbers(uint64_t seed, uint32_t number, struct household *household)
{
    addressee_number_make(seed, number, 1, &household->claimant);
    addressee_number_make(seed, number, 2, &household->spouse);
    for (size_t i = 0; i < household->child_count; i++)
        addressee_number_make(seed, number, (unsigned)i + 3, &household->children[i]);
}

void household_make(uint64_t seed, uint32_t number, const char *city, instant now,
                    struct household *ret_household)
{
    struct dice dice = dice_make(seed, number);
    struct household household = {0};
    struct day today = day_of_instant(now);
    const struct town_name *family = family_roll(&dice);
    int birth_year = today.year - dice_between(&dice, 36, 48);
    address_make(&dice, city, household.address);
    snprintf(household.postal_code, sizeof household.postal_code, "999%04d",
             dice_between(&dice, 1, 99));
    household.has_spouse = dice_chance(&dice, 80);
    char sex = dice_chance(&dice, 55) ? '2' : '1';
    person_make(&dice, family, sex, &household.claimant);
    household.claimant.birth_day = birth_day_make(&dice, birth_year);
    person_make(&dice, family, sex == '1' ? '2' : '1', &household.spouse);
    household.spouse.birth_day = birth_day_make(&dice, birth_year + dice_between(&dice, -3, 5));
    children_make(&dice, family, today, &household);
    addressee_numbers(seed, number, &household);
    *ret_household = household;
}

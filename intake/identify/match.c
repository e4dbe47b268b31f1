#include "intake/identify/match.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "intake/identify/match_internal.h"

/* --- words ------------------------------------------------------------------------------------ */

const char *agreement_word(enum agreement agreement)
{
    static const char *const words[AGREEMENT_COUNT] = {
        [AGREE_SAME] = "same",
        [AGREE_NOTATION] = "notation",
        [AGREE_SUBSTITUTED] = "substituted",
        [AGREE_OTHER_NAME] = "other-name",
        [AGREE_NO_BUILDING] = "no-building",
        [DIFFER_LIKE] = "like",
        [DIFFER_NEAR] = "near",
        [DIFFER_SURNAME] = "surname-differs",
        [DIFFER_GIVEN] = "given-name-differs",
        [DIFFER_BUILDING] = "building-differs",
        [DIFFER_ALL] = "differs",
        [DIFFER_UNKNOWN] = "unknown",
    };
    return words[agreement];
}

const char *fact_word(enum fact fact)
{
    static const char *const words[FACT_COUNT] = {"name", "kana",    "birth_date",
                                                  "sex",  "address", "number"};
    return words[fact];
}

/* --- facts ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void facts_read(const json_t *object, struct facts *ret_facts)
{
    const char *sex = text_of(object, "sex");
    *ret_facts = (struct facts){
        .name = text_of(object, "name"),
        .name_substituted = text_of(object, "name_substituted"),
        .kana = text_of(object, "name_kana"),
        .birth_date = text_of(object, "birth_date"),
        .sex = (char)(strlen(sex) == 1 ? *sex : 0),
        .address = text_of(object, "address"),
        .address_substituted = text_of(object, "address_substituted"),
    };
}

void birth_date_read(const char *text, struct birth_date *ret_date)
{
    *ret_date = (struct birth_date){0};
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return;
    for (int i = 0; i < 10; i++)
        if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9'))
            return;
    *ret_date = (struct birth_date){atoi(text), atoi(text + 5), atoi(text + 8)};
}

static bool date_whole(const struct birth_date *date)
{
    return date->year && date->month && date->day;
}

int birth_date_number(const struct birth_date *date)
{
    return date_whole(date) ? date->year * 10000 + date->month * 100 + date->day : 0;
}

/* --- comparing -------------------------------------------------------------------------------- */

static enum agreement compare_birth_dates(const struct birth_date *a, const struct birth_date *b)
{
    if (!date_whole(a) || !date_whole(b))
        return DIFFER_UNKNOWN;
    int same = (a->year == b->year) + (a->month == b->month) + (a->day == b->day);
    bool turned = a->year == b->year && a->month == b->day && a->day == b->month;
    return same == 3 ? AGREE_SAME : same == 2 || turned ? DIFFER_NEAR : DIFFER_ALL;
}

static enum agreement compare_sexes(char a, char b)
{
    if (!a || !b)
        return DIFFER_UNKNOWN;
    return a == b ? AGREE_SAME : DIFFER_ALL;
}

static enum agreement compare_numbers(const struct known *a, const struct known *b)
{
    if (!a->number_hash || !b->number_hash)
        return DIFFER_UNKNOWN;
    return memcmp(a->number_hash, b->number_hash, NUMBER_HASH_BYTES) ? DIFFER_ALL : AGREE_SAME;
}

enum agreement known_compare(enum fact fact, struct known *a, struct known *b)
{
    switch (fact) {
    case FACT_NAME:
        return compare_names(a, b);
    case FACT_KANA:
        return compare_kana(a, b);
    case FACT_BIRTH_DATE:
        return compare_birth_dates(&a->birth_date, &b->birth_date);
    case FACT_SEX:
        return compare_sexes(a->sex, b->sex);
    case FACT_ADDRESS:
        return compare_addresses(a, b);
    default:
        return compare_numbers(a, b);
    }
}

/* --- a candidate ------------------------------------------------------------------------------ */

/* What each fact is worth. The 個人番号 tells most, and most against; then name and birth date. */
static const int points[FACT_COUNT][AGREEMENT_COUNT] = {
    [FACT_NAME] = {[AGREE_SAME] = 40,
                   [AGREE_NOTATION] = 40,
                   [AGREE_SUBSTITUTED] = 34,
                   [AGREE_OTHER_NAME] = 36,
                   [DIFFER_LIKE] = 34,
                   [DIFFER_NEAR] = 20,
                   [DIFFER_SURNAME] = 20,
                   [DIFFER_GIVEN] = 6},
    [FACT_KANA] = {[AGREE_SAME] = 10,
                   [AGREE_NOTATION] = 10,
                   [DIFFER_NEAR] = 5,
                   [DIFFER_SURNAME] = 5,
                   [DIFFER_GIVEN] = 1},
    [FACT_BIRTH_DATE] = {[AGREE_SAME] = 30, [DIFFER_NEAR] = 14, [DIFFER_UNKNOWN] = 4},
    [FACT_SEX] = {[AGREE_SAME] = 4, [DIFFER_ALL] = -6},
    [FACT_ADDRESS] = {[AGREE_SAME] = 22,
                      [AGREE_NOTATION] = 22,
                      [AGREE_SUBSTITUTED] = 20,
                      [AGREE_NO_BUILDING] = 20,
                      [DIFFER_BUILDING] = 16,
                      [DIFFER_NEAR] = 6},
    [FACT_NUMBER] = {[AGREE_SAME] = 60, [DIFFER_ALL] = -30},
};

static bool all_four(const enum agreement how[FACT_COUNT])
{
    return agrees(how[FACT_NAME]) && agrees(how[FACT_BIRTH_DATE]) && agrees(how[FACT_SEX]) &&
           agrees(how[FACT_ADDRESS]);
}

static void compare_all(struct known *a, struct known *b, enum agreement *ret_how)
{
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        ret_how[fact] = known_compare(fact, a, b);
}

void match(struct known *first, struct known *second, struct known *resident,
           struct match *ret_match)
{
    enum agreement how[FACT_COUNT];
    compare_all(first, resident, ret_match->how);
    ret_match->full = all_four(ret_match->how);
    ret_match->full_second = false;
    if (second) {
        compare_all(second, resident, how);
        ret_match->full_second = all_four(how);
        for (enum fact fact = 0; fact < FACT_COUNT; fact++)
            if (points[fact][how[fact]] > points[fact][ret_match->how[fact]] ||
                ret_match->how[fact] == DIFFER_UNKNOWN)
                ret_match->how[fact] = how[fact];
    }
    ret_match->score = 0;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++) {
        ret_match->points[fact] = points[fact][ret_match->how[fact]];
        ret_match->score += ret_match->points[fact];
    }
}

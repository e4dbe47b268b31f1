/* Homes of the large city: who lives together, and what a kind of case asks of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/city.h"

#define ADULT_AGE 18

/* --- one person ------------------------------------------------------------------------------- */

/* Ten digits that are no other's (the factor is odd and not a multiple of 5), behind a 9. */
static void numbers_make(struct home *home, struct citizen *who)
{
    uint64_t place = (uint64_t)(who - home->at);
    uint64_t n = home->index * HOME_MOST + place;
    snprintf(who->atenabango, sizeof who->atenabango, "%015" PRIu64,
             100 * (home->index + 1) + place);
    snprintf(who->number, sizeof who->number, "9%010" PRIu64, n * 7364951369u % 10000000000u);
    who->number[11] = individual_number_check(who->number);
    who->number[12] = '\0';
}

static struct day birth_day_of_age(struct dice *dice, instant now, int age)
{
    return day_add(day_of_instant(now), -(365 * age + age / 4 + dice_between(dice, 1, 364)));
}

static struct citizen *person_add(struct home *home, struct dice *dice, const char *relation,
                                  char sex, struct day birth_day, instant now)
{
    struct citizen *who = &home->at[home->count++];
    who->relation = relation;
    who->sex = sex;
    who->birth_day = birth_day;
    who->status = '1';
    who->card_from = now - dice_between(dice, 40, 1500) * INSTANT_DAY;
    numbers_make(home, who);
    city_given_roll(dice, sex, &who->given);
    if (who != home->at)
        who->family = home->at[0].family;
    return who;
}

static enum shape shape_roll(struct dice *dice, unsigned wishes)
{
    if (wishes & WISH_GAIJI)
        return SHAPE_GAIJI;
    int percent = dice_between(dice, 0, 99);
    if (wishes & WISH_VARIANT)
        return percent < 70 ? SHAPE_VARIANT : SHAPE_REPLACED;
    return percent < 5 ? SHAPE_VARIANT : percent < 6 ? SHAPE_GAIJI : SHAPE_PLAIN;
}

static void foreign_make(struct dice *dice, unsigned wishes, struct citizen *who)
{
    city_roman_roll(dice, who->roman);
    who->has_common = wishes & WISH_COMMON || dice_chance(dice, 40);
}

/* --- who lives there ---------------------------------------------------------------------------
 */

static void head_make(struct home *home, struct dice *dice, instant now)
{
    unsigned wishes = home->wishes;
    int age = wishes & (WISH_FAMILY | WISH_TWIN | WISH_NEAR_TWIN | WISH_JUNIOR)
                  ? dice_between(dice, 25, 48)
                  : dice_between(dice, 20, 88);
    char sex = dice_chance(dice, 50) ? '1' : '2';
    struct day birth_day = birth_day_of_age(dice, now, age);
    struct citizen *head = person_add(home, dice, "世帯主", sex, birth_day, now);
    city_family_roll(dice, shape_roll(dice, wishes), &head->family);
    bool at_random = !home->kind;
    if (wishes & WISH_FOREIGN || (at_random && dice_chance(dice, 3)))
        foreign_make(dice, wishes, head);
    if (wishes & WISH_FORMER || (at_random && !*head->roman && dice_chance(dice, 1))) {
        struct city_name former;
        city_family_roll(dice, SHAPE_PLAIN, &former);
        snprintf(head->former, sizeof head->former, "%.60s", former.plain);
    }
    head->day_unknown = wishes & WISH_UNKNOWN_DAY;
}

static void spouse_add(struct home *home, struct dice *dice, instant now)
{
    const struct citizen *head = home->at;
    struct day birth_day = day_add(head->birth_day, dice_between(dice, -1500, 1500));
    bool wife = head->sex == '1';
    struct citizen *spouse =
        person_add(home, dice, wife ? "妻" : "夫", wife ? '2' : '1', birth_day, now);
    memset(spouse->roman, 0, sizeof spouse->roman);
    home->has_spouse = true;
}

/* One pair in a hundred are twins. */
static void children_add(struct home *home, struct dice *dice, instant now, int count)
{
    int age = dice_between(dice, 0, 17);
    struct day birth_day = birth_day_of_age(dice, now, age);
    for (int i = 0; i < count && home->count < HOME_MOST - 1; i++) {
        bool boy = dice_chance(dice, 50), twin = i > 0 && dice_chance(dice, 2);
        if (i > 0 && !twin)
            birth_day = day_add(birth_day, -dice_between(dice, 400, 1600));
        person_add(home, dice, "子", boy ? '1' : '2', birth_day, now);
        home->child_count++;
    }
}

/* The second, of the same age or a generation older; by given name alike or the same. */
static void relative_add(struct home *home, struct dice *dice, instant now)
{
    struct citizen *head = home->at;
    bool junior = home->wishes & WISH_JUNIOR;
    struct day birth_day =
        junior ? day_add(head->birth_day, -dice_between(dice, 8000, 12000)) : head->birth_day;
    struct citizen *who =
        person_add(home, dice, junior ? "父母" : "兄弟姉妹", head->sex, birth_day, now);
    if (junior)
        who->given = head->given;
    else if (home->wishes & WISH_NEAR_TWIN)
        city_given_pair(dice, head->sex, &head->given, &who->given);
    while (home->wishes & WISH_TWIN && !strcmp(who->given.plain, head->given.plain))
        city_given_roll(dice, head->sex, &who->given);
}

static void others_add(struct home *home, struct dice *dice, instant now)
{
    int percent = dice_between(dice, 0, 99), children = percent < 75 ? percent % 4 : 0;
    bool family = home->wishes & (WISH_FAMILY | WISH_SPOUSE_PROTECTED);
    if (home->wishes & (WISH_TWIN | WISH_NEAR_TWIN | WISH_JUNIOR))
        relative_add(home, dice, now);
    else if (family || percent < 60)
        spouse_add(home, dice, now);
    home->adults = home->count;
    children_add(home, dice, now, family && !children ? 1 : children);
}

/* --- what became of them -----------------------------------------------------------------------
 */

static char status_roll(struct dice *dice, unsigned wishes)
{
    int permille = dice_between(dice, 0, 999);
    if (wishes & WISH_LEAVING)
        return '2';
    if (wishes & WISH_MOVED_OUT)
        return '3';
    return permille < 3    ? '2'
           : permille < 20 ? '3'
           : permille < 22 ? '5'
           : permille < 26 ? '6'
                           : '1';
}

static void fates_make(struct home *home, struct dice *dice, instant now)
{
    bool free_to_move = !home->kind || home->wishes & (WISH_LEAVING | WISH_MOVED_OUT);
    char status = free_to_move ? status_roll(dice, home->wishes) : '1';
    bool hidden = home->wishes & WISH_PROTECTED || (!home->kind && dice_between(dice, 0, 999) < 4);
    for (size_t i = 0; i < home->count; i++) {
        home->at[i].status = status;
        home->at[i].is_protected = hidden;
        if (!home->kind && home->at[i].birth_day.year < 1950 && dice_chance(dice, 8))
            home->at[i].status = '4';
    }
    if (home->wishes & WISH_DEAD)
        home->at[0].status = '4';
    if (home->wishes & WISH_SPOUSE_PROTECTED)
        home->at[1].is_protected = true;
    if (home->wishes & WISH_RENEWED)
        home->at[0].card_from = now - dice_between(dice, 1, 13) * INSTANT_DAY;
}

static void namesake_make(struct home *home, const struct home *before)
{
    struct citizen *who = home->at;
    const struct citizen *other = before->at;
    if (before->count == 0 || *other->roman)
        return;
    who->family = other->family;
    who->given = other->given;
    who->sex = other->sex;
    who->birth_day = other->birth_day;
    snprintf(who->former, sizeof who->former, "%s", other->former);
}

void home_make(const struct city_options *options, uint64_t index, const struct city_kind *kind,
               const struct home *before, struct home *ret_home)
{
    struct dice dice = dice_make((uint64_t)options->seed, index);
    struct home *home = ret_home;
    *home = (struct home){.index = index, .kind = kind, .wishes = kind ? kind->wishes : 0};
    snprintf(home->household, sizeof home->household, "%015" PRIu64, index + 1);
    city_address_make(&dice, options, home->wishes & WISH_BUILDING, &home->address);
    head_make(home, &dice, options->now);
    if (home->wishes & WISH_NAMESAKE)
        namesake_make(home, before);
    others_add(home, &dice, options->now);
    fates_make(home, &dice, options->now);
}

/* --- their names, as each tells them -----------------------------------------------------------
 */

void citizen_registered(const struct citizen *who, char ret_text[CITY_NAME])
{
    if (*who->roman)
        snprintf(ret_text, CITY_NAME, "%s", who->roman);
    else
        snprintf(ret_text, CITY_NAME, "%.150s　%.150s", who->family.registered,
                 who->given.registered);
}

void citizen_plain(const struct citizen *who, char ret_text[CITY_NAME])
{
    if (*who->roman)
        snprintf(ret_text, CITY_NAME, "%s", who->roman);
    else
        snprintf(ret_text, CITY_NAME, "%.150s　%.150s", who->family.plain, who->given.plain);
}

void citizen_kana(const struct citizen *who, char ret_text[CITY_NAME])
{
    if (*who->roman)
        *ret_text = '\0';
    else
        snprintf(ret_text, CITY_NAME, "%.150s　%.150s", who->family.kana, who->given.kana);
}

void city_marks_none(const char *text, char ret_marks[])
{
    size_t n = 0;
    for (; *text; text++)
        if (((unsigned char)*text & 0xC0) != 0x80)
            ret_marks[n++] = '0';
    ret_marks[n] = '\0';
}

/* 氏［旧氏］　名, or ローマ字（通称）. */
void citizen_certified(const struct citizen *who, char ret_text[CITY_NAME],
                       char ret_marks[CITY_NAME])
{
    if (*who->roman) {
        if (who->has_common)
            snprintf(ret_text, CITY_NAME, "%s（%.80s　%.80s）", who->roman, who->family.plain,
                     who->given.plain);
        else
            snprintf(ret_text, CITY_NAME, "%s", who->roman);
        city_marks_none(ret_text, ret_marks);
        return;
    }
    char former[96] = "", former_marks[96] = "";
    if (*who->former)
        snprintf(former, sizeof former, "［%s］", who->former);
    city_marks_none(former, former_marks);
    snprintf(ret_text, CITY_NAME, "%.100s%s　%.100s", who->family.certificate, former,
             who->given.certificate);
    snprintf(ret_marks, CITY_NAME, "%.60s%s0%.60s", who->family.marks, former_marks,
             who->given.marks);
}

void citizen_birth(const struct citizen *who, char ret_text[11])
{
    const struct day *day = &who->birth_day;
    snprintf(ret_text, 11, "%04u-%02u-%02u", (unsigned)day->year % 10000,
             (unsigned)day->month % 100, who->day_unknown ? 0 : (unsigned)day->day % 100);
}

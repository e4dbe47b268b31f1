/* The kinds of cases, how frequent each is, and what is the matter. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/city.h"

#define NOBODY "999999999999999" /* an addressee number that no resident has */

/* --- may be identified -------------------------------------------------------------------------
 */

/* Full width to ASCII, U+3000 to a space: what a keyboard gives. */
static void narrow(const char *text, char ret_text[CITY_NAME])
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 4 < CITY_NAME;) {
        bool wide = p[0] == 0xEF && p[1] == 0xBC && p[2] >= 0x81;
        if (wide)
            ret_text[n++] = (char)(p[2] - 0x81 + '!');
        else if (!memcmp(p, "　", 3))
            ret_text[n++] = ' ';
        else
            ret_text[n++] = (char)*p;
        p += wide || !memcmp(p, "　", 3) ? 3 : 1;
    }
    ret_text[n] = '\0';
}

static void without_space(char text[CITY_NAME])
{
    char *space = strstr(text, "　");
    if (space)
        memmove(space, space + 3, strlen(space + 3) + 1);
}

static void notation_prepare(struct city_case *one)
{
    char name[CITY_NAME];
    int how = dice_between(&one->dice, 0, 2);
    city_claim_of(one, one->who,
                  (enum notation)dice_between(&one->dice, NOTATION_NO_PREFECTURE, NOTATION_KANJI));
    memcpy(name, one->claim.name, sizeof name);
    if (how == 0)
        narrow(name, one->claim.name);
    if (how == 1 && !*one->who->roman)
        without_space(one->claim.name);
}

static void no_building_prepare(struct city_case *one)
{
    city_claim_of(one, one->who, NOTATION_NO_BUILDING);
}

/* The certificate writes 〓 for the how-manieth character. */
static void substitute(char *text, size_t size, char *marks, size_t index)
{
    size_t at = 0, place = 0;
    for (; text[at]; at++)
        if (((unsigned char)text[at] & 0xC0) != 0x80 && place++ == index)
            break;
    size_t width = 1;
    while (((unsigned char)text[at + width] & 0xC0) == 0x80)
        width++;
    char rest[CITY_ADDRESS];
    snprintf(rest, sizeof rest, "%s", text + at + width);
    snprintf(text + at, size - at, "〓%s", rest);
    marks[index] = '1';
}

/* A numeral is never what a certificate cannot write. */
static bool begins_with_numeral(const char *text)
{
    static const char *const numerals[] = {"一", "二", "三", "八", "十", "千"};
    for (size_t i = 0; i < sizeof numerals / sizeof *numerals; i++)
        if (!strncmp(text, numerals[i], strlen(numerals[i])))
            return true;
    return false;
}

static void substituted_prepare(struct city_case *one)
{
    const char *town = one->home->address.town_bare;
    size_t before = strlen("大字") * !strncmp(town, "大字", strlen("大字"));
    if (dice_chance(&one->dice, 60) || begins_with_numeral(town + before))
        substitute(one->name, sizeof one->name, one->name_marks, 0);
    else /* the first of the town, behind 試験県桜野市 */
        substitute(one->address, sizeof one->address, one->address_marks, before ? 8 : 6);
}

static void foreign_prepare(struct city_case *one)
{
    char name[CITY_NAME];
    memcpy(name, one->claim.name, sizeof name);
    narrow(name, one->claim.name);
}

static void common_name_prepare(struct city_case *one)
{
    const struct citizen *who = one->who;
    snprintf(one->claim.name, CITY_NAME, "%.150s　%.150s", who->family.plain, who->given.plain);
    snprintf(one->claim.kana, CITY_NAME, "%.150s　%.150s", who->family.kana, who->given.kana);
}

static void former_name_prepare(struct city_case *one)
{
    if (dice_chance(&one->dice, 50))
        snprintf(one->claim.name, CITY_NAME, "%.60s　%.150s", one->who->former,
                 one->who->given.plain);
}

static void renewed_prepare(struct city_case *one)
{
    snprintf(one->serial, sizeof one->serial, "%s", one->who->sign_before);
    one->applied_at = one->who->card_from - INSTANT_DAY / 24;
}

static void phone_prepare(struct city_case *one)
{
    snprintf(one->serial, sizeof one->serial, "%s", one->who->phone);
}

/* --- not by machine -----------------------------------------------------------------------------
 */

static void address_roll(struct city_case *one, char ret_text[CITY_ADDRESS])
{
    const struct city_options options = {.seed = (int64_t)(dice_roll(&one->dice) >> 2)};
    struct city_address address;
    city_address_make(&one->dice, &options, false, &address);
    city_address_write(&address, NOTATION_REGISTRY, ret_text);
}

static void in_other_city(char address[CITY_ADDRESS])
{
    char *city = strstr(address, CITY_MUNICIPALITY);
    memcpy(city, "若葉", strlen("若葉"));
}

/* Within the week: the card still tells the old address. */
static void moved_prepare(struct city_case *one)
{
    address_roll(one, one->address);
    if (dice_chance(&one->dice, 50))
        in_other_city(one->address);
    city_marks_none(one->address, one->address_marks);
}

/* The feed is late: the registry tells the old address. */
static void moved_ahead_prepare(struct city_case *one)
{
    address_roll(one, one->address);
    city_marks_none(one->address, one->address_marks);
    memcpy(one->claim.address, one->address, CITY_ADDRESS);
}

/* Last month, and the card tells the name from before. */
static void married_prepare(struct city_case *one)
{
    struct city_name family;
    do
        city_family_roll(&one->dice, SHAPE_PLAIN, &family);
    while (!strcmp(family.plain, one->who->family.plain) ||
           !strcmp(family.registered, one->who->former));
    snprintf(one->name, CITY_NAME, "%.150s　%.150s", family.plain, one->who->given.plain);
    city_marks_none(one->name, one->name_marks);
}

/* The form is mistyped: the day, or a name that lacks its last character. */
static void typo_prepare(struct city_case *one)
{
    struct citizen other = *one->who;
    if (dice_chance(&one->dice, 50) && strlen(other.given.plain) >= 6) {
        one->claim.name[strlen(one->claim.name) - 3] = '\0';
        return;
    }
    other.birth_day = day_add(other.birth_day, other.birth_day.day > 15 ? -1 : 1);
    citizen_birth(&other, one->claim.birth);
}

static void agent_prepare(struct city_case *one)
{
    const struct citizen *agent = &one->before->at[0];
    one->by_agent = true;
    citizen_certified(agent, one->name, one->name_marks);
    citizen_birth(agent, one->birth);
    one->sex = agent->sex;
    city_address_write(&one->before->address, NOTATION_REGISTRY, one->address);
    city_marks_none(one->address, one->address_marks);
    snprintf(one->serial, sizeof one->serial, "%s", agent->sign);
}

static void unsigned_prepare(struct city_case *one)
{
    one->signed_by_card = false;
}

static void other_number_prepare(struct city_case *one)
{
    memcpy(one->claim.number, one->home->at[1].number, sizeof one->claim.number);
}

static void other_person_prepare(struct city_case *one)
{
    city_claim_of(one, &one->home->at[1], NOTATION_REGISTRY);
}

/* The feed links the card to another: the spouse or twin, or the namesake. */
static void wrong_link_prepare(struct city_case *one)
{
    city_serial_make(one->feeds, one->serial);
    city_feeds_link(one->feeds, one->serial, one->home->at[1].atenabango);
}

static void wrong_link_namesake_prepare(struct city_case *one)
{
    city_serial_make(one->feeds, one->serial);
    city_feeds_link(one->feeds, one->serial, one->before->at[0].atenabango);
}

static void two_links_prepare(struct city_case *one)
{
    city_feeds_link(one->feeds, one->serial, one->home->at[1].atenabango);
}

static void link_to_nobody_prepare(struct city_case *one)
{
    city_serial_make(one->feeds, one->serial);
    city_feeds_link(one->feeds, one->serial, NOBODY);
}

/* Of another city; of the same name and birth date as somebody here, half of them. */
static void stranger_prepare(struct city_case *one)
{
    moved_prepare(one);
    if (!strstr(one->address, "若葉市"))
        in_other_city(one->address);
    if (dice_chance(&one->dice, 50)) {
        married_prepare(one);
        struct day day = day_add(one->who->birth_day, -dice_between(&one->dice, 400, 900));
        snprintf(one->birth, sizeof one->birth, "%04u-%02u-%02u", (unsigned)day.year % 10000,
                 (unsigned)day.month % 100, (unsigned)day.day % 100);
    }
    one->who = NULL;
    memcpy(one->claim.name, one->name, CITY_NAME);
    *one->claim.kana = *one->claim.number = '\0';
    memcpy(one->claim.birth, one->birth, sizeof one->birth);
    memcpy(one->claim.address, one->address, CITY_ADDRESS);
}

/* The feed links the card of a twin who lives elsewhere, and the certificate cannot write what
 * tells the two apart; only the form does. */
static void twin_elsewhere_prepare(struct city_case *one)
{
    size_t last = strlen(one->name_marks) - 1, end = strlen(one->claim.name) - 3;
    const char *other = strcmp(one->claim.name + end, "薫") ? "薫" : "茜";
    substitute(one->name, sizeof one->name, one->name_marks, last);
    memcpy(one->claim.name + end, other, 3);
    *one->claim.kana = *one->claim.number = '\0';
    one->who = NULL;
}

const struct city_kind city_kinds[] = {
    /* name, weight, solvable, ranked, unlinked, wishes, prepare */
    {"plain", 380, true, true, false, 0, NULL},
    {"notation", 120, true, true, false, 0, notation_prepare},
    {"no-building", 30, true, true, false, WISH_BUILDING, no_building_prepare},
    {"variant-kanji", 40, true, true, false, WISH_VARIANT, notation_prepare},
    {"gaiji", 10, true, true, false, WISH_GAIJI, NULL},
    {"substituted", 20, true, true, false, 0, substituted_prepare},
    {"foreign", 12, true, true, false, WISH_FOREIGN, foreign_prepare},
    {"common-name", 12, true, true, false, WISH_FOREIGN | WISH_COMMON, common_name_prepare},
    {"former-name", 12, true, true, false, WISH_FORMER, former_name_prepare},
    {"renewed-card", 20, true, true, false, WISH_RENEWED, renewed_prepare},
    {"phone", 60, true, true, false, WISH_PHONE, phone_prepare},
    {"twins", 10, true, true, false, WISH_TWIN, NULL},
    {"namesake", 8, true, true, false, WISH_NAMESAKE, NULL},
    {"father-and-son", 8, true, true, false, WISH_JUNIOR, NULL},
    {"leaving", 4, true, true, false, WISH_LEAVING, NULL},
    /* linked, and people must look */
    {"moved", 25, false, true, false, 0, moved_prepare},
    {"moved-ahead", 10, false, true, false, 0, moved_ahead_prepare},
    {"married", 12, false, true, false, 0, married_prepare},
    {"typo", 15, false, true, false, 0, typo_prepare},
    {"agent", 15, false, true, false, WISH_FAMILY, agent_prepare},
    {"protected", 5, false, true, false, WISH_PROTECTED, NULL},
    {"spouse-protected", 3, false, true, false, WISH_SPOUSE_PROTECTED, NULL},
    {"moved-out", 4, false, true, false, WISH_MOVED_OUT, NULL},
    {"dead", 2, false, true, false, WISH_DEAD, NULL},
    {"unsigned", 5, false, true, false, 0, unsigned_prepare},
    {"day-unknown", 2, false, true, false, WISH_UNKNOWN_DAY, NULL},
    {"near-twins", 4, false, true, false, WISH_NEAR_TWIN, NULL},
    {"number-of-another", 4, false, true, false, WISH_FAMILY, other_number_prepare},
    {"form-of-another", 4, false, false, false, WISH_FAMILY, other_person_prepare},
    {"wrong-link", 3, false, true, false, WISH_FAMILY, wrong_link_prepare},
    {"wrong-link-twin", 3, false, true, false, WISH_TWIN, wrong_link_prepare},
    {"wrong-link-namesake", 3, false, true, false, WISH_NAMESAKE, wrong_link_namesake_prepare},
    {"twin-elsewhere", 3, false, false, false, 0, twin_elsewhere_prepare},
    {"two-links", 3, false, true, false, WISH_FAMILY, two_links_prepare},
    {"link-to-nobody", 4, false, true, false, 0, link_to_nobody_prepare},
    /* no feed knows the serial number */
    {"unlinked", 40, false, true, true, 0, NULL},
    {"unlinked-notation", 20, false, true, true, 0, notation_prepare},
    {"unlinked-variant", 8, false, true, true, WISH_VARIANT, notation_prepare},
    {"unlinked-gaiji", 4, false, true, true, WISH_GAIJI, NULL},
    {"unlinked-substituted", 6, false, true, true, 0, substituted_prepare},
    {"unlinked-common-name", 4, false, true, true, WISH_FOREIGN | WISH_COMMON, common_name_prepare},
    {"unlinked-former-name", 3, false, true, true, WISH_FORMER, former_name_prepare},
    {"unlinked-twins", 4, false, true, true, WISH_TWIN, NULL},
    {"unlinked-near-twins", 2, false, true, true, WISH_NEAR_TWIN, NULL},
    {"unlinked-namesake", 4, false, true, true, WISH_NAMESAKE, NULL},
    {"unlinked-father-son", 4, false, true, true, WISH_JUNIOR, NULL},
    {"unlinked-moved", 8, false, true, true, 0, moved_prepare},
    {"unlinked-moved-ahead", 4, false, true, true, 0, moved_ahead_prepare},
    {"unlinked-married", 6, false, true, true, 0, married_prepare},
    {"unlinked-typo", 6, false, true, true, 0, typo_prepare},
    {"stranger", 8, false, false, true, 0, stranger_prepare},
};
const size_t city_kind_count = sizeof city_kinds / sizeof *city_kinds;

const struct city_kind *city_kind_roll(struct dice *dice)
{
    int sum = 0;
    for (size_t i = 0; i < city_kind_count; i++)
        sum += city_kinds[i].weight;
    int at = dice_between(dice, 0, sum - 1);
    size_t i = 0;
    while (at >= city_kinds[i].weight)
        at -= city_kinds[i++].weight;
    return &city_kinds[i];
}

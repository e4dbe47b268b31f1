/* Addresses of the large city, and how people write them. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/city.h"

#define RESIDENTS_OF_BUILDING 125 /* one building for so many of the city */

static const char *const kanji_digits[] = {"〇", "一", "二", "三", "四",
                                           "五", "六", "七", "八", "九"};
static const char *const wide_digits[] = {"０", "１", "２", "３", "４",
                                          "５", "６", "７", "８", "９"};

static void add(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

static void add_wide(char *text, size_t size, int number)
{
    char digits[12];
    snprintf(digits, sizeof digits, "%d", number);
    for (const char *p = digits; *p; p++)
        add(text, size, wide_digits[*p - '0']);
}

/* Up to 99: 二十三. */
static void add_kanji(char *text, size_t size, int number)
{
    if (number >= 20)
        add(text, size, kanji_digits[number / 10]);
    if (number >= 10)
        add(text, size, "十");
    if (number % 10)
        add(text, size, kanji_digits[number % 10]);
}

static void lots_write(const struct city_address *a, bool kanji, char *text, size_t size)
{
    void (*number)(char *, size_t, int) = kanji ? add_kanji : add_wide;
    number(text, size, a->lot);
    add(text, size, a->plot ? "番地" : "番");
    if (!a->house)
        return;
    if (a->plot)
        add(text, size, "の");
    number(text, size, a->house);
    if (!a->plot)
        add(text, size, "号");
}

static void town_write(struct city_address *a)
{
    snprintf(a->town, sizeof a->town, "%s", a->town_bare);
    if (!a->block)
        return;
    add_kanji(a->town, sizeof a->town, a->block);
    add(a->town, sizeof a->town, "丁目");
}

static void building_make(struct dice *dice, struct dice *house, struct city_address *a)
{
    char name[48];
    city_building_roll(house, name);
    snprintf(a->building, sizeof a->building, "%s", name);
    add_wide(a->building, sizeof a->building,
             100 * dice_between(dice, 1, 14) + dice_between(dice, 1, 12));
    if (dice_roll(house) % 2)
        add(a->building, sizeof a->building, "号室");
}

/* Most buildings are small, and the first are towers: of two rolls the product. */
static uint64_t building_roll(struct dice *dice, uint64_t residents)
{
    uint64_t count = residents / RESIDENTS_OF_BUILDING + 10;
    return (dice_roll(dice) % count) * (dice_roll(dice) % count) / count;
}

/* Four homes of ten are in buildings, where many share town and lot. */
void city_address_make(struct dice *dice, const struct city_options *options, bool in_building,
                       struct city_address *ret_address)
{
    *ret_address = (struct city_address){0};
    in_building |= dice_chance(dice, 40);
    struct dice own = dice_make(dice_roll(dice), 0);
    struct dice shared = dice_make((uint64_t)options->seed ^ 0xB17D,
                                   building_roll(dice, (uint64_t)options->residents));
    struct dice *d = in_building ? &shared : &own;
    city_town_roll(d, ret_address->town_bare);
    ret_address->plot =
        strncmp(ret_address->town_bare, "大字", strlen("大字")) == 0 || dice_chance(d, 25);
    ret_address->block = ret_address->plot ? 0 : dice_between(d, 1, 6);
    ret_address->lot = dice_between(d, 1, ret_address->plot ? 99 : 40);
    ret_address->house = ret_address->plot && dice_chance(d, 40) ? 0 : dice_between(d, 1, 25);
    town_write(ret_address);
    lots_write(ret_address, false, ret_address->lots, sizeof ret_address->lots);
    if (in_building)
        building_make(dice, d, ret_address);
}

static void hyphens_write(const struct city_address *a, bool wide, char *text)
{
    static const char *const dashes[] = {"－", "ー", "−", "‐"};
    const char *dash = wide ? dashes[a->lot % 4] : "-";
    int numbers[] = {a->block, a->lot, a->house};
    bool first = true;
    for (int i = 0; i < 3; i++) {
        char digits[12];
        if (!numbers[i])
            continue;
        add(text, CITY_ADDRESS, first ? "" : dash);
        first = false;
        snprintf(digits, sizeof digits, "%d", numbers[i]);
        if (wide)
            add_wide(text, CITY_ADDRESS, numbers[i]);
        else
            add(text, CITY_ADDRESS, digits);
    }
}

void city_address_write(const struct city_address *a, enum notation notation,
                        char ret_text[CITY_ADDRESS])
{
    bool hyphens = notation == NOTATION_HYPHENS || notation == NOTATION_WIDE_HYPHENS;
    *ret_text = '\0';
    if (notation != NOTATION_NO_PREFECTURE && notation != NOTATION_HYPHENS)
        add(ret_text, CITY_ADDRESS, CITY_PREFECTURE);
    add(ret_text, CITY_ADDRESS, CITY_MUNICIPALITY);
    add(ret_text, CITY_ADDRESS, hyphens ? a->town_bare : a->town);
    if (hyphens)
        hyphens_write(a, notation == NOTATION_WIDE_HYPHENS, ret_text);
    else
        lots_write(a, notation == NOTATION_KANJI, ret_text, CITY_ADDRESS);
    if (*a->building && notation != NOTATION_NO_BUILDING) {
        add(ret_text, CITY_ADDRESS, notation == NOTATION_HYPHENS ? " " : "　");
        add(ret_text, CITY_ADDRESS, a->building);
    }
}

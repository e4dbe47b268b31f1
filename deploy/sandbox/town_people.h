/* Made-up residents: the same seed makes the same people, whatever else is asked for. */
#ifndef UKETSUKE_SANDBOX_TOWN_PEOPLE_H
#define UKETSUKE_SANDBOX_TOWN_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* splitmix64: small, and the same everywhere. Not for secrets. */
struct dice {
    uint64_t state;
};
struct dice dice_make(uint64_t seed, uint64_t stream);
uint64_t dice_roll(struct dice *dice);
int dice_between(struct dice *dice, int least, int most); /* both included */
bool dice_chance(struct dice *dice, int percent);

#define PERSON_NAME      64
#define TOWN_ADDRESS     160
#define HOUSEHOLD_YOUNG  4 /* children at most */
#define INDIVIDUAL_DIGIT 13
#define PERSON_PRESENT   '1' /* 現存 */

struct person {
    char name[PERSON_NAME];      /* 氏 U+3000 名 */
    char name_kana[PERSON_NAME]; /* full width */
    char sex;                    /* '1' 男, '2' 女 */
    struct day birth_day;
    char individual_number[INDIVIDUAL_DIGIT]; /* 個人番号, "" for a new-born child */
    char addressee_number[16];                /* 宛名番号 */
    /* What only the registry knows: */
    char common_name[PERSON_NAME];    /* 通称, "" */
    char former_surname[PERSON_NAME]; /* 旧氏, "" */
    char status;                      /* 住民状態 as docs/formats/registry-feed.md has it */
    bool has_support, is_undisclosed; /* 支援措置, 不開示 */
};

struct household {
    char address[TOWN_ADDRESS]; /* begins with the prefecture */
    char postal_code[8];
    struct person claimant, spouse;
    bool has_spouse;
    struct person children[HOUSEHOLD_YOUNG]; /* the youngest last */
    size_t child_count;
    bool newborn;        /* the last child came in the last two weeks */
    struct person other; /* lives there, and the form does not name them */
    bool has_other;
};

/* `number` counts the households of a seed; `city` is a name such as 桜野市. */
void household_make(uint64_t seed, uint32_t number, const char *city, instant now,
                    struct household *ret_household);
/* Same surname, sex and birth date; 個人番号 and 宛名番号 of their own. */
void person_twin(struct dice *dice, const struct person *person, struct person *ret_twin);
/* Another surname for the same given name. */
void person_rename(struct dice *dice, const struct person *person, char ret_name[PERSON_NAME]);
void address_make(struct dice *dice, const char *city, char ret_address[TOWN_ADDRESS]);
/* 平成26年総務省令第85号 第5条; computed here on its own, so that a mistake elsewhere shows. */
char individual_number_check(const char eleven_digits[11]);

#endif

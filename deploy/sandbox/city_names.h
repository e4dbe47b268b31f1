/* What the people of the large city are called: names put together from pieces, thousands of them,
 * some frequent and most rare (Zipf), with the shapes of kanji that registers hold. */
#ifndef UKETSUKE_SANDBOX_CITY_NAMES_H
#define UKETSUKE_SANDBOX_CITY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/sandbox/town_people.h"

#define CITY_NAME 320 /* bytes of any text of a name */

struct city_name {                                 /* one name, as each tells it */
    char registered[CITY_NAME];                    /* the registry */
    char certificate[CITY_NAME], marks[CITY_NAME]; /* '1': substituted */
    char plain[CITY_NAME];                         /* its bearer, in a form */
    char kana[CITY_NAME];
};

enum shape {
    SHAPE_PLAIN,
    SHAPE_VARIANT,  /* the registry writes the variant, and so does the certificate */
    SHAPE_REPLACED, /* … the certificate writes a substitute character */
    SHAPE_GAIJI,    /* the registry has a character of its own */
};

/* The shape is for the first piece that has it; none may have a variant. */
void city_family_roll(struct dice *dice, enum shape shape, struct city_name *ret_name);
void city_given_roll(struct dice *dice, char sex, struct city_name *ret_name);
/* Two names of one length and one beginning; the certificate cannot write what differs. */
void city_given_pair(struct dice *dice, char sex, struct city_name *ret_one,
                     struct city_name *ret_other);
void city_roman_roll(struct dice *dice, char ret_roman[96]); /* full width */
void city_town_roll(struct dice *dice, char ret_town[48]);
void city_building_roll(struct dice *dice, char ret_building[48]);

#endif

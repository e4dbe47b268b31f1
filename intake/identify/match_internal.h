/* Shared by the files match*.c only. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_MATCH_INTERNAL_H
#define UKETSUKE_INTAKE_IDENTIFY_MATCH_INTERNAL_H

#include "intake/identify/match.h"

#define NAMES_MOST 6 /* of one person: 氏名, 通称, 旧氏, ローマ字, 漢字, and one in brackets */
#define NAME_MOST  160 /* folded characters: N100, with its brackets */

struct name {
    const char *source; /* borrowed; NULL when it was put together */
    size_t given;       /* where the given name begins; 0: nobody knows */
    size_t length;
    struct folded_character at[];
};
struct names {
    size_t count;
    struct name *at[NAMES_MOST]; /* the first is 氏名 */
};

struct place { /* an address, as struct folded_address has it */
    size_t prefecture, body, length;
    struct folded_character at[];
};

struct told { /* a text, and which of its characters are substituted */
    const char *text, *marks;
};

struct known {
    struct told name, kana, address; /* borrowed; a resident's address stands in its parts */
    const struct resident *resident; /* NULL: of facts */
    struct known *beside;            /* known_beside; NULL */
    bool opened;                     /* known_with_gaiji_open: it is not what its texts fold to */
    struct birth_date birth_date;
    char sex;                   /* '1', '2', '3' not known; 0 not told */
    const uint8_t *number_hash; /* NULL */
    /* folded when they are first asked for: */
    bool names_read, kana_read, place_read;
    struct names names;
    struct name *kana_folded; /* NULL: none */
    struct place *place;      /* NULL: none */
};

/* match_known.c */
const struct names *known_names(struct known *known);
const struct name *known_kana(struct known *known);   /* NULL: there is none */
const struct place *known_place(struct known *known); /* NULL: there is none */
/* Both tell the same words, of which no character is substituted, and they can be folded: so they
 * agree, though only one of the two was folded. */
bool names_told_same(struct known *a, struct known *b);
bool kana_told_same(struct known *a, struct known *b);
/* Do both tell the same address, character by character? Of two residents, it is not said. */
bool address_told_same(const struct known *a, const struct known *b);

/* match_text.c */
enum agreement compare_names(struct known *a, struct known *b); /* the best of all */
enum agreement compare_kana(struct known *a, struct known *b);
enum agreement compare_addresses(struct known *a, struct known *b);

/* Body and building as one text; a hyphen between lot 1-1 and room 1, which are not lot 1-11. */
size_t address_whole(const struct place *place, struct folded_character ret_whole[FOLDED_MOST + 1]);

#endif

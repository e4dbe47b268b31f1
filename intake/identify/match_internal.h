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
    struct folded_character at[NAME_MOST];
};

struct known {
    size_t name_count;
    char *address_source; /* owned */
    bool has_kana, has_address, has_number;
    struct birth_date birth_date;
    char sex; /* '1', '2', '3' not known; 0 not told */
    uint8_t number_hash[NUMBER_HASH_BYTES];
    /* What is large stands behind, and is not cleared when it is made: to clear it took longer than
     * to fold what stands in it. */
    struct name names[NAMES_MOST]; /* the first is 氏名 */
    struct name kana;
    struct folded_address address;
};
#define KNOWN_CLEARED offsetof(struct known, names)

/* A name, and the one that its brackets hold: 氏［旧氏］　名. */
void known_add_name(struct known *known, const char *name, const char *substituted);
bool kana_read(const char *kana, struct name *ret_name); /* false: there is none */
enum agreement compare_name(const struct name *a, const struct name *b);
enum agreement compare_names(const struct known *a, const struct known *b); /* the best of all */
enum agreement compare_addresses(const struct known *a, const struct known *b);

/* Body and building as one text; a hyphen between lot 1-1 and room 1, which are not lot 1-11. */
size_t address_whole(const struct folded_address *address,
                     struct folded_character ret_whole[FOLDED_MOST + 1]);

/* AGREE_NOTATION, AGREE_SUBSTITUTED, DIFFER_LIKE or DIFFER_ALL. Of texts of which nothing is known
 * but their length, DIFFER_UNKNOWN. */
enum agreement compare_characters(const struct folded_character *a, size_t a_length,
                                  const struct folded_character *b, size_t b_length);

#endif

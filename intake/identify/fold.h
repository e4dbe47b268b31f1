/* Folding of names and addresses: what is written in different ways becomes one text, for comparing
 * and for finding. Pure; what is kept and shown is never folded. docs/identify.md has the rules
 * with examples.
 *
 * All: NFKC, case folded, glyph selectors and other invisible characters gone
 * (NFKC_Casefold of Unicode). That also folds CJK compatibility ideographs (U+F900…, 神 as U+FA19)
 * to the unified ones: for comparing they are the same character. Variant kanji of one character
 * become its head (variants.tsv, "same"). Private-use characters (外字) stay themselves.
 * Names: white space, dots, commas, equals signs and hyphens gone; a dash after kana is ー; 々 is
 * the character before it; ヶ between kanji is ケ, の ノ.
 * Kana besides: katakana, small kana large, ヰヱヲヂヅ as they sound.
 * Addresses: intake/identify/fold_address.c.
 *
 * Folding what is folded changes nothing. Text that is not valid UTF-8, is too long, or holds the
 * wildcard cannot be folded: it agrees with nothing. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_FOLD_H
#define UKETSUKE_INTAKE_IDENTIFY_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLD_SOURCE_MOST 600  /* characters; an address with its 方書 has 486 at most */
#define FOLDED_MOST      1200 /* some compatibility forms are longer than the character */
#define FOLD_KEY         1024 /* of a key, with its NUL: an index row of PostgreSQL bears 2700 */

/* A noncharacter: whatever stood where the certificate has a substitute character (代替文字). */
#define FOLD_ANY 0xFDD0

/* Count it up with every change of a rule that changes a key: a test compares keys with those of
 * this number. Variants.tsv and Unicode's own tables count by themselves. */
#define FOLD_RULES   2
#define FOLD_VERSION 48
/* "2-15.0-…": keys of one version may be compared with each other, and with no others. */
const char *fold_version(char ret_version[FOLD_VERSION]);

bool fold_is_gaiji(uint32_t c); /* of the private-use planes */

struct folded_character {
    uint32_t c;
    uint16_t from; /* which character of the source it came from, counted from 0 */
    uint16_t unit; /* of the last digit of an address's number: 丁, 番 or 号 if told, else 0 */
};

struct folded {
    size_t length;
    struct folded_character at[FOLDED_MOST];
};

/* `substituted`: '0' or '1' for each character of the source, as the certificate has it; "" when
 * nothing is substituted. Marks that do not fit the text: false. */
bool fold_name(const char *utf8, const char *substituted, struct folded *ret_folded);
bool fold_kana(const char *utf8, struct folded *ret_folded);

/* at[0…prefecture) is the prefecture, "" where the text has none; […body) municipality, town and
 * lot, "桜野市本町1-2-3"; the rest is the building (方書). */
struct folded_address {
    size_t prefecture, body;
    struct folded text;
};
bool fold_address(const char *utf8, const char *substituted, struct folded_address *ret_address);
/* As the registry has it, where nothing need be guessed; each part may be "". */
struct address_parts {
    const char *prefecture, *municipality, *town, *lot, *building;
};
bool fold_address_parts(const struct address_parts *parts, struct folded_address *ret_address);

/* A character that is taken for others in names: 斎 gives 斉 (variants.tsv, "like"). Keys have it
 * so; whether two texts agree, it never decides. */
uint32_t fold_like(uint32_t c);

/* Keys to find by (UTF-8, "" when there is nothing to find by): the same for texts that only differ
 * by what folds. The address key has municipality, town and lot. */
void fold_name_key(const char *utf8, char ret_key[FOLD_KEY]);
void fold_kana_key(const char *utf8, char ret_key[FOLD_KEY]);
void fold_address_key(const struct address_parts *parts, char ret_key[FOLD_KEY]);
/* Of a part of something folded; "" when it holds a wildcard. */
void folded_key(const struct folded_character *at, size_t length, char ret_key[FOLD_KEY]);

#endif

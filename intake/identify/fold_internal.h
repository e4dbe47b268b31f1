/* Shared by the files fold*.c only. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_FOLD_INTERNAL_H
#define UKETSUKE_INTAKE_IDENTIFY_FOLD_INTERNAL_H

#include "intake/identify/fold.h"

/* NFKC_Casefold with the head of each variant kanji; white space is ' '. Appends to ret_folded,
 * counting the source's characters from `from`. */
bool fold_characters(const char *utf8, const char *substituted, size_t from,
                     struct folded *ret_folded);
/* 々 and its kin, ヶ and の between kanji: in place. */
void fold_in_context(struct folded *folded);

bool fold_is_dash(uint32_t c); /* any hyphen, minus or dash, not ー */
bool fold_is_kana(uint32_t c);
bool fold_is_kanji(uint32_t c); /* and 々, 〇 */

/* 0…9: a digit of either script; 10, 100, 1000: a unit; -1: neither. */
int fold_number_of(uint32_t c);
/* 三百二十一: units that fall, at most one digit before each; anything else has no value. */
bool fold_value_of(const struct folded_character *at, size_t length, int *ret_value);

#endif

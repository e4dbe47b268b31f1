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
bool fold_is_kanji(uint32_t c);

#endif

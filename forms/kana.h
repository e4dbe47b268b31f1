/* Classes of characters, and kana as banks compare it. Texts are UTF-8. Internal to forms/. */
#ifndef UKETSUKE_FORMS_KANA_H
#define UKETSUKE_FORMS_KANA_H

#include <stdbool.h>

/* Every character is of the class, and there is at least one; blanks of either width belong to
 * katakana and hiragana, not alone. */
bool is_katakana(const char *text); /* full-width, ー included */
bool is_hiragana(const char *text);
bool is_fullwidth(const char *text); /* UAX #11: wide, full-width, or as wide as those in Japan */
bool is_halfwidth(const char *text); /* ASCII and half-width katakana */

/* Equal when width, small kana (ャ as ヤ), the kinds of long mark and hyphen, hiragana and blanks
 * are made one; a voiced mark of its own joins its kana (カ゛ as ガ), but is not dropped. */
bool kana_equal(const char *a, const char *b);

#endif

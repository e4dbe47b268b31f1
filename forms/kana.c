#include "forms/kana.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "base/bytes.h"

#define WIDE_BLANK 0x3000

static bool is_blank(UChar32 c)
{
    return c == ' ' || c == WIDE_BLANK;
}

/* All of the class or blank, and one that is no blank. */
static bool all_of(const char *text, bool (*in_class)(UChar32 c), bool blanks)
{
    int32_t at = 0, length = (int32_t)strlen(text);
    bool found = false;
    while (at < length) {
        UChar32 c;
        U8_NEXT(text, at, length, c);
        if (blanks && is_blank(c))
            continue;
        if (c < 0 || !in_class(c))
            return false;
        found = true;
    }
    return found;
}

static bool katakana(UChar32 c)
{
    return (c >= 0x30A1 && c <= 0x30FC) || c == 0x30FD || c == 0x30FE;
}

static bool hiragana(UChar32 c)
{
    return (c >= 0x3041 && c <= 0x3096) || c == 0x309D || c == 0x309E || c == 0x30FC;
}

static bool fullwidth(UChar32 c)
{
    int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH || width == U_EA_AMBIGUOUS;
}

static bool halfwidth(UChar32 c)
{
    return (c >= 0x20 && c <= 0x7E) || (c >= 0xFF61 && c <= 0xFF9F);
}

bool is_katakana(const char *text)
{
    return all_of(text, katakana, true);
}

bool is_hiragana(const char *text)
{
    return all_of(text, hiragana, true);
}

bool is_fullwidth(const char *text)
{
    return all_of(text, fullwidth, false);
}

bool is_halfwidth(const char *text)
{
    return all_of(text, halfwidth, false);
}

static UChar large_of(UChar c)
{
    static const UChar small[] = u"ァィゥェォッャュョヮヵヶ", large[] = u"アイウエオツヤユヨワカケ";
    const UChar *at = u_strchr(small, c);
    return c && at ? large[at - small] : c;
}

static UChar fold(UChar c)
{
    if (c >= 0x3041 && c <= 0x3096)
        c = (UChar)(c + 0x60); /* hiragana */
    if (c == 0x2010 || c == 0x2011 || c == 0x2012 || c == 0x2013 || c == 0x2014 || c == 0x2015 ||
        c == 0x2212 || c == '-')
        return 0x30FC; /* ー */
    return large_of(c);
}

/* A voiced mark that stands alone, or behind a blank as NFKC writes U+309B and U+309C. */
static void marks_join(UChar *text, int32_t *length)
{
    int32_t to = 0;
    for (int32_t i = 0; i < *length; i++) {
        UChar c = text[i];
        if (c == 0x309B || c == 0x309C)
            c = (UChar)(c - 2); /* the combining one */
        text[to++] = c;
    }
    *length = to;
}

static int32_t normal(const UNormalizer2 *form, const UChar *text, int32_t length, UChar **ret_text)
{
    UErrorCode error = U_ZERO_ERROR;
    int32_t room = 4 * length + 32; /* NFKC of what kana and Latin decompose to */
    UChar *out = memory_allocate((size_t)room * sizeof *out);
    int32_t made = unorm2_normalize(form, text, length, out, room, &error);
    if (U_FAILURE(error)) {
        free(out);
        return -1;
    }
    *ret_text = out;
    return made;
}

/* Length of *ret_folded, or -1: not UTF-8, or of characters that grow without measure. */
static int32_t kana_fold(const char *text, UChar **ret_folded)
{
    UErrorCode error = U_ZERO_ERROR;
    int32_t length, room = (int32_t)strlen(text) + 1;
    UChar *units = memory_allocate((size_t)room * sizeof *units), *folded;
    u_strFromUTF8(units, room, &length, text, -1, &error);
    if (U_SUCCESS(error))
        marks_join(units, &length);
    int32_t made =
        U_SUCCESS(error) ? normal(unorm2_getNFKCInstance(&error), units, length, &folded) : -1;
    free(units);
    if (made < 0)
        return -1;
    int32_t to = 0;
    for (int32_t i = 0; i < made; i++)
        if (!is_blank(folded[i]))
            folded[to++] = fold(folded[i]);
    *ret_folded = folded;
    return to;
}

bool kana_equal(const char *a, const char *b)
{
    UChar *x, *y;
    int32_t length = kana_fold(a, &x);
    if (length < 0)
        return false;
    int32_t other = kana_fold(b, &y);
    bool equal = other == length && u_memcmp(x, y, length) == 0;
    free(x);
    if (other >= 0)
        free(y);
    return equal;
}

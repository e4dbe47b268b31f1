#include "intake/identify/fold.h"

#include <stdio.h>
#include <string.h>
#include <uchar.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/identify/fold_internal.h"
#include "intake/identify/variants.h"

/* UTF-16 units of one base character with its marks; more marks than fit here are not a text. */
#define CLUSTER_MOST 64

/* --- kinds of characters ---------------------------------------------------------------------- */

bool fold_is_dash(uint32_t c)
{
    return c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0x2500 || c == 0x2501;
}

bool fold_is_kana(uint32_t c)
{
    return (c >= 0x3041 && c <= 0x3096) || (c >= 0x30A1 && c <= 0x30FA) || c == 0x30FC;
}

bool fold_is_gaiji(uint32_t c)
{
    return (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
}

bool fold_is_kanji(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || c == 0x3005 || c == 0x3007 ||
           (c > 0x9FFF ? u_hasBinaryProperty((UChar32)c, UCHAR_IDEOGRAPHIC)
                       : c >= 0x3400 && c <= 0x4DBF);
}

static uint32_t variant_find(const struct variant *table, size_t count, uint32_t c)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table[middle].variant < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && table[low].variant == c ? table[low].head : c;
}

uint32_t fold_like(uint32_t c)
{
    return c < 0x3400 ? c : variant_find(variants_like, variants_like_count, c);
}

/* --- characters ------------------------------------------------------------------------------- */

/* Strict UTF-8 to characters, those that `substituted` marks as FOLD_ANY. */
static bool decode(const char *utf8, const char *substituted, size_t from, struct folded *ret)
{
    const uint8_t *bytes = (const uint8_t *)utf8;
    const char *mark = substituted;
    size_t first = ret->length;
    for (int32_t at = 0; bytes[at];) {
        UChar32 c;
        U8_NEXT(bytes, at, -1, c);
        if (c < 0 || c == FOLD_ANY || ret->length - first >= FOLD_SOURCE_MOST)
            return false;
        if (*substituted && *mark != '0' && *mark != '1')
            return false;
        ret->at[ret->length] =
            (struct folded_character){*substituted && *mark == '1' ? FOLD_ANY : (uint32_t)c,
                                      (uint16_t)(from + ret->length - first)};
        mark += *substituted != 0;
        ret->length++;
    }
    return !*substituted || !*mark;
}

struct writer {
    struct folded *out;
    const UNormalizer2 *normalizer;
};

static bool write_character(struct writer *w, uint32_t c, uint16_t from)
{
    if (w->out->length == FOLDED_MOST)
        return false;
    w->out->at[w->out->length++] = (struct folded_character){
        c < 0x3400 ? c : variant_find(variants_same, variants_same_count, c), from};
    return true;
}

/* One character and what combines with it. A mark that makes no character with what it stands on is
 * left out: it would combine with another once that one's neighbour goes. */
static bool write_cluster(struct writer *w, const struct folded_character *at, size_t length)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar raw[CLUSTER_MOST], normal[4 * CLUSTER_MOST];
    int32_t raw_length = 0;
    for (size_t i = 0; i < length && raw_length < CLUSTER_MOST - 1; i++)
        U16_APPEND_UNSAFE(raw, raw_length, at[i].c);
    if (raw_length >= CLUSTER_MOST - 1)
        return false;
    int32_t count =
        unorm2_normalize(w->normalizer, raw, raw_length, normal, 4 * CLUSTER_MOST, &error);
    if (U_FAILURE(error))
        return false;
    for (int32_t i = 0; i < count;) {
        UChar32 c;
        U16_NEXT(normal, i, count, c);
        if (!unorm2_hasBoundaryBefore(w->normalizer, c))
            continue;
        if (!write_character(w, u_isUWhiteSpace(c) ? ' ' : (uint32_t)c, at->from))
            return false;
    }
    return true;
}

/* Most of a Japanese text joins with nothing before it, and becomes one character whatever stands
 * there: kana and kanji themselves, white space, ASCII and its wide forms (fold_test asks ICU about
 * each of these). 0: ICU has to tell. */
static uint32_t common(uint32_t c)
{
    if ((c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3041 && c <= 0x3096) ||
        (c >= 0x30A1 && c <= 0x30FC))
        return c;
    if (c == 0x3000)
        return ' ';
    if (c >= 0xFF01 && c <= 0xFF5E)
        c -= 0xFF01 - '!';
    return c < ' ' || c > '~' ? 0 : c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool plain(const UNormalizer2 *normalizer, uint32_t c)
{
    UChar unused[32];
    UErrorCode error = U_ZERO_ERROR;
    if (c == FOLD_ANY)
        return true;
    return !u_isUWhiteSpace((UChar32)c) &&
           unorm2_getRawDecomposition(normalizer, (UChar32)c, unused, 32, &error) < 0 &&
           U_SUCCESS(error) && unorm2_hasBoundaryBefore(normalizer, (UChar32)c);
}

static size_t cluster_length(const UNormalizer2 *normalizer, const struct folded_character *at,
                             size_t left)
{
    size_t length = 1;
    while (at->c != FOLD_ANY && length < left && at[length].c != FOLD_ANY &&
           !common(at[length].c) && !unorm2_hasBoundaryBefore(normalizer, (UChar32)at[length].c))
        length++;
    return length;
}

static bool write_all(struct writer *w, const struct folded *raw)
{
    for (size_t i = 0; i < raw->length;) {
        const struct folded_character *at = raw->at + i;
        size_t length = cluster_length(w->normalizer, at, raw->length - i);
        uint32_t alone = length == 1 ? common(at->c) : 0;
        if (length == 1 && !alone && plain(w->normalizer, at->c))
            alone = at->c;
        if (alone ? !write_character(w, alone, at->from) : !write_cluster(w, at, length))
            return false;
        i += length;
    }
    return true;
}

bool fold_characters(const char *utf8, const char *substituted, size_t from,
                     struct folded *ret_folded)
{
    UErrorCode error = U_ZERO_ERROR;
    struct folded raw;
    raw.length = 0;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&error);
    struct writer writer = {ret_folded, normalizer};
    return U_SUCCESS(error) && decode(utf8, substituted, from, &raw) && write_all(&writer, &raw);
}

/* --- what depends on its neighbours ----------------------------------------------------------- */

/* 々 ゝ ヽ repeat what stands before; ゞ ヾ are so rare in names that they stay. */
static uint32_t repeated(uint32_t before, uint32_t c)
{
    bool repeats = (c == 0x3005 || c == 0x303B)
                       ? (fold_is_kanji(before) && before != 0x3005) || before == FOLD_ANY
                       : (c == 0x309D || c == 0x30FD) && fold_is_kana(before);
    return repeats ? before : c;
}

/* 霞ヶ関 霞ケ関 霞が関, 井の頭 井ノ頭; 三ヶ日 as 3ヶ日 */
static uint32_t between_kanji(uint32_t c)
{
    switch (c) {
    case 0x30F6: /* ヶ */
    case 0x30F5: /* ヵ */
    case 0x304C: /* が */
    case 0x30AC: /* ガ */
        return 0x30B1;
    case 0x306E: /* の */
        return 0x30CE;
    default:
        return c;
    }
}

/* 外字 are kanji, and so was what a certificate could not write: 〓ヶ関. */
static bool is_word(uint32_t c)
{
    return fold_is_kanji(c) || (c >= '0' && c <= '9') || fold_is_gaiji(c) || c == FOLD_ANY;
}

void fold_in_context(struct folded *folded)
{
    uint32_t before = 0;
    for (size_t i = 0; i < folded->length; i++) {
        uint32_t c = repeated(before, folded->at[i].c);
        if (is_word(before) && i + 1 < folded->length && is_word(folded->at[i + 1].c))
            c = between_kanji(c);
        folded->at[i].c = before = c;
    }
}

/* --- names ------------------------------------------------------------------------------------ */

static bool silent(uint32_t c)
{
    return c < 128 ? strchr(" ,.'\"=:;", (int)c) != NULL
                   : c == 0x00B7 || c == 0x30FB || c == 0x2018 || c == 0x2019 || c == 0x3001;
}

static void fold_signs(struct folded *folded)
{
    size_t length = 0;
    for (size_t i = 0; i < folded->length; i++) {
        struct folded_character character = folded->at[i];
        if (fold_is_dash(character.c) && length > 0 && fold_is_kana(folded->at[length - 1].c))
            character.c = 0x30FC; /* ー */
        if (!silent(character.c) && !fold_is_dash(character.c))
            folded->at[length++] = character;
    }
    folded->length = length;
}

bool fold_name(const char *utf8, const char *substituted, struct folded *ret_folded)
{
    ret_folded->length = 0;
    if (!fold_characters(utf8, substituted, 0, ret_folded))
        return false;
    fold_signs(ret_folded);
    fold_in_context(ret_folded);
    return true;
}

static uint32_t as_it_sounds(uint32_t c)
{
    static const char16_t small[] = u"ァィゥェォッャュョヮヵヶヰヱヲヂヅ";
    static const char16_t large[] = u"アイウエオツヤユヨワカケイエオジズ";
    if (c >= 0x3041 && c <= 0x3096)
        c += 0x60;
    for (size_t i = 0; small[i]; i++)
        if (c == small[i])
            return large[i];
    return c;
}

bool fold_kana(const char *utf8, struct folded *ret_folded)
{
    if (!fold_name(utf8, "", ret_folded))
        return false;
    for (size_t i = 0; i < ret_folded->length; i++)
        ret_folded->at[i].c = as_it_sounds(ret_folded->at[i].c);
    return true;
}

/* --- version ---------------------------------------------------------------------------------- */

const char *fold_version(char ret_version[FOLD_VERSION])
{
    uint8_t hash[32];
    char hex[65];
    UVersionInfo unicode; /* of the library that runs, which a distribution may exchange */
    _cleanup_(cleanup_buffer) struct buffer tables = {0};
    buffer_append(&tables, variants_same, variants_same_count * sizeof *variants_same);
    buffer_append(&tables, variants_like, variants_like_count * sizeof *variants_like);
    sha256(buffer_bytes(&tables), hash);
    hex_encode(hash, sizeof hash, hex);
    u_getUnicodeVersion(unicode);
    snprintf(ret_version, FOLD_VERSION, "%d-%d.%d-%.12s", FOLD_RULES, unicode[0], unicode[1], hex);
    return ret_version;
}

/* --- keys ------------------------------------------------------------------------------------- */

void folded_key(const struct folded_character *at, size_t length, char ret_key[FOLD_KEY])
{
    int32_t out = 0;
    *ret_key = 0;
    for (size_t i = 0; i < length; i++) {
        if (at[i].c == FOLD_ANY || out > FOLD_KEY - 1 - U8_MAX_LENGTH) {
            *ret_key = 0;
            return;
        }
        U8_APPEND_UNSAFE(ret_key, out, fold_like(at[i].c));
        ret_key[out] = 0;
    }
}

void fold_name_key(const char *utf8, char ret_key[FOLD_KEY])
{
    struct folded folded;
    folded_key(folded.at, fold_name(utf8, "", &folded) ? folded.length : 0, ret_key);
}

void fold_kana_key(const char *utf8, char ret_key[FOLD_KEY])
{
    struct folded folded;
    folded_key(folded.at, fold_kana(utf8, &folded) ? folded.length : 0, ret_key);
}

void fold_address_key(const struct address_parts *parts, char ret_key[FOLD_KEY])
{
    struct folded_address address;
    bool done = fold_address_parts(parts, &address);
    folded_key(address.text.at + (done ? address.prefecture : 0),
               done ? address.body - address.prefecture : 0, ret_key);
}

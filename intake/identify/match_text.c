/* Comparing names and addresses that are folded. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "intake/identify/fold_internal.h"
#include "intake/identify/match_internal.h"

/* --- characters ------------------------------------------------------------------------------- */

static enum agreement compare_characters(const struct folded_character *a, size_t a_length,
                                         const struct folded_character *b, size_t b_length)
{
    bool any = false, known = false, like = false;
    if (a_length != b_length || a_length == 0)
        return DIFFER_ALL;
    for (size_t i = 0; i < a_length; i++) {
        if (a[i].c == FOLD_ANY || b[i].c == FOLD_ANY) {
            any = true;
            continue;
        }
        known = true;
        if (a[i].unit && b[i].unit && a[i].unit != b[i].unit)
            return DIFFER_ALL;
        if (a[i].c == b[i].c)
            continue;
        if (fold_like(a[i].c) != fold_like(b[i].c))
            return DIFFER_ALL;
        like = true;
    }
    if (!known)
        return DIFFER_UNKNOWN;
    return like ? DIFFER_LIKE : any ? AGREE_SUBSTITUTED : AGREE_NOTATION;
}

/* One character more, less or other. */
static bool one_apart(const struct name *a, const struct name *b)
{
    if (a->length > b->length)
        return one_apart(b, a);
    if (b->length - a->length > 1)
        return false;
    size_t front = 0, back = 0;
    while (front < a->length && a->at[front].c == b->at[front].c)
        front++;
    while (back < a->length - front &&
           a->at[a->length - 1 - back].c == b->at[b->length - 1 - back].c)
        back++;
    return front + back + 1 >= b->length;
}

/* --- names ------------------------------------------------------------------------------------ */

static bool part_agrees(const struct name *a, size_t a_from, size_t a_to, const struct name *b,
                        size_t b_from, size_t b_to)
{
    return agrees(compare_characters(a->at + a_from, a_to - a_from, b->at + b_from, b_to - b_from));
}

static enum agreement compare_parts(const struct name *a, const struct name *b)
{
    if (!a->given || !b->given)
        return DIFFER_ALL;
    if (part_agrees(a, a->given, a->length, b, b->given, b->length))
        return DIFFER_SURNAME;
    return part_agrees(a, 0, a->given, b, 0, b->given) ? DIFFER_GIVEN : DIFFER_ALL;
}

static bool is_kanji(const struct name *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!fold_is_kanji(name->at[i].c) && !fold_is_gaiji(name->at[i].c) &&
            name->at[i].c != FOLD_ANY)
            return false;
    return true;
}

/* 林　田一 and 林田　一 are two people; where foreign names are parted, nobody can tell. */
static bool parted_otherwise(const struct name *a, const struct name *b)
{
    size_t most = a->given > b->given ? a->given : b->given;
    return a->given && b->given && a->given != b->given && is_kanji(a, most) && is_kanji(b, most);
}

static enum agreement compare_name(const struct name *a, const struct name *b)
{
    enum agreement how = compare_characters(a->at, a->length, b->at, b->length);
    if (agrees(how) && parted_otherwise(a, b))
        return DIFFER_NEAR;
    if (how == AGREE_NOTATION && a->source && b->source && !strcmp(a->source, b->source))
        return AGREE_SAME;
    if (how != DIFFER_ALL)
        return how;
    if (a->length >= 3 && b->length >= 3 && one_apart(a, b))
        return DIFFER_NEAR;
    return compare_parts(a, b);
}

enum agreement compare_names(struct known *one, struct known *other)
{
    if (names_told_same(one, other))
        return AGREE_SAME;
    const struct names *a = known_names(one), *b = known_names(other);
    if (a->count == 0 || b->count == 0)
        return DIFFER_UNKNOWN;
    enum agreement best = compare_name(a->at[0], b->at[0]);
    for (size_t i = 0; i < a->count && !agrees(best); i++)
        for (size_t j = 0; j < b->count; j++) {
            enum agreement how = compare_name(a->at[i], b->at[j]);
            if (agrees(how))
                return AGREE_OTHER_NAME;
            if (how < best)
                best = how;
        }
    return best;
}

enum agreement compare_kana(struct known *one, struct known *other)
{
    if (kana_told_same(one, other))
        return AGREE_SAME;
    const struct name *a = known_kana(one), *b = a ? known_kana(other) : NULL;
    return b ? compare_name(a, b) : DIFFER_UNKNOWN;
}

/* --- addresses -------------------------------------------------------------------------------- */

static enum agreement compare_stretch(const struct place *a, size_t a_from, size_t a_to,
                                      const struct place *b, size_t b_from, size_t b_to)
{
    return compare_characters(a->at + a_from, a_to - a_from, b->at + b_from, b_to - b_from);
}

/* Most of it: another lot of the same town, or a lot that was told in part. */
static bool near(const struct place *a, const struct place *b)
{
    size_t most_a = a->body - a->prefecture, most_b = b->body - b->prefecture, same = 0;
    while (same < most_a && same < most_b &&
           a->at[a->prefecture + same].c == b->at[b->prefecture + same].c)
        same++;
    return 3 * same >= 2 * (most_a > most_b ? most_a : most_b);
}

static bool is_digit(const struct folded_character *character)
{
    return character->c >= '0' && character->c <= '9';
}

size_t address_whole(const struct place *place, struct folded_character ret_whole[FOLDED_MOST + 1])
{
    const struct folded_character *at = place->at;
    size_t length = 0, body = place->body, end = place->length;
    for (size_t i = place->prefecture; i < end; i++) {
        if (i == body && i > place->prefecture && is_digit(&at[i - 1]) && is_digit(&at[i]))
            ret_whole[length++] = (struct folded_character){'-', at[i].from, 0};
        ret_whole[length++] = at[i];
    }
    return length;
}

/* The whole without prefectures: where body and building part is a guess. */
static enum agreement compare_whole(const struct place *a, const struct place *b)
{
    struct folded_character one[FOLDED_MOST + 1], other[FOLDED_MOST + 1];
    size_t length = address_whole(a, one);
    return compare_characters(one, length, other, address_whole(b, other));
}

static enum agreement compare_folded(const struct place *a, const struct place *b)
{
    enum agreement whole = compare_whole(a, b), building;
    if (a->prefecture && b->prefecture &&
        !agrees(compare_stretch(a, 0, a->prefecture, b, 0, b->prefecture)))
        return DIFFER_ALL;
    if (whole != DIFFER_ALL)
        return whole;
    if (!agrees(compare_stretch(a, a->prefecture, a->body, b, b->prefecture, b->body)))
        return near(a, b) ? DIFFER_NEAR : DIFFER_ALL;
    if (a->body == a->length || b->body == b->length)
        return AGREE_NO_BUILDING;
    building = compare_stretch(a, a->body, a->length, b, b->body, b->length);
    return building == DIFFER_ALL ? DIFFER_BUILDING : building;
}

static bool tells_address(const struct known *known)
{
    return known->resident || *known->address.text;
}

enum agreement compare_addresses(struct known *one, struct known *other)
{
    if (!tells_address(one) || !tells_address(other))
        return DIFFER_UNKNOWN;
    const struct place *a = known_place(one), *b = a ? known_place(other) : NULL;
    if (!b)
        return DIFFER_UNKNOWN;
    enum agreement how = compare_folded(a, b);
    return how == AGREE_NOTATION && address_told_same(one, other) ? AGREE_SAME : how;
}

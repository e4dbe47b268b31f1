/* Comparing names and addresses that are folded. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "intake/identify/fold_internal.h"
#include "intake/identify/match_internal.h"

/* --- characters ------------------------------------------------------------------------------- */

enum agreement compare_characters(const struct folded_character *a, size_t a_length,
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

/* Where the characters behind the first white space of the source begin. */
static size_t given_begins(const char *source, const struct folded *folded)
{
    size_t space = 0;
    bool found = false;
    for (const char *p = source; *p && !found; p++) {
        found = *p == ' ' || !strncmp(p, "\u3000", 3);
        space += !found && ((unsigned char)*p & 0xC0) != 0x80;
    }
    for (size_t i = 0; found && i < folded->length; i++)
        if (folded->at[i].from > space)
            return i;
    return 0;
}

static struct name *name_begin(struct name *name, const char *source)
{
    name->source = source;
    name->given = name->length = 0;
    return name;
}

static void copy(struct name *name, const struct folded *folded, size_t from, size_t to)
{
    for (size_t i = from; i < to && name->length < NAME_MOST; i++)
        name->at[name->length++] = folded->at[i];
}

static size_t find(const struct folded *folded, size_t from, uint32_t one, uint32_t other)
{
    while (from < folded->length && folded->at[from].c != one && folded->at[from].c != other)
        from++;
    return from;
}

void known_add_name(struct known *known, const char *source, const char *substituted)
{
    struct folded folded;
    if (!fold_name(source, substituted, &folded) || folded.length == 0 ||
        folded.length > NAME_MOST || known->name_count == NAMES_MOST)
        return;
    size_t open = find(&folded, 0, '(', '['), close = find(&folded, open, ')', ']');
    struct name *name = name_begin(&known->names[known->name_count++], source);
    if (close == folded.length) {
        copy(name, &folded, 0, folded.length);
        name->given = given_begins(source, &folded);
        return;
    }
    copy(name, &folded, 0, open);
    name->given = close + 1 < folded.length ? name->length : 0;
    copy(name, &folded, close + 1, folded.length);
    if (known->name_count == NAMES_MOST)
        return;
    struct name *other = name_begin(&known->names[known->name_count++], NULL);
    copy(other, &folded, open + 1, close);
    other->given = close + 1 < folded.length ? other->length : 0;
    copy(other, &folded, close + 1, folded.length);
}

bool kana_read(const char *kana, struct name *ret_name)
{
    struct folded folded;
    if (!fold_kana(kana, &folded) || folded.length == 0 || folded.length > NAME_MOST)
        return false;
    copy(name_begin(ret_name, kana), &folded, 0, folded.length);
    ret_name->given = given_begins(kana, &folded);
    return true;
}

static bool source_same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

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

enum agreement compare_name(const struct name *a, const struct name *b)
{
    enum agreement how = compare_characters(a->at, a->length, b->at, b->length);
    if (agrees(how) && parted_otherwise(a, b))
        return DIFFER_NEAR;
    if (how == AGREE_NOTATION && source_same(a->source, b->source))
        return AGREE_SAME;
    if (how != DIFFER_ALL)
        return how;
    if (a->length >= 3 && b->length >= 3 && one_apart(a, b))
        return DIFFER_NEAR;
    return compare_parts(a, b);
}

enum agreement compare_names(const struct known *a, const struct known *b)
{
    if (a->name_count == 0 || b->name_count == 0)
        return DIFFER_UNKNOWN;
    enum agreement best = compare_name(&a->names[0], &b->names[0]);
    for (size_t i = 0; i < a->name_count && !agrees(best); i++)
        for (size_t j = 0; j < b->name_count; j++) {
            enum agreement how = compare_name(&a->names[i], &b->names[j]);
            if (agrees(how))
                return AGREE_OTHER_NAME;
            if (how < best)
                best = how;
        }
    return best;
}

/* --- addresses -------------------------------------------------------------------------------- */

static enum agreement compare_stretch(const struct folded_address *a, size_t a_from, size_t a_to,
                                      const struct folded_address *b, size_t b_from, size_t b_to)
{
    return compare_characters(a->text.at + a_from, a_to - a_from, b->text.at + b_from,
                              b_to - b_from);
}

/* Most of it: another lot of the same town, or a lot that was told in part. */
static bool near(const struct folded_address *a, const struct folded_address *b)
{
    size_t most_a = a->body - a->prefecture, most_b = b->body - b->prefecture, same = 0;
    while (same < most_a && same < most_b &&
           a->text.at[a->prefecture + same].c == b->text.at[b->prefecture + same].c)
        same++;
    return 3 * same >= 2 * (most_a > most_b ? most_a : most_b);
}

static bool is_digit(const struct folded_character *character)
{
    return character->c >= '0' && character->c <= '9';
}

size_t address_whole(const struct folded_address *address,
                     struct folded_character ret_whole[FOLDED_MOST + 1])
{
    const struct folded_character *at = address->text.at;
    size_t length = 0, body = address->body, end = address->text.length;
    for (size_t i = address->prefecture; i < end; i++) {
        if (i == body && i > address->prefecture && is_digit(&at[i - 1]) && is_digit(&at[i]))
            ret_whole[length++] = (struct folded_character){'-', at[i].from, 0};
        ret_whole[length++] = at[i];
    }
    return length;
}

/* The whole without prefectures: where body and building part is a guess. */
static enum agreement compare_whole(const struct folded_address *a, const struct folded_address *b)
{
    struct folded_character one[FOLDED_MOST + 1], other[FOLDED_MOST + 1];
    size_t length = address_whole(a, one);
    return compare_characters(one, length, other, address_whole(b, other));
}

static enum agreement compare_folded(const struct folded_address *a, const struct folded_address *b)
{
    enum agreement whole = compare_whole(a, b), building;
    if (a->prefecture && b->prefecture &&
        !agrees(compare_stretch(a, 0, a->prefecture, b, 0, b->prefecture)))
        return DIFFER_ALL;
    if (whole != DIFFER_ALL)
        return whole;
    if (!agrees(compare_stretch(a, a->prefecture, a->body, b, b->prefecture, b->body)))
        return near(a, b) ? DIFFER_NEAR : DIFFER_ALL;
    if (a->body == a->text.length || b->body == b->text.length)
        return AGREE_NO_BUILDING;
    building = compare_stretch(a, a->body, a->text.length, b, b->body, b->text.length);
    return building == DIFFER_ALL ? DIFFER_BUILDING : building;
}

enum agreement compare_addresses(const struct known *a, const struct known *b)
{
    if (!a->has_address || !b->has_address)
        return DIFFER_UNKNOWN;
    enum agreement how = compare_folded(&a->address, &b->address);
    return how == AGREE_NOTATION && source_same(a->address_source, b->address_source) ? AGREE_SAME
                                                                                      : how;
}

/* --- 外字 ------------------------------------------------------------------------------------- */

static void gaiji_open(struct folded_character *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (fold_is_gaiji(at[i].c))
            at[i].c = FOLD_ANY;
}

static bool has_gaiji(const struct folded_character *at, size_t length)
{
    size_t i = 0;
    while (i < length && !fold_is_gaiji(at[i].c))
        i++;
    return i < length;
}

static bool known_has_gaiji(const struct known *known)
{
    bool has = known->has_address && has_gaiji(known->address.text.at, known->address.text.length);
    for (size_t i = 0; i < known->name_count; i++)
        has = has || has_gaiji(known->names[i].at, known->names[i].length);
    return has;
}

struct known *known_with_gaiji_open(const struct known *known)
{
    if (!known_has_gaiji(known))
        return NULL;
    struct known *open = memory_resize(NULL, sizeof *open);
    *open = *known;
    open->address_source = text_copy(known->address_source);
    if (open->has_address)
        gaiji_open(open->address.text.at, open->address.text.length);
    for (size_t i = 0; i < open->name_count; i++)
        gaiji_open(open->names[i].at, open->names[i].length);
    return open;
}

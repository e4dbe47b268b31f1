/* What is known of a person, folded when it is first asked for: most facts are told in the same
 * words on both sides, and of those one is enough. */
#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/identify/match_internal.h"

/* '1' and '2'; '3' for what is not known, however it is written; 0 when not told. */
static char sex_read(char sex)
{
    if (sex == '9' || sex == '0')
        return '3';
    return (char)(sex >= '1' && sex <= '3' ? sex : 0);
}

struct known *known_of(const struct facts *facts)
{
    struct known *known = memory_allocate(sizeof *known);
    known->name = (struct told){facts->name, facts->name_substituted};
    known->kana = (struct told){facts->kana, ""};
    known->address = (struct told){facts->address, facts->address_substituted};
    birth_date_read(facts->birth_date, &known->birth_date);
    known->sex = sex_read(facts->sex);
    known->number_hash = facts->number_hash;
    return known;
}

struct known *known_of_resident(const struct resident *resident)
{
    struct known *known = memory_allocate(sizeof *known);
    known->name = (struct told){resident->name, ""};
    known->kana = (struct told){resident->kana, ""};
    known->address = (struct told){"", ""};
    known->resident = resident;
    known->birth_date = resident->birth_date;
    known->sex = sex_read(resident->sex);
    known->number_hash = resident->has_number ? resident->number_hash : NULL;
    return known;
}

void known_free(struct known *known)
{
    for (size_t i = 0; known && i < known->names.count; i++)
        free(known->names.at[i]);
    if (known) {
        free(known->kana_folded);
        free(known->place);
    }
    free(known);
}

/* --- what is told in the same words ----------------------------------------------------------- */

void known_beside(struct known *known, struct known *other)
{
    known->beside = other;
}

/* `told` has no marks; those of `other`, if it has some, mark nothing. */
static bool told_alike(const struct told *told, const struct told *other)
{
    return *told->text && !*told->marks && !strchr(other->marks, '1') &&
           !strcmp(told->text, other->text);
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

/* The folded characters [from, to), which may be a surname, and from `given` to the end. */
static struct name *name_make(const char *source, const struct folded *folded, size_t from,
                              size_t to, size_t given)
{
    size_t rest = given < folded->length ? folded->length - given : 0, first = to - from;
    struct name *name = memory_resize(NULL, sizeof *name + (first + rest) * sizeof *name->at);
    name->source = source;
    name->length = first + rest;
    name->given = rest ? first : 0;
    memcpy(name->at, folded->at + from, first * sizeof *name->at);
    memcpy(name->at + first, folded->at + given, rest * sizeof *name->at);
    return name;
}

static size_t find(const struct folded *folded, size_t from, uint32_t one, uint32_t other)
{
    while (from < folded->length && folded->at[from].c != one && folded->at[from].c != other)
        from++;
    return from;
}

/* A name, and the one that its brackets hold: 氏［旧氏］　名. */
static void names_add(struct names *names, const char *source, const char *substituted)
{
    struct folded folded;
    if (!*source || names->count == NAMES_MOST || !fold_name(source, substituted, &folded) ||
        folded.length == 0 || folded.length > NAME_MOST)
        return;
    size_t end = folded.length;
    size_t open = find(&folded, 0, '(', '['), close = find(&folded, open, ')', ']');
    if (close == end) {
        struct name *name = name_make(source, &folded, 0, end, end);
        name->given = given_begins(source, &folded);
        names->at[names->count++] = name;
        return;
    }
    names->at[names->count++] = name_make(source, &folded, 0, open, close + 1);
    if (names->count < NAMES_MOST)
        names->at[names->count++] = name_make(NULL, &folded, open + 1, close, close + 1);
}

/* 旧氏 with the given name: 氏 U+3000 名, and 名 is all that follows. */
static void add_former_name(struct names *names, const struct resident *resident)
{
    const char *given = strstr(resident->name, "\u3000");
    if (!*resident->former_surname || !given)
        return;
    _cleanup_(cleanup_text) char *name = text_format("%s%s", resident->former_surname, given);
    size_t first = names->count;
    names_add(names, name, "");
    for (size_t i = first; i < names->count; i++)
        names->at[i]->source = NULL; /* it goes with `name`; none was added if it was too long */
}

static void names_read(struct known *known)
{
    const struct resident *resident = known->resident;
    known->names_read = true;
    names_add(&known->names, known->name.text, known->name.marks);
    if (!resident)
        return;
    names_add(&known->names, resident->common_name, "");
    add_former_name(&known->names, resident);
    names_add(&known->names, resident->roman_name, "");
    names_add(&known->names, resident->kanji_name, "");
}

/* Of a name that could not be folded, another stands first. */
static bool begins_with_name(const struct known *known, const struct names *names)
{
    const char *first = names->count > 0 ? names->at[0]->source : NULL;
    return first && !strcmp(first, known->name.text);
}

const struct names *known_names(struct known *known)
{
    struct known *beside = known->beside;
    if (!known->names_read && beside && told_alike(&known->name, &beside->name) &&
        begins_with_name(beside, known_names(beside)))
        return known_names(beside);
    if (!known->names_read)
        names_read(known);
    return &known->names;
}

static bool folds_as(struct known *known, const struct known *other)
{
    return !known->opened && !other->opened && told_alike(&other->name, &known->name) &&
           begins_with_name(known, known_names(known));
}

bool names_told_same(struct known *a, struct known *b)
{
    return a->resident ? folds_as(b, a) : folds_as(a, b) || folds_as(b, a);
}

/* --- kana and address ------------------------------------------------------------------------- */

const struct name *known_kana(struct known *known)
{
    struct folded folded;
    const char *kana = known->kana.text;
    if (known->kana_read || !*kana)
        return known->kana_folded;
    known->kana_read = true;
    if (fold_kana(kana, &folded) && folded.length > 0 && folded.length <= NAME_MOST) {
        known->kana_folded = name_make(kana, &folded, 0, folded.length, folded.length);
        known->kana_folded->given = given_begins(kana, &folded);
    }
    return known->kana_folded;
}

bool kana_told_same(struct known *a, struct known *b)
{
    return told_alike(&a->kana, &b->kana) && known_kana(a);
}

static struct place *place_make(const struct folded_address *address)
{
    size_t length = address->text.length;
    struct place *place = memory_resize(NULL, sizeof *place + length * sizeof *place->at);
    *place = (struct place){address->prefecture, address->body, length};
    memcpy(place->at, address->text.at, length * sizeof *place->at);
    return place;
}

static bool place_read(const struct known *known, struct folded_address *ret_address)
{
    const struct resident *resident = known->resident;
    if (!resident)
        return *known->address.text &&
               fold_address(known->address.text, known->address.marks, ret_address);
    const struct address_parts parts = {resident->prefecture, resident->municipality,
                                        resident->town, resident->lot, resident->building};
    return fold_address_parts(&parts, ret_address) && ret_address->body > 0;
}

const struct place *known_place(struct known *known)
{
    struct folded_address address;
    struct known *beside = known->beside;
    if (!known->place_read && beside && told_alike(&known->address, &beside->address) &&
        known_place(beside))
        return known_place(beside);
    if (!known->place_read && place_read(known, &address))
        known->place = place_make(&address);
    known->place_read = true;
    return known->place;
}

void known_fold(struct known *known)
{
    known_names(known);
    known_kana(known);
    known_place(known);
}

/* The parts, one behind the other. */
static bool parts_told_as(const struct resident *r, const char *text)
{
    const char *const parts[] = {
        r->prefecture, r->municipality, r->town, r->lot, *r->building ? "\u3000" : "", r->building};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);
        if (strncmp(text, parts[i], length) != 0)
            return false;
        text += length;
    }
    return !*text;
}

bool address_told_same(const struct known *a, const struct known *b)
{
    if (a->resident)
        return !b->resident && parts_told_as(a->resident, b->address.text);
    return b->resident ? parts_told_as(b->resident, a->address.text)
                       : !strcmp(a->address.text, b->address.text);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void address_keys(const struct place *place, struct known_keys *ret_keys)
{
    struct folded_character whole[FOLDED_MOST + 1];
    folded_key(place->at + place->prefecture, place->body - place->prefecture, ret_keys->address);
    folded_key(whole, address_whole(place, whole), ret_keys->whole_address);
}

void known_keys(struct known *known, struct known_keys *ret_keys)
{
    const struct names *names = known_names(known);
    const struct name *kana = known_kana(known);
    const struct place *place = known_place(known);
    *ret_keys->name = *ret_keys->kana = *ret_keys->address = *ret_keys->whole_address = 0;
    ret_keys->birth_date = birth_date_number(&known->birth_date);
    if (names->count > 0)
        folded_key(names->at[0]->at, names->at[0]->length, ret_keys->name);
    if (kana)
        folded_key(kana->at, kana->length, ret_keys->kana);
    if (place)
        address_keys(place, ret_keys);
}

void known_name_key(struct known *known, char ret_key[FOLD_KEY])
{
    const struct names *names = known_names(known);
    if (names->count == 1 && begins_with_name(known, names) && !strchr(known->name.marks, '1'))
        folded_key(names->at[0]->at, names->at[0]->length, ret_key);
    else
        fold_name_key(known->name.text, ret_key);
}

/* --- 外字 ------------------------------------------------------------------------------------- */

static bool text_has_gaiji(const char *text)
{
    for (int32_t at = 0; text[at];) {
        UChar32 c;
        U8_NEXT((const uint8_t *)text, at, -1, c);
        if (c > 0 && fold_is_gaiji((uint32_t)c))
            return true;
    }
    return false;
}

/* Folding makes none, and takes none away: whoever has none need not be folded to know it. */
static bool known_has_gaiji(const struct known *known)
{
    const struct resident *r = known->resident;
    if (!r)
        return text_has_gaiji(known->name.text) || text_has_gaiji(known->address.text);
    const char *const texts[] = {r->name,       r->common_name, r->former_surname, r->roman_name,
                                 r->kanji_name, r->prefecture,  r->municipality,   r->town,
                                 r->lot,        r->building};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (text_has_gaiji(texts[i]))
            return true;
    return false;
}

static void gaiji_open(struct folded_character *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (fold_is_gaiji(at[i].c))
            at[i].c = FOLD_ANY;
}

struct known *known_with_gaiji_open(const struct known *known)
{
    if (!known_has_gaiji(known))
        return NULL;
    struct known *open = memory_allocate(sizeof *open);
    *open = (struct known){.name = known->name,
                           .kana = known->kana,
                           .address = known->address,
                           .resident = known->resident,
                           .opened = true,
                           .birth_date = known->birth_date,
                           .sex = known->sex,
                           .number_hash = known->number_hash};
    names_read(open);
    for (size_t i = 0; i < open->names.count; i++)
        gaiji_open(open->names.at[i]->at, open->names.at[i]->length);
    if (known_place(open))
        gaiji_open(open->place->at, open->place->length);
    return open;
}

/* Folding of addresses. 東京都桜野市大字本町一丁目２番地の３　コーポ１０１ becomes
 * 東京都 | 桜野市本町1-2-3 | コーポ101: numbers in Arabic digits wherever they stand (三田 is 3田
 * on both sides), what stands between two of them a hyphen, 大字, 小字 and 字 gone, white space
 * gone. What stands behind the lot is the building. */
#include <uchar.h>

#include "intake/identify/fold_internal.h"

/* A number that is followed by one of these is no lot: 3条通, 24線, 第2地割. */
static const char16_t no_lot[] = u"条線区町村丁地";
/* … and so one with a unit that is followed by one of these: 1番町, 2番丁, 3号線. */
static const char16_t no_unit[] = u"条線区町村丁";

struct reader {
    struct folded in;      /* variant kanji folded, without white space and 字 */
    bool gap[FOLDED_MOST]; /* white space stood before it */
    size_t at;             /* of in */
    size_t first;          /* of out: where the stretch begins that is read */
    struct folded_address *out;
    bool has_lot; /* the body is complete: what comes is the building */
    bool full;
    /* the group of numbers that was just read, "1-2-3" */
    size_t numbers;
    bool marked; /* with 番地, 番 or 号 in it */
    bool arabic; /* it began with a digit, not with a numeral */
    /* what joins the next number to it: 0 nothing, else the last sign, 号 ends before a gap */
    uint32_t joint;
};

static void write_out(struct reader *r, uint32_t c, uint16_t from)
{
    struct folded *text = &r->out->text;
    r->full |= text->length == FOLDED_MOST;
    if (!r->full)
        text->at[text->length++] = (struct folded_character){c, from};
}

static uint32_t peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->in.length ? r->in.at[r->at + ahead].c : 0;
}

static bool among(const char16_t *characters, uint32_t c)
{
    for (; *characters; characters++)
        if (c == *characters)
            return true;
    return false;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void write_value(struct reader *r, int value, uint16_t from)
{
    int unit = 1000;
    while (unit > 1 && value < unit)
        unit /= 10;
    for (; unit > 0; unit /= 10)
        write_out(r, (uint32_t)('0' + value / unit % 10), from);
}

/* 二〇三 is told by positions; units in no order, 千一一, are no number and stay. */
static bool told_by_positions(const struct folded_character *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (fold_number_of(at[i].c) >= 10)
            return false;
    return true;
}

static void write_positions(struct reader *r, const struct folded_character *at, size_t length)
{
    bool number = told_by_positions(at, length);
    for (size_t i = 0; i < length; i++)
        write_out(r, number ? (uint32_t)('0' + fold_number_of(at[i].c)) : at[i].c, at[i].from);
}

static void end_lot(struct reader *r)
{
    if (!r->has_lot)
        r->first = r->out->body = r->out->text.length;
    r->has_lot = true;
}

static void begin_group(struct reader *r)
{
    r->numbers = 0;
    r->marked = r->arabic = false;
    r->joint = 0;
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Behind a number without a sign between: 本町1 and 1番地, or 上三 and 3番地, is not 11, or 33. */
static bool touches_number(const struct reader *r)
{
    const struct folded *text = &r->out->text;
    return text->length > r->first && is_digit(text->at[text->length - 1].c);
}

static void read_number(struct reader *r)
{
    const struct folded_character *run = r->in.at + r->at;
    size_t length = 1;
    int value;
    while (r->at + length < r->in.length && fold_number_of(run[length].c) >= 0 &&
           is_digit(run[length].c) == is_digit(run->c) && !r->gap[r->at + length])
        length++;
    bool apart = r->gap[r->at] && (!r->joint || r->joint == u'号');
    if (r->numbers && apart)
        end_lot(r);
    if (!r->joint || apart)
        begin_group(r);
    bool has_value = fold_value_of(run, length, &value);
    if (r->joint || (touches_number(r) && (has_value || told_by_positions(run, length))))
        write_out(r, '-', run->from);
    r->arabic |= r->numbers == 0 && is_digit(run->c);
    if (has_value)
        write_value(r, value, run->from);
    else
        write_positions(r, run, length);
    r->numbers++;
    r->joint = 0;
    r->at += length;
}

/* --- what joins numbers ----------------------------------------------------------------------- */

static bool take(struct reader *r, const char16_t *word)
{
    size_t length = 0;
    for (; word[length]; length++)
        if (peek(r, length) != word[length])
            return false;
    r->at += length;
    return true;
}

/* The unit of the number before, in which two ways to write an address may differ: 1丁目 is not
 * 1番, but 1 may be either. */
static void mark_unit(struct reader *r, uint32_t unit)
{
    struct folded *text = &r->out->text;
    if (text->length > 0 && among(u"丁番号", unit))
        text->at[text->length - 1].unit = (uint16_t)unit;
}

/* Does a town's name go on here, and no lot end: 番町, 番丁, 号線? */
static bool is_town_word(const struct reader *r)
{
    uint32_t c = peek(r, 0);
    return (among(u"番号", c) && among(no_unit, peek(r, 1))) ||
           (c == u'丁' && peek(r, 1) == u'目' && among(no_unit, peek(r, 2)));
}

/* の, ノ, 之, 丁 and dashes join only what is a number: 井の頭. */
static bool read_joint(struct reader *r)
{
    uint32_t c = peek(r, 0);
    if (r->numbers == 0 || is_town_word(r))
        return false;
    if (take(r, u"番地") || take(r, u"番") || take(r, u"号"))
        r->marked = true;
    else if ((fold_is_dash(c) || among(u"のノ之丁ー", c)) && fold_number_of(peek(r, 1)) >= 0)
        r->at++;
    else if (!take(r, u"丁目"))
        return false;
    mark_unit(r, c);
    r->joint = c;
    return true;
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Is the group of numbers before this character the lot's? */
static bool behind_lot(const struct reader *r, uint32_t c)
{
    if (r->numbers == 0 || c == FOLD_ANY || among(no_lot, c) || is_town_word(r))
        return false;
    if (c == u'ケ' && fold_is_kanji(peek(r, 1))) /* 3ケ日町 */
        return false;
    return r->numbers > 1 || r->marked || r->arabic || r->gap[r->at];
}

static void read_character(struct reader *r)
{
    struct folded_character character = r->in.at[r->at];
    if (behind_lot(r, character.c))
        end_lot(r);
    begin_group(r);
    write_out(r, fold_is_dash(character.c) ? '-' : character.c, character.from);
    r->at++;
}

static void read_to_end(struct reader *r)
{
    begin_group(r);
    while (r->at < r->in.length) {
        if (fold_number_of(peek(r, 0)) >= 0)
            read_number(r);
        else if (!read_joint(r))
            read_character(r);
    }
}

/* 都道府県 is the third or fourth character, and what follows is not the rest of a city's name
 * (太宰府市). */
static size_t prefecture_length(const struct folded *in)
{
    for (size_t i = 0; i < 4 && i + 1 < in->length; i++) {
        uint32_t c = in->at[i].c;
        if (among(u"市区町村郡", c))
            return 0;
        if (i >= 2 && among(u"都道府県", c) && !among(u"市町村", in->at[i + 1].c))
            return i + 1;
    }
    return 0;
}

/* 大字, 小字 and 字 tell nothing; 文字 is a word. */
static size_t aza_length(const struct folded *in, size_t at, uint32_t before)
{
    uint32_t c = in->at[at].c;
    if (among(u"大小", c) && at + 1 < in->length && in->at[at + 1].c == u'字')
        return 2;
    return c == u'字' && before && before != u'文' ? 1 : 0;
}

static void drop_gaps(struct reader *r)
{
    size_t length = 0;
    bool gap = false;
    for (size_t i = 0; i < r->in.length; i++) {
        bool space = r->in.at[i].c == ' ';
        if (!space) {
            r->gap[length] = gap;
            r->in.at[length++] = r->in.at[i];
        }
        gap = space;
    }
    r->in.length = length;
}

static void drop_aza(struct reader *r)
{
    size_t length = 0;
    for (size_t i = 0; i < r->in.length;) {
        size_t aza = aza_length(&r->in, i, length ? r->in.at[length - 1].c : 0);
        if (aza == 0) {
            r->gap[length] = r->gap[i];
            r->in.at[length++] = r->in.at[i];
        }
        i += aza ? aza : 1;
    }
    r->in.length = length;
}

/* Neighbours change when 字 goes, and 字々 is 字字. */
static void tidy(struct reader *r)
{
    drop_gaps(r);
    fold_in_context(&r->in);
    drop_aza(r);
    fold_in_context(&r->in);
}

static void begin(struct reader *r, struct folded_address *out)
{
    r->in.length = r->at = r->first = 0;
    r->out = out;
    r->has_lot = r->full = false;
    out->text.length = out->prefecture = out->body = 0;
}

bool fold_address(const char *utf8, const char *substituted, struct folded_address *ret_address)
{
    struct reader r;
    begin(&r, ret_address);
    if (!fold_characters(utf8, substituted, 0, &r.in))
        return false;
    tidy(&r);
    ret_address->prefecture = prefecture_length(&r.in);
    for (; r.at < ret_address->prefecture; r.at++)
        write_out(&r, r.in.at[r.at].c, r.in.at[r.at].from);
    read_to_end(&r);
    if (!r.has_lot)
        ret_address->body = ret_address->text.length;
    return !r.full;
}

/* One stretch of parts, where nothing is to be guessed. */
static bool read_parts(struct reader *r, const char *const *parts, size_t count, size_t *from)
{
    r->in.length = r->at = 0;
    r->first = r->out->text.length;
    r->has_lot = true;
    for (size_t i = 0; i < count; i++) {
        size_t before = r->in.length;
        if (!*parts[i])
            continue;
        if ((before && !fold_characters(" ", "", *from, &r->in)) ||
            !fold_characters(parts[i], "", *from, &r->in))
            return false;
        if (r->in.length > before)
            *from = r->in.at[r->in.length - 1].from + 1u;
    }
    tidy(r);
    read_to_end(r);
    return !r->full;
}

bool fold_address_parts(const struct address_parts *parts, struct folded_address *ret_address)
{
    struct reader r;
    size_t from = 0;
    begin(&r, ret_address);
    if (!read_parts(&r, &parts->prefecture, 1, &from))
        return false;
    ret_address->prefecture = ret_address->text.length;
    if (!read_parts(&r, (const char *const[]){parts->municipality, parts->town, parts->lot}, 3,
                    &from))
        return false;
    ret_address->body = ret_address->text.length;
    return read_parts(&r, &parts->building, 1, &from);
}

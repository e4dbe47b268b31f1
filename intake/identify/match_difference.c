/* What differs between two texts, character by character: the longest common subsequence of what
 * they fold to, told in characters of the sources. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "intake/identify/match.h"

#define CELLS_MOST (512 * 512)

struct side {
    const char *source;
    struct folded folded;
    size_t length; /* of the source, in characters */
};

static bool side_read(enum fact fact, const char *source, const char *substituted,
                      struct side *ret_side)
{
    struct folded_address address;
    ret_side->source = source;
    ret_side->length = utf8_length(source);
    if (fact == FACT_NAME)
        return fold_name(source, substituted, &ret_side->folded);
    if (fact == FACT_KANA)
        return fold_kana(source, &ret_side->folded);
    if (!fold_address(source, substituted, &address))
        return false;
    ret_side->folded = address.text;
    return true;
}

static bool equal(const struct side *a, size_t i, const struct side *b, size_t j)
{
    uint32_t one = a->folded.at[i].c, other = b->folded.at[j].c;
    return one == other || one == FOLD_ANY || other == FOLD_ANY;
}

/* cells[i][j]: how much the rests from i and from j have in common. */
static uint16_t *common_lengths(const struct side *a, const struct side *b)
{
    size_t rows = a->folded.length + 1, columns = b->folded.length + 1;
    if (rows * columns > CELLS_MOST)
        return NULL;
    uint16_t *cells = memory_allocate(rows * columns * sizeof *cells);
    for (size_t i = rows - 1; i-- > 0;)
        for (size_t j = columns - 1; j-- > 0;) {
            uint16_t *cell = &cells[i * columns + j];
            uint16_t skip = cell[columns] > cell[1] ? cell[columns] : cell[1];
            uint16_t take = (uint16_t)(cell[columns + 1] + 1);
            *cell = equal(a, i, b, j) && take > skip ? take : skip;
        }
    return cells;
}

/* The source's characters up to which the folded ones before `at` reach. */
static size_t source_at(const struct side *side, size_t at)
{
    return at < side->folded.length ? side->folded.at[at].from : side->length;
}

/* Behind the character itself: what folds away comes after it. */
static size_t source_end(const struct side *side, size_t at)
{
    size_t next = source_at(side, at + 1), end = side->folded.at[at].from + 1u;
    return end < next ? end : next;
}

static const char *skip_characters(const char *text, size_t count)
{
    for (; *text && count > 0; count--)
        do
            text++;
        while (((unsigned char)*text & 0xC0) == 0x80);
    return text;
}

static bool slices_same(const struct side *a, size_t a_from, size_t a_to, const struct side *b,
                        size_t b_from, size_t b_to)
{
    const char *one = skip_characters(a->source, a_from),
               *other = skip_characters(b->source, b_from);
    size_t one_length = (size_t)(skip_characters(one, a_to - a_from) - one);
    size_t other_length = (size_t)(skip_characters(other, b_to - b_from) - other);
    return one_length == other_length && !memcmp(one, other, one_length);
}

struct spans {
    struct difference *at;
    size_t count;
    bool full;
};

static void add(struct spans *spans, const char *kind, size_t a_to, size_t b_to)
{
    struct difference *last = spans->count ? &spans->at[spans->count - 1] : NULL;
    size_t a_from = last ? last->a_to : 0, b_from = last ? last->b_to : 0;
    if (a_from == a_to && b_from == b_to)
        return;
    if (last && !strcmp(last->kind, kind)) {
        last->a_to = a_to;
        last->b_to = b_to;
    } else if (spans->count < DIFFERENCES_MOST) {
        spans->at[spans->count++] = (struct difference){kind, a_from, a_to, b_from, b_to};
    } else {
        spans->full = true;
    }
}

static const char *kind_of(const struct side *a, size_t i, const struct side *b, size_t j)
{
    if (a->folded.at[i].c == FOLD_ANY || b->folded.at[j].c == FOLD_ANY)
        return "substituted";
    return slices_same(a, source_at(a, i), source_end(a, i), b, source_at(b, j), source_end(b, j))
               ? "same"
               : "notation";
}

/* What folds away, up to the next characters. */
static void add_gap(struct spans *spans, const struct side *a, size_t i, const struct side *b,
                    size_t j)
{
    const struct difference *last = spans->count ? &spans->at[spans->count - 1] : NULL;
    size_t a_from = last ? last->a_to : 0, b_from = last ? last->b_to : 0;
    size_t a_to = source_at(a, i), b_to = source_at(b, j);
    add(spans, slices_same(a, a_from, a_to, b, b_from, b_to) ? "same" : "notation", a_to, b_to);
}

static void walk(const struct side *a, const struct side *b, const uint16_t *cells,
                 struct spans *spans)
{
    size_t columns = b->folded.length + 1, i = 0, j = 0;
    add_gap(spans, a, 0, b, 0);
    while (i < a->folded.length && j < b->folded.length) {
        const uint16_t *cell = &cells[i * columns + j];
        if (equal(a, i, b, j) && *cell == cell[columns + 1] + 1) {
            add(spans, kind_of(a, i, b, j), source_end(a, i), source_end(b, j));
            i++, j++;
            add_gap(spans, a, i, b, j);
        } else if (cell[columns] >= cell[1]) {
            i++;
            add(spans, "differs", source_at(a, i), source_at(b, j));
        } else {
            j++;
            add(spans, "differs", source_at(a, i), source_at(b, j));
        }
    }
    add(spans, "differs", a->length, b->length);
}

size_t differences(enum fact fact, const char *a, const char *a_substituted, const char *b,
                   struct difference ret_differences[DIFFERENCES_MOST])
{
    struct side one, other;
    uint16_t *cells = NULL;
    struct spans spans = {.at = ret_differences};
    if (side_read(fact, a, a_substituted, &one) && side_read(fact, b, "", &other))
        cells = common_lengths(&one, &other);
    if (cells)
        walk(&one, &other, cells, &spans);
    free(cells);
    if (cells && !spans.full)
        return spans.count;
    ret_differences[0] = (struct difference){"differs", 0, utf8_length(a), 0, utf8_length(b)};
    return 1;
}

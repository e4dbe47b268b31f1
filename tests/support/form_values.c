#include "tests/support/form_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "forms/item_check.h"

#define TRIES 20000 /* for a value that its check takes: of ten one has a good check digit */
#define OPEN  100   /* characters of a text without a limit */

uint64_t random_below(struct random *random, uint64_t limit)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15; /* splitmix64 */
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (z ^ z >> 31) % limit;
}

/* --- characters ------------------------------------------------------------------------------- */

static uint32_t utf8_next(const char **p)
{
    unsigned char first = (unsigned char)*(*p)++;
    int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t code = more ? first & (0x3Fu >> more) : first;
    while (more-- > 0)
        code = code << 6 | ((unsigned char)*(*p)++ & 0x3F);
    return code;
}

static void utf8_put(struct buffer *text, uint32_t code)
{
    uint8_t bytes[4];
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    for (int i = more; i > 0; i--, code >>= 6)
        bytes[i] = 0x80 | (code & 0x3F);
    bytes[0] = lead[more] | (uint8_t)code;
    buffer_append(text, bytes, (size_t)more + 1);
}

/* What names and addresses are made of, and what breaks programs; none is of \p{Cc} or \p{Cf}. */
static const struct range {
    uint32_t first, last;
} pool[] = {
    {0x4E00, 0x9FFF},     {0x3041, 0x3096},   {0x30A1, 0x30FA},   {0x30FC, 0x30FC}, /* ー */
    {0xFF66, 0xFF9F},     {0x20000, 0x2A6DF}, {0x30000, 0x3134A}, {0xE000, 0xF8FF},
    {0x100000, 0x10FFFD}, {0xF0000, 0xFFFFD}, {0xF900, 0xFA6D},   {0x21, 0x7E}, /* & < > " ' */
    {0x3000, 0x3000},     {0x20, 0x20},       {0xFF01, 0xFF5E},   {0x3099, 0x309A},
    {0xE0100, 0xE01EF},   {0x00C0, 0x024F},   {0xAC00, 0xD7A3},   {0x2010, 0x2015},
};

/* A class of characters: [a-z], [^\p{Z}…]. */
struct class
{
    struct range ranges[32];
    size_t count;
    bool negated, no_blanks; /* \p{Z} in a negated class */
};

static const char *class_read(const char *p, struct class *class)
{
    *class = (struct class){0};
    if (*p != '[') {
        p += *p == '\\';
        uint32_t code = utf8_next(&p);
        class->ranges[class->count++] = (struct range){code, code};
        return p;
    }
    p++;
    class->negated = *p == '^';
    p += class->negated;
    while (*p != ']') {
        if (strncmp(p, "\\p{", 3) == 0) {
            class->no_blanks = class->no_blanks || p[3] == 'Z';
            p = strchr(p, '}') + 1;
            continue;
        }
        p += *p == '\\';
        struct range range = {.first = utf8_next(&p)};
        range.last = range.first;
        if (*p == '-' && p[1] != ']') {
            p++;
            range.last = utf8_next(&p);
        }
        class->ranges[class->count++] = range;
    }
    return p + 1;
}

static bool class_has(const struct class *class, uint32_t code)
{
    for (size_t i = 0; i < class->count; i++)
        if (code >= class->ranges[i].first && code <= class->ranges[i].last)
            return true;
    return class->no_blanks && (code == 0x20 || code == 0x3000);
}

static uint32_t class_pick(struct random *random, const struct class *class, size_t flavour)
{
    for (;;) {
        const struct range *range =
            class->negated ? &pool[flavour] : &class->ranges[random_below(random, class->count)];
        uint32_t code =
            range->first + (uint32_t)random_below(random, range->last - range->first + 1);
        if (!class->negated || !class_has(class, code))
            return code;
        flavour = random_below(random, sizeof pool / sizeof *pool);
    }
}

/* --- patterns --------------------------------------------------------------------------------- */

static const char *group_end(const char *p) /* behind the ) of the ( that p stands on */
{
    int depth = 0;
    do {
        struct class skipped;
        depth += *p == '(';
        depth -= *p == ')';
        p = *p == '[' ? class_read(p, &skipped) : p + 1 + (*p == '\\');
    } while (depth > 0);
    return p;
}

static const char *quantifier_read(const char *p, size_t *least, size_t *most)
{
    *least = *p == '*' || *p == '?' ? 0 : 1;
    *most = *p == '*' || *p == '+' ? SIZE_MAX : 1;
    if (*p == '*' || *p == '+' || *p == '?')
        return p + 1;
    if (*p != '{')
        return p;
    char *end;
    *least = *most = strtoul(p + 1, &end, 10);
    if (*end == ',')
        *most = end[1] == '}' ? SIZE_MAX : strtoul(end + 1, &end, 10);
    return strchr(end, '}') + 1;
}

static size_t least_of(const char *p, const char *end)
{
    size_t sum = 0, least, most;
    while (p < end && *p != '|') {
        struct class class;
        p = *p == '(' ? group_end(p) : class_read(p, &class);
        p = quantifier_read(p, &least, &most);
        sum += least;
    }
    return sum;
}

/* Alternatives are parted by | outside of groups; one of them. */
static void alternative_pick(struct random *random, const char **p, const char **end)
{
    const char *starts[16] = {*p}, *ends[16];
    size_t count = 0;
    for (const char *at = *p; at < *end;) {
        struct class skipped;
        if (*at == '|') {
            ends[count++] = at++;
            starts[count] = at;
            continue;
        }
        at = *at == '(' ? group_end(at) : class_read(at, &skipped);
    }
    ends[count++] = *end;
    size_t picked = random_below(random, count);
    *p = starts[picked];
    *end = ends[picked];
}

/* `spare`: characters beyond the least that quantifiers may still have. */
static void branch_make(struct random *random, const char *p, const char *end, size_t spare,
                        struct buffer *text)
{
    alternative_pick(random, &p, &end);
    while (p < end) {
        size_t least, most, flavour = random_below(random, sizeof pool / sizeof *pool);
        bool mixed = random_below(random, 3) == 0;
        struct class class;
        const char *atom = p;
        const char *behind = *p == '(' ? group_end(p) : class_read(p, &class);
        p = quantifier_read(behind, &least, &most);
        size_t room = most - least < spare ? most - least : spare;
        /* the last one takes what is left, so that the text gets its length */
        size_t count = p >= end                      ? room
                       : random_below(random, 6) > 0 ? 0
                                                     : random_below(random, room + 1) % 3;
        spare -= count;
        for (count += least; count > 0; count--) {
            if (*atom == '(')
                branch_make(random, atom + 1, behind - 1, 0, text);
            else
                utf8_put(text, class_pick(random, &class, flavour));
            if (mixed)
                flavour = random_below(random, sizeof pool / sizeof *pool);
        }
    }
}

void pattern_make(struct random *random, const char *pattern, size_t least, size_t most,
                  struct buffer *ret_text)
{
    const char *end = pattern + strlen(pattern);
    size_t own = least_of(pattern, end);
    least = least > own ? least : own;
    most = most > least ? most : least;
    size_t length = most; /* the longest and the shortest more often than others */
    if (random_below(random, 3) > 0)
        length = least + random_below(random, 3) * random_below(random, most - least + 1) / 2;
    branch_make(random, pattern, end, length - own, ret_text);
}

/* --- values ----------------------------------------------------------------------------------- */

static json_int_t limit_of(const json_t *item, const char *key, json_int_t otherwise)
{
    const json_t *limit = json_object_get(item, key);
    return limit ? json_integer_value(limit) : otherwise;
}

static char *day_make(struct random *random, const json_t *item, struct day today)
{
    int reach = (int)random_below(random, 4) ? 60 : 40000; /* days */
    int days = (int)random_below(random, (uint64_t)reach);
    bool later = !json_is_true(json_object_get(item, "not_after_today")) && reach == 60 &&
                 random_below(random, 2);
    struct day day = day_add(today, later ? days : -days);
    return text_format("%04d-%02d-%02d", day.year, day.month, day.day);
}

static char *text_make(struct random *random, const json_t *item)
{
    const json_t *patterns = json_object_get(item, "patterns");
    size_t count = json_array_size(patterns);
    const char *pattern =
        count ? json_string_value(json_array_get(patterns, random_below(random, count)))
              : "[^\\p{Cc}]*";
    struct buffer text = {0};
    pattern_make(random, pattern, (size_t)limit_of(item, "min_length", 0),
                 (size_t)limit_of(item, "max_length", OPEN), &text);
    return (char *)buffer_text(&text);
}

static char *checked_make(struct random *random, const json_t *item, const struct item_check *check)
{
    for (int i = 0; i < TRIES; i++) {
        char *text = text_make(random, item);
        if (check->good(text))
            return text;
        free(text);
    }
    return text_copy(""); /* and the schema says that the item has no value */
}

char *value_make(struct random *random, const json_t *item, struct day today)
{
    const char *kind = json_string_value(json_object_get(item, "kind"));
    const char *check = json_string_value(json_object_get(item, "check"));
    const json_t *choices = json_object_get(item, "choices");
    if (json_array_size(choices)) {
        const json_t *choice =
            json_array_get(choices, random_below(random, json_array_size(choices)));
        return text_copy(json_string_value(json_object_get(choice, "value")));
    }
    if (strcmp(kind, "boolean") == 0)
        return text_copy(random_below(random, 2) ? "true" : "false");
    if (strcmp(kind, "date") == 0)
        return day_make(random, item, today);
    if (json_object_get(item, "largest")) {
        json_int_t least = limit_of(item, "least", 0), largest = limit_of(item, "largest", 0);
        uint64_t values = (uint64_t)(largest - least) + 1;
        return text_format("%lld", least + (json_int_t)random_below(random, values));
    }
    return check ? checked_make(random, item, item_check_find(check)) : text_make(random, item);
}

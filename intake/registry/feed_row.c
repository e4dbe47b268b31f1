#include "intake/registry/feed_row.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const item_names[REGISTRY_ITEM_COUNT] = {
    "ca", "serial", "kind", "atenabango", "valid_from", "valid_to",
};

#define HEX_DIGITS "0123456789abcdefABCDEF"
/* 宛名番号 is X15: half-width letters and digits. */
#define ATENABANGO_CHARACTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool fault(struct failure *f, const struct csv_record *record, enum registry_item item,
                  const char *code, const char *what)
{
    return failure_set(f, FAILURE_INPUT, "line %" PRId64 ", item %s: %s %s", record->line,
                       item_names[item], code, what);
}

bool registry_header_check(const struct csv_record *record, struct failure *f)
{
    bool right = record->count == REGISTRY_ITEM_COUNT;
    for (size_t i = 0; right && i < REGISTRY_ITEM_COUNT; i++)
        right = !strcmp(record->field[i], item_names[i]);
    return right || failure_set(f, FAILURE_INPUT,
                                "line %" PRId64 ": the header line must read "
                                "ca,serial,kind,atenabango,valid_from,valid_to",
                                record->line);
}

void registry_serial_normalise(const char *text, char ret_serial[41])
{
    while (*text == '0' && text[1])
        text++;
    size_t length = strlen(text), odd = length % 2;
    ret_serial[0] = '0';
    for (size_t i = 0; i < length; i++)
        ret_serial[odd + i] = (char)tolower((unsigned char)text[i]);
    ret_serial[odd + length] = 0;
}

/* Present, of these characters, not longer than `most`. */
static bool characters_check(const struct csv_record *record, enum registry_item item,
                             const char *characters, size_t most, struct failure *f)
{
    const char *text = record->field[item];
    if (!*text)
        return fault(f, record, item, "E0001", "is required");
    if (text[strspn(text, characters)])
        return fault(f, record, item, "E0002", "has a character that may not stand here");
    if (strlen(text) > most)
        return fault(f, record, item, "E0003", "is too long");
    return true;
}

/* One of two words; *ret_word is a literal. */
static bool word_read(const struct csv_record *record, enum registry_item item, const char *one,
                      const char *other, const char **ret_word, struct failure *f)
{
    const char *text = record->field[item];
    char what[64];
    snprintf(what, sizeof(what), "must be %s or %s", one, other);
    if (!*text)
        return fault(f, record, item, "E0001", what);
    if (strcmp(text, one) && strcmp(text, other))
        return fault(f, record, item, "E0002", what);
    *ret_word = strcmp(text, one) ? other : one;
    return true;
}

/* Empty is open: *ret_at keeps what it had. */
static bool instant_read(const struct csv_record *record, enum registry_item item, instant *ret_at,
                         char text[INSTANT_TEXT], struct failure *f)
{
    if (!*record->field[item])
        return true;
    if (!instant_parse(record->field[item], ret_at))
        return fault(f, record, item, "E0002",
                     "must be empty or a time as 2026-11-21T09:00:00+09:00");
    instant_text_jst(*ret_at, text);
    return true;
}

bool registry_row_read(const struct csv_record *record, struct registry_row *ret_row,
                       struct failure *f)
{
    struct registry_row row = {.valid_from = "-infinity", .valid_to = "infinity"};
    instant from = INT64_MIN, to = INT64_MAX;
    if (record->count != REGISTRY_ITEM_COUNT)
        return failure_set(f, FAILURE_INPUT, "line %" PRId64 ": has %zu items instead of %d",
                           record->line, record->count, REGISTRY_ITEM_COUNT);
    if (!word_read(record, REGISTRY_CA, "sign", "auth", &row.ca, f) ||
        !characters_check(record, REGISTRY_SERIAL, HEX_DIGITS, 40, f) ||
        !word_read(record, REGISTRY_KIND, "card", "phone", &row.kind, f) ||
        !characters_check(record, REGISTRY_ATENABANGO, ATENABANGO_CHARACTERS, 15, f) ||
        !instant_read(record, REGISTRY_VALID_FROM, &from, row.valid_from, f) ||
        !instant_read(record, REGISTRY_VALID_TO, &to, row.valid_to, f))
        return false;
    if (from >= to)
        return fault(f, record, REGISTRY_VALID_TO, "E0004", "must lie after valid_from");
    registry_serial_normalise(record->field[REGISTRY_SERIAL], row.serial);
    memcpy(row.atenabango, record->field[REGISTRY_ATENABANGO],
           strlen(record->field[REGISTRY_ATENABANGO]) + 1);
    *ret_row = row;
    return true;
}

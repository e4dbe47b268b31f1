#include "intake/registry/item.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

#include "base/clock.h"
#include "base/text.h"

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* --- the header line -------------------------------------------------------------------------- */

static int item_named(const struct feed_item *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(items[i].name, name))
            return (int)i;
    return -1;
}

/* What stands there is not shown: a feed without header would show a resident. */
bool feed_header_read(const struct feed_item *items, size_t count, const struct csv_record *record,
                      struct feed_header *ret_header, struct feed_faults *faults)
{
    struct feed_header header = {.items = items, .count = count, .columns = record->count};
    int64_t before = faults->count;
    for (size_t i = 0; i < count; i++)
        header.column[i] = -1;
    for (size_t c = 0; c < record->count; c++) {
        int item = item_named(items, count, record->field[c]);
        if (item < 0)
            feed_fault(faults, record->line, NULL, NULL,
                       "column %zu of the header is no item of this feed", c + 1);
        else if (header.column[item] >= 0)
            feed_fault(faults, record->line, items[item].name, NULL, "stands in the header twice");
        else
            header.column[item] = (int)c;
    }
    for (size_t i = 0; i < count; i++)
        if (header.column[i] < 0 && !items[i].optional)
            feed_fault(faults, record->line, items[i].name, NULL, "is missing in the header");
    if (faults->count != before)
        return false;
    *ret_header = header;
    return true;
}

const char *feed_value(const struct feed_header *header, const struct csv_record *record,
                       size_t item)
{
    int column = header->column[item];
    return column < 0 ? "" : record->field[column];
}

/* --- values ----------------------------------------------------------------------------------- */

/* Why the text may not stand in an item of type N; NULL when it may. */
static const char *text_fault(const char *text)
{
    int32_t length = (int32_t)strlen(text);
    for (int32_t at = 0; at < length;) {
        UChar32 c;
        U8_NEXT_UNSAFE(text, at, c);
        if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029)
            return "has a control character";
        if (c == 0xFFFD)
            return "has a character that was lost in a conversion (U+FFFD), or bytes that are not "
                   "of the feed's encoding";
        if (c == 0xFEFF)
            return "has a byte order mark in it: were two files put together?";
        if ((c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF))
            return "has a code that is no character";
    }
    return NULL;
}

static const char *only(const char *text, const char *characters)
{
    return text[strspn(text, characters)] ? "has a character that may not stand here" : NULL;
}

static bool word_known(const char *words, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = strchr(value, ' ') ? NULL : words; at && (at = strstr(at, value)); at++)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

static bool date_shaped(const char *text)
{
    return strspn(text, DIGITS) == 4 && text[4] == '-' && strspn(text + 5, DIGITS) == 2 &&
           text[7] == '-' && digits_only(text + 8, 2);
}

int feed_day(const char *value)
{
    return *value ? atoi(value) * 10000 + atoi(value + 5) * 100 + atoi(value + 8) : 0;
}

/* A known part may not stand behind one that is not known, but for the year: 0000-03-03 is a
 * birthday whose year is not known. */
static bool birth_valid(const char *text)
{
    int number = date_shaped(text) ? feed_day(text) : -1;
    int year = number / 10000, month = number / 100 % 100, day = number % 100;
    if (number < 0 || month > 12 || (!month && day))
        return false;
    return !day || day_valid((struct day){year ? year : 2000, month, day}); /* a leap year */
}

static bool date_valid(const char *text)
{
    struct day day;
    return !strcmp(text, "0000-01-01") || (date_shaped(text) && day_parse(text, &day));
}

static const char *type_fault(const struct feed_item *item, const char *value)
{
    instant at;
    switch (item->type) {
    case FEED_X:
        return only(value, DIGITS LETTERS);
    case FEED_DIGITS:
    case FEED_DECIMAL:
        return only(value, DIGITS);
    case FEED_HEX:
        return only(value, DIGITS "abcdefABCDEF");
    case FEED_TEXT:
        return text_fault(value);
    case FEED_WORD:
        return word_known(item->words, value) ? NULL : "is none of the words that may stand here";
    case FEED_FLAG:
        return only(value, "01");
    case FEED_DATE:
        return date_valid(value) ? NULL : "must be a day that exists, as 2026-11-21";
    case FEED_BIRTH:
        return birth_valid(value) ? NULL
                                  : "must be a day that exists, as 1990-01-02, with 00 for parts "
                                    "that are not known";
    case FEED_TIME:
        return instant_parse(value, &at) ? NULL
                                         : "must be empty or a time as 2026-11-21T09:00:00+09:00";
    }
    return NULL;
}

bool feed_value_check(const struct feed_item *item, const char *value, int64_t line,
                      struct feed_faults *faults)
{
    if (!*value) {
        if (item->required)
            feed_fault(faults, line, item->name, "E0001", "is required");
        return !item->required;
    }
    const char *why = type_fault(item, value);
    if (why)
        feed_fault(faults, line, item->name, "E0002", "%s", why);
    else if (utf8_length(value) > item->most)
        feed_fault(faults, line, item->name, "E0003", "is longer than %u characters", item->most);
    else if (item->type == FEED_DIGITS && strlen(value) != item->most)
        feed_fault(faults, line, item->name, "E0003", "must have %u digits", item->most);
    else
        return true;
    return false;
}

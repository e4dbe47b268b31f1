/* The items of a feed: what each may hold (reference §3.6), as tables, and the check of one value.
 * Pure. */
#ifndef UKETSUKE_INTAKE_REGISTRY_ITEM_H
#define UKETSUKE_INTAKE_REGISTRY_ITEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/csv.h"
#include "intake/registry/fault.h"

#define FEED_ITEMS_MOST 40

enum feed_item_type {
    FEED_X,       /* half-width letters and digits */
    FEED_DIGITS,  /* exactly `most` of them */
    FEED_DECIMAL, /* up to `most` of them */
    FEED_HEX,     /* hexadecimal digits */
    FEED_TEXT,    /* N: whatever Unicode has but controls; 外字 in private-use planes too */
    FEED_WORD,    /* one of `words` */
    FEED_FLAG,    /* empty, 0 or 1 */
    FEED_DATE,    /* YYYY-MM-DD; 0000-01-01 and 9999-12-31 are open ends */
    FEED_BIRTH,   /* YYYY-MM-DD; parts that are not known are 0 */
    FEED_TIME,    /* RFC 3339 */
};

struct feed_item {
    const char *name; /* as the header has it */
    enum feed_item_type type;
    unsigned most;     /* characters */
    bool required;     /* may not be empty */
    bool optional;     /* the column may be left out */
    const char *words; /* separated by blanks */
};

/* Where each item stands in a line; -1: nowhere. */
struct feed_header {
    const struct feed_item *items;
    size_t count, columns;
    int column[FEED_ITEMS_MOST];
};

/* False, with faults, when an item is missing, there twice, or unknown. */
bool feed_header_read(const struct feed_item *items, size_t count, const struct csv_record *record,
                      struct feed_header *ret_header, struct feed_faults *faults);
/* The value; "" for a column that was left out. Borrowed from the record. */
const char *feed_value(const struct feed_header *header, const struct csv_record *record,
                       size_t item);
/* Checks a value for itself: E0001, E0002, E0003. */
bool feed_value_check(const struct feed_item *item, const char *value, int64_t line,
                      struct feed_faults *faults);

/* YYYYMMDD of a value that was checked; 0 for an empty one. */
int feed_day(const char *value);

#endif

/* The two kinds of feed, and one row of each: checked, normalised, and as PostgreSQL's COPY takes
 * it, before it goes anywhere near the database. docs/formats/registry-feed.md. */
#ifndef UKETSUKE_INTAKE_REGISTRY_FEED_H
#define UKETSUKE_INTAKE_REGISTRY_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/seal.h"
#include "intake/registry/item.h"

#define FEED_ROWS_MOST   INT64_C(100000000)
#define FEED_SOURCE      21 /* room for a source's name */
#define FEED_FIELDS_MOST 48

enum feed_kind { FEED_LINKS, FEED_RESIDENTS, FEED_KIND_COUNT };
enum feed_encoding { FEED_UTF8, FEED_CP932 };

/* What a manifest says of its feed, or the command line of a file without one. */
struct feed {
    enum feed_kind kind;
    bool full; /* else differential */
    char source[FEED_SOURCE];
    int64_t sequence; /* 0: none */
    instant as_of;    /* the moment that the feed speaks for */
    enum feed_encoding encoding;
    bool decimal_serials;
    bool promised; /* by a manifest: */
    int64_t rows;
    uint8_t sha256[32];
};

/* The items of a kind's header line. */
const struct feed_item *feed_items(enum feed_kind kind, size_t *ret_count);
const char *feed_kind_name(enum feed_kind kind); /* "links", "residents" */
bool feed_kind_parse(const char *name, enum feed_kind *ret_kind);

struct feed_sealing { /* for residents; borrowed */
    const char *city_code;
    const struct city_key *city_key;
    const struct application_key *number_key; /* the registry's own */
    bool keep_juminhyo_code;
};

struct feed_row;
struct feed_row *feed_row_make(const struct feed *feed, const struct feed_sealing *sealing);
void feed_row_free(struct feed_row *row); /* erases; NULL is fine */
/* Reads a line: *ret_fields (borrowed until the next) are the columns of feed_columns. False with
 * faults, of which none quotes the line. A failure (`f`) is ours: the key does not seal. */
bool feed_row_read(struct feed_row *row, const struct feed_header *header,
                   const struct csv_record *record, const char *const **ret_fields,
                   size_t *ret_count, struct feed_faults *faults, struct failure *f);

/* Serial numbers as those of certificates: lower case, an even number of digits, no 00 in front. */
#define FEED_SERIAL 41
bool feed_serial_read(const char *text, bool decimal, char ret_serial[FEED_SERIAL]);

#endif

#include "intake/registry/feed.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake/registry/feed_internal.h"

static const char *const kind_names[FEED_KIND_COUNT] = {"links", "residents"};

const char *feed_kind_name(enum feed_kind kind)
{
    return kind_names[kind];
}

bool feed_kind_parse(const char *name, enum feed_kind *ret_kind)
{
    for (size_t i = 0; i < FEED_KIND_COUNT; i++)
        if (!strcmp(kind_names[i], name)) {
            *ret_kind = (enum feed_kind)i;
            return true;
        }
    return false;
}

const struct feed_item *feed_items(enum feed_kind kind, size_t *ret_count)
{
    *ret_count = kind == FEED_LINKS ? LINK_ITEM_COUNT : RESIDENT_ITEM_COUNT;
    return kind == FEED_LINKS ? feed_link_items : feed_resident_items;
}

/* --- serial numbers --------------------------------------------------------------------------- */

static void hex_normalise(const char *text, char ret_serial[FEED_SERIAL])
{
    while (*text == '0' && text[1])
        text++;
    size_t length = strlen(text), odd = length % 2;
    ret_serial[0] = '0';
    for (size_t i = 0; i < length; i++)
        ret_serial[odd + i] = (char)tolower((unsigned char)text[i]);
    ret_serial[odd + length] = 0;
}

bool feed_serial_read(const char *text, bool decimal, char ret_serial[FEED_SERIAL])
{
    if (!decimal) {
        if (strlen(text) >= FEED_SERIAL)
            return false;
        hex_normalise(text, ret_serial);
        return true;
    }
    BIGNUM *number = NULL;
    char *hex = BN_dec2bn(&number, text) ? BN_bn2hex(number) : NULL;
    bool good = hex && BN_num_bits(number) <= 4 * (FEED_SERIAL - 1);
    if (good)
        hex_normalise(hex, ret_serial);
    OPENSSL_free(hex);
    BN_free(number);
    return good;
}

/* --- rows ------------------------------------------------------------------------------------- */

struct feed_row *feed_row_make(const struct feed *feed, const struct feed_sealing *sealing)
{
    struct feed_row *row = memory_allocate(sizeof *row);
    row->feed = feed;
    row->sealing = sealing;
    return row;
}

void feed_row_free(struct feed_row *row)
{
    if (row)
        OPENSSL_cleanse(row, sizeof *row);
    free(row);
}

static bool removal_read(struct feed_row *row, size_t item, struct feed_faults *faults)
{
    row->removed = !strcmp(row->value[item], "1");
    if (!row->removed || !row->feed->full)
        return true;
    feed_fault(faults, row->record->line, "sakujoflag", "E0004",
               "removes, which only a differential feed does");
    return false;
}

/* What a line that removes must have is its key. */
static bool values_check(struct feed_row *row, const struct feed_header *header, size_t key,
                         struct feed_faults *faults)
{
    int64_t before = faults->count;
    for (size_t i = 0; i < header->count; i++) {
        struct feed_item item = header->items[i];
        item.required &= !row->removed || i <= key;
        if (row->feed->decimal_serials && item.type == FEED_HEX) {
            item.type = FEED_DECIMAL;
            item.most = 49; /* digits of 2^160 */
        }
        feed_value_check(&item, row->value[i], row->record->line, faults);
    }
    return faults->count == before;
}

bool feed_row_read(struct feed_row *row, const struct feed_header *header,
                   const struct csv_record *record, const char *const **ret_fields,
                   size_t *ret_count, struct feed_faults *faults, struct failure *f)
{
    bool links = row->feed->kind == FEED_LINKS;
    int64_t before = faults->count;
    if (record->count != header->columns) {
        feed_fault(faults, record->line, NULL, NULL, "has %zu items instead of %zu", record->count,
                   header->columns);
        return false;
    }
    row->record = record;
    row->field_count = 0;
    for (size_t i = 0; i < header->count; i++)
        row->value[i] = feed_value(header, record, i);
    snprintf(row->line, sizeof row->line, "%" PRId64, record->line);
    if (!removal_read(row, links ? LINK_REMOVED : RESIDENT_REMOVED, faults) ||
        !values_check(row, header, links ? LINK_ATENABANGO : RESIDENT_ATENABANGO, faults))
        return false;
    feed_row_add(row, row->line);
    feed_row_add(row, row->removed ? "t" : "f");
    if (!(links ? feed_link_read(row, faults) : feed_resident_read(row, faults, f)) ||
        faults->count != before)
        return false;
    *ret_fields = row->fields;
    *ret_count = row->field_count;
    return true;
}

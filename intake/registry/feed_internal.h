/* Shared by the files feed*.c only. */
#ifndef UKETSUKE_INTAKE_REGISTRY_FEED_INTERNAL_H
#define UKETSUKE_INTAKE_REGISTRY_FEED_INTERNAL_H

#include "intake/registry/feed.h"
#include "intake/registry/keys.h"
#include "intake/registry/resident.h"

/* One line on its way: its values by item, and the memory behind the fields that were made. */
struct feed_row {
    const struct feed *feed;
    const struct feed_sealing *sealing;
    const struct csv_record *record;
    const char *value[FEED_ITEMS_MOST];
    bool removed; /* sakujoflag: nothing but the key counts */
    const char *fields[FEED_FIELDS_MOST];
    size_t field_count;
    char line[24];
    char serial[FEED_SERIAL], old_serial[FEED_SERIAL];
    char valid_from[INSTANT_TEXT], valid_to[INSTANT_TEXT];
    char days[6][12], status[4], birth_date[12];
    char digest[40], number_hash[2 + 2 * NUMBER_HASH_BYTES + 1];
    char number_sealed[100], juminhyo_code_sealed[100];
    char keys[KEY_COUNT][FOLD_KEY]; /* in the order of the table's columns */
};

enum feed_link_item {
    LINK_CA,
    LINK_SERIAL,
    LINK_ATENABANGO,
    LINK_KIND,
    LINK_VALID_FROM,
    LINK_VALID_TO,
    LINK_OLD_SERIAL,
    LINK_REMOVED,
    LINK_ITEM_COUNT,
};
extern const struct feed_item feed_link_items[LINK_ITEM_COUNT];
bool feed_link_read(struct feed_row *row, struct feed_faults *faults);

enum feed_resident_item {
    RESIDENT_ATENABANGO,
    RESIDENT_HOUSEHOLD,
    RESIDENT_RELATION,
    RESIDENT_NAME,
    RESIDENT_KANA,
    RESIDENT_COMMON_NAME,
    RESIDENT_COMMON_KANA,
    RESIDENT_FORMER_SURNAME,
    RESIDENT_ROMAN_NAME,
    RESIDENT_KANJI_NAME,
    RESIDENT_BIRTH_DATE,
    RESIDENT_BIRTH_UNKNOWN,
    RESIDENT_BIRTH_WORDS,
    RESIDENT_SEX,
    RESIDENT_MUNICIPALITY_CODE,
    RESIDENT_TOWN_CODE,
    RESIDENT_PREFECTURE,
    RESIDENT_MUNICIPALITY,
    RESIDENT_TOWN,
    RESIDENT_LOT,
    RESIDENT_BUILDING,
    RESIDENT_POSTAL_CODE,
    RESIDENT_STATE,
    RESIDENT_STATE_SINCE,
    RESIDENT_SUPPORT,
    RESIDENT_SUPPORT_FROM,
    RESIDENT_SUPPORT_TO,
    RESIDENT_UNDISCLOSED,
    RESIDENT_UNDISCLOSED_FROM,
    RESIDENT_UNDISCLOSED_TO,
    RESIDENT_NUMBER,
    RESIDENT_JUMINHYO_CODE,
    RESIDENT_REMOVED,
    RESIDENT_ITEM_COUNT,
};
extern const struct feed_item feed_resident_items[RESIDENT_ITEM_COUNT];
bool feed_resident_read(struct feed_row *row, struct feed_faults *faults, struct failure *f);

static inline void feed_row_add(struct feed_row *row, const char *field)
{
    row->fields[row->field_count++] = field;
}

#endif

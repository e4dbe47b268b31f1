/* A line of a feed of serial links (番号紐付情報). */
#include <string.h>

#include "intake/registry/feed_internal.h"

const struct feed_item feed_link_items[LINK_ITEM_COUNT] = {
    [LINK_CA] = {"ca", FEED_WORD, 4, .required = true, .words = "sign auth"},
    [LINK_SERIAL] = {"serial", FEED_HEX, 40, .required = true},
    [LINK_KIND] = {"kind", FEED_WORD, 5, .required = true, .words = "card phone"},
    [LINK_ATENABANGO] = {"atenabango", FEED_X, 15, .required = true},
    [LINK_VALID_FROM] = {"valid_from", FEED_TIME, 40},
    [LINK_VALID_TO] = {"valid_to", FEED_TIME, 40},
    [LINK_OLD_SERIAL] = {"old_serial", FEED_HEX, 40, .optional = true},
    [LINK_REMOVED] = {"sakujoflag", FEED_FLAG, 1, .optional = true},
};

static const char *time_text(const char *value, const char *open, instant *ret_at,
                             char text[INSTANT_TEXT])
{
    if (!*value)
        return open;
    instant_parse(value, ret_at); /* checked */
    return instant_text_jst(*ret_at, text);
}

static bool serial_read(struct feed_row *row, enum feed_link_item item, char *ret_serial,
                        struct feed_faults *faults)
{
    if (feed_serial_read(row->value[item], row->feed->decimal_serials, ret_serial))
        return true;
    feed_fault(faults, row->record->line, feed_link_items[item].name, "E0003",
               "is a number of more than 20 bytes");
    return false;
}

bool feed_link_read(struct feed_row *row, struct feed_faults *faults)
{
    instant from = INT64_MIN, to = INT64_MAX;
    const char *old = row->value[LINK_OLD_SERIAL];
    const char *from_text =
        time_text(row->value[LINK_VALID_FROM], "-infinity", &from, row->valid_from);
    const char *to_text = time_text(row->value[LINK_VALID_TO], "infinity", &to, row->valid_to);
    if (from >= to)
        feed_fault(faults, row->record->line, "valid_to", "E0004", "must lie after valid_from");
    if (!serial_read(row, LINK_SERIAL, row->serial, faults) ||
        (*old && !serial_read(row, LINK_OLD_SERIAL, row->old_serial, faults)))
        return false;
    if (*old && !strcmp(row->serial, row->old_serial))
        feed_fault(faults, row->record->line, "old_serial", "E0004", "is the serial itself");
    feed_row_add(row, row->value[LINK_CA]);
    feed_row_add(row, row->serial);
    feed_row_add(row, row->value[LINK_ATENABANGO]);
    feed_row_add(row, *row->value[LINK_KIND] ? row->value[LINK_KIND] : "card");
    feed_row_add(row, from_text);
    feed_row_add(row, to_text);
    feed_row_add(row, *old ? row->old_serial : NULL);
    return true;
}

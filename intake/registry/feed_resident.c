/* A line of a feed of residents. */
#include <stdio.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/registry/feed_internal.h"
#include "intake/registry/number.h"

#define DIGEST_BYTES 16

/* Names and lengths: reference §3.6; docs/formats/registry-feed.md. */
const struct feed_item feed_resident_items[RESIDENT_ITEM_COUNT] = {
    [RESIDENT_ATENABANGO] = {"atenabango", FEED_X, 15, .required = true},
    [RESIDENT_HOUSEHOLD] = {"setaibango", FEED_X, 15},
    [RESIDENT_RELATION] = {"tsuzukigara", FEED_TEXT, 30},
    [RESIDENT_NAME] = {"shimei", FEED_TEXT, 100, .required = true},
    [RESIDENT_KANA] = {"shimei_kana", FEED_TEXT, 100},
    [RESIDENT_COMMON_NAME] = {"tsusho", FEED_TEXT, 100},
    [RESIDENT_COMMON_KANA] = {"tsusho_kana", FEED_TEXT, 100},
    [RESIDENT_FORMER_SURNAME] = {"kyuuji", FEED_TEXT, 50},
    [RESIDENT_ROMAN_NAME] = {"shimei_gaikokujin_romaji", FEED_TEXT, 100},
    [RESIDENT_KANJI_NAME] = {"shimei_gaikokujin_kanji", FEED_TEXT, 100},
    [RESIDENT_BIRTH_DATE] = {"seinengappi", FEED_BIRTH, 10, .required = true},
    [RESIDENT_BIRTH_UNKNOWN] = {"seinengappi_fushoflag", FEED_FLAG, 1},
    [RESIDENT_BIRTH_WORDS] = {"seinengappi_fushohyoki", FEED_TEXT, 72},
    [RESIDENT_SEX] = {"seibetsu", FEED_WORD, 1, .required = true, .words = "0 1 2"},
    [RESIDENT_MUNICIPALITY_CODE] = {"jusho_shikuchoson_code", FEED_DIGITS, 6},
    [RESIDENT_TOWN_CODE] = {"jusho_machiaza_code", FEED_DIGITS, 7},
    [RESIDENT_PREFECTURE] = {"jusho_todofuken", FEED_TEXT, 4},
    [RESIDENT_MUNICIPALITY] = {"jusho_shikugunchoson", FEED_TEXT, 12},
    [RESIDENT_TOWN] = {"jusho_machiaza", FEED_TEXT, 120},
    [RESIDENT_LOT] = {"jusho_banchigohyoki", FEED_TEXT, 50},
    [RESIDENT_BUILDING] = {"jusho_katagaki", FEED_TEXT, 300},
    [RESIDENT_POSTAL_CODE] = {"jusho_yubinbango", FEED_DIGITS, 7},
    [RESIDENT_STATE] = {"juminjotai", FEED_WORD, 1, .required = true, .words = "1 2 3 4 5 6"},
    [RESIDENT_STATE_SINCE] = {"idonengappi", FEED_DATE, 10},
    [RESIDENT_SUPPORT] = {"shiensochi_flag", FEED_FLAG, 1},
    [RESIDENT_SUPPORT_FROM] = {"shiensochi_kaishi", FEED_DATE, 10},
    [RESIDENT_SUPPORT_TO] = {"shiensochi_shuryo", FEED_DATE, 10},
    [RESIDENT_UNDISCLOSED] = {"fukaiji_flag", FEED_FLAG, 1},
    [RESIDENT_UNDISCLOSED_FROM] = {"fukaiji_kaishi", FEED_DATE, 10},
    [RESIDENT_UNDISCLOSED_TO] = {"fukaiji_shuryo", FEED_DATE, 10},
    [RESIDENT_NUMBER] = {"kojinbango", FEED_DIGITS, 12},
    [RESIDENT_JUMINHYO_CODE] = {"juminhyokodo", FEED_DIGITS, 11, .optional = true},
    [RESIDENT_REMOVED] = {"sakujoflag", FEED_FLAG, 1, .optional = true},
};

/* --- what must fit together ------------------------------------------------------------------- */

static bool is_set(const struct feed_row *row, enum feed_resident_item flag)
{
    return !strcmp(row->value[flag], "1");
}

static void fault(const struct feed_row *row, enum feed_resident_item item, const char *what,
                  struct feed_faults *faults)
{
    feed_fault(faults, row->record->line, feed_resident_items[item].name, "E0004", "%s", what);
}

/* The days of a measure stand behind its flag: flag, from, to. */
static void period_check(const struct feed_row *row, enum feed_resident_item flag,
                         struct feed_faults *faults)
{
    int from = feed_day(row->value[flag + 1]), to = feed_day(row->value[flag + 2]);
    if (!is_set(row, flag) && (from || to))
        fault(row, flag, "is not set, but has days", faults);
    else if (from && to && from > to)
        fault(row, flag + 2, "must not lie before the first day", faults);
}

static bool birth_complete(int birth_date)
{
    return birth_date / 10000 && birth_date / 100 % 100 && birth_date % 100;
}

static bool combinations_check(const struct feed_row *row, struct feed_faults *faults)
{
    int64_t before = faults->count;
    const char *number = row->value[RESIDENT_NUMBER], *code = row->value[RESIDENT_JUMINHYO_CODE],
               *municipality = row->value[RESIDENT_MUNICIPALITY_CODE];
    if (birth_complete(feed_day(row->value[RESIDENT_BIRTH_DATE])) ==
        is_set(row, RESIDENT_BIRTH_UNKNOWN))
        fault(row, RESIDENT_BIRTH_UNKNOWN, "is 1 if a part of seinengappi is 00, and else not",
              faults);
    if (*number && !kojinbango_valid(number))
        fault(row, RESIDENT_NUMBER, "has a wrong check digit", faults);
    if (*code && !juminhyo_code_valid(code))
        fault(row, RESIDENT_JUMINHYO_CODE, "has a wrong check digit", faults);
    if (*municipality && !dantai_code_valid(municipality))
        fault(row, RESIDENT_MUNICIPALITY_CODE, "has a wrong check digit", faults);
    period_check(row, RESIDENT_SUPPORT, faults);
    period_check(row, RESIDENT_UNDISCLOSED, faults);
    return faults->count == before;
}

/* --- what is made of the values --------------------------------------------------------------- */

static const char *number_text(int number, char text[12])
{
    snprintf(text, 12, "%d", number);
    return text;
}

static const char *bytea_text(const void *data, size_t length, char *text)
{
    memcpy(text, "\\x", 2);
    hex_encode(data, length, text + 2);
    return text;
}

static bool sealed_text(const struct feed_row *row, const char *purpose, const char *value,
                        char text[100], struct failure *f)
{
    char context[32];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    snprintf(context, sizeof context, "%s/%s", row->sealing->city_code,
             row->value[RESIDENT_ATENABANGO]);
    if (!seal(row->sealing->number_key, purpose, context, bytes_of_text(value), &sealed, f))
        return false;
    bytea_text(sealed.data, sealed.length, text);
    return true;
}

/* Over all values as they stand, and the secret ones as their keyed hashes: a digest that could be
 * tried out for 個人番号 would be as good as the number. */
static void digest_make(struct feed_row *row, const char *code)
{
    uint8_t hash[32], code_hash[32] = {0};
    _cleanup_(cleanup_secret_buffer) struct buffer all = {0};
    for (size_t i = 0; i < RESIDENT_NUMBER; i++)
        buffer_append(&all, row->value[i], strlen(row->value[i]) + 1);
    buffer_append_text(&all, row->number_hash);
    if (*code)
        city_key_hash(row->sealing->city_key, "juminhyokodo", bytes_of_text(code), code_hash);
    buffer_append(&all, code_hash, sizeof code_hash);
    sha256(buffer_bytes(&all), hash);
    bytea_text(hash, DIGEST_BYTES, row->digest);
}

static void keys_make(struct feed_row *row)
{
    const char *const *value = row->value;
    const struct resident_texts texts = {
        .name = value[RESIDENT_NAME],
        .kana = value[RESIDENT_KANA],
        .common_name = value[RESIDENT_COMMON_NAME],
        .former_surname = value[RESIDENT_FORMER_SURNAME],
        .roman_name = value[RESIDENT_ROMAN_NAME],
        .kanji_name = value[RESIDENT_KANJI_NAME],
        .address = {value[RESIDENT_PREFECTURE], value[RESIDENT_MUNICIPALITY], value[RESIDENT_TOWN],
                    value[RESIDENT_LOT], value[RESIDENT_BUILDING]},
    };
    resident_keys_make(&texts, row->keys);
}

/* Open ends, and a flag without days: for good. */
static void period_add(struct feed_row *row, enum feed_resident_item flag, size_t day)
{
    int from = feed_day(row->value[flag + 1]), to = feed_day(row->value[flag + 2]);
    bool set = is_set(row, flag);
    feed_row_add(row, set ? number_text(from, row->days[day]) : NULL);
    feed_row_add(row, set ? number_text(to ? to : 99991231, row->days[day + 1]) : NULL);
}

static void fields_add(struct feed_row *row, bool has_number, bool keeps_code)
{
    const char *const *value = row->value;
    feed_row_add(row, value[RESIDENT_ATENABANGO]);
    feed_row_add(row, row->digest);
    for (enum feed_resident_item i = RESIDENT_HOUSEHOLD; i <= RESIDENT_KANJI_NAME; i++)
        feed_row_add(row, value[i]);
    feed_row_add(row, number_text(feed_day(value[RESIDENT_BIRTH_DATE]), row->birth_date));
    feed_row_add(row, value[RESIDENT_BIRTH_WORDS]);
    feed_row_add(row, *value[RESIDENT_SEX] ? value[RESIDENT_SEX] : "0");
    for (enum feed_resident_item i = RESIDENT_MUNICIPALITY_CODE; i <= RESIDENT_POSTAL_CODE; i++)
        feed_row_add(row, value[i]);
    int status = *value[RESIDENT_STATE] ? *value[RESIDENT_STATE] - '1' : RESIDENT_PRESENT;
    snprintf(row->status, sizeof row->status, "%d", status % RESIDENT_STATUS_COUNT);
    feed_row_add(row, row->status);
    feed_row_add(row, number_text(feed_day(value[RESIDENT_STATE_SINCE]), row->days[4]));
    period_add(row, RESIDENT_SUPPORT, 0);
    period_add(row, RESIDENT_UNDISCLOSED, 2);
    feed_row_add(row, has_number ? row->number_hash : NULL);
    feed_row_add(row, has_number ? row->number_sealed : NULL);
    feed_row_add(row, keeps_code ? row->juminhyo_code_sealed : NULL);
    for (size_t i = 0; i < KEY_COUNT; i++)
        feed_row_add(row, row->keys[i]);
}

bool feed_resident_read(struct feed_row *row, struct feed_faults *faults, struct failure *f)
{
    const char *number = row->value[RESIDENT_NUMBER];
    const char *code = row->sealing->keep_juminhyo_code ? row->value[RESIDENT_JUMINHYO_CODE] : "";
    uint8_t hash[NUMBER_HASH_BYTES];
    if (!row->removed && !combinations_check(row, faults))
        return false;
    *row->number_hash = 0;
    if (*number) {
        registry_number_hash(row->sealing->city_key, number, hash);
        bytea_text(hash, sizeof hash, row->number_hash);
        if (!sealed_text(row, "kojinbango", number, row->number_sealed, f))
            return false;
    }
    if (*code && !sealed_text(row, "juminhyokodo", code, row->juminhyo_code_sealed, f))
        return false;
    digest_make(row, code);
    keys_make(row);
    fields_add(row, *number, *code);
    return true;
}

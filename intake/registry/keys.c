#include "intake/registry/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/registry/resident.h"

#define BATCH 2000

static const struct db_statement folding_find = {
    "registry_folding_find", "SELECT folding FROM registry_folding WHERE city_code = $1"};
static const struct db_statement folding_store = {
    "registry_folding_store", "INSERT INTO registry_folding (city_code, folding) VALUES ($1, $2)"
                              " ON CONFLICT (city_code) DO UPDATE SET folding = excluded.folding"};
static const struct db_statement alone_try = {
    "registry_refold_alone",
    "SELECT pg_try_advisory_xact_lock(hashtextextended('registry_import:' || $1::text, 0)),"
    " set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true)"};
/* Identification holds the links while it decides (registry_hold): it sees all keys old or new. */
static const struct db_statement links_lock = {
    "registry_refold_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('registry_link:' || $1::text, 0)) IS NULL"};
static const struct db_statement texts_next = {
    "registry_refold_texts",
    "SELECT atenabango, name, kana, common_name, former_surname, roman_name, kanji_name,"
    " prefecture, municipality, town, lot, building FROM resident"
    " WHERE city_code = $1 AND atenabango > $2 ORDER BY atenabango LIMIT $3"};
static const struct db_statement keys_store = {
    "registry_refold_keys",
    "UPDATE resident AS r SET name_key = k.name, kana_key = k.kana, common_key = k.common,"
    "  former_key = k.former, roman_key = k.roman, kanji_key = k.kanji, address_key = k.address"
    " FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
    "  $8::text[], $9::text[]) AS k (atenabango, name, kana, common, former, roman, kanji, address)"
    " WHERE r.city_code = $1 AND r.atenabango = k.atenabango"
    " AND (r.name_key, r.kana_key, r.common_key, r.former_key, r.roman_key, r.kanji_key,"
    "  r.address_key) IS DISTINCT FROM"
    "  (k.name, k.kana, k.common, k.former, k.roman, k.kanji, k.address)"};

/* --- keys ------------------------------------------------------------------------------------- */

/* "" for a name of one part. */
static void former_key(const struct resident_texts *texts, char key[FOLD_KEY])
{
    const char *given = strstr(texts->name, "\u3000");
    *key = 0;
    if (!*texts->former_surname || !given)
        return;
    _cleanup_(cleanup_text) char *name = text_format("%s%s", texts->former_surname, given);
    fold_name_key(name, key);
}

void resident_keys_make(const struct resident_texts *texts, char ret_keys[KEY_COUNT][FOLD_KEY])
{
    fold_name_key(texts->name, ret_keys[KEY_NAME]);
    fold_kana_key(texts->kana, ret_keys[KEY_KANA]);
    fold_name_key(texts->common_name, ret_keys[KEY_COMMON]);
    former_key(texts, ret_keys[KEY_FORMER]);
    fold_name_key(texts->roman_name, ret_keys[KEY_ROMAN]);
    fold_name_key(texts->kanji_name, ret_keys[KEY_KANJI]);
    fold_address_key(&texts->address, ret_keys[KEY_ADDRESS]);
}

/* --- which folding ---------------------------------------------------------------------------- */

static bool folding_look(struct db_tx *tx, const char *city_code, bool *ret_known,
                         struct failure *f)
{
    char ours[FOLD_VERSION];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &folding_find, DB_VALUES(db_text(city_code)), &rows, f))
        return false;
    *ret_known = db_row_count(rows) == 1;
    return !*ret_known || !strcmp(db_get_text(rows, 0, 0), fold_version(ours)) ||
           failure_set(f, FAILURE_USAGE,
                       "the keys of the residents were made by another folding (%s) than this "
                       "program has (%s): run `uketsuke registry refold`",
                       db_get_text(rows, 0, 0), ours);
}

static bool folding_set(struct db_tx *tx, const char *city_code, struct failure *f)
{
    char ours[FOLD_VERSION];
    return db_execute(tx, &folding_store,
                      DB_VALUES(db_text(city_code), db_text(fold_version(ours))), NULL, f);
}

bool registry_folding_check(struct db_tx *tx, const char *city_code, struct failure *f)
{
    bool known;
    return folding_look(tx, city_code, &known, f);
}

bool registry_folding_begin(struct db_tx *tx, const char *city_code, struct failure *f)
{
    bool known;
    return folding_look(tx, city_code, &known, f) && (known || folding_set(tx, city_code, f));
}

/* --- making them anew ------------------------------------------------------------------------- */

struct refold {
    const char *city_code;
    int64_t residents, changed;
};

static void row_fold(const struct db_rows *rows, size_t row, char ret_keys[KEY_COUNT][FOLD_KEY])
{
    const char *t[12];
    for (int i = 0; i < 12; i++)
        t[i] = db_get_text(rows, row, i);
    const struct resident_texts texts = {
        t[1], t[2], t[3], t[4], t[5], t[6], {t[7], t[8], t[9], t[10], t[11]}};
    resident_keys_make(&texts, ret_keys);
}

static bool rows_refold(struct db_tx *tx, struct refold *refold, const struct db_rows *rows,
                        struct failure *f)
{
    size_t count = db_row_count(rows);
    int64_t changed;
    char(*keys)[KEY_COUNT][FOLD_KEY] = memory_allocate(count * sizeof *keys);
    const char **column = memory_allocate((KEY_COUNT + 1) * count * sizeof *column);
    struct db_value values[KEY_COUNT + 2] = {db_text(refold->city_code), db_texts(column, count)};
    for (size_t row = 0; row < count; row++) {
        row_fold(rows, row, keys[row]);
        column[row] = db_get_text(rows, row, 0);
        for (size_t key = 0; key < KEY_COUNT; key++)
            column[(key + 1) * count + row] = keys[row][key];
    }
    for (size_t key = 0; key < KEY_COUNT; key++)
        values[key + 2] = db_texts(column + (key + 1) * count, count);
    bool done = db_execute(tx, &keys_store, values, KEY_COUNT + 2, &changed, f);
    free(keys);
    free(column);
    refold->residents += (int64_t)count;
    refold->changed += done ? changed : 0;
    return done;
}

static bool all_refold(struct db_tx *tx, struct refold *refold, struct failure *f)
{
    char last[ATENABANGO_TEXT] = "";
    for (size_t count = BATCH; count == BATCH;) {
        _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
        if (!db_query(tx, &texts_next,
                      DB_VALUES(db_text(refold->city_code), db_text(last), db_number(BATCH)), &rows,
                      f))
            return false;
        count = db_row_count(rows);
        if (count && !rows_refold(tx, refold, rows, f))
            return false;
        if (count)
            snprintf(last, sizeof last, "%s", db_get_text(rows, count - 1, 0));
    }
    return true;
}

static bool refold_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct refold *refold = context;
    const struct db_value city = db_text(refold->city_code);
    _cleanup_(cleanup_db_rows) struct db_rows *alone = NULL, *locked = NULL;
    refold->residents = refold->changed = 0;
    if (!db_query(tx, &alone_try, &city, 1, &alone, f))
        return false;
    if (!db_get_boolean(alone, 0, 0))
        return failure_set(f, FAILURE_USAGE,
                           "an import is under way: wait until it has ended, and run it again");
    return db_query(tx, &links_lock, &city, 1, &locked, f) && all_refold(tx, refold, f) &&
           folding_set(tx, refold->city_code, f);
}

bool registry_refold(struct db *db, const char *city_code, int64_t *ret_residents,
                     int64_t *ret_changed, struct failure *f)
{
    struct refold refold = {.city_code = city_code};
    if (!db_transaction(db, refold_work, &refold, f))
        return false;
    *ret_residents = refold.residents;
    *ret_changed = refold.changed;
    return true;
}

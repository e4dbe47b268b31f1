/* The keys by which residents are found (schema 0003), and the folding by which they were made. */
#ifndef UKETSUKE_INTAKE_REGISTRY_KEYS_H
#define UKETSUKE_INTAKE_REGISTRY_KEYS_H

#include <stdint.h>

#include "base/db.h"
#include "intake/identify/fold.h"

enum resident_key {
    KEY_NAME,
    KEY_KANA,
    KEY_COMMON,
    KEY_FORMER, /* 旧氏 with the given name */
    KEY_ROMAN,
    KEY_KANJI,
    KEY_ADDRESS,
    KEY_COUNT,
};
struct resident_texts { /* as the feed has them; "" where there is none; borrowed */
    const char *name, *kana, *common_name, *former_surname, *roman_name, *kanji_name;
    struct address_parts address;
};
void resident_keys_make(const struct resident_texts *texts, char ret_keys[KEY_COUNT][FOLD_KEY]);

/* FAILURE_USAGE with the command to run, if the keys of the city's residents were made by another
 * folding than ours: then a resident may not be found, or not another whom the facts fit. */
bool registry_folding_check(struct db_tx *tx, const char *city_code, struct failure *f);
/* The same, and from now on it is ours if there are no residents yet. */
bool registry_folding_begin(struct db_tx *tx, const char *city_code, struct failure *f);
/* Makes all keys anew, in one transaction, that no import runs beside. FAILURE_USAGE: one does. */
bool registry_refold(struct db *db, const char *city_code, int64_t *ret_residents,
                     int64_t *ret_changed, struct failure *f);

#endif

/* Looking residents up, a batch at once. The functions ask, and do not wait (db_ask): a set is
 * there after db_wait and resident_set_read. What comes back borrows from its set. */
#ifndef UKETSUKE_INTAKE_REGISTRY_RESIDENTS_H
#define UKETSUKE_INTAKE_REGISTRY_RESIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/failure.h"
#include "intake/registry/links.h"
#include "intake/registry/resident.h"

struct resident_answer {
    size_t question; /* index of what was asked for */
    struct resident resident;
    instant since; /* of versions: from when it was in force, … */
    bool left;     /* … and whether it tells that by then he was no resident any more */
};
struct resident_set { /* ordered by question, then 宛名番号 */
    struct resident_answer *answers;
    size_t count;
    struct db_rows *rows; /* holds the texts; NULL: nothing was asked */
    bool versions;        /* there may be several of one resident: the right one is chosen */
};
void resident_set_read(struct resident_set *set);
/* For a single question: waits, and reads it. */
bool resident_set_wait(struct db_tx *tx, struct resident_set *set, struct failure *f);
void resident_set_free(struct resident_set *set); /* {0} is fine */

/* By 宛名番号: at most one answer each, the version in force at `at`. For a moment before the first
 * version (a new resident applies before the next feed) it is the first. Who was removed since then
 * is not found, and of who is told to have been born on another day what is told now: a number that
 * went to another person, or a correction, is nobody's to decide by what was once believed. */
struct resident_wanted {
    const char *atenabango;
    instant at;
};
bool residents_fetch(struct db_tx *tx, const char *city_code, const struct resident_wanted *wanted,
                     size_t count, struct resident_set *ret_set, struct failure *f);

/* By serial link: the residents that (ca, serial) led to at `at`, each as residents_fetch tells
 * him. When it is answered, resident_set_links tells the links themselves, of whom the registry
 * need not have sent a resident. */
bool residents_linked(struct db_tx *tx, const char *city_code,
                      const struct registry_lookup *lookups, size_t count,
                      struct resident_set *ret_set, struct failure *f);
void resident_set_links(const struct resident_set *set, struct registry_lookup *lookups,
                        size_t count);

/* A person may have several 宛名番号 (住登外 and 住民). Of more than so many it is not said which
 * are found: no feed that makes sense has them. */
#define RESIDENTS_OF_NUMBER 64

/* By 個人番号: the versions in force now; no answer, or up to RESIDENTS_OF_NUMBER. `hashes`: as
 * registry_number_hash makes them. */
bool residents_by_number(struct db_tx *tx, const char *city_code, const struct bytes *hashes,
                         size_t count, struct resident_set *ret_set, struct failure *f);

/* By 世帯番号, as of now: at most `each` of a household; NULL and "" ask nothing. */
bool residents_by_household(struct db_tx *tx, const char *city_code, const char *const *households,
                            size_t count, size_t each, struct resident_set *ret_set,
                            struct failure *f);

/* Candidates: who agrees with one of the keys, as of now. A key that is 0, NULL or "" asks nothing;
 * a name key is looked for among 氏名, 通称, 旧氏, ローマ字 and 漢字併記名. */
struct resident_keys {
    int birth_date; /* YYYYMMDD */
    const char *name_key, *kana_key, *address_key, *household;
    const uint8_t *number_hash; /* NUMBER_HASH_BYTES, or NULL */
};
/* At most `each` residents by each key, so at most 9 × each by question; no resident twice. */
bool residents_by_keys(struct db_tx *tx, const char *city_code, const struct resident_keys *keys,
                       size_t count, size_t each, struct resident_set *ret_set, struct failure *f);

/* Whom the facts of a certificate may fit besides: born that day, and with an address
 * (municipality, town and lot, folded) that `whole` (folded, with the building) begins with; "":
 * any. */
struct resident_beside {
    int birth_date; /* YYYYMMDD */
    const char *whole;
};
bool residents_beside(struct db_tx *tx, const char *city_code,
                      const struct resident_beside *questions, size_t count, size_t each,
                      struct resident_set *ret_set, struct failure *f);

static inline void cleanup_resident_set(struct resident_set *set)
{
    resident_set_free(set);
}

#endif

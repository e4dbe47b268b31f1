/* The registry feed: serial links (番号紐付情報) from the resident-registry system. */
#ifndef UKETSUKE_INTAKE_REGISTRY_H
#define UKETSUKE_INTAKE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/failure.h"

struct registry_import_result {
    int64_t rows, added, changed, removed; /* removed: only by a full feed */
    int64_t woken;                         /* unmatched applications that are tried again */
};

/* CSV (UTF-8, header line): ca,serial,kind,atenabango,valid_from,valid_to
 *   ca sign|auth · serial hexadecimal 1…40 digits · kind card|phone · atenabango X15
 *   valid_from, valid_to RFC 3339 or empty (open)
 * Checked whole before anything changes; one transaction; the first fault names line and item with
 * E0001…E0004. `full` replaces all links of the city (and refuses an empty feed), else rows are
 * added or updated by (ca, serial, atenabango). Serial numbers are normalised as those of
 * certificates. `in` is read to its end; one that can't be read again (a pipe) is fine. */
bool registry_import(struct db *db, const char *city_code, FILE *in, bool full, const char *actor,
                     struct registry_import_result *ret_result, struct failure *f);

/* Until the transaction ends no import changes the links: what it finds unknown is woken by the
 * next import, and never falls between the two. Call before registry_links. */
bool registry_hold(struct db_tx *tx, const char *city_code, struct failure *f);

#define REGISTRY_LINKS_MOST 2 /* more than one is too many already */

struct registry_lookup {
    const char *ca, *serial; /* borrowed */
    instant at;
    /* out: the distinct 宛名番号 linked to (ca, serial) in force at `at` */
    char atenabango[REGISTRY_LINKS_MOST][16];
    size_t count;
};
/* Any number of lookups in one round trip. */
bool registry_links(struct db_tx *tx, const char *city_code, struct registry_lookup *lookups,
                    size_t count, struct failure *f);

#endif

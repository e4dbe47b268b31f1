/* The registry feed: serial links (番号紐付情報) from the resident-registry system. */
#ifndef UKETSUKE_INTAKE_REGISTRY_IMPORT_H
#define UKETSUKE_INTAKE_REGISTRY_IMPORT_H

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

#endif

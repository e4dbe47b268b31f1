/* One row of the registry feed: checked and normalised, before it goes anywhere near the database.
 * Pure; used by registry.c only. */
#ifndef UKETSUKE_INTAKE_REGISTRY_FEED_ROW_H
#define UKETSUKE_INTAKE_REGISTRY_FEED_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/failure.h"

enum registry_item {
    REGISTRY_CA,
    REGISTRY_SERIAL,
    REGISTRY_KIND,
    REGISTRY_ATENABANGO,
    REGISTRY_VALID_FROM,
    REGISTRY_VALID_TO,
    REGISTRY_ITEM_COUNT,
};

struct registry_row { /* as PostgreSQL's COPY takes it */
    const char *ca, *kind;
    char serial[41];
    char atenabango[16];
    char valid_from[INSTANT_TEXT]; /* "-infinity" when open */
    char valid_to[INSTANT_TEXT];   /* "infinity" */
};

/* The header line must hold the six names in their order. */
bool registry_header_check(const struct csv_record *record, struct failure *f);
/* FAILURE_INPUT names line, item and E0001…E0004, and never what stands there. */
bool registry_row_read(const struct csv_record *record, struct registry_row *ret_row,
                       struct failure *f);
/* Lower case, whole bytes, no leading zero byte: as struct certificate has it. `text` is 1 to 40
 * hexadecimal digits. */
void registry_serial_normalise(const char *text, char ret_serial[41]);

#endif

/* Shared by the files import*.c only. */
#ifndef UKETSUKE_INTAKE_REGISTRY_IMPORT_INTERNAL_H
#define UKETSUKE_INTAKE_REGISTRY_IMPORT_INTERNAL_H

#include "base/cleanup.h"
#include "intake/registry/import.h"

struct import { /* one import on its way */
    const struct feed *feed;
    const struct registry_options *options;
    FILE *in;
    bool begun; /* the feed was read before: a transaction runs again */
    uint8_t sha256[32];
    uint8_t bound[32]; /* what an approval covers; made when it would have to wait */
    int64_t approved;  /* the import_id under which a second person approved this; 0 */
    struct registry_import_result result;
    struct feed_faults *faults;
};

/* The statements of a kind, on a temporary table that holds the feed and one that holds what goes.
 * $1 city, $2 source, $3 as_of, $4 import, where they are used. */
struct import_statements {
    struct db_statement table, gone_table, copy, analyze;
    struct db_statement twice;     /* → line, line before */
    struct db_statement foreign;   /* → line: another source has it */
    struct db_statement unknown;   /* → line: removes what is not there */
    struct db_statement reference; /* → line: the old serial is unknown; sql NULL: none */
    struct db_statement gone_full, gone_differential;
    struct db_statement before; /* → count, up to $4 */
    struct db_statement ended; /* $1 city, $2 as_of → how many changes end a row, how many lift */
    struct db_statement lost;  /* $1 city, $2 as_of → SHA-256 of the keys that go, end or lift */
    struct db_statement same;  /* out of the feed goes what changes nothing */
    struct db_statement sweep; /* … and what only removes */
    struct db_statement count; /* → rows left in the feed, and how many of them are changes */
    struct db_statement past, close, remove, replace, insert;
    struct db_statement change; /* $1 city, $2 import */
};
extern const struct import_statements import_links, import_residents;
const struct import_statements *import_statements(const struct import *import);

void import_tell(const struct import *import, const char *doing);
bool import_note_audit(struct db_tx *tx, const struct import *import, const char *action,
                       struct failure *f);
/* import_guard.c: whether it must wait for a second person (import.result.waiting), or one has
 * approved it (import.approved). After import_weigh. */
bool import_guard(struct db_tx *tx, struct import *import, struct failure *f);
bool import_wait(struct db_tx *tx, struct import *import, struct failure *f);
/* import_stage.c: the feed into its temporary table, and every check. */
bool import_stage(struct db_tx *tx, struct import *import, struct failure *f);
/* import_merge.c: what would be added, changed and removed is counted (import.result) … */
bool import_weigh(struct db_tx *tx, struct import *import, struct failure *f);
/* … and the tables become what the feed says. */
bool import_merge(struct db_tx *tx, struct import *import, struct failure *f);
/* One number, or two. */
bool import_count(struct db_tx *tx, const struct db_statement *statement,
                  const struct db_value *values, size_t count, int64_t *ret_first,
                  int64_t *ret_second, struct failure *f);

#endif

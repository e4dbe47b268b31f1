/* Within file hand-over (routing/files*.c). */
#ifndef UKETSUKE_ROUTING_FILES_INTERNAL_H
#define UKETSUKE_ROUTING_FILES_INTERNAL_H

#include <jansson.h>

#include "routing/endpoints.h"
#include "routing/files.h"

/* --- CSV ------------------------------------------------------------------------------------- */

struct files_text {       /* how text is written */
    const char *encoding; /* utf-8, utf-8-bom, cp932 */
    const char *line_end; /* crlf, lf */
};

struct files_table { /* one CSV file */
    char *name;      /* "child-allowance.certification-claim-1.children.csv" */
    json_t *columns; /* items, by their paths in the record: from the entry, for a list */
    char *list;      /* path of the list whose entries are the rows; NULL: one row an item */
    struct buffer content;
    int64_t rows;
};
struct files_tables { /* {0} to begin; free with files_tables_free */
    struct files_text text;
    const char *destination;
    struct files_table *at;
    size_t count;
};
struct files_item { /* one item as it was sealed */
    int64_t outbox_id;
    const char *sha256, *status; /* status: "" or of a notice */
    const json_t *json;
    const struct procedure *procedure; /* NULL for a notice */
};
/* Appends an item to its tables. *ret_unsaid is NULL, or names the column that the encoding can't
 * say ("claimant.name"): then nothing was appended; the caller frees. */
bool files_tables_add(struct files_tables *tables, const struct files_item *item, char **ret_unsaid,
                      struct failure *f);
void files_tables_free(struct files_tables *tables);

/* --- one destination -------------------------------------------------------------------------- */

struct files_work {
    const struct files_options *options;
    const struct config_group *group; /* [files NAME] */
    const char *destination;
    char lease[37];
    int64_t lease_at; /* clock_monotonic: when it was last renewed */
    struct file_store *store;
};

struct files_batch {
    int64_t id;
    instant made_at;
    char encoding[16], line_end[8];
    bool attachments, package;
    int64_t items;
    int attempts;
    char manifest[65]; /* SHA-256 that was noted; "" */
};

bool files_store_open(const struct config_group *group, const char *to,
                      struct file_store **ret_store, struct failure *f);
/* Renews the lease when it is time; a failure when another has it. */
bool files_lease_keep(struct files_work *work, struct failure *f);

/* A row of batch_id, made_at, encoding, line_end, attachments, package, items, attempts, manifest.
 */
void files_batch_read(const struct db_rows *rows, struct files_batch *batch);
/* The batch that waits to be written, or a new one; *ret_found false when nothing is due. Its items
 * count as tried from now on. */
bool files_batch_find(struct files_work *work, bool *ret_found, struct files_batch *ret_batch,
                      struct failure *f);
/* Whether its done-marker lies in work->store already; then the manifest's SHA-256. FAILURE_INPUT
 * when it is another batch's. */
bool files_batch_written(struct files_work *work, const struct files_batch *batch,
                         const char *folder, bool *ret_written, char ret_manifest[65],
                         struct failure *f);
/* Who came under protection while an item waited: what may not leave any more is out of the outbox
 * (routing/recheck.h) before anything of it is read. Column 0 of `rows`: ids. */
bool files_take_back(struct db_tx *tx, const struct files_work *work, const struct db_rows *rows,
                     size_t *ret_taken_back, struct failure *f);
/* Of a batch that was not written yet: may all of it still leave, and does any of it still wait?
 * What may not leave is taken back. */
bool files_batch_recheck(struct files_work *work, const struct files_batch *batch, bool *ret_good,
                         struct failure *f);
/* When it may not: first nothing of it stays in work->store, then it is a batch no more. What is
 * left of it goes out with the next. */
bool files_batch_clear(struct files_work *work, const char *folder, struct failure *f);
bool files_batch_give_up(struct files_work *work, const struct files_batch *batch,
                         struct failure *f);
/* Writes all of it to work->store below `folder`, marker last; the manifest's SHA-256. */
bool files_batch_write(struct files_work *work, const struct files_batch *batch, const char *folder,
                       char ret_manifest[65], struct failure *f);
/* Notes that it was written, or why it was not. */
bool files_batch_note(struct files_work *work, const struct files_batch *batch,
                      const char *manifest, const struct failure *why, struct failure *f);
const char *files_folder(int64_t batch_id, char text[32]); /* "batch-000000000042" */

/* Takes what lies at receipts-from; *ret_any: there was something. */
bool files_receipts(struct files_work *work, bool *ret_any, struct failure *f);
/* The body as of POST /routing/v1/receipts from a file; a fault in words. */
bool files_receipts_read(const char *name, struct bytes content, json_t **ret_body, char *ret_fault,
                         size_t size);

struct routing_context files_context(const struct files_work *work);
struct routing_caller files_caller(const struct files_work *work, const char *terminal);

#endif

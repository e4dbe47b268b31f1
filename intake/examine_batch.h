/* One batch of the examine worker: load and examine, then decide and store. Used by examine_role.c
 * only. */
#ifndef UKETSUKE_INTAKE_EXAMINE_BATCH_H
#define UKETSUKE_INTAKE_EXAMINE_BATCH_H

#include "intake/application.h"
#include "intake/decide.h"
#include "intake/examine_role.h"
#include "intake/ocsp.h"

#define EXAMINE_FETCH_BYTES (8 << 20) /* sealed packages in memory; one always goes */

enum subject_state { SUBJECT_EXAMINED, SUBJECT_CRASHED, SUBJECT_LIMIT, SUBJECT_UNREADABLE };

struct subject { /* one application under examination */
    const struct work_item *item;
    enum subject_state state;
    struct examiner_job job;
    struct stored_application stored; /* until the job is done; then only the key */
    struct examination examination;
    struct buffer certid;      /* to ask responders for; empty: nobody needs to be asked */
    struct ocsp_errand errand; /* what came of it */
    struct decision *decision; /* NULL: it stays as it is */
    bool mine;                 /* without a decision: the claim was still ours */
};

struct examine_batch {
    struct examine_worker *worker;
    struct work_item items[WORK_BATCH_MOST];
    struct subject subjects[WORK_BATCH_MOST];
    int64_t begun; /* monotonic */
    size_t count;
    size_t examined; /* the first so many: the time was up */
    struct decision decisions[WORK_BATCH_MOST];
    size_t decision_count;
};

/* Has examined what the items name, as many as the time allows; only those that are under
 * examination are in memory, opened. Asks responders for those that need it, all at once, and has
 * these examined again. Writes nothing. */
bool examine_batch_load(struct examine_batch *batch, struct failure *f);
/* Decides, and stores reports and records, in one transaction. */
bool examine_batch_settle(struct examine_batch *batch, struct failure *f);
void examine_batch_forget(struct examine_batch *batch); /* the results; the items stay */

void examine_batch_done(struct examiner_job *job); /* for examiner_pool_open */
/* Row of application_fetch_packages: for examine_again.c. */
bool subject_examine(struct examine_batch *batch, const struct db_rows *rows, size_t row,
                     struct subject *subject, struct failure *f);
/* Asks responders for what the examinations want to know, and examines these again. */
bool examine_batch_again(struct examine_batch *batch, struct failure *f);

const char *subject_trouble(const struct subject *subject); /* "crashed", "limit", "unreadable" */

#endif

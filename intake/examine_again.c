/* The second look: responders are asked for all applications of the batch that need it, at once,
 * and these are examined again with what came. No transaction is open and no package in memory
 * while they are asked. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "intake/examine_batch.h"

struct second_look {
    struct examine_batch *batch;
    struct work_item items[WORK_BATCH_MOST]; /* those of `subjects` */
    struct subject *subjects[WORK_BATCH_MOST];
    size_t count;
};

static void choose(struct second_look *look, struct subject *subject)
{
    struct buffer *certid = &subject->examination.ocsp_certid;
    if (subject->state != SUBJECT_EXAMINED || certid->length == 0)
        return;
    subject->certid = *certid; /* stays when the examination is replaced */
    *certid = (struct buffer){0};
    subject->errand = (struct ocsp_errand){.certid = buffer_bytes(&subject->certid),
                                           .applied_at = subject->examination.applied_at};
    look->items[look->count] = *subject->item;
    look->subjects[look->count++] = subject;
}

static void ask(const struct second_look *look)
{
    struct ocsp_errand *errands = memory_allocate(look->count * sizeof *errands);
    for (size_t i = 0; i < look->count; i++)
        errands[i] = look->subjects[i]->errand;
    ocsp_client_ask(look->batch->worker->responders, errands, look->count);
    for (size_t i = 0; i < look->count; i++)
        look->subjects[i]->errand = errands[i];
    free(errands);
}

static bool examine_them(struct second_look *look, struct db_tx *tx, struct failure *f)
{
    for (size_t done = 0; done < look->count;) {
        _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
        if (!application_fetch_packages(tx, &look->items[done], look->count - done,
                                        EXAMINE_FETCH_BYTES, &rows, f))
            return false;
        for (size_t row = 0; row < db_row_count(rows); row++)
            if (!subject_examine(look->batch, rows, row, look->subjects[done++], f))
                return false;
    }
    return true;
}

/* As in the first look: whatever failed, nobody may be at work any more. */
static bool examine_again_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct second_look *look = context;
    struct failure second;
    bool given = examine_them(look, tx, f);
    return examiner_pool_finish(&look->batch->worker->examiners, given ? f : &second) && given;
}

bool examine_batch_again(struct examine_batch *batch, struct failure *f)
{
    struct second_look look = {.batch = batch};
    for (size_t i = 0; i < batch->examined; i++)
        choose(&look, &batch->subjects[i]);
    if (look.count == 0)
        return true;
    ask(&look);
    if (!db_transaction(batch->worker->role->db, examine_again_work, &look, f))
        return false;
    for (size_t i = 0; i < look.count; i++)
        ocsp_client_keep(batch->worker->responders, &look.subjects[i]->errand,
                         look.subjects[i]->examination.ocsp_used);
    return true;
}

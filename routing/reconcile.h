/* Reconciliation of hand-over: what one side says was handed over in a period, as CSV that either
 * side can write, and what two of them have otherwise. Pure; no personal data in any of it. */
#ifndef UKETSUKE_ROUTING_RECONCILE_H
#define UKETSUKE_ROUTING_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

#define RECONCILE_ITEMS_MOST 1000000 /* of one export */
#define RECONCILE_HEADER                                                                           \
    "id,receipt_number,kind,sha256,handed_over_at,way,batch,"                                      \
    "accepted,receipts"

enum reconcile_answer {
    RECONCILE_YES,
    RECONCILE_NO,
    RECONCILE_WAITING, /* handed over; no answer yet */
    RECONCILE_NONE,    /* taken back (withdrawn, protected) before an answer came */
};

struct reconcile_item {
    int64_t id;
    char receipt_number[65];
    bool notice;     /* it told something about an application */
    char sha256[65]; /* "": not known any more */
    instant at;      /* the batch was written; or, pulled, the receipt taken */
    int64_t batch;   /* of file hand-over; 0: pulled */
    enum reconcile_answer accepted;
    int64_t receipts; /* the answer and its repetitions */
    bool outside;     /* of the period: compared, but nobody misses it there */
};
struct reconcile_list { /* {0} to begin; ordered by id, each id once */
    struct reconcile_item *at;
    size_t count, room;
};
/* False, with a failure, beyond RECONCILE_ITEMS_MOST. */
bool reconcile_add(struct reconcile_list *list, const struct reconcile_item *item,
                   struct failure *f);
void reconcile_list_free(struct reconcile_list *list);

/* Appends a row, with its line end. */
void reconcile_write(const struct reconcile_item *item, struct buffer *csv);
/* An export of the other side: the header, rows ordered by id. A failure names the line and the
 * column, never what stands there. */
bool reconcile_read(FILE *in, struct reconcile_list *ret_list, struct failure *f);

enum reconcile_difference {
    RECONCILE_MISSING_HERE,
    RECONCILE_MISSING_THERE,
    RECONCILE_OTHER_HASH,   /* both know one, and they differ */
    RECONCILE_OTHER_ANSWER, /* an item may differ in both */
};
/* `ours` or `theirs` is NULL where it is missing. */
typedef void reconcile_told(enum reconcile_difference difference, const struct reconcile_item *ours,
                            const struct reconcile_item *theirs, void *context);
/* Tells each difference in the order of ids; how many there are. When and by which way it came, and
 * how many receipts were sent, may differ. */
size_t reconcile_compare(const struct reconcile_list *ours, const struct reconcile_list *theirs,
                         reconcile_told *told, void *context);
const char *reconcile_answer_name(enum reconcile_answer answer); /* "yes", "no", … */

#endif

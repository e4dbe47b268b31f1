/* Brings entries into the order of their serial numbers, however many. As long as they come in
 * order, as in the lists of most CAs, they go straight to the index. From the first that does not,
 * runs that are sorted in memory go to a scratch file, and are merged at the end. */
#ifndef UKETSUKE_SIGNATURE_CRL_SORTER_H
#define UKETSUKE_SIGNATURE_CRL_SORTER_H

#include "signature/crl_index_writer.h"

#define SORTER_RECORDS   (768 * 1024) /* of a run: 24 MiB, and as much again to sort it */
#define SORTER_RUNS_MOST 384          /* so 301,989,888 entries at most */

struct crl_sorter;

/* `scratch`: an empty file, opened for reading and writing; the caller's. */
struct crl_sorter *crl_sorter_new(struct crl_index_writer *writer, int scratch);
void crl_sorter_free(struct crl_sorter *sorter);
bool crl_sorter_add(struct crl_sorter *sorter, const struct crl_record *record, struct failure *f);
/* The writer has all of them then. */
bool crl_sorter_end(struct crl_sorter *sorter, struct failure *f);

#endif

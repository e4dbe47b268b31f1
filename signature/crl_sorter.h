/* Brings entries into the order of their serial numbers, however many: runs that are sorted in
 * memory go to a scratch file and are merged at the end. Entries that come in order, as the lists
 * of most CAs have them, go straight to the index. */
#ifndef UKETSUKE_SIGNATURE_CRL_SORTER_H
#define UKETSUKE_SIGNATURE_CRL_SORTER_H

#include "signature/crl_index_writer.h"

#define SORTER_RECORDS   (512 * 1024) /* in memory: 16 MiB */
#define SORTER_RUNS_MOST 512          /* so 2^28 entries at most */

struct crl_sorter;

/* `scratch`: an empty file, opened for reading and writing; the caller's. */
struct crl_sorter *crl_sorter_new(struct crl_index_writer *writer, int scratch);
void crl_sorter_free(struct crl_sorter *sorter);
bool crl_sorter_add(struct crl_sorter *sorter, const struct crl_record *record, struct failure *f);
/* The writer has all of them then. */
bool crl_sorter_end(struct crl_sorter *sorter, struct failure *f);

#endif

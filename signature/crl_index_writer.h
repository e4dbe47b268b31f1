/* Writes an index: entries in, in the order of their serial numbers; blocks out. Holds one block
 * and what is on its way to the file. */
#ifndef UKETSUKE_SIGNATURE_CRL_INDEX_WRITER_H
#define UKETSUKE_SIGNATURE_CRL_INDEX_WRITER_H

#include <stdbool.h>

#include "base/failure.h"
#include "signature/crl_record.h"
#include "signature/crl_stream.h"

struct crl_index_writer;

/* From the beginning of the file `fd`, which is empty; opened for reading and writing. */
struct crl_index_writer *crl_index_writer_new(int fd);
void crl_index_writer_free(struct crl_index_writer *writer);

/* Not below the one before (crl_record_compare). Of one serial number stays one entry: the earliest
 * date, and certificateHold only when every entry says so. */
bool crl_index_writer_add(struct crl_index_writer *writer, const struct crl_record *record,
                          struct failure *f);
/* Writes the keys and the trailer; the file is whole then, but not yet flushed (fsync).
 * facts->entries is the number of entries that stayed. */
bool crl_index_writer_end(struct crl_index_writer *writer, struct crl_facts *facts,
                          struct failure *f);

/* Hands out all that was added so far and begins anew, with an empty file. */
typedef bool crl_record_sink(void *context, const struct crl_record *record, struct failure *f);
bool crl_index_writer_take_back(struct crl_index_writer *writer, crl_record_sink *sink,
                                void *context, struct failure *f);

#endif

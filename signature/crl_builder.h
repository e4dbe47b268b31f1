/* From a revocation list to its index: the bytes go in by pieces, the file is there at the end.
 * Memory stays below 64 MiB from ten to a hundred million entries. */
#ifndef UKETSUKE_SIGNATURE_CRL_BUILDER_H
#define UKETSUKE_SIGNATURE_CRL_BUILDER_H

#include "base/bytes.h"
#include "base/failure.h"
#include "signature/crl_stream.h"
#include "signature/trust.h"

struct crl_builder;

/* Two empty files, opened for reading and writing: for the index, and for entries that do not come
 * in order (28 bytes each at most). Both stay the caller's. */
struct crl_builder *crl_builder_new(const struct trust *trust, int output, int scratch);
void crl_builder_free(struct crl_builder *builder);
bool crl_builder_feed(struct crl_builder *builder, struct bytes piece, struct failure *f);
/* The list was whole and good, and the index is written (not flushed). A failure leaves in the
 * output what must not be used, and what no reader would take. */
bool crl_builder_end(struct crl_builder *builder, struct crl_facts *ret_facts, struct failure *f);

#endif

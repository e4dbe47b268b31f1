/* A revocation list as a compact read-only file: docs/formats/crl-index.md. Mapped, never read
 * into memory; looking up touches a few cache lines. An index is used only when every byte of it is
 * as it was written; the file is then never changed, only replaced by another. Reading is
 * thread-safe. */
#ifndef UKETSUKE_SIGNATURE_CRL_INDEX_H
#define UKETSUKE_SIGNATURE_CRL_INDEX_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "signature/crl_stream.h"
#include "signature/trust.h"

struct crl_index;

/* Maps the file and verifies it whole. The descriptor stays the caller's, and may be closed; where
 * it would read next is changed. A file
 * that is no index, of another version, cut off or damaged is FAILURE_INPUT. */
bool crl_index_map(int fd, struct crl_index **ret_index, struct failure *f);
bool crl_index_open(const char *path, struct crl_index **ret_index, struct failure *f);
/* Reads a list into an index in memory (a memfd): the same builder, the same file. */
bool crl_index_of_list(struct bytes list, const struct trust *trust, struct crl_index **ret_index,
                       struct failure *f);
bool crl_index_of_list_file(const char *path, const struct trust *trust,
                            struct crl_index **ret_index, struct failure *f);
void crl_index_free(struct crl_index *index);

const struct crl_facts *crl_index_facts(const struct crl_index *index);
/* Which of two lists of one partition is the newer: by number, then thisUpdate. <0, 0, >0. */
int crl_facts_compare(const struct crl_facts *a, const struct crl_facts *b);
/* SHA-256 of the whole file: names the index, in evidence and in the archive. */
const char *crl_index_sha256(const struct crl_index *index);
/* The partition's name, as the list has it; NULL: of all that the generation issued. Borrowed. */
const X509_NAME *crl_index_partition(const struct crl_index *index);

/* What the list says of a serial number (octets, the most significant first). False: nothing. */
bool crl_index_lookup(const struct crl_index *index, struct bytes serial,
                      struct crl_entry *ret_entry);
/* All entries in the order of their serial numbers, until `sink` says no. */
bool crl_index_walk(const struct crl_index *index, crl_sink *sink, void *context,
                    struct failure *f);

#endif

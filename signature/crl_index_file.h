/* The file of an index while it is written: [head][block]…[key]…[trailer], from its beginning to
 * its end, hashed on its way. */
#ifndef UKETSUKE_SIGNATURE_CRL_INDEX_FILE_H
#define UKETSUKE_SIGNATURE_CRL_INDEX_FILE_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/failure.h"
#include "signature/crl_index_format.h"

#define INDEX_PIECE (128 * INDEX_BLOCK) /* bytes written at a time */
#define INDEX_SLACK 8 /* bytes behind what was asked for that may be overwritten */

struct crl_index_file {
    int fd;           /* the caller's: an empty file, opened for reading and writing */
    EVP_MD_CTX *hash; /* of all that was written */
    size_t length;    /* of what waits in the piece */
    uint8_t piece[INDEX_PIECE + INDEX_SLACK];
};

/* With the head in it. */
void crl_index_file_begin(struct crl_index_file *file, int fd);
void crl_index_file_release(struct crl_index_file *file);

/* Room for `length` more bytes, which are then there; NULL: the file cannot be written. */
uint8_t *crl_index_file_room(struct crl_index_file *file, size_t length, struct failure *f);
bool crl_index_file_flush(struct crl_index_file *file, struct failure *f);
/* Seals the trailer (its hashes) and writes it. */
bool crl_index_file_end(struct crl_index_file *file, struct index_trailer *trailer,
                        struct failure *f);
/* Empties the file, and begins anew. */
bool crl_index_file_restart(struct crl_index_file *file, struct failure *f);

/* The first `count` blocks, which must be flushed, one after the other. */
typedef bool block_sink(void *context, const struct index_block *block, struct failure *f);
bool crl_index_file_blocks(const struct crl_index_file *file, uint64_t count, block_sink *each,
                           void *context, struct failure *f);

#endif

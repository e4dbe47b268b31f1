/* An index that is mapped, for those who open it and those who look up in it. */
#ifndef UKETSUKE_SIGNATURE_CRL_INDEX_INTERNAL_H
#define UKETSUKE_SIGNATURE_CRL_INDEX_INTERNAL_H

#include "signature/crl_index.h"
#include "signature/crl_index_format.h"

#define INDEX_SPARSE 64 /* keys: 512 bytes of the file */

struct crl_index {
    const uint8_t *map;
    size_t size;
    const uint8_t *blocks;
    const index_key *keys;
    size_t block_count;
    index_key *sparse; /* every INDEX_SPARSEth key: stays in the nearest cache */
    size_t sparse_count;
    unsigned shift;
    struct serial first; /* of block 0 */
    struct crl_facts facts;
    char sha256[65];
    X509_NAME *partition; /* NULL */
};

static inline const struct index_block *index_block_at(const struct crl_index *index, size_t i)
{
    return (const struct index_block *)(index->blocks + i * INDEX_BLOCK);
}

#endif

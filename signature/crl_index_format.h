/* How an index lies on the disk: docs/formats/crl-index.md. Everything is little-endian, every
 * struct here is its layout to the byte. */
#ifndef UKETSUKE_SIGNATURE_CRL_INDEX_FORMAT_H
#define UKETSUKE_SIGNATURE_CRL_INDEX_FORMAT_H

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "signature/crl_stream.h"
#include "signature/serial.h"

static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "an index is mapped as it is");

#define INDEX_MAGIC      "UKCRLIDX"
#define INDEX_MAGIC_LAST "UKCRLEND"
#define INDEX_VERSION    2

#define INDEX_BLOCK   512 /* bytes; a page holds whole blocks */
#define INDEX_COLUMNS (INDEX_BLOCK - (int)sizeof(struct index_block))

/* [head][block]…[key]…[trailer] */
struct index_head {
    uint8_t magic[8];
    uint8_t zero[504]; /* so that blocks begin at a multiple of their size */
};
static_assert(sizeof(struct index_head) == INDEX_BLOCK, "layout");

/* Entries in the order of their serial numbers, in two columns of fixed width:
 * count × serial_width: serial number less `first`;
 * count × value_width: (revocationDate less `date`, in seconds) << 4 | reason. */
struct index_block {
    uint64_t first[2];  /* the least significant limbs of the first serial number, … */
    uint32_t first_top; /* … and the rest */
    uint16_t count;
    uint8_t serial_width, value_width;
    int64_t date; /* the earliest, in seconds since 1970 */
};
static_assert(sizeof(struct index_block) == 32, "layout");

/* A key for each block: (first serial number of the block - that of block 0) >> shift. */
typedef uint64_t index_key;
#define INDEX_SHIFT_MOST (8 * SERIAL_OCTETS_MOST - 64)

struct index_trailer {
    uint8_t magic[8];
    uint32_t version;
    uint32_t shift;
    uint64_t entries;
    uint64_t blocks;
    int64_t this_update, next_update; /* seconds since 1970 */
    uint8_t tbs_sha256[32];           /* of the list's tbsCertList in DER */
    uint8_t issuer_sha256[32];        /* of the anchor whose key signed it */
    uint8_t number[20];               /* crlNumber, the most significant octet first */
    uint32_t number_length;
    uint32_t partition_length;
    uint8_t partition[CRL_PARTITION_MOST]; /* Name in DER */
    uint8_t zero[2868];
    uint8_t body_sha256[32];    /* of everything before the trailer */
    uint8_t trailer_sha256[32]; /* of the trailer before this field */
};
static_assert(sizeof(struct index_trailer) == 4096, "layout");

#define INDEX_REASON_BITS 4

/* `width` octets, at most 8; 8 octets are read. */
static inline uint64_t index_load(const uint8_t *at, unsigned width)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return width < 8 ? value & ((UINT64_C(1) << 8 * width) - 1) : value;
}

static inline struct serial index_block_first(const struct index_block *block)
{
    return (struct serial){{block->first[0], block->first[1], block->first_top}};
}

/* The 64 bits of a serial number (less that of block 0) from bit `shift` on. */
static inline index_key index_key_of(const struct serial *serial, unsigned shift)
{
    unsigned limb = shift / 64, bits = shift % 64;
    uint64_t key = serial->limbs[limb] >> bits;
    if (bits && limb < 2)
        key |= serial->limbs[limb + 1] << (64 - bits);
    return key;
}

#endif

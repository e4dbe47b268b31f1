/* Looking up in an index, where it lies: a few cache lines, asked for together. */
#include "signature/crl_index_internal.h"

#define CACHE_LINE 64

/* Place of the last key that is not above `key`; 0 when there is none. No branch depends on what is
 * read: it could not be foreseen. */
static size_t key_find(const index_key *keys, size_t count, index_key key)
{
    const index_key *base = keys;
    for (size_t n = count; n > 1;) {
        size_t half = n / 2;
        base += base[half] <= key ? half : 0;
        n -= half;
    }
    return (size_t)(base - keys);
}

/* Memory answers slowly, but many questions at once. */
static void prefetch(const void *from, size_t length)
{
    for (size_t at = 0; at < length; at += CACHE_LINE)
        __builtin_prefetch((const uint8_t *)from + at);
}

/* Which of the `count` blocks that begin at a sparse key it would be if serial numbers lay evenly
 * there, as they nearly do: so that its memory is asked for together with that of the keys. */
static size_t block_guess(const struct crl_index *index, size_t sparse, size_t count, index_key key)
{
    if (sparse + 1 >= index->sparse_count || key < index->sparse[sparse])
        return 0;
    uint64_t span = (index->sparse[sparse + 1] - index->sparse[sparse]) / count + 1;
    uint64_t guess = (key - index->sparse[sparse]) / span;
    return guess < count ? (size_t)guess : count - 1;
}

static size_t block_find(const struct crl_index *index, index_key key)
{
    size_t from = key_find(index->sparse, index->sparse_count, key) * INDEX_SPARSE;
    size_t left = index->block_count - from, count = left < INDEX_SPARSE ? left : INDEX_SPARSE;
    prefetch(&index->keys[from], count * sizeof(index_key));
    prefetch(index_block_at(index, from + block_guess(index, from / INDEX_SPARSE, count, key)),
             INDEX_BLOCK);
    size_t found = from + key_find(&index->keys[from], count, key);
    prefetch(index_block_at(index, found), INDEX_BLOCK);
    return found;
}

/* Keys keep 64 bits of a number that may have 160: of several blocks with one key, the last that
 * does not begin behind `serial`. Seldom more than a look at one block. */
static size_t block_settle(const struct crl_index *index, size_t last, const struct serial *serial)
{
    struct serial first = index_block_first(index_block_at(index, last));
    if (last == 0 || serial_compare(&first, serial) <= 0)
        return last;
    size_t low = 0;
    for (size_t n = last; n > 1;) {
        size_t half = n / 2;
        first = index_block_first(index_block_at(index, low + half));
        low += serial_compare(&first, serial) <= 0 ? half : 0;
        n -= half;
    }
    return low;
}

static void value_read(const struct index_block *block, size_t i, struct crl_entry *ret_entry)
{
    const uint8_t *values = (const uint8_t *)(block + 1) + block->count * block->serial_width;
    uint64_t value = index_load(values + i * block->value_width, block->value_width);
    int64_t seconds = (int64_t)((uint64_t)block->date + (value >> INDEX_REASON_BITS));
    ret_entry->revoked_at = (int64_t)((uint64_t)seconds * INSTANT_SECOND);
    ret_entry->reason = value & ((1 << INDEX_REASON_BITS) - 1);
}

/* Where in the block `offset` (a serial number less the block's first) stands; false: nowhere. */
static bool entry_find_narrow(const struct index_block *block, uint64_t offset, size_t *ret_i)
{
    const uint8_t *column = (const uint8_t *)(block + 1);
    unsigned width = block->serial_width;
    size_t low = 0;
    for (size_t n = block->count; n > 1;) {
        size_t half = n / 2;
        low += index_load(column + (low + half) * width, width) <= offset ? half : 0;
        n -= half;
    }
    *ret_i = low;
    return index_load(column + low * width, width) == offset;
}

static struct serial wide_load(const struct index_block *block, size_t i)
{
    struct serial serial = {0};
    const uint8_t *column = (const uint8_t *)(block + 1);
    memcpy(serial.limbs, column + i * block->serial_width, block->serial_width);
    return serial;
}

static bool entry_find_wide(const struct index_block *block, const struct serial *offset,
                            size_t *ret_i)
{
    struct serial there;
    size_t low = 0;
    for (size_t n = block->count; n > 1;) {
        size_t half = n / 2;
        there = wide_load(block, low + half);
        low += serial_compare(&there, offset) <= 0 ? half : 0;
        n -= half;
    }
    there = wide_load(block, low);
    *ret_i = low;
    return serial_compare(&there, offset) == 0;
}

static bool block_lookup(const struct index_block *block, const struct serial *serial,
                         struct crl_entry *ret_entry)
{
    const struct serial first = index_block_first(block);
    size_t i;
    if (serial_compare(serial, &first) < 0)
        return false;
    const struct serial offset = serial_minus(serial, &first);
    unsigned width = block->serial_width;
    bool narrow = width <= sizeof(uint64_t);
    if (narrow ? (offset.limbs[1] | offset.limbs[2]) != 0 ||
                     !entry_find_narrow(block, offset.limbs[0], &i)
               : !entry_find_wide(block, &offset, &i))
        return false;
    ret_entry->serial = *serial;
    value_read(block, i, ret_entry);
    return true;
}

bool crl_index_lookup(const struct crl_index *index, struct bytes octets,
                      struct crl_entry *ret_entry)
{
    struct serial serial;
    if (index->block_count == 0 || !serial_read(octets, &serial) ||
        serial_compare(&serial, &index->first) < 0)
        return false;
    const struct serial offset = serial_minus(&serial, &index->first);
    /* Behind all that the keys can tell stands at most the last block. */
    bool beyond = serial_width(&offset) * 8 > index->shift + 64;
    size_t last =
        beyond ? index->block_count - 1 : block_find(index, index_key_of(&offset, index->shift));
    const struct index_block *block = index_block_at(index, block_settle(index, last, &serial));
    return block_lookup(block, &serial, ret_entry);
}

bool crl_index_walk(const struct crl_index *index, crl_sink *sink, void *context, struct failure *f)
{
    for (size_t b = 0; b < index->block_count; b++) {
        const struct index_block *block = index_block_at(index, b);
        const struct serial first = index_block_first(block);
        for (size_t i = 0; i < block->count; i++) {
            const struct serial offset = wide_load(block, i);
            struct crl_entry entry = {.serial = serial_plus(&first, &offset)};
            value_read(block, i, &entry);
            if (!sink(context, &entry, f))
                return false;
        }
    }
    return true;
}

#include "signature/crl_index_writer.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "signature/crl_index_file.h"

#define ENTRIES_MOST (INDEX_COLUMNS / 2) /* of a block, each column one octet wide */
#define REASON_MASK  ((1 << INDEX_REASON_BITS) - 1)

struct crl_index_writer {
    struct crl_index_file file;
    uint64_t entries, blocks;
    struct serial first, last_first; /* of the first block, and of the newest one */

    struct crl_record block[ENTRIES_MOST]; /* the block to be */
    size_t count;
    int64_t date_least, date_most; /* of its entries */
};

struct crl_index_writer *crl_index_writer_new(int fd)
{
    struct crl_index_writer *writer = memory_allocate(sizeof *writer);
    crl_index_file_begin(&writer->file, fd);
    return writer;
}

void crl_index_writer_free(struct crl_index_writer *writer)
{
    if (!writer)
        return;
    crl_index_file_release(&writer->file);
    free(writer);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static unsigned value_width(int64_t least, int64_t most)
{
    return limb_width((uint64_t)(most - least) << INDEX_REASON_BITS | REASON_MASK);
}

/* Eight octets at a time: what is too many is zero, and overwritten by what comes next. */
static void serials_encode(const struct crl_record *records, size_t count, unsigned width,
                           uint8_t *to)
{
    const struct serial first = records[0].serial;
    for (size_t i = 0; i < count; i++, to += width) {
        uint64_t narrow = records[i].serial.limbs[0] - first.limbs[0];
        if (width <= sizeof narrow) {
            memcpy(to, &narrow, sizeof narrow);
        } else {
            const struct serial offset = serial_minus(&records[i].serial, &first);
            memcpy(to, offset.limbs, width);
        }
    }
}

static void values_encode(const struct crl_record *records, size_t count, int64_t date_least,
                          unsigned width, uint8_t *to)
{
    for (size_t i = 0; i < count; i++, to += width) {
        uint64_t value = (uint64_t)(records[i].value - date_least * (1 << INDEX_REASON_BITS));
        memcpy(to, &value, sizeof value);
    }
}

/* INDEX_BLOCK bytes, and up to INDEX_SLACK behind them. */
static void block_encode(const struct crl_index_writer *writer, uint8_t *to)
{
    const struct crl_record *records = writer->block, *last = &records[writer->count - 1];
    const struct serial first = records[0].serial, span = serial_minus(&last->serial, &first);
    const struct index_block block = {
        .first = {first.limbs[0], first.limbs[1]},
        .first_top = (uint32_t)first.limbs[2],
        .count = (uint16_t)writer->count,
        .serial_width = (uint8_t)serial_width(&span),
        .value_width = (uint8_t)value_width(writer->date_least, writer->date_most),
        .date = writer->date_least,
    };
    memset(to, 0, INDEX_BLOCK);
    memcpy(to, &block, sizeof block);
    to += sizeof block;
    serials_encode(records, writer->count, block.serial_width, to);
    to += writer->count * block.serial_width;
    values_encode(records, writer->count, writer->date_least, block.value_width, to);
}

static bool block_close(struct crl_index_writer *writer, struct failure *f)
{
    if (writer->count == 0)
        return true;
    uint8_t *room = crl_index_file_room(&writer->file, INDEX_BLOCK, f);
    if (!room)
        return false;
    block_encode(writer, room);
    if (writer->blocks++ == 0)
        writer->first = writer->block[0].serial;
    writer->last_first = writer->block[0].serial;
    writer->entries += writer->count;
    writer->count = 0;
    return true;
}

/* Whether a block of what is there and this one fits. */
static bool block_has_room(const struct crl_index_writer *writer, const struct crl_record *record,
                           int64_t date_least, int64_t date_most)
{
    const struct serial span = serial_minus(&record->serial, &writer->block[0].serial);
    unsigned width = serial_width(&span) + value_width(date_least, date_most);
    return (writer->count + 1) * width <= INDEX_COLUMNS;
}

static bool block_add(struct crl_index_writer *writer, const struct crl_record *record,
                      struct failure *f)
{
    int64_t date = record->value >> INDEX_REASON_BITS;
    int64_t least = writer->count == 0 || date < writer->date_least ? date : writer->date_least;
    int64_t most = writer->count == 0 || date > writer->date_most ? date : writer->date_most;
    if (writer->count > 0 && !block_has_room(writer, record, least, most)) {
        if (!block_close(writer, f))
            return false;
        least = most = date;
    }
    writer->date_least = least;
    writer->date_most = most;
    writer->block[writer->count++] = *record;
    return true;
}

bool crl_index_writer_add(struct crl_index_writer *writer, const struct crl_record *record,
                          struct failure *f)
{
    struct crl_record *last = writer->count > 0 ? &writer->block[writer->count - 1] : NULL;
    if (!last || serial_compare(&record->serial, &last->serial) != 0)
        return block_add(writer, record, f);
    /* The date of the first is the earliest. */
    if ((last->value & REASON_MASK) == CRL_CERTIFICATE_HOLD)
        last->value = (last->value & ~(int64_t)REASON_MASK) | (record->value & REASON_MASK);
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

struct key_writing {
    struct crl_index_writer *writer;
    unsigned shift;
};

static bool key_write(void *context, const struct index_block *block, struct failure *f)
{
    struct key_writing *writing = context;
    const struct serial first = index_block_first(block);
    const struct serial offset = serial_minus(&first, &writing->writer->first);
    index_key key = index_key_of(&offset, writing->shift);
    uint8_t *room = crl_index_file_room(&writing->writer->file, sizeof key, f);
    if (room)
        memcpy(room, &key, sizeof key);
    return room;
}

static void trailer_fill(const struct crl_index_writer *writer, const struct crl_facts *facts,
                         struct index_trailer *trailer)
{
    size_t number = strlen(facts->number) / 2;
    memcpy(trailer->magic, INDEX_MAGIC_LAST, sizeof trailer->magic);
    trailer->version = INDEX_VERSION;
    trailer->entries = writer->entries;
    trailer->blocks = writer->blocks;
    trailer->this_update = facts->this_update / INSTANT_SECOND;
    trailer->next_update = facts->next_update / INSTANT_SECOND;
    hex_decode(facts->tbs_sha256, trailer->tbs_sha256, sizeof trailer->tbs_sha256);
    hex_decode(facts->issuer_sha256, trailer->issuer_sha256, sizeof trailer->issuer_sha256);
    hex_decode(facts->number, trailer->number, number);
    trailer->number_length = (uint32_t)number;
    trailer->partition_length = (uint32_t)facts->partition_length;
    memcpy(trailer->partition, facts->partition_der, facts->partition_length);
}

static bool blocks_end(struct crl_index_writer *writer, struct failure *f)
{
    return block_close(writer, f) && crl_index_file_flush(&writer->file, f);
}

bool crl_index_writer_end(struct crl_index_writer *writer, struct crl_facts *facts,
                          struct failure *f)
{
    if (!blocks_end(writer, f))
        return false;
    struct key_writing writing = {.writer = writer};
    if (writer->blocks > 0) {
        const struct serial span = serial_minus(&writer->last_first, &writer->first);
        unsigned width = serial_width(&span);
        writing.shift = width > 8 ? 8 * (width - 8) : 0;
    }
    struct index_trailer trailer = {.shift = writing.shift};
    facts->entries = writer->entries;
    trailer_fill(writer, facts, &trailer);
    return crl_index_file_blocks(&writer->file, writer->blocks, key_write, &writing, f) &&
           crl_index_file_end(&writer->file, &trailer, f);
}

/* --- taking back ------------------------------------------------------------------------------ */

struct taking_back {
    crl_record_sink *sink;
    void *context;
};

static bool block_decode(void *context, const struct index_block *block, struct failure *f)
{
    const struct taking_back *back = context;
    const uint8_t *serials = (const uint8_t *)(block + 1);
    const uint8_t *values = serials + block->count * block->serial_width;
    const struct serial first = index_block_first(block);
    for (size_t i = 0; i < block->count; i++) {
        struct serial offset = {0};
        uint64_t value = 0;
        memcpy(offset.limbs, serials + i * block->serial_width, block->serial_width);
        memcpy(&value, values + i * block->value_width, block->value_width);
        const struct crl_record record = {
            serial_plus(&first, &offset),
            block->date * (1 << INDEX_REASON_BITS) + (int64_t)value,
        };
        if (!back->sink(back->context, &record, f))
            return false;
    }
    return true;
}

bool crl_index_writer_take_back(struct crl_index_writer *writer, crl_record_sink *sink,
                                void *context, struct failure *f)
{
    struct taking_back back = {sink, context};
    if (!blocks_end(writer, f) ||
        !crl_index_file_blocks(&writer->file, writer->blocks, block_decode, &back, f))
        return false;
    writer->entries = writer->blocks = 0;
    return crl_index_file_restart(&writer->file, f);
}

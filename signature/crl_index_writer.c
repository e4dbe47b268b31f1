#include "signature/crl_index_writer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"
#include "signature/crl_index_format.h"

#define PIECE        (128 * INDEX_BLOCK) /* bytes written at a time */
#define ENTRIES_MOST (INDEX_COLUMNS / 2) /* of a block, each column one octet wide */
#define REASON_MASK  ((1 << INDEX_REASON_BITS) - 1)

struct crl_index_writer {
    int fd;
    EVP_MD_CTX *hash; /* of all that was written */
    uint8_t piece[PIECE];
    size_t piece_length;
    uint64_t entries, blocks;
    struct serial first, last_first; /* of the first block, and of the newest one */

    bool pending; /* `next` waits: there may be more of its serial number */
    struct crl_record next;

    struct crl_record block[ENTRIES_MOST]; /* the block to be */
    size_t count;
    int64_t date_least, date_most; /* of its entries */
};

struct crl_record crl_record_of(const struct crl_entry *entry)
{
    int64_t seconds = entry->revoked_at / INSTANT_SECOND;
    return (struct crl_record){entry->serial,
                               seconds * (1 << INDEX_REASON_BITS) + (int64_t)entry->reason};
}

int crl_record_compare(const struct crl_record *a, const struct crl_record *b)
{
    int order = serial_compare(&a->serial, &b->serial);
    return order ? order : (a->value > b->value) - (a->value < b->value);
}

static void writer_reset(struct crl_index_writer *writer)
{
    static const struct index_head head = {.magic = INDEX_MAGIC};
    if (!EVP_DigestInit_ex(writer->hash, openssl_sha256(), NULL))
        abort();
    memcpy(writer->piece, &head, sizeof head);
    writer->piece_length = sizeof head;
    writer->entries = writer->blocks = writer->count = 0;
    writer->pending = false;
}

struct crl_index_writer *crl_index_writer_new(int fd)
{
    struct crl_index_writer *writer = memory_allocate(sizeof *writer);
    writer->fd = fd;
    writer->hash = EVP_MD_CTX_new();
    if (!writer->hash)
        abort();
    writer_reset(writer);
    return writer;
}

void crl_index_writer_free(struct crl_index_writer *writer)
{
    if (!writer)
        return;
    EVP_MD_CTX_free(writer->hash);
    free(writer);
}

/* --- to the file ------------------------------------------------------------------------------ */

static bool file_write(int fd, const void *data, size_t length, struct failure *f)
{
    const uint8_t *at = data;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno != EINTR)
            return failure_errno(f, "the index cannot be written");
        at += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool piece_flush(struct crl_index_writer *writer, struct failure *f)
{
    if (!EVP_DigestUpdate(writer->hash, writer->piece, writer->piece_length))
        abort();
    bool written = file_write(writer->fd, writer->piece, writer->piece_length, f);
    writer->piece_length = 0;
    return written;
}

/* Room for `length` more bytes, which are then there; NULL: the file cannot be written. */
static uint8_t *piece_room(struct crl_index_writer *writer, size_t length, struct failure *f)
{
    if (writer->piece_length + length > sizeof writer->piece && !piece_flush(writer, f))
        return NULL;
    writer->piece_length += length;
    return writer->piece + writer->piece_length - length;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static unsigned value_width(int64_t least, int64_t most)
{
    struct serial span = {{(uint64_t)(most - least) << INDEX_REASON_BITS | REASON_MASK, 0, 0}};
    return serial_width(&span);
}

static void block_encode(const struct crl_index_writer *writer, uint8_t *to)
{
    const struct crl_record *records = writer->block, *last = &records[writer->count - 1];
    const struct serial first = records[0].serial, span = serial_minus(&last->serial, &first);
    struct index_block block = {
        .first = {first.limbs[0], first.limbs[1]},
        .first_top = (uint32_t)first.limbs[2],
        .count = (uint16_t)writer->count,
        .serial_width = (uint8_t)serial_width(&span),
        .value_width = (uint8_t)value_width(writer->date_least, writer->date_most),
        .date = writer->date_least,
    };
    memset(to, 0, INDEX_BLOCK);
    memcpy(to, &block, sizeof block);
    uint8_t *serials = to + sizeof block, *values = serials + writer->count * block.serial_width;
    for (size_t i = 0; i < writer->count; i++) {
        const struct serial offset = serial_minus(&records[i].serial, &first);
        uint64_t value =
            (uint64_t)(records[i].value - writer->date_least * (1 << INDEX_REASON_BITS));
        memcpy(serials + i * block.serial_width, offset.limbs, block.serial_width);
        memcpy(values + i * block.value_width, &value, block.value_width);
    }
}

static bool block_close(struct crl_index_writer *writer, struct failure *f)
{
    if (writer->count == 0)
        return true;
    uint8_t *room = piece_room(writer, INDEX_BLOCK, f);
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

static bool pending_add(struct crl_index_writer *writer, struct failure *f)
{
    bool had = writer->pending;
    writer->pending = false;
    return !had || block_add(writer, &writer->next, f);
}

bool crl_index_writer_follows(const struct crl_index_writer *writer,
                              const struct crl_record *record)
{
    return !writer->pending || serial_compare(&record->serial, &writer->next.serial) > 0;
}

bool crl_index_writer_add(struct crl_index_writer *writer, const struct crl_record *record,
                          struct failure *f)
{
    if (writer->pending && serial_compare(&record->serial, &writer->next.serial) == 0) {
        /* The date of the first is the earliest. */
        if ((writer->next.value & REASON_MASK) == CRL_CERTIFICATE_HOLD)
            writer->next.value =
                (writer->next.value & ~(int64_t)REASON_MASK) | (record->value & REASON_MASK);
        return true;
    }
    if (!pending_add(writer, f))
        return false;
    writer->next = *record;
    writer->pending = true;
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool read_at(int fd, void *data, size_t length, uint64_t offset, struct failure *f)
{
    uint8_t *at = data;
    while (length > 0) {
        ssize_t got = pread(fd, at, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return failure_errno(f, "the index cannot be read back");
        at += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

/* The blocks that were written, some at a time, to `each`. */
typedef bool block_sink(void *context, const struct index_block *block, struct failure *f);

static bool blocks_read_back(const struct crl_index_writer *writer, uint64_t count,
                             block_sink *each, void *context, struct failure *f)
{
    uint8_t blocks[16 * INDEX_BLOCK] __attribute__((aligned(8)));
    for (uint64_t i = 0; i < count; i += 16) {
        size_t n = count - i < 16 ? (size_t)(count - i) : 16;
        if (!read_at(writer->fd, blocks, n * INDEX_BLOCK,
                     sizeof(struct index_head) + i * INDEX_BLOCK, f))
            return false;
        for (size_t k = 0; k < n; k++)
            if (!each(context, (const struct index_block *)(blocks + k * INDEX_BLOCK), f))
                return false;
    }
    return true;
}

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
    uint8_t *room = piece_room(writing->writer, sizeof key, f);
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

static bool trailer_write(struct crl_index_writer *writer, struct index_trailer *trailer,
                          struct failure *f)
{
    if (!piece_flush(writer, f))
        return false;
    if (!EVP_DigestFinal_ex(writer->hash, trailer->body_sha256, NULL))
        abort();
    sha256(bytes_of(trailer, offsetof(struct index_trailer, trailer_sha256)),
           trailer->trailer_sha256);
    return file_write(writer->fd, trailer, sizeof *trailer, f);
}

bool crl_index_writer_end(struct crl_index_writer *writer, struct crl_facts *facts,
                          struct failure *f)
{
    if (!pending_add(writer, f) || !block_close(writer, f) || !piece_flush(writer, f))
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
    return blocks_read_back(writer, writer->blocks, key_write, &writing, f) &&
           trailer_write(writer, &trailer, f);
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
    if (!pending_add(writer, f) || !block_close(writer, f) || !piece_flush(writer, f) ||
        !blocks_read_back(writer, writer->blocks, block_decode, &back, f))
        return false;
    if (ftruncate(writer->fd, 0) != 0 || lseek(writer->fd, 0, SEEK_SET) != 0)
        return failure_errno(f, "the index cannot be begun anew");
    writer_reset(writer);
    return true;
}

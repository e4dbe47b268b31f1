#include "signature/crl_sorter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "signature/crl_sort.h"

#define PACKED_MOST (SERIAL_OCTETS_MOST + sizeof(int64_t))
#define PIECE       65536 /* bytes written or read at a time */
#define MERGE_RECORDS                                                                              \
    (2 * SORTER_RECORDS / 3) /* of the runs, of what is next, and to sort that                     \
                              */

/* Sorted; in the scratch file: of each record `width` octets of the serial number, as many as the
 * last needs, and the value. */
struct run {
    uint64_t at;   /* where the next to read lies, */
    uint64_t left; /* and how many there are from it on */
    unsigned width;
    struct crl_record *buffer;
    size_t next, count; /* of what is in the buffer */
};

struct crl_sorter {
    struct crl_index_writer *writer;
    int scratch;
    bool straight;          /* all went straight to the writer … */
    struct crl_record last; /* … up to this one */

    struct crl_record *records; /* twice SORTER_RECORDS: the half behind is to sort them */
    size_t count;
    uint64_t scratched; /* bytes in the scratch file */
    struct run runs[SORTER_RUNS_MOST];
    size_t run_count;
};

struct crl_sorter *crl_sorter_new(struct crl_index_writer *writer, int scratch)
{
    struct crl_sorter *sorter = memory_allocate(sizeof *sorter);
    sorter->writer = writer;
    sorter->scratch = scratch;
    sorter->straight = true;
    sorter->last.value = INT64_MIN;
    return sorter;
}

void crl_sorter_free(struct crl_sorter *sorter)
{
    if (!sorter)
        return;
    free(sorter->records);
    free(sorter);
}

/* --- runs ------------------------------------------------------------------------------------- */

static bool scratch_write(struct crl_sorter *sorter, const uint8_t *at, size_t length,
                          struct failure *f)
{
    sorter->scratched += length;
    while (length > 0) {
        ssize_t written = write(sorter->scratch, at, length);
        if (written < 0 && errno != EINTR)
            return failure_errno(f, "the scratch file of the index cannot be written");
        at += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* What is in memory goes to the end of the newest run. */
static bool run_write(struct crl_sorter *sorter, struct failure *f)
{
    struct run *run = &sorter->runs[sorter->run_count - 1];
    uint8_t piece[PIECE];
    size_t length = 0;
    for (size_t i = 0; i < sorter->count; i++) {
        memcpy(piece + length, sorter->records[i].serial.limbs, run->width);
        memcpy(piece + length + run->width, &sorter->records[i].value, sizeof(int64_t));
        length += run->width + sizeof(int64_t);
        if (length + PACKED_MOST <= sizeof piece)
            continue;
        if (!scratch_write(sorter, piece, length, f))
            return false;
        length = 0;
    }
    run->left += sorter->count;
    sorter->count = 0;
    return scratch_write(sorter, piece, length, f);
}

static bool run_begin(struct crl_sorter *sorter, const struct serial *last, struct failure *f)
{
    if (sorter->run_count == SORTER_RUNS_MOST)
        return failure_set(f, FAILURE_LIMIT, "the revocation list has more than %zu entries",
                           (size_t)SORTER_RUNS_MOST * SORTER_RECORDS);
    sorter->runs[sorter->run_count++] =
        (struct run){.at = sorter->scratched, .width = serial_width(last)};
    return true;
}

static bool record_take_back(void *context, const struct crl_record *record, struct failure *f)
{
    struct crl_sorter *sorter = context;
    sorter->records[sorter->count++] = *record;
    return sorter->count < SORTER_RECORDS || run_write(sorter, f);
}

/* What went to the writer comes back as the first run. */
static bool straight_leave(struct crl_sorter *sorter, struct failure *f)
{
    sorter->straight = false;
    sorter->records = memory_resize(NULL, 2 * SORTER_RECORDS * sizeof *sorter->records);
    return run_begin(sorter, &sorter->last.serial, f) &&
           crl_index_writer_take_back(sorter->writer, record_take_back, sorter, f) &&
           run_write(sorter, f);
}

static bool run_flush(struct crl_sorter *sorter, struct failure *f)
{
    crl_records_sort(sorter->records, sorter->records + SORTER_RECORDS, sorter->count);
    return run_begin(sorter, &sorter->records[sorter->count - 1].serial, f) && run_write(sorter, f);
}

bool crl_sorter_add(struct crl_sorter *sorter, const struct crl_record *record, struct failure *f)
{
    if (sorter->straight && crl_record_compare(&sorter->last, record) <= 0) {
        sorter->last = *record;
        return crl_index_writer_add(sorter->writer, record, f);
    }
    if (sorter->straight && !straight_leave(sorter, f))
        return false;
    if (sorter->count == SORTER_RECORDS && !run_flush(sorter, f))
        return false;
    sorter->records[sorter->count++] = *record;
    return true;
}

/* --- merging ---------------------------------------------------------------------------------- */

static bool scratch_read(const struct crl_sorter *sorter, uint64_t from, uint8_t *to, size_t length,
                         struct failure *f)
{
    while (length > 0) {
        ssize_t got = pread(sorter->scratch, to, length, (off_t)from);
        if (got == 0 || (got < 0 && errno != EINTR))
            return failure_errno(f, "the scratch file of the index cannot be read");
        from += got > 0 ? (size_t)got : 0;
        to += got > 0 ? got : 0;
        length -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

static void unpack(const uint8_t *at, unsigned width, struct crl_record *ret_record)
{
    *ret_record = (struct crl_record){.value = 0};
    memcpy(ret_record->serial.limbs, at, width);
    memcpy(&ret_record->value, at + width, sizeof ret_record->value);
}

/* At most `count` more records, behind those in the buffer. */
static bool run_read(const struct crl_sorter *sorter, struct run *run, size_t count,
                     struct failure *f)
{
    uint8_t piece[PIECE];
    const size_t size = run->width + sizeof(int64_t);
    count = run->left < count ? (size_t)run->left : count;
    while (count > 0) {
        size_t some = count < sizeof piece / size ? count : sizeof piece / size;
        if (!scratch_read(sorter, run->at, piece, some * size, f))
            return false;
        for (size_t i = 0; i < some; i++)
            unpack(piece + i * size, run->width, &run->buffer[run->count++]);
        run->at += some * size;
        run->left -= some;
        count -= some;
    }
    return true;
}

/* As soon as half of the buffer has been used; what is left in it moves to its beginning. */
static bool run_refill(const struct crl_sorter *sorter, struct run *run, size_t room,
                       struct failure *f)
{
    const size_t kept = run->count - run->next;
    if (run->left == 0 || 2 * kept > room)
        return true;
    memmove(run->buffer, run->buffer + run->next, kept * sizeof *run->buffer);
    run->next = 0;
    run->count = kept;
    return run_read(sorter, run, room - kept, f);
}

/* Up to which record all buffers together hold all that there is: the least of the last ones of
 * runs that go on. NULL: none does. */
static const struct crl_record *bound_find(const struct crl_sorter *sorter)
{
    const struct crl_record *bound = NULL;
    for (size_t i = 0; i < sorter->run_count; i++) {
        const struct run *run = &sorter->runs[i];
        const struct crl_record *last = run->buffer + run->count - 1;
        if (run->left > 0 && (!bound || crl_record_compare(last, bound) < 0))
            bound = last;
    }
    return bound;
}

/* How many records of the buffer are not above `bound`. */
static size_t run_below(const struct run *run, const struct crl_record *bound)
{
    size_t low = run->next, high = run->count;
    while (bound && low < high) {
        size_t middle = low + (high - low) / 2;
        if (crl_record_compare(&run->buffer[middle], bound) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high - run->next;
}

/* Hands on what no record that is still to be read can come before. */
static bool merge_next(struct crl_sorter *sorter, struct failure *f)
{
    struct crl_record *next = sorter->records + MERGE_RECORDS;
    const struct crl_record *bound = bound_find(sorter);
    size_t count = 0;
    for (size_t i = 0; i < sorter->run_count; i++) {
        struct run *run = &sorter->runs[i];
        size_t below = run_below(run, bound);
        memcpy(next + count, run->buffer + run->next, below * sizeof *next);
        run->next += below;
        count += below;
    }
    crl_records_sort(next, next + MERGE_RECORDS, count);
    for (size_t i = 0; i < count; i++)
        if (!crl_index_writer_add(sorter->writer, &next[i], f))
            return false;
    return true;
}

static bool merge(struct crl_sorter *sorter, struct failure *f)
{
    const size_t room = MERGE_RECORDS / sorter->run_count;
    for (size_t i = 0; i < sorter->run_count; i++)
        sorter->runs[i].buffer = sorter->records + i * room;
    for (bool more = true; more;) {
        for (size_t i = 0; i < sorter->run_count; i++)
            if (!run_refill(sorter, &sorter->runs[i], room, f))
                return false;
        more = bound_find(sorter);
        if (!merge_next(sorter, f))
            return false;
    }
    return true;
}

bool crl_sorter_end(struct crl_sorter *sorter, struct failure *f)
{
    return sorter->straight || (run_flush(sorter, f) && merge(sorter, f));
}

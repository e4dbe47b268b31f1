#include "signature/crl_sorter.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"

struct run {           /* sorted; in the scratch file */
    uint64_t at, left; /* records: the next to read, and how many */
    struct crl_record *buffer;
    size_t next, count; /* of what is in the buffer */
};

struct crl_sorter {
    struct crl_index_writer *writer;
    int scratch;
    struct crl_record *records; /* SORTER_RECORDS; when merging, the buffers of the runs */
    size_t count;
    bool sorted;        /* so far they came in order */
    bool straight;      /* all before went straight to the writer */
    uint64_t scratched; /* records in the scratch file */
    struct run runs[SORTER_RUNS_MOST];
    size_t run_count;
    size_t heap[SORTER_RUNS_MOST]; /* runs with the least record first */
    size_t heap_count;
};

struct crl_sorter *crl_sorter_new(struct crl_index_writer *writer, int scratch)
{
    struct crl_sorter *sorter = memory_allocate(sizeof *sorter);
    sorter->writer = writer;
    sorter->scratch = scratch;
    sorter->records = memory_resize(NULL, SORTER_RECORDS * sizeof *sorter->records);
    sorter->sorted = sorter->straight = true;
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

static bool scratch_write(struct crl_sorter *sorter, struct failure *f)
{
    const uint8_t *at = (const uint8_t *)sorter->records;
    size_t left = sorter->count * sizeof *sorter->records;
    while (left > 0) {
        ssize_t written = write(sorter->scratch, at, left);
        if (written < 0 && errno != EINTR)
            return failure_errno(f, "the scratch file of the index cannot be written");
        at += written > 0 ? written : 0;
        left -= written > 0 ? (size_t)written : 0;
    }
    sorter->scratched += sorter->count;
    sorter->count = 0;
    return true;
}

/* What lies in the scratch file since the last run becomes one. */
static bool run_close(struct crl_sorter *sorter, uint64_t from, struct failure *f)
{
    if (sorter->run_count == SORTER_RUNS_MOST)
        return failure_set(f, FAILURE_LIMIT, "the revocation list has more than %zu entries",
                           (size_t)SORTER_RUNS_MOST * SORTER_RECORDS);
    sorter->runs[sorter->run_count++] = (struct run){.at = from, .left = sorter->scratched - from};
    return true;
}

static bool record_scratch(void *context, const struct crl_record *record, struct failure *f)
{
    struct crl_sorter *sorter = context;
    sorter->records[sorter->count++] = *record;
    return sorter->count < SORTER_RECORDS || scratch_write(sorter, f);
}

static bool straight_write(struct crl_sorter *sorter, struct failure *f)
{
    for (size_t i = 0; i < sorter->count; i++)
        if (!crl_index_writer_add(sorter->writer, &sorter->records[i], f))
            return false;
    sorter->count = 0;
    return true;
}

static int compare(const void *a, const void *b)
{
    return crl_record_compare(a, b);
}

/* What went to the writer comes back as the first run, behind the one in memory. */
static bool straight_leave(struct crl_sorter *sorter, struct failure *f)
{
    sorter->straight = false;
    uint64_t from = sorter->scratched;
    return crl_index_writer_take_back(sorter->writer, record_scratch, sorter, f) &&
           scratch_write(sorter, f) && (sorter->scratched == from || run_close(sorter, from, f));
}

static bool run_flush(struct crl_sorter *sorter, struct failure *f)
{
    if (sorter->count == 0)
        return true;
    if (!sorter->sorted)
        qsort(sorter->records, sorter->count, sizeof *sorter->records, compare);
    sorter->sorted = true;
    if (sorter->straight && crl_index_writer_follows(sorter->writer, &sorter->records[0]))
        return straight_write(sorter, f);
    uint64_t from = sorter->scratched;
    return scratch_write(sorter, f) && run_close(sorter, from, f) &&
           (!sorter->straight || straight_leave(sorter, f));
}

bool crl_sorter_add(struct crl_sorter *sorter, const struct crl_record *record, struct failure *f)
{
    if (sorter->count == SORTER_RECORDS && !run_flush(sorter, f))
        return false;
    if (sorter->count > 0 && crl_record_compare(&sorter->records[sorter->count - 1], record) > 0)
        sorter->sorted = false;
    sorter->records[sorter->count++] = *record;
    return true;
}

/* --- merging ---------------------------------------------------------------------------------- */

static bool run_fill(struct crl_sorter *sorter, struct run *run, size_t room, struct failure *f)
{
    size_t count = run->left < room ? (size_t)run->left : room, got = 0;
    const size_t size = count * sizeof *run->buffer;
    off_t from = (off_t)(run->at * sizeof *run->buffer);
    while (got < size) {
        ssize_t n =
            pread(sorter->scratch, (uint8_t *)run->buffer + got, size - got, from + (off_t)got);
        if (n == 0 || (n < 0 && errno != EINTR))
            return failure_errno(f, "the scratch file of the index cannot be read");
        got += n > 0 ? (size_t)n : 0;
    }
    run->at += count;
    run->left -= count;
    run->next = 0;
    run->count = count;
    return true;
}

static const struct crl_record *run_least(const struct crl_sorter *sorter, size_t place)
{
    const struct run *run = &sorter->runs[sorter->heap[place]];
    return &run->buffer[run->next];
}

static void heap_sink(struct crl_sorter *sorter, size_t place)
{
    for (;;) {
        size_t least = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++)
            if (child < sorter->heap_count &&
                crl_record_compare(run_least(sorter, child), run_least(sorter, least)) < 0)
                least = child;
        if (least == place)
            return;
        size_t run = sorter->heap[place];
        sorter->heap[place] = sorter->heap[least];
        sorter->heap[least] = run;
        place = least;
    }
}

static bool merge_begin(struct crl_sorter *sorter, size_t room, struct failure *f)
{
    for (size_t i = 0; i < sorter->run_count; i++) {
        sorter->runs[i].buffer = sorter->records + i * room;
        if (!run_fill(sorter, &sorter->runs[i], room, f))
            return false;
        sorter->heap[i] = i;
    }
    sorter->heap_count = sorter->run_count;
    for (size_t i = sorter->heap_count / 2; i-- > 0;)
        heap_sink(sorter, i);
    return true;
}

static bool merge(struct crl_sorter *sorter, struct failure *f)
{
    size_t room = SORTER_RECORDS / sorter->run_count;
    if (!merge_begin(sorter, room, f))
        return false;
    while (sorter->heap_count > 0) {
        struct run *run = &sorter->runs[sorter->heap[0]];
        if (!crl_index_writer_add(sorter->writer, &run->buffer[run->next++], f))
            return false;
        if (run->next == run->count && run->left > 0 && !run_fill(sorter, run, room, f))
            return false;
        if (run->next == run->count)
            sorter->heap[0] = sorter->heap[--sorter->heap_count];
        heap_sink(sorter, 0);
    }
    return true;
}

bool crl_sorter_end(struct crl_sorter *sorter, struct failure *f)
{
    return run_flush(sorter, f) && (sorter->run_count == 0 || merge(sorter, f));
}

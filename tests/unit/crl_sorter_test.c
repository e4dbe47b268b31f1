/* signature/crl_sort and crl_sorter against qsort: the same order, whatever the serial numbers are
 * like, and nothing lost on the way through the scratch file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "signature/crl_index.h"
#include "signature/crl_sort.h"
#include "signature/crl_sorter.h"

DEFINE_CLEANUP(cleanup_index, struct crl_index *, crl_index_free)

static uint64_t random_state;

static uint64_t random_next(void) /* splitmix64: the same numbers in every run */
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int by_record(const void *a, const void *b)
{
    return crl_record_compare(a, b);
}

/* Alike in many ways: all the same, by value only (dates before 1970 too), few numbers, 4 octets,
 * 8, 20, 20 that differ only in their first and last octets, and each number twice as large as the
 * one before. */
enum { KINDS = 9 };
static struct crl_record random_record(int kind, size_t i)
{
    uint64_t a = random_next(), b = random_next(), c = random_next();
    int64_t value = ((int64_t)(random_next() % 4000000000) - 2000000000) * 16 + (int64_t)(c % 11);
    switch (kind) {
    case 0:
        return (struct crl_record){{{7, 0, 0}}, 99};
    case 1:
        return (struct crl_record){{{7, 0, 0}}, value};
    case 2:
        return (struct crl_record){{{1 + a % 100, 0, 0}}, value};
    case 3:
        return (struct crl_record){{{1 + (a & 0xfffffffe), 0, 0}}, value};
    case 4:
        return (struct crl_record){{{a | 1, 0, 0}}, value};
    case 5:
        return (struct crl_record){{{a, b, c >> 32 | 1}}, value};
    case 6:
        return (struct crl_record){{{1 + a % 256, 5, b % 3 << 30}}, value};
    case 7:
        return (struct crl_record){{{i % 64 == 0 ? 1 : 0, UINT64_C(1) << i % 64, 0}}, value};
    default:
        return (struct crl_record){{{1 + i, 0, 0}}, value};
    }
}

static void sorts_as_qsort_does(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 23, 24, 25, 26, 300, 5000, 200000};
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            const size_t size = (counts[c] + 1) * sizeof(struct crl_record);
            struct crl_record *records = memory_allocate(size), *spare = memory_allocate(size),
                              *sorted = memory_allocate(size);
            random_state = (uint64_t)kind;
            for (size_t i = 0; i < counts[c]; i++)
                records[i] = sorted[i] = random_record(kind, i);
            qsort(sorted, counts[c], sizeof *sorted, by_record);
            crl_records_sort(records, spare, counts[c]);
            assert_memory_equal(records, sorted, size);
            free(records);
            free(spare);
            free(sorted);
        }
}

/* --- through the sorter ----------------------------------------------------------------------- */

static int memory_file(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static struct crl_index *index_of(const struct crl_record *records, size_t count)
{
    struct failure f = {0};
    _cleanup_(cleanup_fd) int fd = memory_file(), scratch = memory_file();
    struct crl_facts facts = {.number = "01", .next_update = INSTANT_DAY};
    memset(facts.tbs_sha256, 'a', 64);
    memset(facts.issuer_sha256, 'b', 64);
    struct crl_index_writer *writer = crl_index_writer_new(fd);
    struct crl_sorter *sorter = crl_sorter_new(writer, scratch);
    struct crl_index *index = NULL;
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = crl_sorter_add(sorter, &records[i], &f);
    if (!good || !crl_sorter_end(sorter, &f) || !crl_index_writer_end(writer, &facts, &f) ||
        !crl_index_map(fd, &index, &f))
        fail_msg("%s", f.text);
    crl_sorter_free(sorter);
    crl_index_writer_free(writer);
    return index;
}

struct expecting {
    const struct crl_record *sorted;
    size_t count, at;
};

/* Of one serial number the earliest date; held only when all say so. */
static bool expect_next(void *context, const struct crl_entry *entry, struct failure *f)
{
    (void)f;
    struct expecting *e = context;
    assert_true(e->at < e->count);
    const struct crl_record *first = &e->sorted[e->at];
    assert_int_equal(serial_compare(&entry->serial, &first->serial), 0);
    assert_true(entry->revoked_at == (first->value >> INDEX_REASON_BITS) * INSTANT_SECOND);
    bool held = true;
    for (; e->at < e->count && !serial_compare(&e->sorted[e->at].serial, &entry->serial); e->at++)
        held = held && (e->sorted[e->at].value & 15) == CRL_CERTIFICATE_HOLD;
    assert_int_equal(entry->reason == CRL_CERTIFICATE_HOLD, held);
    return true;
}

static void expect_all(struct crl_record *records, size_t count)
{
    _cleanup_(cleanup_index) struct crl_index *index = index_of(records, count);
    struct failure f = {0};
    qsort(records, count, sizeof *records, by_record);
    struct expecting e = {records, count, 0};
    assert_true(crl_index_walk(index, expect_next, &e, &f));
    assert_int_equal(e.at, count);
}

/* Few, each kind many times: from the first entry on in no order, and after some that are. */
static void few(void **state)
{
    (void)state;
    struct crl_record records[700];
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t ordered = 0; ordered <= 700; ordered += 35) {
            random_state = ordered;
            for (size_t i = 0; i < 700; i++)
                records[i] = random_record(kind, i);
            qsort(records, ordered, sizeof *records, by_record);
            expect_all(records, 700);
        }
}

/* Several runs, whose buffers do not empty together: around what fits into memory. */
static void runs(void **state)
{
    (void)state;
    static const size_t counts[] = {SORTER_RECORDS - 1, SORTER_RECORDS, SORTER_RECORDS + 1,
                                    3 * SORTER_RECORDS + 77};
    struct crl_record *records =
        memory_allocate((3 * SORTER_RECORDS + 77) * sizeof(struct crl_record));
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int kind = 2; kind < KINDS; kind += 3) { /* many twins; 20 octets; in order … */
            const size_t count = counts[c];
            random_state = c;
            for (size_t i = 0; i < count; i++)
                records[i] = random_record(kind, i);
            records[count / 2] = random_record(kind, 0); /* … but for one */
            records[count - 1] = random_record(kind, 0);
            expect_all(records, count);
        }
    free(records);
}

/* A scratch file that holds less than was written to it is noticed. */
static void scratch_cut_off(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_fd) int fd = memory_file(), scratch = memory_file();
    struct crl_index_writer *writer = crl_index_writer_new(fd);
    struct crl_sorter *sorter = crl_sorter_new(writer, scratch);
    for (size_t i = 0; i < SORTER_RECORDS + 2; i++)
        assert_true(
            crl_sorter_add(sorter, &(struct crl_record){{{SORTER_RECORDS + 2 - i, 0, 0}}, 16}, &f));
    assert_int_equal(ftruncate(scratch, 1000), 0);
    assert_int_equal(lseek(scratch, 0, SEEK_SET), 0);
    assert_false(crl_sorter_end(sorter, &f));
    assert_non_null(strstr(f.text, "scratch file"));
    crl_sorter_free(sorter);
    crl_index_writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_as_qsort_does),
        cmocka_unit_test(few),
        cmocka_unit_test(runs),
        cmocka_unit_test(scratch_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

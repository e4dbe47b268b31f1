/* signature/crl_index and what writes it: every entry is found, nothing else is, and no damaged
 * file is ever used. */
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
#include "base/text.h"
#include "signature/crl_index.h"
#include "signature/crl_index_format.h"
#include "signature/crl_index_writer.h"
#include "signature/crl_sorter.h"
#include "tests/support/crl_der.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

DEFINE_CLEANUP(cleanup_index, struct crl_index *, crl_index_free)

/* The earliest and the latest that can be written (RFC 5280: 1950 to 9999). */
#define DATE_FIRST ((int64_t)-631152000)
#define DATE_LAST  ((int64_t)253402300799)

static struct crl_facts facts_of(void)
{
    struct crl_facts facts = {.number = "0102", .this_update = 0, .next_update = INSTANT_DAY};
    memset(facts.tbs_sha256, 'a', 64);
    memset(facts.issuer_sha256, 'b', 64);
    return facts;
}

static int memory_file(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Writes the records through the sorter into a file of memory. */
static int file_of(const struct crl_record *records, size_t count)
{
    struct failure f = {0};
    int fd = memory_file();
    _cleanup_(cleanup_fd) int scratch = memory_file();
    struct crl_facts facts = facts_of();
    struct crl_index_writer *writer = crl_index_writer_new(fd);
    struct crl_sorter *sorter = crl_sorter_new(writer, scratch);
    bool written = true;
    for (size_t i = 0; written && i < count; i++)
        written = crl_sorter_add(sorter, &records[i], &f);
    if (!written || !crl_sorter_end(sorter, &f) || !crl_index_writer_end(writer, &facts, &f))
        fail_msg("%s", f.text);
    crl_sorter_free(sorter);
    crl_index_writer_free(writer);
    return fd;
}

static struct crl_index *index_of(const struct crl_record *records, size_t count)
{
    _cleanup_(cleanup_fd) int fd = file_of(records, count);
    struct crl_index *index;
    struct failure f = {0};
    if (!crl_index_map(fd, &index, &f))
        fail_msg("%s", f.text);
    return index;
}

static struct bytes octets_of(const struct serial *serial, uint8_t octets[20])
{
    for (size_t i = 0; i < 20; i++)
        octets[19 - i] = (uint8_t)(serial->limbs[i / 8] >> 8 * (i % 8));
    return bytes_of(octets, 20);
}

static bool found(const struct crl_index *index, const struct serial *serial,
                  struct crl_entry *ret_entry)
{
    uint8_t octets[20];
    return crl_index_lookup(index, octets_of(serial, octets), ret_entry);
}

static struct crl_record record(uint64_t serial, int64_t date, unsigned reason)
{
    return (struct crl_record){.serial = {{serial, 0, 0}}, .value = date * 16 + reason};
}

static void expect(const struct crl_index *index, const struct crl_record *wanted)
{
    struct crl_entry entry;
    assert_true(found(index, &wanted->serial, &entry));
    assert_int_equal(serial_compare(&entry.serial, &wanted->serial), 0);
    assert_true(entry.revoked_at == (wanted->value >> 4) * INSTANT_SECOND);
    assert_int_equal(entry.reason, wanted->value & 15);
}

static void none_and_one(void **state)
{
    (void)state;
    struct crl_entry entry;
    _cleanup_(cleanup_index) struct crl_index *none = index_of(NULL, 0);
    assert_false(found(none, &(struct serial){{1, 0, 0}}, &entry));
    assert_true(crl_index_facts(none)->entries == 0);
    const struct crl_record one = record(10, DATE_FIRST, 6);
    _cleanup_(cleanup_index) struct crl_index *index = index_of(&one, 1);
    expect(index, &one);
    assert_false(found(index, &(struct serial){{9, 0, 0}}, &entry));
    assert_false(found(index, &(struct serial){{11, 0, 0}}, &entry));
    assert_false(found(index, &(struct serial){{10, 1, 0}}, &entry));
    assert_false(found(index, &(struct serial){{10, 0, 1}}, &entry));
    assert_false(crl_index_lookup(index, bytes_of("", 0), &entry));
    assert_false(crl_index_lookup(index, bytes_of("\0", 1), &entry));
    assert_true(crl_index_lookup(index, bytes_of("\0\x0a", 2), &entry));
    assert_false(crl_index_lookup(
        index, bytes_of("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a", 21), &entry));
    const struct crl_facts *facts = crl_index_facts(index);
    assert_string_equal(facts->number, "0102");
    assert_true(facts->next_update == INSTANT_DAY);
    assert_int_equal(facts->issuer_sha256[63], 'b');
    assert_null(crl_index_partition(index));
}

/* Around what a block holds: 240 entries of one octet each column, fewer when they are wider. */
static void block_edges(void **state)
{
    (void)state;
    static const size_t counts[] = {2, 79, 80, 81, 119, 120, 121, 239, 240, 241, 480, 481, 7680};
    static const uint64_t gaps[] = {1, 2, 300, 1 << 20};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
            struct crl_record *records = memory_allocate(counts[c] * sizeof *records);
            for (size_t i = 0; i < counts[c]; i++)
                records[i] = record(1000 + i * gaps[g], g % 2 ? (int64_t)i * 86400 : 5, i % 7);
            _cleanup_(cleanup_index) struct crl_index *index = index_of(records, counts[c]);
            assert_true(crl_index_facts(index)->entries == counts[c]);
            struct crl_entry entry;
            for (size_t i = 0; i < counts[c]; i++) {
                expect(index, &records[i]);
                struct serial missing = records[i].serial;
                missing.limbs[0]++;
                if (gaps[g] > 1)
                    assert_false(found(index, &missing, &entry));
            }
            assert_false(found(index, &(struct serial){{999, 0, 0}}, &entry));
            free(records);
        }
}

static void dates_at_their_edges(void **state)
{
    (void)state;
    const struct crl_record records[] = {
        record(1, DATE_FIRST, 0), record(2, DATE_LAST, 10), record(3, -1, 1),
        record(4, 0, 2),          record(5, 1, 3),          record(6, 2524607999, 4), /* 2049 */
        record(7, 2524608000, 5),
    };
    _cleanup_(cleanup_index) struct crl_index *index =
        index_of(records, sizeof records / sizeof *records);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        expect(index, &records[i]);
}

/* --- against a plain array -------------------------------------------------------------------- */

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

/* How serial numbers may lie: dense, 4 octets, 8, 20, some close together and some far apart, many
 * that differ only below what the keys keep. */
static struct serial random_serial(int kind)
{
    uint64_t a = random_next(), b = random_next(), c = random_next();
    switch (kind) {
    case 0:
        return (struct serial){{1 + a % 5000, 0, 0}};
    case 1:
        return (struct serial){{1 + (a & 0xfffffffe), 0, 0}};
    case 2:
        return (struct serial){{a | 1, 0, 0}};
    case 3:
        return (struct serial){{a, b, c >> 32 | 1}};
    case 4:
        return (struct serial){{1 + a % 100, b % 3, c % 2 ? 0xffffffff - c % 3 : 0}};
    default:
        return (struct serial){{1 + a % 100000, 0, c % 50 == 0 ? 0xffffffff : 7}};
    }
}

static void against_an_array(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static struct crl_record records[COUNT], sorted[COUNT];
    for (int kind = 0; kind < 6; kind++) {
        random_state = (uint64_t)kind;
        for (size_t i = 0; i < COUNT; i++)
            records[i] =
                (struct crl_record){random_serial(kind), (int64_t)(random_next() % 200000000) * 16 +
                                                             (int64_t)(random_next() % 6)};
        memcpy(sorted, records, sizeof sorted);
        qsort(sorted, COUNT, sizeof *sorted, by_record);
        _cleanup_(cleanup_index) struct crl_index *index = index_of(records, COUNT);
        size_t distinct = 0;
        for (size_t i = 0; i < COUNT; i++)
            if (i == 0 || serial_compare(&sorted[i - 1].serial, &sorted[i].serial) != 0) {
                expect(index, &sorted[i]); /* of several the earliest */
                distinct++;
            }
        assert_true(crl_index_facts(index)->entries == distinct);
        for (size_t i = 0; i < 20 * COUNT; i++) {
            struct serial serial = random_serial(kind);
            struct crl_record probe = {serial, INT64_MIN};
            size_t low = 0, high = COUNT;
            while (low < high) {
                size_t middle = (low + high) / 2;
                if (crl_record_compare(&sorted[middle], &probe) < 0)
                    low = middle + 1;
                else
                    high = middle;
            }
            bool there = low < COUNT && serial_compare(&sorted[low].serial, &serial) == 0;
            struct crl_entry entry;
            assert_int_equal(found(index, &serial, &entry), there);
        }
    }
}

struct walked {
    struct serial last;
    size_t count, most;
};

static bool walk_one(void *context, const struct crl_entry *entry, struct failure *f)
{
    struct walked *walked = context;
    assert_true(serial_compare(&walked->last, &entry->serial) < 0);
    walked->last = entry->serial;
    return ++walked->count < walked->most || failure_set(f, FAILURE_LIMIT, "enough");
}

/* More than the sorter holds, so that runs go to the scratch file: in order (nothing is scratched),
 * backwards, and mixed with each serial number twice, days apart. */
static void more_than_memory(void **state)
{
    (void)state;
    const size_t count = 2 * SORTER_RECORDS + 1000;
    struct crl_record *records = memory_allocate(count * sizeof *records);
    for (int order = 0; order < 4; order++) {
        for (size_t i = 0; i < count; i++) {
            uint64_t serial = order == 0   ? i + 1
                              : order == 1 ? count - i
                              : order == 2 ? (i * 7919) % count / 2 + 1
                                           : (i + SORTER_RECORDS / 2 * 3) % count + 1;
            records[i] = record(serial, (int64_t)(i * 1000), serial % 5);
        }
        _cleanup_(cleanup_index) struct crl_index *index = index_of(records, count);
        qsort(records, count, sizeof *records, by_record);
        size_t distinct = 0;
        for (size_t i = 0; i < count; i++)
            if (i == 0 || serial_compare(&records[i - 1].serial, &records[i].serial) != 0) {
                distinct++;
                if (distinct % 97 == 0)
                    expect(index, &records[i]);
            }
        struct walked walked = {.most = SIZE_MAX};
        struct failure f = {0};
        assert_true(crl_index_walk(index, walk_one, &walked, &f));
        assert_int_equal(walked.count, distinct);
        assert_true(crl_index_facts(index)->entries == distinct);
        walked = (struct walked){.most = 10};
        assert_false(crl_index_walk(index, walk_one, &walked, &f));
        assert_int_equal(walked.count, 10);
    }
    free(records);
}

static void held_and_then_revoked(void **state)
{
    (void)state;
    const struct crl_record records[] = {
        record(1, 100, 6), record(1, 200, 6), record(2, 100, 6), record(2, 200, 1),
        record(3, 100, 1), record(3, 200, 6), record(4, 200, 0), record(4, 100, 6),
    };
    _cleanup_(cleanup_index) struct crl_index *index =
        index_of(records, sizeof records / sizeof *records);
    const struct crl_record wanted[] = {
        record(1, 100, 6),
        record(2, 100, 1),
        record(3, 100, 1),
        record(4, 100, 0),
    };
    for (size_t i = 0; i < 4; i++)
        expect(index, &wanted[i]);
}

/* --- damaged files ---------------------------------------------------------------------------- */

static const char *refusal_of(int fd)
{
    static char text[512];
    struct crl_index *index = NULL;
    struct failure f = {0};
    if (crl_index_map(fd, &index, &f)) {
        crl_index_free(index);
        return "";
    }
    assert_int_equal(f.kind, FAILURE_INPUT);
    snprintf(text, sizeof text, "%s", f.text);
    return text;
}

static void damaged_files(void **state)
{
    (void)state;
    struct crl_record records[300];
    for (size_t i = 0; i < 300; i++)
        records[i] = record(5 + 3 * i, (int64_t)i * 100, i % 5);
    _cleanup_(cleanup_fd) int fd = file_of(records, 300);
    off_t size = lseek(fd, 0, SEEK_END);
    assert_string_equal(refusal_of(fd), "");
    for (off_t at = 0; at < size; at++) {
        uint8_t octet, changed;
        assert_int_equal(pread(fd, &octet, 1, at), 1);
        changed = octet ^ 0x01;
        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        if (!*refusal_of(fd))
            fail_msg("octet %ld altered, and used", (long)at);
        assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    }
    assert_string_equal(refusal_of(fd), "");
    for (off_t cut = size - 1; cut >= 0; cut--) {
        assert_int_equal(ftruncate(fd, cut), 0);
        if (!strstr(refusal_of(fd), "cut off"))
            fail_msg("cut off at %ld: %s", (long)cut, refusal_of(fd));
    }
}

/* Whoever can write checksums can write anything: it must still lead nowhere else. */
static void seal(uint8_t *file, size_t size)
{
    struct index_trailer *trailer = (void *)(file + size - sizeof *trailer);
    sha256(bytes_of(file, size - sizeof *trailer), trailer->body_sha256);
    sha256(bytes_of(trailer, offsetof(struct index_trailer, trailer_sha256)),
           trailer->trailer_sha256);
}

static void files_that_contradict_themselves(void **state)
{
    (void)state;
    struct crl_record records[300];
    for (size_t i = 0; i < 300; i++)
        records[i] = record(5 + 3 * i, (int64_t)i * 100, i % 5);
    _cleanup_(cleanup_fd) int fd = file_of(records, 300);
    size_t size = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *copy = memory_allocate(size);
    assert_ptr_not_equal(file, MAP_FAILED);
    memcpy(copy, file, size);
    struct index_trailer *trailer = (void *)(file + size - sizeof *trailer);
    struct index_block *block = (void *)(file + sizeof(struct index_head));
    for (int fault = 0; fault < 13; fault++) {
        memcpy(file, copy, size);
        static const char *const said[] = {
            "version",     "its size",    "contradicts", "contradicts", "contradicts",
            "contradicts", "contradicts", "contradicts", "contradicts", "contradicts",
            "contradicts", "contradicts", "contradicts"};
        switch (fault) {
        case 0:
            trailer->version++;
            break;
        case 1:
            trailer->blocks++;
            break;
        case 2:
            trailer->entries++;
            break;
        case 3:
            trailer->number_length = 21;
            break;
        case 4:
            trailer->partition_length = CRL_PARTITION_MOST + 1;
            break;
        case 5:
            trailer->partition_length = 1;
            break;
        case 6:
            trailer->shift = INDEX_SHIFT_MOST + 1;
            break;
        case 7:
            trailer->this_update = INT64_MAX;
            break;
        case 8:
            trailer->next_update = INT64_MIN;
            break;
        case 9:
            block->count = 0;
            break;
        case 10:
            block->serial_width = 0;
            break;
        case 11:
            block->serial_width = 21;
            break;
        case 12:
            block->value_width = 9;
            break;
        }
        seal(file, size);
        if (!strstr(refusal_of(fd), said[fault]))
            fail_msg("fault %d: \"%s\"", fault, refusal_of(fd));
    }
    memcpy(file, copy, size);
    seal(file, size);
    assert_string_equal(refusal_of(fd), "");
    munmap(file, size);
    free(copy);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void same_list_same_bytes(void **state)
{
    (void)state;
    struct pki_ca ca = pki_ca_make((struct pki_ca_options){0});
    struct trust *trust = trust_of(&ca.certificate, 1);
    _cleanup_(cleanup_buffer) struct buffer entries = {0}, der = {0};
    crl_der_entry(&entries, "0b", "261101000000Z", CRL_REASON("06"));
    crl_der_entry(&entries, "0a", "261101000001Z", NULL);
    crl_der_make(&ca, &(struct crl_der){.entries = buffer_bytes(&entries)}, &der);
    _cleanup_(cleanup_index) struct crl_index *one = NULL, *two = NULL;
    struct failure f = {0};
    assert_true(crl_index_of_list(buffer_bytes(&der), trust, &one, &f));
    assert_true(crl_index_of_list(buffer_bytes(&der), trust, &two, &f));
    assert_string_equal(crl_index_sha256(one), crl_index_sha256(two));
    struct crl_entry entry;
    assert_true(crl_index_lookup(one, bytes_of("\x0b", 1), &entry));
    assert_int_equal(entry.reason, CRL_CERTIFICATE_HOLD);
    assert_true(crl_index_lookup(one, bytes_of("\x0a", 1), &entry));
    assert_int_equal(entry.reason, CRL_UNSPECIFIED);
    trust_free(trust);
    pki_ca_free(&ca);
}

static void newer_facts(void **state)
{
    (void)state;
    struct crl_facts a = {.number = "0100", .this_update = 10}, b = a;
    assert_int_equal(crl_facts_compare(&a, &b), 0);
    b.this_update = 9;
    assert_true(crl_facts_compare(&a, &b) > 0);
    snprintf(b.number, sizeof b.number, "0101");
    assert_true(crl_facts_compare(&a, &b) < 0);
    snprintf(b.number, sizeof b.number, "ff"); /* a shorter text, a smaller number */
    assert_true(crl_facts_compare(&a, &b) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_and_one),         cmocka_unit_test(block_edges),
        cmocka_unit_test(dates_at_their_edges), cmocka_unit_test(against_an_array),
        cmocka_unit_test(more_than_memory),     cmocka_unit_test(held_and_then_revoked),
        cmocka_unit_test(damaged_files),        cmocka_unit_test(files_that_contradict_themselves),
        cmocka_unit_test(same_list_same_bytes), cmocka_unit_test(newer_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Revocation lists of any size: made, indexed, looked up; and the same by OpenSSL's X509_CRL. Each
 * word is a process of its own, so that memory is counted by itself. Prints `name value` lines.
 *
 *   crl_bench make FOLDER COUNT [scattered]    FOLDER/list.crl by a made-up CA, FOLDER/ca.pem
 *   crl_bench index FOLDER                     FOLDER/list.idx: seconds of the processor, most
 * memory crl_bench lookup FOLDER                    median nanoseconds of a hit and of a miss, less
 *                                              those of reading the clock
 *   crl_bench x509 FOLDER                      d2i_X509_CRL and sort: seconds, memory
 *
 * Serial numbers are of 4 octets, as JPKI's are today, their gaps random; dates are seconds of five
 * years; every second entry has a reason. `scattered`: in the order of nothing. */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "signature/crl_builder.h"
#include "signature/crl_index.h"
#include "tests/support/crl_der.h"
#include "tests/support/pki.h"

#define SERIAL_FIRST UINT64_C(0x01000000)
#define SERIAL_SPAN  UINT64_C(0x7e000000) /* up to 0x7effffff: always 4 octets */
#define LOOKUPS      1000000
#define FIVE_YEARS   (5 * 365 * 86400)

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "crl_bench: %s\n", what);
    exit(3);
}

static _Noreturn void die_of(const struct failure *f)
{
    die(f->text);
}

/* Of the processor, of this process: the machine may be busy with others. */
static double seconds_used(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static uint64_t mixed(uint64_t z)
{
    z = (z + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double memory_mib(const char *field)
{
    _cleanup_(cleanup_file) FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            return strtod(line + strlen(field) + 1, NULL) / 1024;
    die("no /proc");
}

static char *path_in(const char *folder, const char *name)
{
    return text_format("%s/%s", folder, name);
}

/* --- making ----------------------------------------------------------------------------------- */

static uint64_t serial_of(uint64_t i, uint64_t count)
{
    uint64_t gap = SERIAL_SPAN / count;
    return SERIAL_FIRST + i * gap + mixed(i) % gap;
}

static bool has_reason(uint64_t i)
{
    return mixed(i) >> 63;
}

struct making {
    FILE *file;
    EVP_MD_CTX *signature;
};

static void give(struct making *making, const struct buffer *piece)
{
    if (fwrite(piece->data, 1, piece->length, making->file) != piece->length ||
        !EVP_DigestSignUpdate(making->signature, piece->data, piece->length))
        die("the list cannot be written");
}

static void entry_put(struct buffer *out, uint64_t i, uint64_t count)
{
    uint64_t serial = serial_of(i, count);
    time_t at = 1609459200 + (time_t)(mixed(i + count) % FIVE_YEARS);
    struct tm tm;
    char time[32];
    uint8_t entry[37] = {0x30, 35, 0x02, 4, [8] = 0x17, 13};
    static const uint8_t reason[] = {0x30, 12, 0x30, 10,   0x06, 3,    0x55,
                                     0x1d, 21, 0x04, 0x03, 0x0a, 0x01, 1};
    for (int k = 0; k < 4; k++)
        entry[4 + k] = (uint8_t)(serial >> 8 * (3 - k));
    strftime(time, sizeof time, "%Y%m%d%H%M%SZ", gmtime_r(&at, &tm));
    memcpy(entry + 10, time + 2, 13); /* UTCTime has two digits of the year */
    memcpy(entry + 23, reason, sizeof reason);
    entry[36] = (uint8_t)(1 + i % 5);
    if (!has_reason(i))
        entry[1] = 21;
    buffer_append(out, entry, has_reason(i) ? 37 : 23);
}

/* What stands before and behind the entries, taken from a list without any. */
static void frame_make(const struct pki_ca *ca, struct buffer *head, struct buffer *tail)
{
    uint8_t *name = NULL;
    int length = i2d_X509_NAME(X509_get_subject_name(ca->certificate), &name);
    der_put_hex(head, "02 01 01 30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00");
    buffer_append(head, name, (size_t)length);
    der_put(head, 0x17, bytes_of_text("261121000000Z"));
    der_put(head, 0x17, bytes_of_text("261122000000Z"));
    der_put_hex(tail, "a0 0e 30 0c " CRL_NUMBER_1);
    OPENSSL_free(name);
}

static void list_write(const struct pki_ca *ca, FILE *file, uint64_t count, bool scattered)
{
    _cleanup_(cleanup_buffer) struct buffer head = {0}, tail = {0}, inner = {0}, piece = {0};
    struct making making = {file, EVP_MD_CTX_new()};
    uint64_t entries = 0, step = scattered ? 6700417 : 1; /* a prime */
    frame_make(ca, &head, &tail);
    for (uint64_t i = 0; i < count; i++)
        entries += has_reason(i) ? 37 : 23;
    der_put_header(&head, 0x30, entries);
    uint64_t tbs = head.length + entries + tail.length;
    uint8_t signature[256];
    size_t signature_length = sizeof signature;
    der_put_header(&inner, 0x30, tbs);
    der_put_header(&piece, 0x30, inner.length + tbs + 15 + 4 + 1 + sizeof signature);
    fwrite(piece.data, 1, piece.length, file);
    buffer_clear(&piece);
    if (!EVP_DigestSignInit(making.signature, NULL, EVP_sha256(), NULL, ca->key))
        die("the list cannot be signed");
    buffer_append(&piece, inner.data, inner.length);
    buffer_append(&piece, head.data, head.length);
    for (uint64_t i = 0; i < count; i++) {
        entry_put(&piece, i * step % count, count);
        if (piece.length > 1 << 20) {
            give(&making, &piece);
            buffer_clear(&piece);
        }
    }
    buffer_append(&piece, tail.data, tail.length);
    give(&making, &piece);
    EVP_DigestSignFinal(making.signature, signature, &signature_length);
    buffer_clear(&piece);
    der_put_hex(&piece, "30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00 03 82 01 01 00");
    buffer_append(&piece, signature, signature_length);
    fwrite(piece.data, 1, piece.length, file);
    EVP_MD_CTX_free(making.signature);
}

static void make(const char *folder, uint64_t count, bool scattered)
{
    struct pki_ca ca = pki_ca_make((struct pki_ca_options){0});
    _cleanup_(cleanup_text) char *list = path_in(folder, "list.crl"),
                                 *pem = path_in(folder, "ca.pem");
    unlink(pem);
    pki_append_pem(ca.certificate, pem);
    FILE *file = fopen(list, "we");
    if (!file || count == 0 || count > 6700417 * UINT64_C(10))
        die("the list cannot be made");
    list_write(&ca, file, count, scattered);
    if (fclose(file) != 0)
        die("the list cannot be written");
    pki_ca_free(&ca);
}

/* --- ours ------------------------------------------------------------------------------------- */

static struct trust *trust_read(const char *folder)
{
    _cleanup_(cleanup_text) char *pem = path_in(folder, "ca.pem");
    _cleanup_(cleanup_file) FILE *file = fopen(pem, "re");
    _cleanup_(cleanup_x509) X509 *x509 = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    char pin[65];
    if (!x509)
        die("no ca.pem: make a list first");
    pki_fingerprint(x509, pin);
    const struct trust_options options = {
        .mode = TRUST_SANDBOX,
        .anchors = (const char *const[]){pem},
        .anchor_count = 1,
        .pins = (const char *const[]){pin},
        .pin_count = 1,
        .policies = (const char *const[]){PKI_POLICY},
        .policy_count = 1,
    };
    struct trust *trust;
    struct failure f = {0};
    if (!trust_load(&options, &trust, &f))
        die_of(&f);
    return trust;
}

static int file_make(const char *folder, const char *name)
{
    _cleanup_(cleanup_text) char *path = path_in(folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        die("a file cannot be made");
    return fd;
}

static void index_build(const char *folder)
{
    struct trust *trust = trust_read(folder);
    _cleanup_(cleanup_text) char *list = path_in(folder, "list.crl");
    double begun = seconds_used();
    _cleanup_(cleanup_file) FILE *file = fopen(list, "re");
    _cleanup_(cleanup_fd) int output = file_make(folder, "list.idx");
    _cleanup_(cleanup_fd) int scratch = file_make(folder, "list.runs");
    struct crl_builder *builder = crl_builder_new(trust, output, scratch);
    uint8_t piece[65536];
    size_t length;
    struct failure f = {0};
    struct crl_facts facts;
    while (file && (length = fread(piece, 1, sizeof piece, file)) > 0)
        if (!crl_builder_feed(builder, bytes_of(piece, length), &f))
            die_of(&f);
    if (!crl_builder_end(builder, &facts, &f))
        die_of(&f);
    double built = seconds_used() - begun;
    if (fsync(output) != 0)
        die("the index cannot be flushed");
    crl_builder_free(builder);
    printf("seconds %.3f\nmost_mib %.1f\n", built, memory_mib("VmHWM:"));
    printf("bytes_an_entry %.3f\n", (double)lseek(output, 0, SEEK_END) / (double)facts.entries);
    _cleanup_(cleanup_text) char *runs = path_in(folder, "list.runs");
    unlink(runs);
    trust_free(trust);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t median_of(uint32_t *times)
{
    qsort(times, LOOKUPS, sizeof *times, by_time);
    return times[LOOKUPS / 2];
}

/* What reading the clock costs between two readings of it. */
static uint32_t clock_median(void)
{
    uint32_t *times = memory_allocate(LOOKUPS * sizeof *times);
    for (size_t i = 0; i < LOOKUPS; i++) {
        int64_t begun = now_ns();
        times[i] = (uint32_t)(now_ns() - begun);
    }
    uint32_t median = median_of(times);
    free(times);
    return median;
}

/* Each lookup is timed by itself. */
static uint32_t lookup_median(const struct crl_index *index, const uint64_t *serials, bool hit)
{
    uint32_t *times = memory_allocate(LOOKUPS * sizeof *times);
    for (size_t i = 0; i < LOOKUPS; i++) {
        const uint8_t octets[] = {(uint8_t)(serials[i] >> 24), (uint8_t)(serials[i] >> 16),
                                  (uint8_t)(serials[i] >> 8), (uint8_t)serials[i]};
        struct crl_entry entry;
        int64_t begun = now_ns();
        bool found = crl_index_lookup(index, bytes_of(octets, sizeof octets), &entry);
        times[i] = (uint32_t)(now_ns() - begun);
        if (found != hit)
            die("a lookup is wrong");
    }
    uint32_t median = median_of(times);
    free(times);
    return median;
}

static void lookup(const char *folder)
{
    _cleanup_(cleanup_text) char *path = path_in(folder, "list.idx");
    struct crl_index *index;
    struct failure f = {0};
    double begun = seconds_used();
    if (!crl_index_open(path, &index, &f))
        die_of(&f);
    double opened = seconds_used() - begun;
    uint64_t count = crl_index_facts(index)->entries;
    uint64_t *hits = memory_allocate(LOOKUPS * sizeof *hits);
    uint64_t *misses = memory_allocate(LOOKUPS * sizeof *misses);
    for (size_t i = 0; i < LOOKUPS; i++) {
        uint64_t place = mixed(i * 31 + 7) % count;
        hits[i] = serial_of(place, count);
        misses[i] = hits[i] + 1;
        while (place + 1 < count && serial_of(place + 1, count) == misses[i])
            misses[i] = serial_of(++place, count) + 1;
    }
    lookup_median(index, hits, true); /* what the kernel has to map is not the lookup's */
    double clock = clock_median(), hit = lookup_median(index, hits, true) - clock,
           miss = lookup_median(index, misses, false) - clock;
    free(hits);
    free(misses);
    printf("clock_ns %.0f\nhit_ns %.0f\nmiss_ns %.0f\nopen_seconds %.3f\nresident_mib %.1f\n",
           clock, hit, miss, opened, memory_mib("VmRSS:"));
    crl_index_free(index);
}

/* --- the peer --------------------------------------------------------------------------------- */

static void x509(const char *folder)
{
    _cleanup_(cleanup_text) char *path = path_in(folder, "list.crl");
    _cleanup_(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        die("no list: make one first");
    double begun = seconds_used();
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const uint8_t *at = map;
    _cleanup_(cleanup_crl) X509_CRL *crl =
        map == MAP_FAILED ? NULL : d2i_X509_CRL(NULL, &at, (long)status.st_size);
    if (!crl || !X509_CRL_sort(crl))
        die("OpenSSL does not take the list");
    double seconds = seconds_used() - begun;
    munmap(map, (size_t)status.st_size);
    X509_REVOKED *entry;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    uint64_t count = (uint64_t)sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
    ASN1_INTEGER_set_uint64(serial, serial_of(count / 2, count));
    if (!X509_CRL_get0_by_serial(crl, &entry, serial))
        die("OpenSSL does not find an entry");
    ASN1_INTEGER_free(serial);
    printf("seconds %.3f\nresident_mib %.1f\n", seconds, memory_mib("VmRSS:"));
    fflush(stdout);
    _exit(0); /* to free it all would take as long again */
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "make") == 0)
        make(argv[2], strtoull(argv[3], NULL, 10), argc > 4);
    else if (argc == 3 && strcmp(argv[1], "index") == 0)
        index_build(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "lookup") == 0)
        lookup(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "x509") == 0)
        x509(argv[2]);
    else
        die("make FOLDER COUNT [scattered] | index FOLDER | lookup FOLDER | x509 FOLDER");
    return 0;
}

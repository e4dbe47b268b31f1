/* Any bytes as an index: as they are, and with checksums that hold, so that what is behind them is
 * reached. Nothing may lead out of the file. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/crl_index.h"
#include "signature/crl_index_format.h"
#include "tests/fuzz/fuzz.h"

struct walked {
    const struct crl_index *index;
    uint64_t count;
};

static bool look_up(void *context, const struct crl_entry *entry, struct failure *f)
{
    struct walked *walked = context;
    uint8_t octets[20];
    struct crl_entry found;
    (void)f;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[19 - i] = (uint8_t)(entry->serial.limbs[i / 8] >> 8 * (i % 8));
    crl_index_lookup(walked->index, bytes_of(octets, sizeof octets), &found);
    octets[19]++;
    crl_index_lookup(walked->index, bytes_of(octets, sizeof octets), &found);
    walked->count++;
    return true;
}

static void try_index(int fd)
{
    struct crl_index *index;
    struct failure f = {0};
    if (!crl_index_map(fd, &index, &f)) {
        if (f.kind != FAILURE_INPUT)
            abort();
        return;
    }
    struct walked walked = {index, 0};
    if (!crl_index_walk(index, look_up, &walked, &f) ||
        walked.count != crl_index_facts(index)->entries)
        abort();
    crl_index_free(index);
}

static void seal(uint8_t *file, size_t size)
{
    struct index_trailer trailer;
    memcpy(&trailer, file + size - sizeof trailer, sizeof trailer);
    sha256(bytes_of(file, size - sizeof trailer), trailer.body_sha256);
    sha256(bytes_of(&trailer, offsetof(struct index_trailer, trailer_sha256)),
           trailer.trailer_sha256);
    memcpy(file + size - sizeof trailer, &trailer, sizeof trailer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_fd) int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    try_index(fd);
    if (size < sizeof(struct index_head) + sizeof(struct index_trailer))
        return 0;
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    buffer_append(&sealed, data, size);
    seal(sealed.data, size);
    if (pwrite(fd, sealed.data, size, 0) != (ssize_t)size)
        abort();
    try_index(fd);
    return 0;
}

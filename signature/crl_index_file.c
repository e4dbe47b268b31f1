#include "signature/crl_index_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/openssl.h"
#include "base/text.h"

#define BLOCKS_BACK 16 /* read back at a time */

static void head_put(struct crl_index_file *file)
{
    static const struct index_head head = {.magic = INDEX_MAGIC};
    if (!EVP_DigestInit_ex(file->hash, openssl_sha256(), NULL))
        abort();
    memcpy(file->piece, &head, sizeof head);
    file->length = sizeof head;
}

void crl_index_file_begin(struct crl_index_file *file, int fd)
{
    file->fd = fd;
    file->hash = EVP_MD_CTX_new();
    if (!file->hash)
        abort();
    head_put(file);
}

void crl_index_file_release(struct crl_index_file *file)
{
    EVP_MD_CTX_free(file->hash);
}

static bool write_all(int fd, const void *data, size_t length, struct failure *f)
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

bool crl_index_file_flush(struct crl_index_file *file, struct failure *f)
{
    if (!EVP_DigestUpdate(file->hash, file->piece, file->length))
        abort();
    bool written = write_all(file->fd, file->piece, file->length, f);
    file->length = 0;
    return written;
}

uint8_t *crl_index_file_room(struct crl_index_file *file, size_t length, struct failure *f)
{
    if (file->length + length > INDEX_PIECE && !crl_index_file_flush(file, f))
        return NULL;
    file->length += length;
    return file->piece + file->length - length;
}

bool crl_index_file_end(struct crl_index_file *file, struct index_trailer *trailer,
                        struct failure *f)
{
    if (!crl_index_file_flush(file, f))
        return false;
    if (!EVP_DigestFinal_ex(file->hash, trailer->body_sha256, NULL))
        abort();
    sha256(bytes_of(trailer, offsetof(struct index_trailer, trailer_sha256)),
           trailer->trailer_sha256);
    return write_all(file->fd, trailer, sizeof *trailer, f);
}

bool crl_index_file_restart(struct crl_index_file *file, struct failure *f)
{
    if (ftruncate(file->fd, 0) != 0 || lseek(file->fd, 0, SEEK_SET) != 0)
        return failure_errno(f, "the index cannot be begun anew");
    head_put(file);
    return true;
}

/* --- back ------------------------------------------------------------------------------------- */

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

bool crl_index_file_blocks(const struct crl_index_file *file, uint64_t count, block_sink *each,
                           void *context, struct failure *f)
{
    uint8_t blocks[BLOCKS_BACK * INDEX_BLOCK] __attribute__((aligned(8)));
    for (uint64_t i = 0; i < count; i += BLOCKS_BACK) {
        size_t n = count - i < BLOCKS_BACK ? (size_t)(count - i) : BLOCKS_BACK;
        if (!read_at(file->fd, blocks, n * INDEX_BLOCK, sizeof(struct index_head) + i * INDEX_BLOCK,
                     f))
            return false;
        for (size_t k = 0; k < n; k++)
            if (!each(context, (const struct index_block *)(blocks + k * INDEX_BLOCK), f))
                return false;
    }
    return true;
}

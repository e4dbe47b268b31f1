#include "signature/crl_index.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/openssl.h"
#include "base/text.h"
#include "signature/asn1.h"
#include "signature/crl_builder.h"
#include "signature/crl_index_internal.h"

DEFINE_CLEANUP(cleanup_index, struct crl_index *, crl_index_free)

/* --- opening ---------------------------------------------------------------------------------- */

void crl_index_free(struct crl_index *index)
{
    if (!index)
        return;
    if (index->map)
        munmap((void *)index->map, index->size);
    X509_NAME_free(index->partition);
    free(index->sparse);
    free(index);
}

static bool damaged(struct failure *f, const char *what)
{
    return failure_set(f, FAILURE_INPUT, "the index is %s", what);
}

/* Of the whole file into the index, of the body and of the trailer against what is written. */
static bool hashes_hold(struct crl_index *index, const struct index_trailer *trailer)
{
    _cleanup_(cleanup_md_ctx) EVP_MD_CTX *body = EVP_MD_CTX_new(), *whole = EVP_MD_CTX_new();
    uint8_t body_hash[32], whole_hash[32], trailer_hash[32];
    size_t length = index->size - sizeof *trailer;
    if (!body || !whole || !EVP_DigestInit_ex(body, openssl_sha256(), NULL) ||
        !EVP_DigestUpdate(body, index->map, length) || !EVP_MD_CTX_copy_ex(whole, body) ||
        !EVP_DigestUpdate(whole, trailer, sizeof *trailer) ||
        !EVP_DigestFinal_ex(body, body_hash, NULL) || !EVP_DigestFinal_ex(whole, whole_hash, NULL))
        abort();
    sha256(bytes_of(trailer, offsetof(struct index_trailer, trailer_sha256)), trailer_hash);
    hex_encode(whole_hash, sizeof whole_hash, index->sha256);
    return memcmp(body_hash, trailer->body_sha256, sizeof body_hash) == 0 &&
           memcmp(trailer_hash, trailer->trailer_sha256, sizeof trailer_hash) == 0;
}

/* Once for all lookups: that no block leads out of itself. */
static bool blocks_hold(const struct crl_index *index)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < index->block_count; i++) {
        const struct index_block *block = index_block_at(index, i);
        unsigned width = block->serial_width + block->value_width;
        if (block->count == 0 || block->serial_width == 0 ||
            block->serial_width > SERIAL_OCTETS_MOST || block->value_width == 0 ||
            block->value_width > 8 || block->count * width > INDEX_COLUMNS)
            return false;
        entries += block->count;
    }
    return entries == index->facts.entries;
}

/* Of the years 0 to 9999. */
static bool moment_possible(int64_t seconds)
{
    return seconds >= -62167219200 && seconds <= 253402300799;
}

static bool facts_read(struct crl_index *index, const struct index_trailer *trailer)
{
    struct crl_facts *facts = &index->facts;
    const uint8_t *at = trailer->partition;
    if (trailer->number_length > sizeof trailer->number ||
        trailer->partition_length > sizeof trailer->partition ||
        trailer->shift > INDEX_SHIFT_MOST || !moment_possible(trailer->this_update) ||
        !moment_possible(trailer->next_update))
        return false;
    facts->entries = trailer->entries;
    facts->this_update = trailer->this_update * INSTANT_SECOND;
    facts->next_update = trailer->next_update * INSTANT_SECOND;
    hex_encode(trailer->number, trailer->number_length, facts->number);
    hex_encode(trailer->issuer_sha256, sizeof trailer->issuer_sha256, facts->issuer_sha256);
    hex_encode(trailer->tbs_sha256, sizeof trailer->tbs_sha256, facts->tbs_sha256);
    if (trailer->partition_length == 0)
        return true;
    facts->partition_length = trailer->partition_length;
    memcpy(facts->partition_der, trailer->partition, trailer->partition_length);
    index->partition = d2i_X509_NAME(NULL, &at, trailer->partition_length);
    ERR_clear_error();
    if (!index->partition || at != trailer->partition + trailer->partition_length)
        return false;
    asn1_name_text(index->partition, facts->partition, sizeof facts->partition);
    return true;
}

static void sparse_make(struct crl_index *index)
{
    index->sparse_count = (index->block_count + INDEX_SPARSE - 1) / INDEX_SPARSE;
    index->sparse = memory_allocate((index->sparse_count + 1) * sizeof *index->sparse);
    for (size_t i = 0; i < index->sparse_count; i++)
        index->sparse[i] = index->keys[i * INDEX_SPARSE];
}

static bool index_read(struct crl_index *index, struct failure *f)
{
    const struct index_head *head = (const void *)index->map;
    const struct index_trailer *trailer =
        (const void *)(index->map + index->size - sizeof *trailer);
    size_t body = index->size - sizeof *head - sizeof *trailer;
    if (memcmp(head->magic, INDEX_MAGIC, sizeof head->magic) != 0)
        return damaged(f, "none: its first bytes are of something else");
    if (memcmp(trailer->magic, INDEX_MAGIC_LAST, sizeof trailer->magic) != 0)
        return damaged(f, "cut off");
    if (trailer->version != INDEX_VERSION)
        return damaged(f, "of a version that is not known here");
    if (!hashes_hold(index, trailer))
        return damaged(f, "damaged: a checksum does not hold");
    if (trailer->blocks != body / (INDEX_BLOCK + sizeof(index_key)) ||
        trailer->blocks * (INDEX_BLOCK + sizeof(index_key)) != body)
        return damaged(f, "damaged: its size is not what it says");
    index->blocks = index->map + sizeof *head;
    index->block_count = (size_t)trailer->blocks;
    index->keys = (const index_key *)(index->blocks + index->block_count * INDEX_BLOCK);
    index->shift = trailer->shift;
    if (!facts_read(index, trailer) || !blocks_hold(index))
        return damaged(f, "damaged: it contradicts itself");
    if (index->block_count > 0)
        index->first = index_block_first(index_block_at(index, 0));
    sparse_make(index);
    return true;
}

bool crl_index_map(int fd, struct crl_index **ret_index, struct failure *f)
{
    _cleanup_(cleanup_index) struct crl_index *index = memory_allocate(sizeof *index);
    off_t size = lseek(fd, 0, SEEK_END); /* examiners may do no more with a descriptor */
    if (size < 0)
        return failure_errno(f, "the index cannot be looked at");
    if (size < (off_t)(sizeof(struct index_head) + sizeof(struct index_trailer)) ||
        size % (off_t)sizeof(index_key) != 0)
        return damaged(f, "cut off");
    index->size = (size_t)size;
    void *map = mmap(NULL, index->size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return failure_errno(f, "the index cannot be mapped");
    index->map = map;
    if (!index_read(index, f))
        return false;
    *ret_index = TAKE(index);
    return true;
}

bool crl_index_open(const char *path, struct crl_index **ret_index, struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failure_errno(f, "%s cannot be opened", path);
    return crl_index_map(fd, ret_index, f) || failure_prefix(f, "%s", path);
}

/* --- of a list, in memory --------------------------------------------------------------------- */

typedef bool list_feed(struct crl_builder *builder, const void *source, struct failure *f);

static bool feed_bytes(struct crl_builder *builder, const void *source, struct failure *f)
{
    return crl_builder_feed(builder, *(const struct bytes *)source, f);
}

static bool feed_file(struct crl_builder *builder, const void *source, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(source, "re");
    uint8_t piece[65536];
    size_t length;
    if (!file)
        return failure_errno(f, "cannot be opened");
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        if (!crl_builder_feed(builder, bytes_of(piece, length), f))
            return false;
    return !ferror(file) || failure_errno(f, "cannot be read");
}

static bool build(list_feed *feed, const void *source, const struct trust *trust,
                  struct crl_index **ret_index, struct failure *f)
{
    _cleanup_(cleanup_fd) int output = memfd_create("crl-index", MFD_CLOEXEC);
    _cleanup_(cleanup_fd) int scratch = memfd_create("crl-runs", MFD_CLOEXEC);
    struct crl_facts facts;
    if (output < 0 || scratch < 0)
        return failure_errno(f, "no memory for an index");
    struct crl_builder *builder = crl_builder_new(trust, output, scratch);
    bool built = feed(builder, source, f) && crl_builder_end(builder, &facts, f);
    crl_builder_free(builder);
    return built && crl_index_map(output, ret_index, f);
}

bool crl_index_of_list(struct bytes list, const struct trust *trust, struct crl_index **ret_index,
                       struct failure *f)
{
    return build(feed_bytes, &list, trust, ret_index, f);
}

bool crl_index_of_list_file(const char *path, const struct trust *trust,
                            struct crl_index **ret_index, struct failure *f)
{
    return build(feed_file, path, trust, ret_index, f) || failure_prefix(f, "%s", path);
}

/* --- what it says of itself ------------------------------------------------------------------- */

/* Both without leading zero octets: the longer is the greater. */
static int number_compare(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    return la != lb ? (la < lb ? -1 : 1) : strcmp(a, b);
}

int crl_facts_compare(const struct crl_facts *a, const struct crl_facts *b)
{
    int order = number_compare(a->number, b->number);
    return order ? order : (a->this_update > b->this_update) - (a->this_update < b->this_update);
}

const struct crl_facts *crl_index_facts(const struct crl_index *index)
{
    return &index->facts;
}

const char *crl_index_sha256(const struct crl_index *index)
{
    return index->sha256;
}

const X509_NAME *crl_index_partition(const struct crl_index *index)
{
    return index->partition;
}

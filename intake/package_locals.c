#include "intake/package_locals.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "intake/package_zip.h"

#define LOCAL_LENGTH      30
#define DESCRIPTOR_LENGTH 16 /* with its mark, 12 without */

static bool not_zip(struct checks *checks, const char *what)
{
    return checks_fail(checks, "package.container", "FORMAT_FAILURE", "package-not-zip", "%s",
                       what);
}

static int by_offset(const void *a, const void *b)
{
    const struct directory_entry *const *x = a, *const *y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* Where inflating ends by itself is where the member ends: nothing hides behind it. */
static bool deflate_ends(struct bytes data, size_t size)
{
    uint8_t scratch[16384];
    z_stream stream = {.next_in = (Bytef *)data.data, .avail_in = (uInt)data.length};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        abort(); /* only for want of memory */
    int result = Z_OK;
    while (result == Z_OK && stream.total_out <= size) {
        stream.next_out = scratch;
        stream.avail_out = sizeof scratch;
        result = inflate(&stream, Z_NO_FLUSH);
    }
    bool ends = result == Z_STREAM_END && stream.avail_in == 0 && stream.total_out == size;
    inflateEnd(&stream);
    return ends;
}

static bool values_fit(const uint8_t *p, const struct directory_entry *entry)
{
    return zip_little32(p) == entry->crc && zip_little32(p + 4) == entry->compressed &&
           zip_little32(p + 8) == entry->size;
}

/* Sizes and checksum behind the data, up to `next`, where the next header begins. */
static bool descriptor_fits(struct bytes zip, size_t at, size_t next,
                            const struct directory_entry *entry)
{
    const uint8_t *p = zip.data + at;
    size_t length = next - at;
    if (length == DESCRIPTOR_LENGTH && zip_mark_is(p, 7, 8))
        return values_fit(p + 4, entry);
    return length == DESCRIPTOR_LENGTH - 4 && values_fit(p, entry);
}

static bool header_fits(const uint8_t *p, size_t left, const struct directory_entry *entry)
{
    size_t name_length = strlen(entry->name);
    return left >= LOCAL_LENGTH + name_length && zip_mark_is(p, 3, 4) &&
           (zip_little16(p + 6) & ZIP_FLAGS_THAT_MATTER) ==
               (entry->flags & ZIP_FLAGS_THAT_MATTER) &&
           zip_little16(p + 8) == entry->method && zip_little16(p + 26) == name_length &&
           memcmp(p + LOCAL_LENGTH, entry->name, name_length) == 0;
}

/* The member begins at `at`, and ends where the next one, or the directory, begins. */
static bool member_judge(struct bytes zip, size_t at, size_t next,
                         const struct directory_entry *entry, struct checks *checks)
{
    const uint8_t *p = zip.data + at;
    if (!header_fits(p, next - at, entry))
        return not_zip(checks, "a local header and the directory contradict each other");
    size_t head = LOCAL_LENGTH + zip_little16(p + 26) + zip_little16(p + 28);
    if (next - at < head + entry->compressed)
        return not_zip(checks, "members overlap");
    if (!zip_extra_plain(p + LOCAL_LENGTH + zip_little16(p + 26), zip_little16(p + 28)))
        return not_zip(checks, "ZIP64 is not accepted");
    size_t end = at + head + entry->compressed;
    if (!(entry->flags & ZIP_FLAG_DESCRIPTOR))
        return (end == next && values_fit(p + 14, entry)) ||
               not_zip(checks, "there are bytes between the members, or a size is not the same");
    if (entry->method != ZIP_METHOD_DEFLATED)
        return not_zip(checks, "a stored member has no size in front of it");
    struct bytes data = bytes_of(p + head, entry->compressed);
    return (descriptor_fits(zip, end, next, entry) && deflate_ends(data, entry->size)) ||
           not_zip(checks, "a member does not end where the directory has it");
}

bool package_locals_judge(struct bytes zip, const struct directory *directory,
                          struct checks *checks)
{
    size_t count = directory->count;
    if (count == 0)
        return true;
    const struct directory_entry **sorted = memory_allocate(count * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &directory->entries[i];
    qsort(sorted, count, sizeof *sorted, by_offset);
    bool fits =
        sorted[0]->offset == 0 || not_zip(checks, "there are bytes in front of the first member");
    for (size_t i = 0; i < count && fits; i++) {
        size_t next = i + 1 < count ? sorted[i + 1]->offset : directory->offset;
        fits = next <= directory->offset
                   ? member_judge(zip, sorted[i]->offset, next, sorted[i], checks)
                   : not_zip(checks, "a member begins behind the directory");
    }
    free(sorted);
    return fits;
}

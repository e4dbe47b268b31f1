#include "intake/package_directory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "intake/package_locals.h"
#include "intake/package_zip.h"

#define FORMAT_FAILURE    "FORMAT_FAILURE"
#define END_LENGTH        22 /* end of central directory record */
#define HEADER_LENGTH     46 /* central directory header */
#define RATIO_FROM        (64 << 10)
#define ZIP64_SENTINEL_16 0xFFFF
#define ZIP64_SENTINEL_32 0xFFFFFFFF

struct end_record {
    size_t count, offset, size; /* of the central directory */
};

static bool not_zip(struct checks *checks, const char *what)
{
    return checks_fail(checks, "package.container", FORMAT_FAILURE, "package-not-zip", "%s", what);
}

static bool end_record_read(struct bytes zip, struct end_record *ret_end, struct checks *checks)
{
    if (zip.length < END_LENGTH)
        return not_zip(checks, "too short for a ZIP archive");
    size_t at = zip.length - END_LENGTH;
    const uint8_t *p = zip.data + at;
    if (!zip_mark_is(p, 5, 6))
        return not_zip(checks, "no end record in the last 22 bytes: truncated, not a ZIP archive, "
                               "or one with a comment");
    struct end_record end = {zip_little16(p + 10), zip_little32(p + 16), zip_little32(p + 12)};
    if (zip_little16(p + 4) != 0 || zip_little16(p + 6) != 0 || zip_little16(p + 8) != end.count)
        return not_zip(checks, "the end record tells of several disks");
    if (end.count == ZIP64_SENTINEL_16 || end.offset == ZIP64_SENTINEL_32)
        return not_zip(checks, "ZIP64 is not accepted");
    if (zip_little16(p + 20) != 0 || end.offset > at || end.size != at - end.offset)
        return not_zip(checks, "the central directory does not end where the end record begins");
    if (end.count > 0 && (end.offset < 4 || !zip_mark_is(zip.data, 3, 4)))
        return not_zip(checks, "the archive does not begin with a member");
    *ret_end = end;
    return true;
}

static bool name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* "", "." or "..": absolute paths, folders and climbing end here. */
static bool segment_is_special(const char *segment, size_t length)
{
    return length == 0 ||
           (segment[0] == '.' && (length == 1 || (length == 2 && segment[1] == '.')));
}

bool package_name_valid(const char *name, size_t length)
{
    if (length > PACKAGE_NAME_MOST)
        return false;
    for (size_t from = 0; from <= length;) {
        size_t to = from;
        while (to < length && name_character(name[to]))
            to++;
        if ((to < length && name[to] != '/') || segment_is_special(name + from, to - from))
            return false;
        from = to + 1;
    }
    return true;
}

static bool entry_judge(const uint8_t *header, size_t number, struct directory_entry *ret_entry,
                        const struct package_limits *limits, struct checks *checks)
{
    const char *name = (const char *)header + HEADER_LENGTH;
    size_t name_length = zip_little16(header + 28);
    unsigned flags = zip_little16(header + 8), method = zip_little16(header + 10);
    if (!package_name_valid(name, name_length))
        return checks_fail(checks, "package.names", FORMAT_FAILURE, "package-path",
                           "the name of member %zu is not a plain relative path", number);
    if (flags & (ZIP_FLAG_ENCRYPTED | ZIP_FLAG_STRONG | ZIP_FLAG_MASKED))
        return checks_fail(checks, "package.encryption", FORMAT_FAILURE, "package-encrypted",
                           "member %zu is encrypted", number);
    if (method != ZIP_METHOD_STORED && method != ZIP_METHOD_DEFLATED)
        return checks_fail(checks, "package.compression", FORMAT_FAILURE, "package-compression",
                           "member %zu is compressed by method %u; stored (0) and deflated (8) "
                           "are accepted",
                           number, method);
    uint32_t compressed = zip_little32(header + 20), size = zip_little32(header + 24);
    if (compressed == ZIP64_SENTINEL_32 || size == ZIP64_SENTINEL_32 ||
        zip_little32(header + 42) == ZIP64_SENTINEL_32)
        return not_zip(checks, "ZIP64 is not accepted");
    if (!zip_extra_plain(header + HEADER_LENGTH + name_length, zip_little16(header + 30)))
        return not_zip(checks, "ZIP64 is not accepted");
    if (size > limits->member_size)
        return checks_fail(checks, "package.sizes", FORMAT_FAILURE, "package-too-large",
                           "member %zu has %u bytes, %zu are accepted", number, size,
                           limits->member_size);
    if (size > RATIO_FROM && (uint64_t)compressed * limits->ratio < size)
        return checks_fail(checks, "package.sizes", FORMAT_FAILURE, "package-ratio",
                           "member %zu inflates more than %zu-fold", number, limits->ratio);
    memcpy(ret_entry->name, name, name_length);
    ret_entry->name[name_length] = 0;
    ret_entry->flags = flags;
    ret_entry->method = method;
    ret_entry->crc = zip_little32(header + 16);
    ret_entry->compressed = compressed;
    ret_entry->size = size;
    ret_entry->offset = zip_little32(header + 42);
    return true;
}

/* Reads `count` headers, which must fill the directory exactly. */
static bool entries_read(struct bytes zip, const struct end_record *end,
                         const struct package_limits *limits, struct directory *directory,
                         struct checks *checks)
{
    const uint8_t *p = zip.data + end->offset;
    size_t left = end->size;
    for (size_t i = 0; i < end->count; i++) {
        if (left < HEADER_LENGTH || !zip_mark_is(p, 1, 2))
            return not_zip(checks, "the central directory is damaged");
        size_t length =
            HEADER_LENGTH + zip_little16(p + 28) + zip_little16(p + 30) + zip_little16(p + 32);
        if (length > left)
            return not_zip(checks, "the central directory is damaged");
        if (!entry_judge(p, i + 1, &directory->entries[i], limits, checks))
            return false;
        directory->count++;
        p += length;
        left -= length;
    }
    return left == 0 || not_zip(checks, "the central directory holds more than its members");
}

static bool totals_judge(struct bytes zip, const struct directory *directory,
                         const struct package_limits *limits, struct checks *checks)
{
    uint64_t compressed = 0, size = 0;
    for (size_t i = 0; i < directory->count; i++) {
        compressed += directory->entries[i].compressed;
        size += directory->entries[i].size;
    }
    if (compressed > zip.length) /* members that share their data: a bomb without nesting */
        return not_zip(checks, "members overlap");
    if (size > limits->total_size)
        return checks_fail(checks, "package.sizes", FORMAT_FAILURE, "package-too-large",
                           "the members have %llu bytes in all, %zu are accepted",
                           (unsigned long long)size, limits->total_size);
    return true;
}

static int entry_compare(const void *a, const void *b)
{
    const struct directory_entry *const *x = a, *const *y = b;
    return strcasecmp((*x)->name, (*y)->name);
}

/* Names that differ only in the case of letters are duplicates too: they are one file on some
 * systems, and nobody means them. */
static bool duplicates_judge(const struct directory *directory, struct checks *checks)
{
    if (directory->count == 0)
        return true;
    const struct directory_entry **sorted = memory_allocate(directory->count * sizeof *sorted);
    for (size_t i = 0; i < directory->count; i++)
        sorted[i] = &directory->entries[i];
    qsort(sorted, directory->count, sizeof *sorted, entry_compare);
    bool unique = true;
    for (size_t i = 1; i < directory->count && unique; i++)
        unique = entry_compare(&sorted[i - 1], &sorted[i]) != 0;
    free(sorted);
    return unique || checks_fail(checks, "package.names", FORMAT_FAILURE,
                                 "package-duplicate-member", "two members have one name");
}

bool directory_read(struct bytes zip, const struct package_limits *limits,
                    struct directory *ret_directory, struct checks *checks)
{
    if (zip.length > limits->size)
        return checks_fail(checks, "package.size", FORMAT_FAILURE, "package-too-large",
                           "%zu bytes, %zu are accepted", zip.length, limits->size);
    struct end_record end = {0};
    if (!end_record_read(zip, &end, checks))
        return false;
    if (end.count > limits->members)
        return checks_fail(checks, "package.members", FORMAT_FAILURE, "package-too-many-members",
                           "%zu members, %zu are accepted", end.count, limits->members);
    struct directory directory = {memory_allocate((end.count + 1) * sizeof *directory.entries), 0,
                                  end.offset};
    if (!entries_read(zip, &end, limits, &directory, checks) ||
        !totals_judge(zip, &directory, limits, checks) || !duplicates_judge(&directory, checks) ||
        !package_locals_judge(zip, &directory, checks)) {
        directory_free(&directory);
        return false;
    }
    checks_input(checks, "bytes", "%zu", zip.length);
    checks_input(checks, "members", "%zu", directory.count);
    checks_pass(checks, "package.container", "a ZIP archive that agrees with itself");
    *ret_directory = directory;
    return true;
}

void directory_free(struct directory *directory)
{
    free(directory->entries);
    *directory = (struct directory){0};
}

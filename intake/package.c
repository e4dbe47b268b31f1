#include "intake/package.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/manifest.h"
#include "intake/package_directory.h"
#include "signature/signature.h"

#define FORMAT_FAILURE "FORMAT_FAILURE"
#define HASH_FAILURE   "HASH_FAILURE"

static const struct config_key limit_keys[] = {
    {"size", CONFIG_SIZE, "50M", 1 << 10, 1LL << 31, NULL, "Largest package (申請ZIP)"},
    {"members", CONFIG_NUMBER, "100", 2, 10000, NULL, "Most members in a package"},
    {"member-size", CONFIG_SIZE, "20M", 1 << 10, 1LL << 31, NULL, "Largest member, inflated"},
    {"total-size", CONFIG_SIZE, "100M", 1 << 10, 1LL << 32, NULL,
     "Largest sum of all members, inflated"},
    {"ratio", CONFIG_NUMBER, "100", 2, 1032, NULL,
     "How many times larger a member of more than 64 KiB may become when it is inflated"},
    {"xml-size", CONFIG_SIZE, "4M", 1 << 10, 64 << 20, NULL, "Largest XML document"},
    {"xml-depth", CONFIG_NUMBER, "64", 8, 250, NULL, "Deepest nesting of XML elements"},
    {"xml-nodes", CONFIG_NUMBER, "50000", 100, 2000000, NULL,
     "Most elements and attributes in an XML document"},
};

const struct config_section package_config_section = {
    .name = "package",
    .help = "Limits for what residents send. A package beyond one of them is refused.",
    .keys = limit_keys,
    .key_count = sizeof limit_keys / sizeof *limit_keys,
};

void package_limits_read(const struct config *config, struct package_limits *ret_limits)
{
    const struct config_group *group = config_group(config, package_config_section.name);
    *ret_limits = (struct package_limits){
        .size = (size_t)config_number(group, "size"),
        .members = (size_t)config_number(group, "members"),
        .member_size = (size_t)config_number(group, "member-size"),
        .total_size = (size_t)config_number(group, "total-size"),
        .ratio = (size_t)config_number(group, "ratio"),
        .xml = {.size = (size_t)config_number(group, "xml-size"),
                .depth = (int)config_number(group, "xml-depth"),
                .nodes = (size_t)config_number(group, "xml-nodes")},
    };
}

struct package_limits package_limits_default(void)
{
    return (struct package_limits){
        .size = 50 << 20,
        .members = 100,
        .member_size = 20 << 20,
        .total_size = 100 << 20,
        .ratio = 100,
        .xml = {.size = 4 << 20, .depth = 64, .nodes = 50000},
    };
}

static bool starts_with(struct bytes content, const char *magic, size_t length)
{
    return content.length >= length && memcmp(content.data, magic, length) == 0;
}

static bool is_archive(struct bytes content)
{
    static const struct {
        const char *magic;
        size_t length;
    } archives[] = {
        {"PK\3\4", 4},
        {"PK\5\6", 4},
        {"PK\7\10", 4},
        {"Rar!\x1a\7", 6},
        {"BZh", 3},
        {"7z\xbc\xaf\x27\x1c", 6},
        {"\xfd"
         "7zXZ",
         5},
        {"\x1f\x8b", 2},
    };
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        if (starts_with(content, archives[i].magic, archives[i].length))
            return true;
    return false;
}

static bool is_pdf(struct bytes content)
{
    return starts_with(content, "%PDF-", 5);
}

static bool is_picture(struct bytes content)
{
    return starts_with(content, "\xff\xd8\xff", 3) || starts_with(content, "\x89PNG\r\n\x1a\n", 8);
}

/* Whether the profile has a place for this member, and its content is what may stand there. */
static bool member_fits(const struct package_member *member, size_t number, struct checks *checks)
{
    struct bytes content = buffer_bytes(&member->bytes);
    bool document =
        strcmp(member->name, "manifest.xml") == 0 || strcmp(member->name, "application.xml") == 0;
    bool signature = signature_container_of_file(member->name) != NULL;
    bool pdf = strcmp(member->name, "application.pdf") == 0;
    bool attachment = strncmp(member->name, "attachments/", 12) == 0;
    if (!document && !signature && !pdf && !attachment)
        return checks_fail(checks, "package.members", FORMAT_FAILURE, "package-member-extra",
                           "member %zu has no place in profile pittari-1", number);
    if (is_archive(content))
        return checks_fail(checks, "package.contents", FORMAT_FAILURE, "package-nested-archive",
                           "member %zu is an archive itself", number);
    if ((pdf || attachment) && !is_pdf(content) && !(attachment && is_picture(content)))
        return checks_fail(checks, "package.contents", FORMAT_FAILURE, "package-member-type",
                           "member %zu is not a %s by its content", number,
                           pdf ? "PDF" : "PDF, JPEG or PNG");
    return true;
}

static void cleanup_zip(zip_t **archive)
{
    if (*archive)
        zip_discard(*archive);
}

static void cleanup_zip_file(zip_file_t **file)
{
    if (*file)
        zip_fclose(*file);
}

static zip_t *archive_open(struct bytes zip)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(zip.data, zip.length, 0, &error);
    zip_t *archive =
        source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
    if (source && !archive)
        zip_source_free(source);
    zip_error_fini(&error);
    return archive;
}

/* Reads one byte more than was declared, so that a member which inflates to more is caught. */
static bool member_inflate(zip_t *archive, size_t index, size_t declared, struct buffer *ret_bytes,
                           struct checks *checks)
{
    _cleanup_(cleanup_zip_file) zip_file_t *file = zip_fopen_index(archive, index, 0);
    if (!file)
        return checks_fail(checks, "package.container", FORMAT_FAILURE, "package-not-zip",
                           "member %zu cannot be opened", index + 1);
    uint8_t *to = buffer_reserve(ret_bytes, declared + 1);
    size_t length = 0;
    zip_int64_t got = 1;
    while (length <= declared && got > 0) {
        got = zip_fread(file, to + length, declared + 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    if (length > declared || (got == 0 && length < declared))
        return checks_fail(checks, "package.sizes", FORMAT_FAILURE, "package-member-size",
                           "member %zu inflates to another size than it declares", index + 1);
    if (got < 0) /* broken stream or wrong CRC-32 */
        return checks_fail(checks, "package.container", FORMAT_FAILURE, "package-not-zip",
                           "the data of member %zu is damaged", index + 1);
    buffer_commit(ret_bytes, length);
    return true;
}

static void members_free(struct package_member *members, size_t count)
{
    for (size_t i = 0; members && i < count; i++) {
        free(members[i].name);
        buffer_erase_free(&members[i].bytes);
    }
    free(members);
}

static bool members_inflate(zip_t *archive, const struct directory *directory,
                            struct package_member *members, struct checks *checks)
{
    for (size_t i = 0; i < directory->count; i++) {
        const struct directory_entry *entry = &directory->entries[i];
        struct package_member *member = &members[i];
        const char *name = zip_get_name(archive, i, ZIP_FL_ENC_RAW);
        if (!name || strcmp(name, entry->name) != 0) /* the library reads another directory */
            return checks_fail(checks, "package.container", FORMAT_FAILURE, "package-not-zip",
                               "the archive has two directories");
        member->name = text_copy(entry->name);
        if (!member_inflate(archive, i, entry->size, &member->bytes, checks) ||
            !member_fits(member, i + 1, checks))
            return false;
        sha256(buffer_bytes(&member->bytes), member->sha256);
    }
    checks_input(checks, "members", "%zu", directory->count);
    checks_pass(checks, "package.contents", "the members are as the profile has them");
    return true;
}

static struct package_member *member_named(struct package_member *members, size_t count,
                                           const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (members[i].name && strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

/* Moves what the manifest lists into the package, in its order. */
static bool member_take(const struct manifest_member *listed, size_t number,
                        struct package_member *found, struct package *package,
                        struct checks *checks)
{
    if (!found)
        return checks_fail(checks, "manifest.members", FORMAT_FAILURE, "package-member-missing",
                           "member %zu of the manifest is not in the archive", number);
    if (found->bytes.length != listed->size)
        return checks_fail(checks, "manifest.members", HASH_FAILURE, "package-member-size",
                           "member %zu of the manifest has %zu bytes, not %zu", number,
                           found->bytes.length, listed->size);
    if (memcmp(found->sha256, listed->sha256, sizeof found->sha256) != 0)
        return checks_fail(checks, "manifest.members", HASH_FAILURE, "package-member-hash",
                           "member %zu of the manifest has another SHA-256", number);
    package->members[package->member_count++] = *found;
    *found = (struct package_member){0};
    return true;
}

static bool members_compare(const struct manifest *manifest, struct package_member *members,
                            size_t count, struct package *package, struct checks *checks)
{
    package->members = memory_allocate((manifest->member_count + 1) * sizeof *package->members);
    for (size_t i = 0; i < manifest->member_count; i++) {
        const struct manifest_member *listed = &manifest->members[i];
        struct package_member *found = member_named(members, count, listed->name);
        if (!member_take(listed, i + 1, found, package, checks))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].name && strcmp(members[i].name, "manifest.xml") != 0)
            return checks_fail(checks, "manifest.members", FORMAT_FAILURE, "package-member-extra",
                               "member %zu of the archive is not in the manifest", i + 1);
    if (!package_find(package, "application.xml"))
        return checks_fail(checks, "manifest.members", FORMAT_FAILURE, "package-member-missing",
                           "there is no application.xml");
    checks_input(checks, "members", "%zu", package->member_count);
    checks_pass(checks, "manifest.members", "each is there with its size and SHA-256");
    return true;
}

static bool package_assemble(struct package_member *members, size_t count,
                             const struct package_limits *limits, struct package *package,
                             struct checks *checks)
{
    const struct package_member *described = member_named(members, count, "manifest.xml");
    if (!described)
        return checks_fail(checks, "manifest.structure", FORMAT_FAILURE, "package-member-missing",
                           "there is no manifest.xml");
    struct manifest manifest;
    if (!manifest_read(buffer_bytes(&described->bytes), limits, &manifest, checks))
        return false;
    memcpy(package->receipt_number, manifest.receipt_number, sizeof package->receipt_number);
    memcpy(package->city_code, manifest.city_code, sizeof package->city_code);
    memcpy(package->procedure_id, manifest.procedure_id, sizeof package->procedure_id);
    memcpy(package->form_version, manifest.form_version, sizeof package->form_version);
    memcpy(package->corrects, manifest.corrects, sizeof package->corrects);
    package->applied_at = manifest.applied_at;
    package->by_agent = manifest.by_agent;
    bool complete = members_compare(&manifest, members, count, package, checks);
    manifest_free(&manifest);
    return complete;
}

static bool package_read(struct bytes zip, const struct directory *directory,
                         const struct package_limits *limits, struct package *package,
                         struct checks *checks)
{
    _cleanup_(cleanup_zip) zip_t *archive = archive_open(zip);
    if (!archive || zip_get_num_entries(archive, 0) != (zip_int64_t)directory->count)
        return checks_fail(checks, "package.container", FORMAT_FAILURE, "package-not-zip",
                           "the archive contradicts itself");
    struct package_member *members = memory_allocate((directory->count + 1) * sizeof *members);
    bool read = members_inflate(archive, directory, members, checks) &&
                package_assemble(members, directory->count, limits, package, checks);
    members_free(members, directory->count);
    return read;
}

struct package *package_open(struct bytes zip, const struct package_limits *limits,
                             struct checks *checks)
{
    struct directory directory;
    if (!directory_read(zip, limits, &directory, checks))
        return NULL;
    struct package *package = memory_allocate(sizeof *package);
    if (!package_read(zip, &directory, limits, package, checks)) {
        package_free(package);
        package = NULL;
    }
    directory_free(&directory);
    return package;
}

void package_free(struct package *package)
{
    if (!package)
        return;
    members_free(package->members, package->member_count);
    free(package);
}

const struct package_member *package_find(const struct package *package, const char *name)
{
    return member_named(package->members, package->member_count, name);
}

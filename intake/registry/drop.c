#include "intake/registry/drop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

void delivery_free(struct delivery *delivery)
{
    free(delivery->folder);
    free(delivery->name);
    *delivery = (struct delivery){0};
}

void deliveries_free(struct deliveries *deliveries)
{
    for (size_t i = 0; i < deliveries->count; i++)
        delivery_free(&deliveries->at[i]);
    free(deliveries->at);
    *deliveries = (struct deliveries){0};
}

/* Whoever may write to the folder must not lead us to another file, or let us wait for ever. */
static bool file_open(const char *path, FILE **ret_in, struct failure *f)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP)
        return failure_set(f, FAILURE_INPUT, "is a symbolic link, and must be a file");
    if (fd < 0 && errno == ENOENT)
        return failure_set(f, FAILURE_INPUT, "is not there");
    if (fd < 0)
        return failure_errno(f, "cannot read it");
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return failure_set(f, FAILURE_INPUT, "is no file");
    }
    FILE *in = fdopen(fd, "r");
    if (!in) {
        close(fd);
        return failure_errno(f, "cannot read it");
    }
    *ret_in = in;
    return true;
}

bool delivery_open(const struct delivery *delivery, FILE **ret_in, struct failure *f)
{
    _cleanup_(cleanup_text) char *path =
        text_format("%s/%s", delivery->folder, delivery->manifest.file);
    return file_open(path, ret_in, f);
}

static bool manifest_load(const char *path, const char *city_code,
                          struct feed_manifest *ret_manifest, struct failure *f)
{
    char text[FEED_MANIFEST_MOST + 1];
    _cleanup_(cleanup_file) FILE *in = NULL;
    if (!file_open(path, &in, f))
        return failure_prefix(f, "the manifest");
    size_t length = fread(text, 1, sizeof text, in);
    if (ferror(in))
        return failure_errno(f, "cannot read the manifest");
    if (!feed_manifest_parse(bytes_of(text, length), ret_manifest, f))
        return false;
    return !strcmp(ret_manifest->city_code, city_code) ||
           failure_set(f, FAILURE_INPUT,
                       "manifest, city_code: the feed is of another city than [city] code");
}

bool delivery_read(const char *path, const char *city_code, struct delivery *ret_delivery,
                   struct failure *f)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    struct delivery delivery = {0};
    struct stat status;
    if (length <= 5 || strcmp(name + length - 5, ".json"))
        return failure_set(f, FAILURE_USAGE, "a manifest's name ends in .json");
    _cleanup_(cleanup_text) char *folder =
        slash ? text_copy_n(path, (size_t)(slash - path)) : text_copy(".");
    _cleanup_(cleanup_text) char *stem = text_copy_n(name, length - 5);
    _cleanup_(cleanup_text) char *marker = text_format("%s/%s.done", folder, stem);
    if (stat(marker, &status) != 0)
        return failure_set(f, FAILURE_INPUT,
                           "is not complete: the done-marker beside the manifest is not there");
    if (!manifest_load(path, city_code, &delivery.manifest, f))
        return false;
    delivery.folder = TAKE(folder);
    delivery.name = TAKE(stem);
    *ret_delivery = delivery;
    return true;
}

static int delivery_compare(const void *one, const void *other)
{
    const struct feed *a = &((const struct delivery *)one)->manifest.feed;
    const struct feed *b = &((const struct delivery *)other)->manifest.feed;
    if (a->as_of != b->as_of)
        return a->as_of < b->as_of ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind == FEED_RESIDENTS ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static void cleanup_directory(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static bool deliveries_add(const char *folder, const char *marker, const char *city_code,
                           struct deliveries *found, struct failure *f)
{
    size_t length = strlen(marker);
    if (length <= 5 || *marker == '.' || strcmp(marker + length - 5, ".done"))
        return true;
    if (found->count == DROP_DELIVERIES_MOST)
        return failure_set(f, FAILURE_LIMIT, "%s: more than %d deliveries: clear old ones away",
                           folder, DROP_DELIVERIES_MOST);
    _cleanup_(cleanup_text) char *path =
        text_format("%s/%.*s.json", folder, (int)(length - 5), marker);
    if (!delivery_read(path, city_code, &found->at[found->count], f))
        return failure_prefix(f, "%s", path);
    found->count++;
    return true;
}

bool deliveries_find(const char *folder, const char *city_code, struct deliveries *ret_deliveries,
                     struct failure *f)
{
    _cleanup_(deliveries_free) struct deliveries found = {
        .at = memory_allocate(DROP_DELIVERIES_MOST * sizeof *found.at)};
    _cleanup_(cleanup_directory) DIR *directory = opendir(folder);
    if (!directory)
        return failure_errno(f, "cannot read the folder %s", folder);
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (!deliveries_add(folder, entry->d_name, city_code, &found, f))
            return false;
    qsort(found.at, found.count, sizeof *found.at, delivery_compare);
    *ret_deliveries = found;
    found = (struct deliveries){0};
    return true;
}

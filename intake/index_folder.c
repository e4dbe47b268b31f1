#include "intake/index_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static bool is_index(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".idx") == 0;
}

/* FNV-1a over what changes when a file is replaced. */
static uint64_t file_stamp(const char *name, const struct stat *st)
{
    uint64_t facts[] = {(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
                        (uint64_t)st->st_size, (uint64_t)st->st_ino};
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        hash = (hash ^ facts[i]) * 0x100000001b3;
    return hash;
}

static void name_add(struct index_folder *folder, const char *name)
{
    folder->names = memory_resize(folder->names, (folder->count + 1) * sizeof *folder->names);
    folder->names[folder->count++] = text_copy(name);
}

bool index_folder_read(const char *path, struct index_folder *ret_folder, struct failure *f)
{
    struct index_folder folder = {.path = text_copy(path)};
    uint64_t stamp = 1; /* 0 is "never looked" */
    DIR *directory = opendir(path);
    if (!directory && errno != ENOENT) {
        index_folder_free(&folder);
        return failure_errno(f, "cannot read the folder of revocation lists %s", path);
    }
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        struct stat st;
        if (!is_index(entry->d_name) || fstatat(dirfd(directory), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        stamp += file_stamp(entry->d_name, &st); /* a sum: the folder has no order */
        name_add(&folder, entry->d_name);
    }
    if (directory)
        closedir(directory);
    folder.stamp = (int64_t)stamp;
    *ret_folder = folder;
    return true;
}

bool index_folder_open(const struct index_folder *folder, size_t i, int *ret_fd, struct failure *f)
{
    _cleanup_(cleanup_text) char *file = text_format("%s/%s", folder->path, folder->names[i]);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failure_errno(f, "%s cannot be opened", file);
    *ret_fd = fd;
    return true;
}

void index_folder_free(struct index_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->names[i]);
    free(folder->names);
    free(folder->path);
    *folder = (struct index_folder){0};
}

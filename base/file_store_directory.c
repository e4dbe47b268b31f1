/* A directory of this machine (or one that is mounted). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file_store_internal.h"

static char *path_of(const struct file_store *store, const char *name)
{
    return text_format("%s%s%s", store->to, *name ? "/" : "", name);
}

static bool directory_open(struct file_store *store, struct failure *f)
{
    struct stat status;
    if (stat(store->to, &status) != 0)
        return failure_errno(f, "can't use the directory %s", store->to);
    return S_ISDIR(status.st_mode) ||
           failure_set(f, FAILURE_USAGE, "%s is no directory", store->to);
}

static bool folder_flush(const char *path, struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return failure_errno(f, "can't flush the directory %s", path);
    return true;
}

/* The folders that `name` stands in, below the place itself. */
static bool folders_make(struct file_store *store, const char *name, struct failure *f)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        _cleanup_(cleanup_text) char *path =
            text_format("%s/%.*s", store->to, (int)(slash - name), name);
        if (mkdir(path, 0770) == 0) {
            char *end = strrchr(path, '/');
            *end = '\0';
            if (!folder_flush(path, f))
                return false;
        } else if (errno != EEXIST) {
            return failure_errno(f, "can't make the directory %s", path);
        }
    }
    return true;
}

static bool write_all(int fd, struct bytes content)
{
    while (content.length > 0) {
        ssize_t n = write(fd, content.data, content.length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        content.data += n;
        content.length -= (size_t)n;
    }
    return fsync(fd) == 0;
}

static bool file_write(const char *path, struct bytes content, struct failure *f)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0660);
    if (fd < 0)
        return failure_errno(f, "can't write %s", path);
    bool done = write_all(fd, content);
    int error = errno;
    done = close(fd) == 0 && done;
    errno = error;
    return done || failure_errno(f, "can't write %s", path);
}

static bool rename_flushed(const char *from, const char *to, struct failure *f)
{
    _cleanup_(cleanup_text) char *folder = text_copy(to);
    *strrchr(folder, '/') = '\0';
    if (rename(from, to) != 0)
        return failure_errno(f, "can't rename to %s", to);
    return folder_flush(folder, f);
}

static bool directory_put(struct file_store *store, const char *name, struct bytes content,
                          struct failure *f)
{
    _cleanup_(cleanup_text) char *path = path_of(store, name);
    _cleanup_(cleanup_text) char *hidden = file_store_temporary(store, name);
    _cleanup_(cleanup_text) char *temporary = path_of(store, hidden);
    if (!folders_make(store, name, f))
        return false;
    if (file_write(temporary, content, f) && rename_flushed(temporary, path, f))
        return true;
    unlink(temporary);
    return false;
}

static bool read_all(FILE *in, const char *path, size_t most, struct buffer *content,
                     struct failure *f)
{
    size_t before = content->length;
    for (size_t n; (n = fread(buffer_reserve(content, 65536), 1, 65536, in)) > 0;) {
        buffer_commit(content, n);
        if (content->length - before > most)
            return failure_set(f, FAILURE_LIMIT, "%s is longer than the %zu bytes allowed", path,
                               most);
    }
    return !ferror(in) || failure_errno(f, "can't read %s", path);
}

static bool directory_get(struct file_store *store, const char *name, size_t most, bool *ret_found,
                          struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = path_of(store, name);
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_found = false;
        return true;
    }
    _cleanup_(cleanup_file) FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    if (!in || fstat(fd, &status) != 0)
        return failure_errno(f, "can't read %s", path);
    if (!S_ISREG(status.st_mode))
        return failure_set(f, FAILURE_INPUT, "%s is no file", path);
    *ret_found = true;
    return read_all(in, path, most, ret_content, f);
}

static bool is_file(DIR *folder, const char *name)
{
    struct stat status;
    return fstatat(dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(status.st_mode);
}

static bool directory_list(struct file_store *store, const char *folder, struct file_names *names,
                           struct failure *f)
{
    _cleanup_(cleanup_text) char *path = path_of(store, folder);
    DIR *entries = opendir(path);
    if (!entries)
        return errno == ENOENT || failure_errno(f, "can't read the directory %s", path);
    for (struct dirent *entry; (entry = readdir(entries));)
        if (names->count <= FILE_STORE_MOST && is_file(entries, entry->d_name))
            file_names_add(names, entry->d_name);
    closedir(entries);
    return true;
}

static bool directory_move(struct file_store *store, const char *from, const char *to,
                           struct failure *f)
{
    _cleanup_(cleanup_text) char *old = path_of(store, from), *new = path_of(store, to);
    return folders_make(store, to, f) && rename_flushed(old, new, f);
}

static bool directory_remove(struct file_store *store, const char *name, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = path_of(store, name);
    return unlink(path) == 0 || errno == ENOENT || failure_errno(f, "can't remove %s", path);
}

const struct file_store_kind file_store_directory = {
    .open = directory_open,
    .put = directory_put,
    .get = directory_get,
    .list = directory_list,
    .move = directory_move,
    .remove = directory_remove,
};

/* A directory of this machine (or one that is mounted). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file_store_internal.h"

static bool directory_open(struct file_store *store, struct failure *f)
{
    struct stat status;
    if (stat(store->to, &status) != 0)
        return failure_errno(f, "can't use the directory %s", store->to);
    return S_ISDIR(status.st_mode) ||
           failure_set(f, FAILURE_USAGE, "%s is no directory", store->to);
}

/* The folder that `name` stands in, made where it is missing and `make` says so; -1 with errno. The
 * place itself may be a link, nothing below it: who may write there could lead us elsewhere. */
static int folder_open(const struct file_store *store, const char *name, bool make)
{
    int at = open(store->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; at >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        _cleanup_(cleanup_fd) int above = at;
        _cleanup_(cleanup_text) char *part = text_copy_n(name, (size_t)(slash - name));
        if (make && mkdirat(above, part, 0770) == 0 && fsync(above) != 0)
            return -1;
        at = openat(above, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    return at;
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* For failures: which file it was about. */
static bool fails(const struct file_store *store, const char *verb, const char *name,
                  struct failure *f)
{
    return failure_errno(f, "can't %s %s%s%s", verb, store->to, *name ? "/" : "", name);
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

static bool file_write(int folder, const char *name, struct bytes content)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
    if (fd < 0)
        return false;
    bool done = write_all(fd, content);
    int error = errno;
    if (close(fd) == 0)
        errno = error;
    else
        done = false;
    return done;
}

static bool directory_put(struct file_store *store, const char *name, struct bytes content,
                          struct failure *f)
{
    _cleanup_(cleanup_text) char *hidden = file_store_temporary(store, last_part(name));
    _cleanup_(cleanup_fd) int folder = folder_open(store, name, true);
    if (folder < 0)
        return fails(store, "write", name, f);
    if (file_write(folder, hidden, content) &&
        renameat(folder, hidden, folder, last_part(name)) == 0 && fsync(folder) == 0)
        return true;
    fails(store, "write", name, f);
    unlinkat(folder, hidden, 0);
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
    static const int how = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    struct stat status;
    _cleanup_(cleanup_fd) int folder = folder_open(store, name, false);
    int fd = folder < 0 ? -1 : openat(folder, last_part(name), how);
    if (fd < 0 && errno == ENOENT) {
        *ret_found = false;
        return true;
    }
    _cleanup_(cleanup_file) FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    if (!in || fstat(fd, &status) != 0)
        return fails(store, "read", name, f);
    if (!S_ISREG(status.st_mode))
        return failure_set(f, FAILURE_INPUT, "%s/%s is no file", store->to, name);
    *ret_found = true;
    return read_all(in, name, most, ret_content, f);
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
    _cleanup_(cleanup_text) char *inside = text_format("%s%s", folder, *folder ? "/" : "");
    int fd = folder_open(store, inside, false);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries)
        return (fd < 0 && errno == ENOENT) || fails(store, "read the directory", folder, f);
    for (struct dirent *entry; (entry = readdir(entries));)
        if (names->count <= FILE_STORE_MOST && is_file(entries, entry->d_name))
            file_names_add(names, entry->d_name);
    closedir(entries);
    return true;
}

static bool directory_move(struct file_store *store, const char *from, const char *to,
                           struct failure *f)
{
    _cleanup_(cleanup_fd) int old = folder_open(store, from, false);
    _cleanup_(cleanup_fd) int new = old < 0 ? -1 : folder_open(store, to, true);
    return (new >= 0 && renameat(old, last_part(from), new, last_part(to)) == 0 &&
            fsync(new) == 0 && fsync(old) == 0) ||
           fails(store, "rename to", to, f);
}

static bool directory_remove(struct file_store *store, const char *name, struct failure *f)
{
    _cleanup_(cleanup_fd) int folder = folder_open(store, name, false);
    return (folder >= 0 && unlinkat(folder, last_part(name), 0) == 0) || errno == ENOENT ||
           fails(store, "remove", name, f);
}

const struct file_store_kind file_store_directory = {
    .open = directory_open,
    .put = directory_put,
    .get = directory_get,
    .list = directory_list,
    .move = directory_move,
    .remove = directory_remove,
};

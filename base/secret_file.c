#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool check(int fd, const char *what, const char *path, struct failure *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return failure_errno(f, "%s %s", what, path);
    if (!S_ISREG(st.st_mode))
        return failure_set(f, FAILURE_USAGE, "%s %s is not a regular file", what, path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return failure_set(f, FAILURE_USAGE,
                           "%s %s is open to others than its owner (mode %04o): "
                           "chmod 0400 it, and think about who may have a copy",
                           what, path, st.st_mode & 07777u);
    return true;
}

/* systemd.exec(5), Credentials: the service's own copy of a file that only root may read. */
static char *credential_path(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY"), *name = strrchr(path, '/');
    char *own = folder ? text_format("%s/%s", folder, name ? name + 1 : path) : NULL;

    if (own && access(own, F_OK) == 0)
        return own;
    free(own);
    return text_copy(path);
}

bool secret_file_read(const char *what, const char *configured, size_t most,
                      struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = credential_path(configured);
    _cleanup_(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return failure_errno(f, "%s %s", what, path);
    if (!check(fd, what, path, f))
        return false;
    _cleanup_(cleanup_secret_buffer) struct buffer content = {0};
    for (ssize_t got = 1; got != 0;) {
        got = read(fd, buffer_reserve(&content, most + 1), most + 1);
        if (got < 0 && errno != EINTR)
            return failure_errno(f, "%s %s", what, path);
        if (got > 0)
            buffer_commit(&content, (size_t)got);
        if (content.length > most)
            return failure_set(f, FAILURE_USAGE,
                               "%s %s is longer than %zu bytes: is it the file "
                               "that was meant?",
                               what, path, most);
    }
    *ret_content = content;
    content = (struct buffer){0};
    return true;
}

static bool write_durably(int fd, struct bytes content)
{
    for (size_t n = 0; n < content.length;) {
        ssize_t put = write(fd, content.data + n, content.length - n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            n += (size_t)put;
    }
    return fsync(fd) == 0;
}

bool secret_file_create(const char *what, const char *path, mode_t mode, struct bytes content,
                        struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return failure_errno(f, "%s %s", what, path);
    if (fchmod(fd, mode) == 0 && write_durably(fd, content)) /* whatever the umask says */
        return true;
    failure_errno(f, "%s %s", what, path);
    unlink(path); /* half a key is none */
    return false;
}

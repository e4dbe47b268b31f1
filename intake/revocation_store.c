#include "intake/revocation_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define ARCHIVE "archive"

DEFINE_CLEANUP(cleanup_directory, DIR *, closedir)

char *index_path(const char *folder, const char *name)
{
    return text_format("%s/%s.idx", folder, name);
}

char *index_archive_path(const char *folder, const char *index_sha256)
{
    return text_format("%s/" ARCHIVE "/%s.idx", folder, index_sha256);
}

static bool folder_make(const char *path, struct failure *f)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ||
           failure_errno(f, "cannot make the folder %s", path);
}

static bool folder_open(const char *folder, struct index_draft *draft, struct failure *f)
{
    _cleanup_(cleanup_text) char *archive = text_format("%s/" ARCHIVE, folder);
    if (!folder_make(folder, f) || !folder_make(archive, f))
        return false;
    draft->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (draft->folder < 0 || flock(draft->folder, LOCK_EX) != 0)
        return failure_errno(f, "cannot lock the folder %s", folder);
    return true;
}

/* What a killed process left under this name is begun anew. */
static int file_begin(const struct index_draft *draft, const char *name)
{
    unlinkat(draft->folder, name, 0);
    return openat(draft->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

bool index_draft_open(const char *folder, const char *name, struct index_draft *ret_draft,
                      struct failure *f)
{
    struct index_draft draft = {.folder = -1, .output = -1, .scratch = -1};
    if (!folder_open(folder, &draft, f)) {
        index_draft_close(&draft);
        return false;
    }
    draft.name = text_copy(name);
    draft.path = text_copy(folder);
    draft.output = file_begin(&draft, ".draft");
    draft.scratch = file_begin(&draft, ".runs");
    if (draft.output < 0 || draft.scratch < 0 || fchmod(draft.output, 0644) != 0) {
        failure_errno(f, "cannot make a file in %s", folder);
        index_draft_close(&draft);
        return false;
    }
    unlinkat(draft.folder, ".runs", 0);
    *ret_draft = draft;
    return true;
}

static bool folder_flush(const char *path, struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || failure_errno(f, "cannot flush the folder %s", path);
}

bool index_draft_store(struct index_draft *draft, const char *index_sha256, struct failure *f)
{
    _cleanup_(cleanup_text) char *archive = text_format("%s/" ARCHIVE, draft->path);
    _cleanup_(cleanup_text) char *archived = text_format(ARCHIVE "/%s.idx", index_sha256);
    _cleanup_(cleanup_text) char *current = text_format("%s.idx", draft->name);
    if (fsync(draft->output) != 0)
        return failure_errno(f, "cannot flush the index %s", current);
    if (linkat(draft->folder, ".draft", draft->folder, archived, 0) != 0 && errno != EEXIST)
        return failure_errno(f, "cannot archive the index %s", current);
    /* Evidence that names it may be written as soon as it is in use: it is archived first. */
    if (!folder_flush(archive, f))
        return false;
    if (renameat(draft->folder, ".draft", draft->folder, current) != 0)
        return failure_errno(f, "cannot put the index %s in its place", current);
    return folder_flush(draft->path, f);
}

void index_draft_close(struct index_draft *draft)
{
    if (draft->output >= 0) {
        unlinkat(draft->folder, ".draft", 0); /* no more there when it was stored */
        close(draft->output);
    }
    if (draft->scratch >= 0)
        close(draft->scratch);
    if (draft->folder >= 0)
        close(draft->folder);
    free(draft->path);
    free(draft->name);
    *draft = (struct index_draft){.folder = -1, .output = -1, .scratch = -1};
}

/* The last thing that changed about it is that its other name went: then it went out of use. */
static bool is_outdated(const struct stat *status, instant keep)
{
    instant changed = (instant)status->st_ctim.tv_sec * INSTANT_SECOND;
    return S_ISREG(status->st_mode) && status->st_nlink == 1 && clock_now() - changed > keep;
}

bool index_archive_prune(const char *folder, instant keep, size_t *ret_removed, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/" ARCHIVE, folder);
    _cleanup_(cleanup_directory) DIR *archive = opendir(path);
    size_t removed = 0;
    if (!archive)
        return failure_errno(f, "cannot read the folder %s", path);
    for (struct dirent *entry; (entry = readdir(archive));) {
        struct stat status;
        if (fstatat(dirfd(archive), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !is_outdated(&status, keep))
            continue;
        if (unlinkat(dirfd(archive), entry->d_name, 0) != 0)
            return failure_errno(f, "cannot remove %s/%s", path, entry->d_name);
        removed++;
    }
    *ret_removed = removed;
    return true;
}

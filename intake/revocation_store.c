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
#include "base/json.h"
#include "signature/crl_index.h"

#define ARCHIVE        "archive"
#define ARCHIVED_DRAFT ARCHIVE "/.draft"
#define DRAFT          ".draft"
#define LAST_DRAFT     ".last"
#define LAST_FORMAT    "uketsuke-revocation-last-1"
#define LAST_MOST      8192 /* bytes: a partition's name and a little more */

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
    draft.output = file_begin(&draft, DRAFT);
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

/* Under its own name in the archive; what stands there already may be damaged, and is replaced. */
static bool archive_put(const struct index_draft *draft, const char *from, const char *index_sha256,
                        struct failure *f)
{
    _cleanup_(cleanup_text) char *archive = text_format("%s/" ARCHIVE, draft->path);
    _cleanup_(cleanup_text) char *archived = text_format(ARCHIVE "/%s.idx", index_sha256);
    unlinkat(draft->folder, ARCHIVED_DRAFT, 0);
    if (linkat(draft->folder, from, draft->folder, ARCHIVED_DRAFT, 0) != 0 ||
        renameat(draft->folder, ARCHIVED_DRAFT, draft->folder, archived) != 0)
        return failure_errno(f, "cannot archive the index %s.idx", draft->name);
    unlinkat(draft->folder, ARCHIVED_DRAFT, 0); /* still there when both were one file */
    return folder_flush(archive, f);
}

static json_t *last_json(const struct crl_facts *facts)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "format", LAST_FORMAT, "partition",
                     facts->partition, "issuer_sha256", facts->issuer_sha256, "number",
                     facts->number, "this_update", (json_int_t)facts->this_update);
}

static bool last_write(const struct index_draft *draft, const struct crl_facts *facts,
                       struct failure *f)
{
    _cleanup_(cleanup_text) char *last = text_format("%s.last", draft->name);
    _cleanup_(cleanup_json) json_t *json = last_json(facts);
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    _cleanup_(cleanup_fd) int fd = file_begin(draft, LAST_DRAFT);
    json_write(json, &text);
    if (text.length == 0)
        return failure_set(f, FAILURE_INPUT, "the partition's name is no text that can be kept");
    if (fd < 0 || write(fd, text.data, text.length) != (ssize_t)text.length || fsync(fd) != 0 ||
        renameat(draft->folder, LAST_DRAFT, draft->folder, last) != 0)
        return failure_errno(f, "cannot write %s/%s", draft->path, last);
    return true;
}

bool index_draft_store(struct index_draft *draft, const char *index_sha256,
                       const struct crl_facts *facts, struct failure *f)
{
    _cleanup_(cleanup_text) char *current = text_format("%s.idx", draft->name);
    if (fsync(draft->output) != 0)
        return failure_errno(f, "cannot flush the index %s", current);
    /* Evidence that names it may be written as soon as it is in use: it is archived first. */
    if (!archive_put(draft, DRAFT, index_sha256, f) || !last_write(draft, facts, f))
        return false;
    if (renameat(draft->folder, DRAFT, draft->folder, current) != 0)
        return failure_errno(f, "cannot put the index %s in its place", current);
    return folder_flush(draft->path, f);
}

static bool is_archived(const struct index_draft *draft, const char *current,
                        const char *index_sha256)
{
    _cleanup_(cleanup_text) char *archived = text_format(ARCHIVE "/%s.idx", index_sha256);
    struct stat one, other;
    return fstatat(draft->folder, current, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(draft->folder, archived, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool index_draft_keep(const struct index_draft *draft, const char *index_sha256,
                      const struct crl_facts *facts, struct failure *f)
{
    _cleanup_(cleanup_text) char *current = text_format("%s.idx", draft->name);
    struct crl_facts last;
    bool there = false;
    if (!is_archived(draft, current, index_sha256) && !archive_put(draft, current, index_sha256, f))
        return false;
    bool known = index_last_read(draft->path, draft->name, &last, &there, NULL) && there &&
                 crl_facts_compare(&last, facts) == 0;
    return known || (last_write(draft, facts, f) && folder_flush(draft->path, f));
}

static bool last_take(const json_t *json, struct crl_facts *facts)
{
    const char *format, *partition, *issuer, *number;
    json_int_t this_update;
    if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:s, s:I !}", "format", &format, "partition",
                    &partition, "issuer_sha256", &issuer, "number", &number, "this_update",
                    &this_update) != 0 ||
        strcmp(format, LAST_FORMAT) != 0 || strlen(partition) >= sizeof facts->partition ||
        strlen(issuer) >= sizeof facts->issuer_sha256 || strlen(number) >= sizeof facts->number)
        return false;
    *facts = (struct crl_facts){.this_update = this_update};
    memcpy(facts->partition, partition, strlen(partition) + 1);
    memcpy(facts->issuer_sha256, issuer, strlen(issuer) + 1);
    memcpy(facts->number, number, strlen(number) + 1);
    return true;
}

bool index_last_read(const char *folder, const char *name, struct crl_facts *ret_facts,
                     bool *ret_there, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s.last", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    char text[LAST_MOST];
    *ret_there = file || errno != ENOENT;
    if (!file)
        return !*ret_there || failure_errno(f, "%s cannot be opened", path);
    size_t length = fread(text, 1, sizeof text, file);
    _cleanup_(cleanup_json) json_t *json = json_read(bytes_of(text, length));
    return last_take(json, ret_facts) ||
           failure_set(f, FAILURE_INPUT, "%s is damaged: it does not tell which list was the last",
                       path);
}

void index_draft_close(struct index_draft *draft)
{
    if (draft->output >= 0) {
        unlinkat(draft->folder, DRAFT, 0); /* no more there when it was stored */
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

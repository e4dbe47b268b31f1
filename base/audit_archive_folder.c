/* The archive's folder: its manifests, its files, and the proof of a month. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"
#include "base/process.h"

#define MANIFEST_MOST  (64u << 10)
#define PROGRESS_EVERY 1000

void audit_file_name(const char *month, const char *chain, char ret_name[AUDIT_PATH])
{
    snprintf(ret_name, AUDIT_PATH, "%s-%s.trail", month, chain);
}

void audit_file_context(const char *city_code, const char *month, const char *chain,
                        char ret_context[AUDIT_PATH])
{
    snprintf(ret_context, AUDIT_PATH, "%s/%s/%s", city_code, month, chain);
}

bool audit_month_of_name(const char *name, char ret_month[AUDIT_MONTH])
{
    if (strlen(name) != AUDIT_MONTH - 1 + 5 || strcmp(name + AUDIT_MONTH - 1, ".json") != 0)
        return false;
    snprintf(ret_month, AUDIT_MONTH, "%.7s", name);
    return audit_month_valid(ret_month);
}

/* --- manifests ---------------------------------------------------------------------------------
 */

static const char *pair_read(const struct audit_keys *keys, struct buffer *text,
                             const struct buffer *signature, const char *name,
                             struct audit_month *ret)
{
    if (strlen(buffer_text(text)) != text->length)
        return "the manifest is no text";
    const char *wrong = audit_month_read(keys, buffer_text(text), buffer_bytes(signature), ret);
    if (!wrong && strcmp(ret->month, name) != 0) {
        audit_month_free(ret);
        return "the manifest is of another month";
    }
    return wrong;
}

bool audit_month_load(struct file_store *store, const struct audit_keys *keys, const char *name,
                      bool *ret_found, struct audit_month *ret_month, audit_fault_teller *fault,
                      void *context, struct failure *f)
{
    char file[AUDIT_PATH], what[200];
    bool has_text, has_signature = false;
    _cleanup_(cleanup_buffer) struct buffer text = {0}, signature = {0};
    snprintf(file, sizeof file, "%s.json", name);
    if (!file_store_get(store, file, MANIFEST_MOST, &has_text, &text, f))
        return false;
    snprintf(file, sizeof file, "%s.json.sig", name);
    if (has_text && !file_store_get(store, file, MANIFEST_MOST, &has_signature, &signature, f))
        return false;
    *ret_found = false;
    if (!has_text)
        return true;
    const char *wrong = has_signature ? pair_read(keys, &text, &signature, name, ret_month)
                                      : "the manifest's signature (.json.sig) is missing";
    snprintf(what, sizeof what, "%s.json: %s", name, wrong ? wrong : "");
    if (wrong)
        fault(context, "archive", 0, what);
    *ret_found = !wrong;
    return true;
}

bool audit_month_store(struct file_store *store, const struct audit_month *month, struct failure *f)
{
    char name[AUDIT_PATH];
    snprintf(name, sizeof name, "%s.json.sig", month->month);
    if (!file_store_put(store, name, bytes_of(month->signature, AUDIT_SIGNATURE), f))
        return false;
    snprintf(name, sizeof name, "%s.json", month->month);
    return file_store_put(store, name, bytes_of_text(month->text), f);
}

/* --- files -------------------------------------------------------------------------------------
 */

static bool path_of(const char *folder, const char *before, const char *name, const char *behind,
                    char path[AUDIT_PATH], struct failure *f)
{
    int length = snprintf(path, AUDIT_PATH, "%s/%s%s%s", folder, before, name, behind);
    return length < AUDIT_PATH || failure_set(f, FAILURE_USAGE, "the folder's path is too long");
}

bool audit_file_begin(const char *folder, const char *name, FILE **ret_file, struct failure *f)
{
    char path[AUDIT_PATH];
    if (!path_of(folder, ".", name, ".part", path, f))
        return false;
    unlink(path); /* of a call that was interrupted */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return failure_errno(f, "cannot write %s", path);
    *ret_file = file;
    return true;
}

bool audit_file_done(const char *folder, const char *name, struct failure *f)
{
    char from[AUDIT_PATH], to[AUDIT_PATH];
    if (!path_of(folder, ".", name, ".part", from, f) || !path_of(folder, "", name, "", to, f))
        return false;
    _cleanup_(cleanup_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && rename(from, to) == 0 && fsync(fd) == 0) ||
           failure_errno(f, "cannot write %s", to);
}

/* --- proof -------------------------------------------------------------------------------------
 */

struct proof { /* of one file */
    struct audit_walk walk;
    const struct audit_range *range;
    void (*each)(const struct audit_archive_entry *entry, void *to);
    void *to;
};

static void proof_entry(const struct audit_seen *seen, void *context)
{
    struct proof *p = context;
    struct audit_verification *v = p->walk.v;
    struct audit_seen linked = *seen;
    uint8_t before[AUDIT_HASH];
    memcpy(before, p->walk.hash, AUDIT_HASH); /* a file keeps no link: its own order is the link */
    linked.previous = bytes_of(before, AUDIT_HASH);
    audit_walk_entry(&p->walk, &linked);
    v->entries++;
    if (p->each)
        p->each(&(struct audit_archive_entry){p->walk.chain, seen->position, seen->at, seen->entry},
                p->to);
    if (v->progress && v->entries % PROGRESS_EVERY == 0)
        v->progress(v->entries, v->context);
}

static void file_fault(struct proof *p, const char *name, const char *what)
{
    char text[220];
    snprintf(text, sizeof text, "%.60s: %s", name, what);
    audit_walk_fault(&p->walk, p->walk.position, text);
}

static void end_prove(struct proof *p, const char *name, int64_t size, const uint8_t sha[32])
{
    const struct audit_range *range = p->range;
    if (size != range->size || memcmp(sha, range->sha256, 32) != 0)
        file_fault(p, name, "the file is not the one that the manifest names (SHA-256)");
    if (p->walk.position != range->last || memcmp(p->walk.hash, range->hash, AUDIT_HASH) != 0)
        file_fault(p, name, "the file does not end with the entry that the manifest names");
}

static bool file_prove(struct proof *p, const struct audit_archive *archive, const char *month,
                       struct failure *f)
{
    char name[AUDIT_PATH], path[AUDIT_PATH], context[AUDIT_PATH];
    int64_t size;
    uint8_t sha[32];
    const char *damage = NULL;
    audit_file_name(month, p->range->chain, name);
    audit_file_context(archive->city_code, month, p->range->chain, context);
    if (!path_of(archive->folder, "", name, "", path, f))
        return false;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP)) {
        file_fault(p, name, "the file is not there");
        return true;
    }
    _cleanup_(cleanup_file) FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    if (!in)
        return failure_errno(f, "cannot read %s", path);
    if (!audit_read(in, archive->key, context, proof_entry, p, &size, sha, &damage, f))
        return false;
    if (damage)
        file_fault(p, name, damage);
    else
        end_prove(p, name, size, sha);
    return true;
}

bool audit_month_prove(struct audit_verification *v, const struct audit_archive *archive,
                       const struct audit_month *month,
                       void (*each)(const struct audit_archive_entry *entry, void *to), void *to,
                       struct failure *f)
{
    for (size_t i = 0; i < month->count; i++) {
        const struct audit_range *range = &month->range[i];
        struct proof p = {.walk = {.v = v,
                                   .chain = range->chain,
                                   .position = range->first - 1,
                                   .linked = true,
                                   .head_position = -1},
                          .range = range,
                          .each = each,
                          .to = to};
        memcpy(p.walk.hash, range->previous, AUDIT_HASH);
        if (process_stopping())
            return failure_set(f, FAILURE_SYSTEM, "stopped before the whole archive was read");
        if (!file_prove(&p, archive, month->month, f))
            return false;
    }
    return true;
}

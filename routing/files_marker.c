/* What lies at the place already under a batch's name. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "routing/files_internal.h"

#define MARKER_MOST   4096
#define MANIFEST_MOST ((size_t)64 << 20)
#define HASH          64

/* "HASH  manifest.json"; what a lost power supply leaves is none. */
static bool is_marker(const char *text)
{
    return strspn(text, "0123456789abcdef") == HASH &&
           strcmp(text + HASH, "  manifest.json\n") == 0;
}

static bool says(const json_t *manifest, const char *key, const char *value)
{
    const char *said = json_string_value(json_object_get(manifest, key));
    return said && strcmp(said, value) == 0;
}

/* The moment at which it was decided what is in a batch makes it this one: numbers come again when
 * a database does not know any more what it handed over, or two write to one place. */
static bool is_ours(const struct files_work *work, const struct files_batch *batch,
                    struct bytes text)
{
    char folder[32], made_at[INSTANT_TEXT];
    _cleanup_(cleanup_json) json_t *manifest = json_read(text);
    return says(manifest, "city_code", work->options->routing.city_code) &&
           says(manifest, "destination", work->destination) &&
           says(manifest, "batch", files_folder(batch->id, folder)) &&
           says(manifest, "made_at", instant_text_jst(batch->made_at, made_at));
}

static bool judge(struct files_work *work, const struct files_batch *batch, const char *folder,
                  const char *marker, char ret_manifest[65], struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/manifest.json", folder);
    _cleanup_(cleanup_buffer) struct buffer manifest = {0};
    bool found;
    char hash[65];
    if (!file_store_get(work->store, path, MANIFEST_MOST, &found, &manifest, f))
        return false;
    sha256_hex(buffer_bytes(&manifest), hash);
    if (!found || strncmp(marker, hash, HASH) != 0 ||
        !is_ours(work, batch, buffer_bytes(&manifest)))
        return failure_set(f, FAILURE_INPUT,
                           "%s has the done-marker of another batch, which somebody may be "
                           "reading: move that folder away",
                           folder);
    memcpy(ret_manifest, hash, sizeof hash);
    return true;
}

bool files_batch_written(struct files_work *work, const struct files_batch *batch,
                         const char *folder, bool *ret_written, char ret_manifest[65],
                         struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/done", folder);
    _cleanup_(cleanup_buffer) struct buffer marker = {0};
    bool found;
    if (!file_store_get(work->store, path, MARKER_MOST, &found, &marker, f))
        return false;
    *ret_written = found && is_marker(buffer_text(&marker));
    if (*ret_written)
        return judge(work, batch, folder, buffer_text(&marker), ret_manifest, f);
    return !found || file_store_remove(work->store, path, f);
}

bool files_batch_clear(struct files_work *work, const char *folder, struct failure *f)
{
    struct file_names names = {0};
    bool done =
        file_store_sweep(work->store, folder, f) && file_store_list(work->store, folder, &names, f);
    for (size_t i = 0; done && i < names.count; i++) {
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, names.name[i]);
        done = files_lease_keep(work, f) && file_store_remove(work->store, path, f);
    }
    file_names_free(&names);
    return done;
}

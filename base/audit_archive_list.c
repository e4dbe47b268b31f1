/* Reads a month of the archive for a person. */
#include <stdio.h>

#include "base/audit_archive_internal.h"
#include "base/cleanup.h"

static void store_end(struct file_store **store)
{
    file_store_close(*store);
}

bool audit_archive_list(const struct config *config, const struct audit_archive *archive,
                        const char *month,
                        void (*each)(const struct audit_archive_entry *entry, void *context),
                        bool *ret_intact, struct failure *f)
{
    struct audit_verification v = {
        .report = archive->report, .context = archive->context, .intact = true};
    bool found;
    char what[128];
    const struct file_store_options place = {.to = archive->folder};
    _cleanup_(store_end) struct file_store *store = NULL;
    _cleanup_(audit_keys_free) struct audit_keys keys = {0};
    _cleanup_(audit_month_free) struct audit_month read = {0};
    if (!audit_keys_load(config, &keys, f) || !file_store_open(&place, &store, f) ||
        !audit_month_load(store, &keys, month, &found, &read, audit_tell, &v, f))
        return false;
    if (!found && v.intact) {
        snprintf(what, sizeof what, "%s.json is not in the folder", month);
        audit_tell(&v, "archive", 0, what);
    }
    if (found && !audit_month_prove(&v, archive, &read, each, archive->context, f))
        return false;
    *ret_intact = v.intact;
    return true;
}

#include "intake/commands/audit_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "intake/command.h"
#include "intake/commands/look.h"

#define QUIET_FOR (2 * INSTANT_SECOND)

struct audit_telling audit_telling_begin(const char *command)
{
    return (struct audit_telling){.command = command, .next_at = clock_monotonic() + QUIET_FOR};
}

void audit_tell_fault(const struct audit_fault *fault, void *telling)
{
    struct audit_telling *t = telling;
    t->faults++;
    printf("%s %" PRId64 ": %s\n", fault->chain, fault->position, fault->what);
}

void audit_tell_progress(int64_t entries, void *telling)
{
    struct audit_telling *t = telling;
    if (clock_monotonic() < t->next_at)
        return;
    t->next_at = clock_monotonic() + QUIET_FOR;
    fprintf(stderr, "uketsuke %s: %" PRId64 " entries so far …\n", t->command, entries);
}

bool audit_folder_open(const struct config *config, const char *path, struct audit_telling *telling,
                       struct audit_folder *ret, struct failure *f)
{
    const char *city_code = settings_city_code(config, f);
    if (!city_code)
        return false;
    if (!realpath(path, ret->path))
        return failure_errno(f, "can't use the folder %s", path);
    if (!city_key_load(config_text(config_group(config, "city"), "key"), &ret->key, f))
        return false;
    ret->archive = (struct audit_archive){.folder = ret->path,
                                          .key = ret->key,
                                          .city_code = city_code,
                                          .report = audit_tell_fault,
                                          .progress = audit_tell_progress,
                                          .context = telling};
    return true;
}

void audit_folder_close(struct audit_folder *folder)
{
    city_key_free(TAKE(folder->key));
}

struct remembering {
    const char *city_code, *action, *month;
};

static bool remember(struct db_tx *tx, void *context, struct failure *f)
{
    const struct remembering *r = context;
    char actor[96], detail[64];
    snprintf(detail, sizeof detail, "{\"month\":\"%s\"}", r->month ? r->month : "all");
    const struct audit_entry entry = {.action = r->action,
                                      .actor = look_actor(actor, sizeof actor),
                                      .city_code = r->city_code,
                                      .detail = detail};
    return audit_append(tx, "operator", &entry, 1, f);
}

bool audit_folder_remember(struct db *db, const struct audit_folder *folder, const char *action,
                           const char *month, struct failure *f)
{
    struct remembering r = {folder->archive.city_code, action, month};
    return db_transaction(db, remember, &r, f);
}

/* What `audit archive`, `audit list` and `audit verify --archive` share: the folder of the archive,
 * the city's key that opens it, how faults and progress are told, and that a look is an entry of
 * the trail. */
#ifndef UKETSUKE_INTAKE_COMMANDS_AUDIT_FOLDER_H
#define UKETSUKE_INTAKE_COMMANDS_AUDIT_FOLDER_H

#include <limits.h>

#include "base/audit_archive.h"
#include "base/config.h"

struct audit_telling {
    const char *command; /* "audit verify", for the lines of progress */
    int64_t next_at;     /* clock_monotonic */
    int64_t faults;
};
struct audit_telling audit_telling_begin(const char *command);
void audit_tell_fault(const struct audit_fault *fault, void *telling); /* a line on stdout */
void audit_tell_progress(int64_t entries, void *telling); /* stderr, after two seconds */

struct audit_folder { /* {0} to begin; audit_folder_close, also after a failure */
    char path[PATH_MAX];
    struct city_key *key;
    struct audit_archive archive; /* its context is the telling */
};
bool audit_folder_open(const struct config *config, const char *path, struct audit_telling *telling,
                       struct audit_folder *ret_folder, struct failure *f);
void audit_folder_close(struct audit_folder *folder);

/* As operator, before anything is done: what can't be remembered is not done. `month`: NULL all. */
bool audit_folder_remember(struct db *db, const struct audit_folder *folder, const char *action,
                           const char *month, struct failure *f);

#endif

/* The revocation indexes (*.idx) that stand in a folder at one moment: by name, to be opened when
 * they are handed on, and as a number that is another when they are others. */
#ifndef UKETSUKE_INTAKE_INDEX_FOLDER_H
#define UKETSUKE_INTAKE_INDEX_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

struct index_folder { /* {0}: nowhere, and empty */
    char *path;
    char **names; /* files of the folder, in no order */
    size_t count;
    int64_t stamp;
};

/* No folder yet is an empty folder. Entries that are no regular files are left out. */
bool index_folder_read(const char *path, struct index_folder *ret_folder, struct failure *f);
/* A descriptor, the caller's. What stands there now counts: one that was replaced since is opened
 * as it is, one that is gone is a failure. */
bool index_folder_open(const struct index_folder *folder, size_t i, int *ret_fd, struct failure *f);
void index_folder_free(struct index_folder *folder);

#endif

/* Files that hold a secret: nobody but their owner may read them, and none is ever overwritten. */
#ifndef UKETSUKE_BASE_SECRET_FILE_H
#define UKETSUKE_BASE_SECRET_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/failure.h"

/* Reads the whole file, at most `most` bytes. `what` ("city key") stands in the failure's text.
 * Refuses what is no regular file, what group or others can read, write or run, and what is
 * longer. Under systemd (LoadCredential=), a credential with the name of the file goes before the
 * file. Free with buffer_erase_free. */
bool secret_file_read(const char *what, const char *configured, size_t most,
                      struct buffer *ret_content, struct failure *f);
/* Writes a new file, flushed to disk; leaves nothing behind when that fails. */
bool secret_file_create(const char *what, const char *path, mode_t mode, struct bytes content,
                        struct failure *f);

#endif

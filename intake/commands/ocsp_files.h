/* OCSP responses from files, for commands that ask nobody (--ocsp FILE). */
#ifndef UKETSUKE_INTAKE_COMMANDS_OCSP_FILES_H
#define UKETSUKE_INTAKE_COMMANDS_OCSP_FILES_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "signature/ocsp.h"

#define OCSP_FILES_MAX 64

struct ocsp_files { /* {0} has none */
    struct buffer responses[OCSP_FILES_MAX];
    size_t count;
};

/* Each file is one OCSPResponse in DER. A file that is none is a failure that names it. */
bool ocsp_files_load(char *const *paths, size_t count, struct ocsp_files *ret_files,
                     struct failure *f);
void ocsp_files_free(struct ocsp_files *files);
/* What was asked and answered for a certID: the first response about it, else trouble
 * ocsp-not-asked. No nonce was sent that we know of. Borrows from `files`. */
struct ocsp_answer ocsp_files_answer(const struct ocsp_files *files, struct bytes certid);

#endif

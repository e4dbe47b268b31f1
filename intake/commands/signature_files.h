/* The files that `uketsuke signature check` judges, as the containers take them. */
#ifndef UKETSUKE_INTAKE_COMMANDS_SIGNATURE_FILES_H
#define UKETSUKE_INTAKE_COMMANDS_SIGNATURE_FILES_H

#include "base/failure.h"
#include "intake/commands/trust_options.h"
#include "signature/signature.h"

#define SIGNATURE_CONTENTS_MOST 64 /* with the whole document, if it is one */

struct signature_paths {
    const struct signature_container *container;
    const char *signature;
    const char *certificate;     /* raw: PEM or DER; NULL: the file holds it */
    struct option_list contents; /* NAME=FILE; less than SIGNATURE_CONTENTS_MOST */
    instant at;                  /* 0: not said */
};

/* {0} has none. `input` borrows from the rest, which must stay where it is. */
struct signature_files {
    struct signature_input input;
    struct buffer signature, certificate, contents[SIGNATURE_CONTENTS_MOST];
    char *names[SIGNATURE_CONTENTS_MOST], *file_name;
    struct signable signables[SIGNATURE_CONTENTS_MOST], file;
    struct xml_limits limits;
};

/* A file that cannot be read, or holds no certificate where it has to, is a failure. What it has
 * read by then is in *files too: free it. */
bool signature_files_read(const struct signature_paths *paths, struct signature_files *files,
                          struct failure *f);
void signature_files_free(struct signature_files *files);

#endif

/* What file hand-over (routing/files.h) needs of us: procedures, and the attachments of a package.
 */
#ifndef UKETSUKE_INTAKE_FILE_HAND_OVER_H
#define UKETSUKE_INTAKE_FILE_HAND_OVER_H

#include "routing/files.h"

/* Loads the procedures into *procedures unless they are there, and completes `options`. */
bool file_hand_over_ready(const struct config *config, struct procedures **procedures,
                          struct files_options *options, struct failure *f);

#endif

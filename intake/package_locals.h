/* The local headers of a ZIP against its central directory. Who reads an archive from its front, as
 * it streams in, never sees the directory: a business system must not find there what was neither
 * judged nor signed. So the members fill the archive without a gap, each local header says what the
 * directory says, and where a reader has to find the end by inflating (a data descriptor follows),
 * it finds the same end (APPNOTE.TXT 6.3.10, §4.3.6 to §4.3.9). */
#ifndef UKETSUKE_INTAKE_PACKAGE_LOCALS_H
#define UKETSUKE_INTAKE_PACKAGE_LOCALS_H

#include "intake/package_directory.h"

/* Check "package.container", reason package-not-zip. The directory has been judged. */
bool package_locals_judge(struct bytes zip, const struct directory *directory,
                          struct checks *checks);

#endif

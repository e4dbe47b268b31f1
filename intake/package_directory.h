/* The central directory of a ZIP as hostile input: read strictly, before any library opens the
 * archive, so that what is judged here is what is read later (APPNOTE.TXT 6.3.10, §4.3.12,
 * §4.3.16). Refused although ZIP allows it: an archive comment, ZIP64, several disks, bytes
 * that belong to no member (package_locals.h). No package needs them, and readers disagree about
 * them. */
#ifndef UKETSUKE_INTAKE_PACKAGE_DIRECTORY_H
#define UKETSUKE_INTAKE_PACKAGE_DIRECTORY_H

#include "intake/package.h"

#define PACKAGE_NAME_MOST 200 /* bytes of a member's name */

struct directory_entry {
    char name[PACKAGE_NAME_MOST + 1];
    unsigned flags, method;
    uint32_t crc;
    size_t compressed, size; /* as declared */
    size_t offset;           /* of the local header */
};

struct directory {
    struct directory_entry *entries; /* in the order of the archive; owned */
    size_t count;
    size_t offset; /* where the directory itself begins */
};

/* Checks "package.size", "package.container", "package.members", "package.names",
 * "package.encryption", "package.compression" and "package.sizes": number, names, duplicates (also
 * by letter case), encryption, methods, declared sizes and ratio. False when one failed. */
bool directory_read(struct bytes zip, const struct package_limits *limits,
                    struct directory *ret_directory, struct checks *checks);
void directory_free(struct directory *directory);

/* Whether the name is one that profile pittari-1 can hold: characters, segments, length. */
bool package_name_valid(const char *name, size_t length);

#endif

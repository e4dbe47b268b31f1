/* manifest.xml (構成管理情報) of profile pittari-1: docs/formats/pittari-1.md. */
#ifndef UKETSUKE_INTAKE_MANIFEST_H
#define UKETSUKE_INTAKE_MANIFEST_H

#include "intake/package.h"

struct manifest_member {
    char name[201];
    size_t size;
    uint8_t sha256[32];
};

struct manifest {
    char receipt_number[65];
    char city_code[7];
    char procedure_id[129];
    char form_version[17];
    char corrects[65]; /* 訂正: the receipt number that it takes the place of; "" */
    instant applied_at;
    bool by_agent;
    struct manifest_member *members; /* in the order of the file; owned */
    size_t member_count;
};

/* Check "manifest.structure", reason manifest-malformed, package-too-many-members when it lists
 * more than `limits` allow, package-duplicate-member when it lists one twice; and the xml-…
 * reasons. False when one failed. */
bool manifest_read(struct bytes xml, const struct package_limits *limits,
                   struct manifest *ret_manifest, struct checks *checks);
void manifest_free(struct manifest *manifest);

#endif

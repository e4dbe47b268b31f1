/* The 申請ZIP of channel profile `pittari-1` (docs/formats/pittari-1.md), opened as hostile input.
 */
#ifndef UKETSUKE_INTAKE_PACKAGE_H
#define UKETSUKE_INTAKE_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/xml.h"

extern const struct config_section package_config_section; /* [package]: the limits below */

struct package_limits {
    size_t size;        /* bytes of the ZIP */
    size_t members;     /* entries */
    size_t member_size; /* bytes of one member, inflated */
    size_t total_size;  /* bytes of all members, inflated */
    size_t ratio;       /* inflated : deflated, for members over 64 KiB */
    struct xml_limits xml;
};
void package_limits_read(const struct config *config, struct package_limits *ret_limits);
struct package_limits package_limits_default(void);

struct package_member {
    char *name;
    struct buffer bytes;
    uint8_t sha256[32];
};

struct package {
    /* 構成管理情報 */
    char receipt_number[65];
    char city_code[7];
    char procedure_id[129];
    char form_version[17];
    char corrects[65]; /* 訂正: the receipt number that it takes the place of; "" */
    instant applied_at;
    bool by_agent;                  /* 申請者が代理人 */
    struct package_member *members; /* manifest.xml aside, in the manifest's order */
    size_t member_count;
};

/* Checks "package.…" and "manifest.…". Reasons: package-too-large, package-not-zip,
 * package-too-many-members, package-ratio, package-path, package-encrypted,
 * package-duplicate-member, package-nested-archive, package-compression, package-member-missing,
 * package-member-extra, package-member-size, package-member-hash, package-member-type (an
 * attachment that is no PDF, JPEG or PNG), manifest-malformed, and the xml-… ones of base/xml.h.
 * NULL when any failed. */
struct package *package_open(struct bytes zip, const struct package_limits *limits,
                             struct checks *checks);
void package_free(struct package *package);
const struct package_member *package_find(const struct package *package, const char *name);

#endif

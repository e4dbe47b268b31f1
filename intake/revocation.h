/* Keeps the revocation lists (失効リスト): each configured list is fetched as a stream, verified,
 * made into an index (docs/formats/crl-index.md), and put in the place of the one before, from
 * where examiners map it. An index is replaced only by that of a good list: signed by one of our
 * anchors, of the same partition and generation, newer, and not too old. Each list stands for
 * itself, and one that fails harms no other. */
#ifndef UKETSUKE_INTAKE_REVOCATION_H
#define UKETSUKE_INTAKE_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/config.h"
#include "base/failure.h"
#include "signature/crl.h"
#include "signature/trust.h"

extern const struct config_section revocation_list_config_section; /* [revocation-list NAME] */

#define REVOCATION_FILE_MOST ((size_t)1 << 30) /* bytes that revocation_file_read may be given */
#define REVOCATION_NAME_MOST 64                /* of a list */

enum revocation_change {
    REVOCATION_UNCHANGED, /* the source gave what is there already */
    REVOCATION_STORED,
    REVOCATION_REFUSED, /* it gave a list that must not be used: the failure says why */
    REVOCATION_FAILED,  /* nothing could be fetched or stored: the failure says why */
};
const char *revocation_change_name(enum revocation_change change); /* "unchanged", … */

/* One list: from the first of its sources that gives a good one. But for REVOCATION_STORED what was
 * there stays. */
enum revocation_change revocation_fetch(const struct config *config,
                                        const struct config_group *list, const struct trust *trust,
                                        struct failure *f);

struct revocation_round {
    size_t lists, stored, refused, failed;
};
/* All lists, each logged, and the archive. *f is the failure of the first that was refused or
 * failed. */
struct revocation_round revocation_update(const struct config *config, const struct trust *trust,
                                          struct failure *f);

/* May `next` take the place of `present`? Of the same partition and generation, with a higher
 * number, or the same number and no earlier thisUpdate. FAILURE_INPUT says why not. */
bool revocation_replaces(const struct crl_facts *present, const struct crl_facts *next,
                         struct failure *f);

bool revocation_file_read(const char *path, size_t most, struct buffer *ret_content,
                          struct failure *f);

#endif

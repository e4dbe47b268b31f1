/* Fetches revocation lists (失効リスト) from the configured sources into one folder, from which
 * examiners load them. A list is kept only when it is one that our trust anchors signed, and never
 * one older than what is there; each source stands for itself, and one that fails harms no other.
 *
 * A source is one partition of one generation; its file is named after the source's hash. */
#ifndef UKETSUKE_INTAKE_REVOCATION_H
#define UKETSUKE_INTAKE_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/config.h"
#include "base/failure.h"
#include "signature/crl.h"
#include "signature/trust.h"

#define REVOCATION_FILE_MOST ((size_t)1 << 30) /* bytes of a list, wherever it comes from */
#define REVOCATION_FILE_NAME 37                /* 32 hexadecimal digits and ".crl" */

enum revocation_change {
    REVOCATION_UNCHANGED, /* the source gave what is there already */
    REVOCATION_STORED,
    REVOCATION_FAILED, /* the failure says why; what was there stays */
};

/* Fetches one source: an http(s) URL or a path. */
enum revocation_change revocation_fetch(const struct config *config, const char *source,
                                        const struct trust *trust, struct failure *f);
/* All sources, each logged. Returns how many failed; *f is that of the first. */
size_t revocation_update(const struct config *config, const struct trust *trust, struct failure *f);

const char *revocation_file_name(const char *source, char ret_name[REVOCATION_FILE_NAME]);
/* A list may replace one of the same partition that has a smaller number, or the same number and an
 * earlier thisUpdate. FAILURE_PEER says why not. */
bool revocation_replaces(const struct crl_facts *present, const struct crl_facts *next,
                         struct failure *f);
/* What a list says of itself, when it is good. */
bool revocation_check(struct bytes list, const struct trust *trust, struct crl_facts *ret_facts,
                      struct failure *f);
bool revocation_file_read(const char *path, size_t most, struct buffer *ret_content,
                          struct failure *f);

#endif

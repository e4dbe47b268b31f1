/* The manifest of a feed: JSON beside the CSV. docs/formats/registry-feed.md. Pure. */
#ifndef UKETSUKE_INTAKE_REGISTRY_MANIFEST_H
#define UKETSUKE_INTAKE_REGISTRY_MANIFEST_H

#include "base/bytes.h"
#include "base/failure.h"
#include "intake/registry/feed.h"

#define FEED_MANIFEST_MOST (64 * 1024) /* bytes */
#define FEED_FILE          129

struct feed_manifest {
    struct feed feed;
    char city_code[7];
    char file[FEED_FILE]; /* name of the CSV, in the manifest's folder */
};

/* FAILURE_INPUT names the member that is missing, unknown or wrong. */
bool feed_manifest_parse(struct bytes text, struct feed_manifest *ret_manifest, struct failure *f);

#endif

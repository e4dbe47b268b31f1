/* The drop folder: NAME.json (manifest), the CSV that it names, and NAME.done, which is written
 * last. What has no done-marker is not looked at. */
#ifndef UKETSUKE_INTAKE_REGISTRY_DROP_H
#define UKETSUKE_INTAKE_REGISTRY_DROP_H

#include <stddef.h>
#include <stdio.h>

#include "base/failure.h"
#include "intake/registry/manifest.h"

#define DROP_DELIVERIES_MOST 10000 /* of one folder */

struct delivery {
    struct feed_manifest manifest;
    char *folder, *name; /* owned; NAME without .json */
};
struct deliveries {
    struct delivery *at;
    size_t count;
};

/* One manifest: "FOLDER/NAME.json". FAILURE_INPUT: not complete, faulty, or another city's. */
bool delivery_read(const char *path, const char *city_code, struct delivery *ret_delivery,
                   struct failure *f);
/* All that are complete, in the order in which they are to be imported: by the moment for which
 * they speak, residents before links, then by sequence. */
bool deliveries_find(const char *folder, const char *city_code, struct deliveries *ret_deliveries,
                     struct failure *f);
/* The CSV of a delivery. Like a manifest it must be a file of the folder itself: no link that leads
 * elsewhere, and nothing that would make us wait (a named pipe). FAILURE_INPUT. */
bool delivery_open(const struct delivery *delivery, FILE **ret_in, struct failure *f);
void delivery_free(struct delivery *delivery);
void deliveries_free(struct deliveries *deliveries);

#endif

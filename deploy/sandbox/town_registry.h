/* What the registry of the made-up town says, as feeds (docs/formats/registry-feed.md), and beside
 * it the truth: residents.csv holds everybody, whatever the feeds know. */
#ifndef UKETSUKE_SANDBOX_TOWN_REGISTRY_H
#define UKETSUKE_SANDBOX_TOWN_REGISTRY_H

#include <stdio.h>

#include "deploy/sandbox/town.h"

struct town_registry {
    FILE *truth, *residents, *links; /* residents.csv, registry-residents.csv, registry-links.csv */
};
bool town_registry_open(const char *folder, struct town_registry *ret_registry, struct failure *f);
void town_registry_write(const struct town_registry *registry, const struct draft *draft);
bool town_registry_close(struct town_registry *registry, struct failure *f);
void town_registry_free(struct town_registry *registry); /* {0} is fine */

#endif

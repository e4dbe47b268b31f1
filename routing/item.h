/* What a business system gets for one application: one JSON object (docs/api/routing.yaml), the
 * same bytes each time, so that the receipt's hash proves possession. */
#ifndef UKETSUKE_ROUTING_ITEM_H
#define UKETSUKE_ROUTING_ITEM_H

#include <jansson.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "routing/route.h"

struct item_source {
    const char *city_code, *receipt_number, *procedure_id, *form_version, *atenabango;
    instant applied_at;
    const char *corrects; /* receipt number of what it takes the place of; NULL */
    const struct route *route;
    const json_t *record; /* already cut to what the destination may have (forms/procedure.h) */
    const json_t *report; /* the examination's; the item carries its verdict, not the evidence */
    const char *package_sha256;
};

/* Compact JSON with sorted keys. */
void item_build(const struct item_source *source, struct buffer *ret_json, uint8_t ret_sha256[32]);

#endif

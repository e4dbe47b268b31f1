/* 個人番号 as they are kept: a keyed hash to look up by, and sealed. */
#ifndef UKETSUKE_INTAKE_REGISTRY_NUMBER_H
#define UKETSUKE_INTAKE_REGISTRY_NUMBER_H

#include "base/seal.h"
#include "intake/registry/resident.h"

/* HMAC-SHA-256 under a key derived from the city's; `kojinbango` is 12 digits. The same number has
 * the same hash, here and for the numbers of a form. */
void registry_number_hash(const struct city_key *city_key, const char *kojinbango,
                          uint8_t ret_hash[NUMBER_HASH_BYTES]);

#endif

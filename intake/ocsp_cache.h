/* OCSP responses that proved good, in memory until their nextUpdate. A response answers for
 * applications that were made before its thisUpdate, and is judged with the nonce that it was asked
 * with. The cache forgets as it likes: at most one response has one place. */
#ifndef UKETSUKE_INTAKE_OCSP_CACHE_H
#define UKETSUKE_INTAKE_OCSP_CACHE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "signature/ocsp.h"

#define OCSP_CACHE_PLACES       4096
#define OCSP_CACHE_RESPONSE_MAX (8 * 1024) /* bytes; longer ones are not kept */

struct ocsp_cache; /* not thread-safe */

struct ocsp_cache *ocsp_cache_new(void);
void ocsp_cache_free(struct ocsp_cache *cache);

/* `nonce`: as sent; empty: none. */
void ocsp_cache_put(struct ocsp_cache *cache, struct bytes certid, struct bytes response,
                    struct bytes nonce, struct ocsp_span span);
/* A response for this certID that was issued after `applied_at`, and at `now` is neither past its
 * nextUpdate nor older than `age_most`: one that would be judged stale is asked for anew. Borrowed
 * until the next put. */
bool ocsp_cache_find(const struct ocsp_cache *cache, struct bytes certid, instant applied_at,
                     instant now, instant age_most, struct bytes *ret_response,
                     struct bytes *ret_nonce);

#endif

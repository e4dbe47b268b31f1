/* How often something may be done, by key: a bucket of `burst` that fills again at `per_second`.
 * Keeps a bounded number of keys; of too many, those that have done the least are forgotten. In
 * memory: each process counts for itself. Thread-safe. */
#ifndef UKETSUKE_BASE_RATE_H
#define UKETSUKE_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct rate;

/* per_second 0: everything may be done. */
struct rate *rate_new(double per_second, double burst);
void rate_free(struct rate *rate);
/* Takes one from the key's bucket; false when it is empty, with the time until it is not. `now` is
 * of clock_monotonic. */
bool rate_take(struct rate *rate, const char *key, int64_t now, instant *ret_wait);
/* Whether one could be taken; takes none. */
bool rate_left(struct rate *rate, const char *key, int64_t now, instant *ret_wait);

#endif

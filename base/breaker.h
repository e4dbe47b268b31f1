/* A circuit breaker: a peer that failed so many times in a row is left alone for a while; then one
 * call tries whether it is back. Knows nothing of what is called. Times are of clock_monotonic. */
#ifndef UKETSUKE_BASE_BREAKER_H
#define UKETSUKE_BASE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum breaker_state {
    BREAKER_CLOSED, /* call as you like */
    BREAKER_OPEN,   /* do not call */
    BREAKER_TRIAL,  /* make one call, and tell what came of it */
};

struct breaker {           /* begins with the first two and zeros */
    int64_t failures_most; /* in a row; at least 1 */
    instant rest;          /* how long it stays open */
    int64_t failures;      /* in a row, so far */
    bool open;             /* or on trial */
    int64_t opened_at;
};

enum breaker_state breaker_state(const struct breaker *breaker, int64_t now);
/* After each call. True when that opened a closed one, or closed an open one: worth a line in the
 * log. A failed trial lets it rest anew. */
bool breaker_note(struct breaker *breaker, bool succeeded, int64_t now);

#endif

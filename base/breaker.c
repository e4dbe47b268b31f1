#include "base/breaker.h"

enum breaker_state breaker_state(const struct breaker *breaker, int64_t now)
{
    if (!breaker->open)
        return BREAKER_CLOSED;
    return now - breaker->opened_at < breaker->rest ? BREAKER_OPEN : BREAKER_TRIAL;
}

bool breaker_note(struct breaker *breaker, bool succeeded, int64_t now)
{
    bool was_open = breaker->open;
    breaker->failures = succeeded ? 0 : breaker->failures + 1;
    breaker->open = !succeeded && (was_open || breaker->failures >= breaker->failures_most);
    if (breaker->open)
        breaker->opened_at = now;
    return breaker->open != was_open;
}

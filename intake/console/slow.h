/* What takes seconds (a page is drawn) has few places: SLOW_MOST at once in the process, so that
 * the others are never without an answer, and one for each session, so that nobody takes them all.
 */
#ifndef UKETSUKE_INTAKE_CONSOLE_SLOW_H
#define UKETSUKE_INTAKE_CONSOLE_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http_server.h"

#define SLOW_MOST 2

struct slow; /* the places; from any thread */
struct slow *slow_new(void);
void slow_free(struct slow *slow);

/* Takes a place for this session (its token's hash); give it back with slow_end. */
bool slow_begin(struct slow *slow, const uint8_t session[32], unsigned *ret_place);
void slow_end(struct slow *slow, unsigned place);
/* 429 with Retry-After: there was none. The page asks again by itself. */
enum http_flow slow_reply_busy(struct http_request *request);

#endif

/* Where a reader of a list is: an id with a seal (HMAC) of the city and the destination, so that a
 * cursor says nothing to, and is nothing for, anybody else. "0" is the beginning. */
#ifndef UKETSUKE_ROUTING_CURSOR_H
#define UKETSUKE_ROUTING_CURSOR_H

#include "routing/endpoints.h"

#define CURSOR_TEXT 64 /* room for one, NUL included */

/* Of 0: "0". Returns text. */
const char *cursor_text(const struct routing_context *context, const char *destination, int64_t id,
                        char text[CURSOR_TEXT]);
/* The request's query `after`, 0 without; false after refusing (cursor-foreign, cursor-invalid). */
bool cursor_read(const struct routing_context *context, struct http_request *request,
                 const char *destination, int64_t *ret_id);

#endif

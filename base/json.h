/* JSON as bytes. What is hashed, sealed or compared is canonical: compact, UTF-8, the keys of each
 * object sorted, so that equal values have equal bytes. */
#ifndef UKETSUKE_BASE_JSON_H
#define UKETSUKE_BASE_JSON_H

#include <jansson.h>

#include "base/bytes.h"

/* Appends to `text`; NULL appends nothing. */
void json_write(const json_t *json, struct buffer *text);
/* Appends one JSON string, with its quotes. For answers that hold many bytes of others: the words
 * between are not built as a tree first. `utf8` must be valid. */
void json_write_string(struct bytes utf8, struct buffer *text);
/* New reference; NULL when the bytes are not exactly one JSON value without doubled keys. */
json_t *json_read(struct bytes text);

#endif

/* Bytes: a borrowed view with its length, and one growable buffer, so that bounds are checked in
 * one place. Memory that cannot be had ends the process (every role may be killed at any moment and
 * loses nothing); sizes that come from outside are checked against a limit before they get here. */
#ifndef UKETSUKE_BASE_BYTES_H
#define UKETSUKE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes { /* borrowed: valid as long as the owner says */
    const uint8_t *data;
    size_t length;
};

struct buffer { /* owned; {0} is an empty buffer; free with buffer_free */
    uint8_t *data;
    size_t length;
    size_t capacity;
};

struct bytes bytes_of(const void *data, size_t length);
struct bytes bytes_of_text(const char *text); /* without the final NUL */
bool bytes_equal(struct bytes a, struct bytes b);

void buffer_append(struct buffer *b, const void *data, size_t length);
void buffer_append_text(struct buffer *b, const char *text);
void buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `length` more bytes; returns where they go; buffer_commit says how many were written. */
uint8_t *buffer_reserve(struct buffer *b, size_t length);
void buffer_commit(struct buffer *b, size_t length);
void buffer_drop(struct buffer *b, size_t length); /* removes the first `length` bytes */
void buffer_clear(struct buffer *b);               /* empties, keeps the memory */
void buffer_free(struct buffer *b);                /* frees and resets to {0} */
void buffer_erase_free(struct buffer *b); /* overwrites first: for plain personal data and keys */
struct bytes buffer_bytes(const struct buffer *b);
const char *buffer_text(struct buffer *b); /* adds a NUL behind the content; borrowed */

/* Never return NULL. */
void *memory_allocate(size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);
char *text_copy(const char *text); /* NULL gives NULL */
char *text_copy_n(const char *text, size_t length);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

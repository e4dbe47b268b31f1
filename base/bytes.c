#include "base/bytes.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char text[] = "uketsuke: out of memory\n";

    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    abort();
}

struct bytes bytes_of(const void *data, size_t length)
{
    return (struct bytes){data, length};
}

struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

uint8_t *buffer_reserve(struct buffer *b, size_t length)
{
    size_t need, capacity;

    if (__builtin_add_overflow(b->length, length, &need))
        out_of_memory();
    if (need <= b->capacity && b->data)
        return b->data + b->length;
    capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity < need)
        if (__builtin_mul_overflow(capacity, 2, &capacity))
            out_of_memory();
    b->data = memory_resize(b->data, capacity);
    b->capacity = capacity;
    return b->data + b->length;
}

void buffer_commit(struct buffer *b, size_t length)
{
    if (length > b->capacity - b->length)
        abort(); /* the caller wrote behind what it had reserved */
    b->length += length;
}

void buffer_append(struct buffer *b, const void *data, size_t length)
{
    if (length == 0)
        return;
    memcpy(buffer_reserve(b, length), data, length);
    b->length += length;
}

void buffer_append_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

static int format_into(struct buffer *b, size_t room, const char *format, va_list given)
{
    va_list arguments;

    va_copy(arguments, given);
    int length = vsnprintf((char *)buffer_reserve(b, room), room, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    return length;
}

/* Most of what is formatted is short: it is written at once, and again only when it was not. */
void buffer_format(struct buffer *b, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = format_into(b, 128, format, arguments);
    if (length >= 128)
        format_into(b, (size_t)length + 1, format, arguments);
    va_end(arguments);
    b->length += (size_t)length;
}

void buffer_drop(struct buffer *b, size_t length)
{
    b->length -= length;
    if (b->length > 0)
        memmove(b->data, b->data + length, b->length);
}

void buffer_clear(struct buffer *b)
{
    b->length = 0;
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

void buffer_erase_free(struct buffer *b)
{
    if (b->data)
        OPENSSL_cleanse(b->data, b->capacity);
    buffer_free(b);
}

struct bytes buffer_bytes(const struct buffer *b)
{
    return (struct bytes){b->data, b->length};
}

const char *buffer_text(struct buffer *b)
{
    *buffer_reserve(b, 1) = 0;
    return (const char *)b->data;
}

void *memory_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        out_of_memory();
    return memory;
}

void *memory_resize(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory)
        out_of_memory();
    return memory;
}

char *text_copy(const char *text)
{
    return text ? text_copy_n(text, strlen(text)) : NULL;
}

char *text_copy_n(const char *text, size_t length)
{
    char *copy = memory_allocate(length + 1);

    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *text_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        out_of_memory();
    return text;
}

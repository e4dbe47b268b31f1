#include "signature/pem_stream.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool line_is(const struct pem_stream *stream, const char *word)
{
    char line[128];
    int length = snprintf(line, sizeof line, "-----%s %s-----", word, stream->label);
    return stream->line_length == (size_t)length && memcmp(stream->line, line, (size_t)length) == 0;
}

/* Whole groups of four digits, with what the lines before left over; padding ends it. */
static bool digits_take(struct pem_stream *stream, struct buffer *ret_der)
{
    for (size_t i = 0; i < stream->line_length; i++) {
        if (stream->place == PEM_PADDED)
            return false;
        stream->digits[stream->digit_count++] = stream->line[i];
        if (stream->digit_count < sizeof stream->digits)
            continue;
        stream->digit_count = 0;
        if (stream->digits[3] == '=')
            stream->place = PEM_PADDED;
        if (!base64_decode(bytes_of(stream->digits, sizeof stream->digits), ret_der))
            return false;
    }
    return true;
}

/* The usual line: nothing left over, whole groups, no padding. */
static bool line_is_usual(const struct pem_stream *stream)
{
    size_t length = stream->line_length;
    return stream->place == PEM_INSIDE && stream->digit_count == 0 && length > 0 &&
           length % 4 == 0 && stream->line[length - 1] != '=';
}

static bool line_decode(struct pem_stream *stream, struct buffer *ret_der)
{
    for (size_t i = 0; i < stream->line_length; i++)
        if (stream->line[i] <= ' ')
            return false;
    return line_is_usual(stream)
               ? base64_decode(bytes_of(stream->line, stream->line_length), ret_der)
               : digits_take(stream, ret_der);
}

static bool line_take(struct pem_stream *stream, struct buffer *ret_der)
{
    if (stream->line_length > 0 && stream->line[stream->line_length - 1] == '\r')
        stream->line_length--;
    switch (stream->place) {
    case PEM_BEFORE:
        if (!line_is(stream, "BEGIN"))
            return false;
        stream->place = PEM_INSIDE;
        return true;
    case PEM_INSIDE:
    case PEM_PADDED:
        if (!line_is(stream, "END"))
            return line_decode(stream, ret_der);
        stream->place = PEM_AFTER;
        return stream->digit_count == 0;
    default:
        return stream->line_length == 0;
    }
}

bool pem_stream_feed(struct pem_stream *stream, struct bytes text, struct buffer *ret_der)
{
    while (text.length > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.length);
        size_t length = end ? (size_t)(end - text.data) : text.length;
        if (length > sizeof stream->line - stream->line_length)
            return false;
        memcpy(stream->line + stream->line_length, text.data, length);
        stream->line_length += length;
        length += end != NULL;
        text = bytes_of(text.data + length, text.length - length);
        if (!end)
            break;
        if (!line_take(stream, ret_der))
            return false;
        stream->line_length = 0;
    }
    return true;
}

bool pem_stream_end(struct pem_stream *stream)
{
    struct buffer none = {0};
    /* The last line may lack its end. */
    bool whole = (stream->line_length == 0 || line_take(stream, &none)) && none.length == 0;
    buffer_free(&none);
    stream->line_length = 0;
    return whole && stream->place == PEM_AFTER;
}

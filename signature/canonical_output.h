/* Where a canonical form goes: pieces gathered into larger ones, characters escaped on the way. In
 * the header, because a form consists of millions of small pieces. Internal to canonical_write.c.
 */
#ifndef UKETSUKE_SIGNATURE_CANONICAL_OUTPUT_H
#define UKETSUKE_SIGNATURE_CANONICAL_OUTPUT_H

#include <string.h>

#include "signature/canonical.h"

#define CANONICAL_CHUNK 8192

struct canonical_output {
    canonical_sink *sink;
    void *to;
    size_t filled;
    uint8_t chunk[CANONICAL_CHUNK];
};

static inline void output_begin(struct canonical_output *o, canonical_sink *sink, void *to)
{
    o->sink = sink;
    o->to = to;
    o->filled = 0;
}

static inline void output_flush(struct canonical_output *o)
{
    o->sink(o->to, bytes_of(o->chunk, o->filled));
    o->filled = 0;
}

static inline void put(struct canonical_output *o, const void *data, size_t length)
{
    if (length > CANONICAL_CHUNK - o->filled)
        output_flush(o);
    if (length > CANONICAL_CHUNK)
        return o->sink(o->to, bytes_of(data, length));
    memcpy(o->chunk + o->filled, data, length);
    o->filled += length;
}

static inline void put_text(struct canonical_output *o, const void *text)
{
    put(o, text, strlen(text));
}

/* What stands for a character in text and in the value of an attribute (Canonical XML §2.3). */
enum { IN_TEXT = 1, IN_VALUE = 2, END = 4 };
static const uint8_t escaped[256] = {
    ['\0'] = END,
    ['&'] = IN_TEXT | IN_VALUE,
    ['<'] = IN_TEXT | IN_VALUE,
    ['>'] = IN_TEXT,
    ['"'] = IN_VALUE,
    ['\t'] = IN_VALUE,
    ['\n'] = IN_VALUE,
    ['\r'] = IN_TEXT | IN_VALUE,
};

static inline const char *escape_of(xmlChar c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#x9;";
    case '\n':
        return "&#xA;";
    default:
        return "&#xD;";
    }
}

static inline void put_escaped(struct canonical_output *o, const xmlChar *text, uint8_t where)
{
    for (;;) {
        const xmlChar *start = text;
        while (!(escaped[*text] & (where | END)))
            text++;
        put(o, start, (size_t)(text - start));
        if (!*text)
            return;
        put_text(o, escape_of(*text++));
    }
}

#endif

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static int append(const char *part, size_t size, void *text)
{
    buffer_append(text, part, size);
    return 0;
}

/* A json_t holds valid UTF-8 only, and is as deep as we made it: writing cannot fail. */
void json_write(const json_t *json, struct buffer *text)
{
    if (json && json_dump_callback(json, append, text,
                                   JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) != 0)
        abort();
}

static bool plain(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether all of eight bytes are plain: a subtraction that borrows into the highest bit of a byte
 * that had it not set tells of one below; "equal to" is "below 1" behind an exclusive or. */
static bool plain_eight(const uint8_t *bytes)
{
    uint64_t all, quote, backslash;
    memcpy(&all, bytes, sizeof all);
    quote = all ^ EACH('"');
    backslash = all ^ EACH('\\');
    return !((((all - EACH(0x20)) & ~all) | ((quote - EACH(1)) & ~quote) |
              ((backslash - EACH(1)) & ~backslash)) &
             EACH(0x80));
}

static size_t plain_run(struct bytes utf8, size_t at)
{
    size_t end = at;
    while (end + 8 <= utf8.length && plain_eight(utf8.data + end))
        end += 8;
    while (end < utf8.length && plain(utf8.data[end]))
        end++;
    return end - at;
}

static void append_escaped(uint8_t c, struct buffer *text)
{
    if (c == '"' || c == '\\')
        buffer_append(text, (const uint8_t[]){'\\', c}, 2);
    else
        buffer_format(text, "\\u%04x", c);
}

void json_write_string(struct bytes utf8, struct buffer *text)
{
    buffer_append_text(text, "\"");
    for (size_t at = 0; at < utf8.length;) {
        size_t run = plain_run(utf8, at);
        buffer_append(text, utf8.data + at, run);
        at += run;
        if (at < utf8.length)
            append_escaped(utf8.data[at++], text);
    }
    buffer_append_text(text, "\"");
}

json_t *json_read(struct bytes text)
{
    return text.length ? json_loadb((const char *)text.data, text.length,
                                    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
                       : NULL;
}

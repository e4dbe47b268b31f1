#include "base/json.h"

#include <stdlib.h>

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
        size_t run = at;
        while (run < utf8.length && plain(utf8.data[run]))
            run++;
        buffer_append(text, utf8.data + at, run - at);
        if (run < utf8.length)
            append_escaped(utf8.data[run++], text);
        at = run;
    }
    buffer_append_text(text, "\"");
}

json_t *json_read(struct bytes text)
{
    return text.length ? json_loadb((const char *)text.data, text.length,
                                    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
                       : NULL;
}

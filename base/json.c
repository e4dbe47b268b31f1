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

json_t *json_read(struct bytes text)
{
    return text.length ? json_loadb((const char *)text.data, text.length,
                                    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
                       : NULL;
}

#include "base/charset.h"

#include <errno.h>
#include <iconv.h>

#include "base/cleanup.h"

static void close_conversion(iconv_t *conversion)
{
    if (*conversion != (iconv_t)-1)
        iconv_close(*conversion);
}

/* *ret_done false: there is something that `to` can't say. */
static bool convert(const char *from, const char *to, struct bytes text, bool *ret_done,
                    struct buffer *ret, struct failure *f)
{
    _cleanup_(close_conversion) iconv_t conversion = iconv_open(to, from);
    if (conversion == (iconv_t)-1)
        return failure_errno(f, "the C library can't convert %s to %s", from, to);
    char *in = (char *)text.data;
    size_t left = text.length;
    size_t room = 3 * left + 16; /* CP932 back to UTF-8: one byte becomes at most three */
    char *start = (char *)buffer_reserve(ret, room), *out = start;
    size_t result = left ? iconv(conversion, &in, &left, &out, &room) : 0;
    *ret_done = result == 0 && left == 0; /* > 0: something was replaced by what looks like it */
    buffer_commit(ret, (size_t)(out - start));
    return true;
}

bool charset_cp932(struct bytes text, bool *ret_said, struct buffer *ret_encoded, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer there = {0};
    _cleanup_(cleanup_secret_buffer) struct buffer back = {0};
    bool said = false, same = false;
    if (!convert("UTF-8", "CP932", text, &said, &there, f))
        return false;
    if (said && !convert("CP932", "UTF-8", buffer_bytes(&there), &same, &back, f))
        return false;
    *ret_said = said && same && bytes_equal(text, buffer_bytes(&back));
    if (*ret_said)
        buffer_append(ret_encoded, there.data, there.length);
    return true;
}

/* What may be seen of a text, and how. */
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/cleanup.h"
#include "forms/form_view_internal.h"

#define SECRET_LEAST     8 /* bytes; shorter texts in a number's place would mask half the form */
#define CHARACTERS_NAMED 10

/* Not seen, or changes how others are seen. Variation selectors are none of these. */
static bool is_unseen(UChar32 c)
{
    switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
        return c != '\n';
    default:
        return false;
    }
}

/* The length of the secret that begins here; 0: none does. */
static size_t secret_at(const struct viewing *viewing, const char *text)
{
    for (size_t i = 0; i < viewing->secret_count; i++) {
        size_t length = strlen(viewing->secrets[i]);
        if (length >= SECRET_LEAST && strncmp(text, viewing->secrets[i], length) == 0)
            return length;
    }
    return 0;
}

char *view_text(const struct viewing *viewing, const char *text)
{
    struct buffer out = {0};
    int32_t length = (int32_t)strlen(text);
    for (int32_t i = 0; i < length;) {
        size_t secret = secret_at(viewing, text + i);
        for (size_t k = 0; k < secret; k++)
            buffer_append_text(&out, "*");
        i += (int32_t)secret;
        if (secret)
            continue;
        int32_t start = i;
        UChar32 c;
        U8_NEXT(text, i, length, c);
        if (c < 0)
            buffer_append_text(&out, "\xef\xbf\xbd"); /* a note need not be well-formed */
        else if (c == '\t')
            buffer_append_text(&out, " ");
        else if (is_unseen(c))
            buffer_format(&out, "[U+%04X]", (unsigned)c);
        else
            buffer_append(&out, text + start, (size_t)(i - start));
    }
    char *copy = text_copy(buffer_text(&out));
    buffer_erase_free(&out);
    return copy;
}

void view_characters(struct view_remarks *remarks, const char *text)
{
    _cleanup_(cleanup_secret_buffer) struct buffer out = {0};
    int32_t length = (int32_t)strlen(text), named = 0;
    for (int32_t i = 0; i < length && named < CHARACTERS_NAMED;) {
        UChar32 c;
        U8_NEXT(text, i, length, c);
        if (c < 0 || u_charType(c) != U_PRIVATE_USE_CHAR)
            continue;
        buffer_format(&out, "%sU+%04X", named++ ? "、" : "", (unsigned)c);
    }
    if (named == 0)
        return;
    view_remark_add(remarks, VIEW_CHARACTERS,
                    text_format("%s を含みます。表示できない字は原本のデータで確かめてください。",
                                buffer_text(&out)));
}

#include "base/fetch_ldap.h"

#include <string.h>

#include "base/text.h"

/* "DN: …", then "\tattribute:: <Base64>" for each binary value, then an empty line. */
static bool line_begin(struct ldif_value *value, uint8_t c)
{
    static const char mark[] = ":: ";
    if (value->line_length == sizeof value->line)
        value->place = LDIF_OTHER;
    else
        value->line[value->line_length++] = (char)c;
    size_t length = value->line_length;
    if (value->line[0] != '\t' || length <= sizeof mark ||
        memcmp(value->line + length - 3, mark, 3) != 0)
        return true;
    if (value->found)
        return false;
    value->found = true;
    value->place = LDIF_VALUE;
    return true;
}

static bool digit_take(struct ldif_value *value, uint8_t c, struct buffer *ret_data)
{
    value->digits[value->digit_count++] = (char)c;
    if (value->digit_count < sizeof value->digits)
        return true;
    value->digit_count = 0;
    return base64_decode(bytes_of(value->digits, sizeof value->digits), ret_data);
}

/* As many whole groups as there are before the end of the line or the padding; nearly all of it. */
static size_t groups_take(struct bytes text, struct buffer *ret_data)
{
    size_t length = 0;
    while (length < text.length && text.data[length] > ' ' && text.data[length] != '=')
        length++;
    length -= length % 4;
    return base64_decode(bytes_of(text.data, length), ret_data) ? length : 0;
}

bool ldif_value_feed(struct ldif_value *value, struct bytes text, struct buffer *ret_data)
{
    for (size_t i = 0; i < text.length; i++) {
        if (value->place == LDIF_VALUE && value->digit_count == 0)
            i += groups_take(bytes_of(text.data + i, text.length - i), ret_data);
        if (i == text.length)
            break;
        uint8_t c = text.data[i];
        if (c == '\n') {
            if (value->digit_count > 0)
                return false;
            value->place = LDIF_LINE;
            value->line_length = 0;
        } else if (value->place == LDIF_LINE) {
            if (!line_begin(value, c))
                return false;
        } else if (value->place == LDIF_VALUE && !digit_take(value, c, ret_data)) {
            return false;
        }
    }
    return true;
}

bool ldif_value_end(const struct ldif_value *value)
{
    return value->found && value->place == LDIF_LINE;
}

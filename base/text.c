#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/openssl.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

const char *hex_encode(const void *data, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = data;

    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    text[2 * length] = 0;
    return text;
}

bool hex_decode(const char *text, void *ret_data, size_t length)
{
    uint8_t *to = ret_data;

    if (strlen(text) != 2 * length)
        return false;
    for (size_t i = 0; i < 2 * length; i++)
        if (hex_value(text[i]) < 0)
            return false;
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
}

void base64_encode(struct bytes data, struct buffer *ret_text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t groups = data.length / 3, rest = data.length % 3;
    const uint8_t *from = data.data;
    char *to = (char *)buffer_reserve(ret_text, 4 * (groups + 1));
    char *start = to;

    for (size_t i = 0; i < groups; i++, from += 3) {
        *to++ = digits[from[0] >> 2];
        *to++ = digits[(from[0] & 3) << 4 | from[1] >> 4];
        *to++ = digits[(from[1] & 15) << 2 | from[2] >> 6];
        *to++ = digits[from[2] & 63];
    }
    if (rest > 0) {
        unsigned second = rest == 2 ? from[1] : 0;
        *to++ = digits[from[0] >> 2];
        *to++ = digits[(from[0] & 3u) << 4 | second >> 4];
        *to++ = rest == 2 ? digits[(second & 15) << 2] : '=';
        *to++ = '=';
    }
    buffer_commit(ret_text, (size_t)(to - start));
}

/* 0…63, or: 64 padding, 65 XML white space, 66 anything else. */
static unsigned base64_value(uint8_t c)
{
    static const uint8_t values[128] = {
        66, 66, 66, 66, 66, 66, 66, 66, 66, 65, 65, 66, 66, 65, 66, 66, 66, 66, 66, 66, 66, 66,
        66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 65, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 62,
        66, 66, 66, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 66, 66, 64, 66, 66, 66, 0,
        1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23, 24, 25, 66, 66, 66, 66, 66, 66, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
        39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66,
    };
    return c < 128 ? values[c] : 66;
}

/* As many whole groups of four digits as stand in a row: nearly all of a text. */
static size_t base64_groups(struct bytes text, uint8_t *to)
{
    size_t count = 0;
    const uint8_t *from = text.data;

    for (; text.length >= 4; text.length -= 4, from += 4, count++) {
        unsigned a = base64_value(from[0]), b = base64_value(from[1]);
        unsigned c = base64_value(from[2]), d = base64_value(from[3]);
        if ((a | b | c | d) >= 64)
            break;
        *to++ = (uint8_t)(a << 2 | b >> 4);
        *to++ = (uint8_t)(b << 4 | c >> 2);
        *to++ = (uint8_t)(c << 6 | d);
    }
    return count;
}

bool base64_decode(struct bytes text, struct buffer *ret_data)
{
    uint8_t *start = buffer_reserve(ret_data, text.length / 4 * 3 + 3), *to = start;
    uint32_t group = 0;
    unsigned digits = 0, padding = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (digits == 0 && padding == 0) {
            size_t groups = base64_groups(bytes_of(text.data + i, text.length - i), to);
            to += 3 * groups;
            i += 4 * groups;
            if (i == text.length)
                break;
        }
        unsigned value = base64_value(text.data[i]);
        if (value == 65)
            continue;
        if (value == 66 || (padding > 0 && value != 64))
            return false;
        if (value == 64) {
            if (++padding + digits > 4 || digits < 2)
                return false;
            continue;
        }
        group = group << 6 | value;
        if (++digits == 4) {
            *to++ = (uint8_t)(group >> 16);
            *to++ = (uint8_t)(group >> 8);
            *to++ = (uint8_t)group;
            digits = 0, group = 0;
        }
    }
    if (digits > 0 && digits + padding != 4)
        return false;
    /* The bits that the padding cuts off must be zero, or one thing could be written in many ways.
     */
    if (digits == 3) {
        if (group & 3)
            return false;
        *to++ = (uint8_t)(group >> 10);
        *to++ = (uint8_t)(group >> 2);
    } else if (digits == 2) {
        if (group & 15)
            return false;
        *to++ = (uint8_t)(group >> 4);
    }
    buffer_commit(ret_data, (size_t)(to - start));
    return true;
}

/* Length of the character at `at`, 0 when it is not one. RFC 3629 section 4. */
static size_t utf8_character(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0], low = 0x80, high = 0xBF;
    size_t length;

    if (lead == 0)
        return 0;
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < length)
        return 0;
    if (lead == 0xE0)
        low = 0xA0; /* overlong */
    else if (lead == 0xED)
        high = 0x9F; /* surrogates */
    else if (lead == 0xF0)
        low = 0x90; /* overlong */
    else if (lead == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

/* Eight bytes that are all ASCII and not NUL: most of a document. */
static bool utf8_plain(const uint8_t *at)
{
    const uint64_t ones = 0x0101010101010101, highs = ones << 7;
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return ((word | (word - ones)) & highs) == 0;
}

bool utf8_valid(struct bytes text)
{
    size_t at = 0;

    while (at < text.length) {
        if (text.length - at >= 8 && utf8_plain(text.data + at)) {
            at += 8;
            continue;
        }
        size_t length = utf8_character(text.data + at, text.length - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

size_t utf8_length(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

bool number_parse(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
    bool negative = *text == '-';
    int64_t number = 0;

    text += negative;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10, &number))
            return false;
        int digit = *text - '0';
        if (__builtin_add_overflow(number, negative ? -digit : digit, &number))
            return false;
    }
    if (number < least || number > most)
        return false;
    *ret_number = number;
    return true;
}

bool number_parse_exact(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
    return (*text != '0' || text[1] == '\0') && (*text != '-' || text[1] != '0') &&
           number_parse(text, least, most, ret_number);
}

bool digits_only(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return text[length] == 0;
}

bool uuid_valid(const char *text)
{
    if (strlen(text) != 36)
        return false;
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : hex_value(text[i]) < 0 || (text[i] >= 'A' && text[i] <= 'F'))
            return false;
    }
    return true;
}

bool receipt_number_valid(const char *text)
{
    size_t length = 0;

    for (; text[length]; length++) {
        char c = text[length];
        bool allowed =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        if (!allowed || length == 64)
            return false;
    }
    return length > 0;
}

void sha256(struct bytes data, uint8_t ret_hash[32])
{
    if (EVP_Digest(data.data, data.length, ret_hash, NULL, openssl_sha256(), NULL) != 1)
        abort(); /* OpenSSL without SHA-256 is no ground to stand on */
}

void sha256_hex(struct bytes data, char ret_text[65])
{
    uint8_t hash[32];

    sha256(data, hash);
    hex_encode(hash, sizeof hash, ret_text);
}

const char *text_plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* Text as it crosses our borders: hexadecimal, Base64, UTF-8, numbers, UUIDs. Strict: what is not
 * exactly right is refused. (Japanese text folding for matching is intake/identify's business.) */
#ifndef UKETSUKE_BASE_TEXT_H
#define UKETSUKE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Lower case; `text` has room for 2·length + 1. Returns text. */
const char *hex_encode(const void *data, size_t length, char *text);
/* Exactly `length` bytes from 2·length digits of either case. */
bool hex_decode(const char *text, void *ret_data, size_t length);

/* RFC 4648. Decoding allows XML white space between the digits, and nothing else; padding needed.
 */
void base64_encode(struct bytes data, struct buffer *ret_text);
bool base64_decode(struct bytes text, struct buffer *ret_data);

bool utf8_valid(struct bytes text);   /* RFC 3629: no surrogates, no overlongs, no NUL */
size_t utf8_length(const char *text); /* in characters (code points); text is valid UTF-8 */
bool number_parse(const char *text, int64_t least, int64_t most, int64_t *ret_number); /* decimal */
/* The same, in the one form that a number has: no zeros in front, no "-0". */
bool number_parse_exact(const char *text, int64_t least, int64_t most, int64_t *ret_number);
bool digits_only(const char *text, size_t length); /* ASCII digits, exactly `length` of them */
bool uuid_valid(const char *text);                 /* 8-4-4-4-12, lower-case hexadecimal */
bool receipt_number_valid(const char *text);       /* 受付番号: 1 to 64 of [0-9A-Za-z-] */

/* "1 application", "2 applications": the form that goes with the number. */
const char *text_plural(int64_t n, const char *one, const char *many);

void sha256(struct bytes data, uint8_t ret_hash[32]);
void sha256_hex(struct bytes data, char ret_text[65]);

#endif

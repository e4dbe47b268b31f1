/* DER (X.690 §10), strictly: one-octet tags, definite and minimal lengths. For what OpenSSL would
 * take in BER as well, or only whole. All views are borrowed from what they were read from. */
#ifndef UKETSUKE_SIGNATURE_DER_H
#define UKETSUKE_SIGNATURE_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_EXPLICIT_0 = 0xa0,
};

enum der_result {
    DER_WHOLE,
    DER_PARTIAL, /* as far as it goes it is good: more bytes are needed */
    DER_BAD,
};

struct der_header {
    uint8_t tag;
    size_t size;     /* of the header itself */
    uint64_t length; /* of the content, at most 2^32 - 1; may go beyond the input */
};

/* The header at the beginning of `in`. */
static inline enum der_result der_header_read(struct bytes in, struct der_header *ret_header);

/* Takes the element off the beginning of *in when it has this tag and is there whole. */
static inline bool der_take(struct bytes *in, uint8_t tag, struct bytes *ret_content);
/* The same, of any tag. */
static inline bool der_take_any(struct bytes *in, uint8_t *ret_tag, struct bytes *ret_content);

/* One element and nothing behind it, strict to its innermost, at most 24 deep: headers, BOOLEANs,
 * INTEGERs and OBJECT IDENTIFIERs. What then goes to OpenSSL is read one way only. */
bool der_strict(struct bytes in);

/* Content of an INTEGER that is minimal and not negative, without its leading zero octet. */
bool der_number(struct bytes content, struct bytes *ret_magnitude);

/* Content of a UTCTime (YYMMDDHHMMSSZ: 1950 to 2049) or GeneralizedTime (YYYYMMDDHHMMSSZ), whole
 * seconds in UTC (RFC 5280 §4.1.2.5); a moment that exists. */
bool der_time(uint8_t tag, struct bytes content, instant *ret_instant);

/* Extension (RFC 5280 §4.1). */
struct der_extension {
    struct bytes oid; /* content of the OBJECT IDENTIFIER */
    bool critical;
    struct bytes value; /* content of the OCTET STRING */
};
bool der_take_extension(struct bytes *in, struct der_extension *ret_extension);

/* --- inline: millions of elements stand in a list, nearly all with a tag and a length of one octet
 * each */

enum der_result der_header_read_long(struct bytes in, struct der_header *ret_header);

static inline enum der_result der_header_read(struct bytes in, struct der_header *ret_header)
{
    if (in.length < 2 || in.data[1] >= 0x80 || (in.data[0] & 0x1f) == 0x1f)
        return der_header_read_long(in, ret_header);
    *ret_header = (struct der_header){in.data[0], 2, in.data[1]};
    return DER_WHOLE;
}

static inline bool der_take_any(struct bytes *in, uint8_t *ret_tag, struct bytes *ret_content)
{
    struct der_header header;
    if (der_header_read(*in, &header) != DER_WHOLE || header.length > in->length - header.size)
        return false;
    const struct bytes content = {in->data + header.size, (size_t)header.length};
    *in = (struct bytes){content.data + content.length, in->length - header.size - content.length};
    *ret_tag = header.tag;
    *ret_content = content;
    return true;
}

static inline bool der_take(struct bytes *in, uint8_t tag, struct bytes *ret_content)
{
    uint8_t found;
    return in->length > 0 && in->data[0] == tag && der_take_any(in, &found, ret_content);
}

#endif

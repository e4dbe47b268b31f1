#include "signature/der.h"

#define DEPTH_MOST    24
#define CONSTRUCTED   0x20
#define CLASS         0xc0 /* none of these bits: universal */
#define TAG_LONG      0x1f /* all of these bits: the tag goes on in the next octets */
#define LENGTH_OCTETS 4

enum der_result der_header_read_long(struct bytes in, struct der_header *ret_header)
{
    if (in.length < 2)
        return in.length == 1 && (in.data[0] & TAG_LONG) == TAG_LONG ? DER_BAD : DER_PARTIAL;
    uint8_t tag = in.data[0], first = in.data[1];
    if ((tag & TAG_LONG) == TAG_LONG)
        return DER_BAD;
    if (first < 0x80) {
        *ret_header = (struct der_header){tag, 2, first};
        return DER_WHOLE;
    }
    size_t octets = first & 0x7f;
    if (octets == 0 || octets > LENGTH_OCTETS)
        return DER_BAD; /* indefinite, or beyond all limits */
    if (in.length < 2 + octets)
        return DER_PARTIAL;
    uint64_t length = 0;
    for (size_t i = 0; i < octets; i++)
        length = length << 8 | in.data[2 + i];
    if (length < 0x80 || length >> 8 * (octets - 1) == 0)
        return DER_BAD; /* a shorter form would have done */
    *ret_header = (struct der_header){tag, 2 + octets, length};
    return DER_WHOLE;
}

static bool integer_minimal(struct bytes content)
{
    if (content.length < 2)
        return content.length == 1;
    bool top = content.data[1] & 0x80;
    return !(content.data[0] == 0 && !top) && !(content.data[0] == 0xff && top);
}

/* X.690 §8.19.2: the last octet of each number has bit 8 clear, and none begins with 0x80. */
static bool oid_well_formed(struct bytes content)
{
    bool begins = true;
    for (size_t i = 0; i < content.length; i++) {
        if (begins && content.data[i] == 0x80)
            return false;
        begins = !(content.data[i] & 0x80);
    }
    return content.length > 0 && begins;
}

/* X.690 §11.2.1: the bits behind the last are zeros. */
static bool bits_strict(struct bytes content)
{
    if (content.length < 2)
        return content.length == 1 && content.data[0] == 0;
    unsigned unused = content.data[0], last = content.data[content.length - 1];
    return unused < 8 && !(last & ((1U << unused) - 1));
}

/* X.690 §10.2: of the universal types SEQUENCE and SET are made of others, and no string is. */
static bool form_strict(uint8_t tag)
{
    uint8_t made = tag | CONSTRUCTED;
    return (tag & CLASS) != 0 || (tag == made) == (made == DER_SEQUENCE || made == DER_SET);
}

static bool content_strict(uint8_t tag, struct bytes content)
{
    if (!form_strict(tag))
        return false;
    if (tag == DER_NULL)
        return content.length == 0;
    if (tag == DER_BIT_STRING)
        return bits_strict(content);
    if (tag == DER_BOOLEAN)
        return content.length == 1 && (content.data[0] == 0 || content.data[0] == 0xff);
    if (tag == DER_OID)
        return oid_well_formed(content);
    if (tag == DER_INTEGER || tag == DER_ENUMERATED)
        return integer_minimal(content);
    return true;
}

/* Without recursion: `ends` are those of the elements that are open. */
bool der_strict(struct bytes in)
{
    const uint8_t *ends[DEPTH_MOST + 1] = {in.data + in.length}, *at = in.data;
    size_t depth = 0, count = 0;
    while (depth > 0 || at < ends[0]) {
        if (at == ends[depth]) {
            depth--;
            continue;
        }
        struct bytes rest = bytes_of(at, (size_t)(ends[depth] - at)), content;
        uint8_t tag;
        if ((depth == 0 && count++ > 0) || !der_take_any(&rest, &tag, &content) ||
            !content_strict(tag, content))
            return false;
        at = rest.data;
        if (!(tag & CONSTRUCTED))
            continue;
        if (depth == DEPTH_MOST)
            return false;
        ends[++depth] = rest.data;
        at = content.data;
    }
    return count == 1;
}

bool der_number(struct bytes content, struct bytes *ret_magnitude)
{
    if (!integer_minimal(content) || content.data[0] & 0x80)
        return false;
    bool padded = content.length > 1 && content.data[0] == 0;
    *ret_magnitude = bytes_of(content.data + padded, content.length - padded);
    return true;
}

/* --- time ------------------------------------------------------------------------------------- */

/* The two digits at `at`; above 99 when they are none. */
static unsigned two_digits(const uint8_t *at)
{
    unsigned tens = at[0] - (unsigned)'0', ones = at[1] - (unsigned)'0';
    return tens > 9 || ones > 9 ? 100 : 10 * tens + ones;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* Of the proleptic Gregorian calendar, since 1970-01-01. Years begin in March here, so that the day
 * that may be missing is the last. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool der_time(uint8_t tag, struct bytes content, instant *ret_instant)
{
    const uint8_t *at = content.data;
    unsigned year;
    if (tag == DER_UTC_TIME && content.length == 13) {
        year = two_digits(at);
        if (year > 99)
            return false;
        year += year < 50 ? 2000 : 1900;
        at += 2;
    } else if (tag == DER_GENERALIZED_TIME && content.length == 15) {
        unsigned century = two_digits(at), rest = two_digits(at + 2);
        if (century > 99 || rest > 99)
            return false;
        year = 100 * century + rest;
        at += 4;
    } else {
        return false;
    }
    unsigned month = two_digits(at), day = two_digits(at + 2), hour = two_digits(at + 4),
             minute = two_digits(at + 6), second = two_digits(at + 8);
    if (at[10] != 'Z' || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_instant =
        (days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) *
        INSTANT_SECOND;
    return true;
}

/* --- extension -------------------------------------------------------------------------------- */

bool der_take_extension(struct bytes *in, struct der_extension *ret_extension)
{
    struct bytes rest = *in, content, flag;
    struct der_extension extension = {0};
    if (!der_take(&rest, DER_SEQUENCE, &content) || !der_take(&content, DER_OID, &extension.oid) ||
        !oid_well_formed(extension.oid))
        return false;
    if (der_take(&content, DER_BOOLEAN, &flag)) {
        if (flag.length != 1 || flag.data[0] != 0xff)
            return false; /* FALSE is the default, and DER leaves it out */
        extension.critical = true;
    }
    if (!der_take(&content, DER_OCTET_STRING, &extension.value) || content.length != 0)
        return false;
    *in = rest;
    *ret_extension = extension;
    return true;
}

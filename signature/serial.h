/* Certificate serial numbers as numbers: positive, at most 20 octets (RFC 5280 §4.1.2.2). */
#ifndef UKETSUKE_SIGNATURE_SERIAL_H
#define UKETSUKE_SIGNATURE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define SERIAL_OCTETS_MOST 20

struct serial {
    uint64_t limbs[3]; /* the least significant first */
};

/* From octets, the most significant first, leading zeros allowed. False for zero and for more than
 * 20 octets. */
static inline bool serial_read(struct bytes octets, struct serial *ret_serial)
{
    while (octets.length > 0 && *octets.data == 0)
        octets = bytes_of(octets.data + 1, octets.length - 1);
    if (octets.length == 0 || octets.length > SERIAL_OCTETS_MOST)
        return false;
    struct serial serial = {0};
    for (size_t i = 0; i < octets.length; i++)
        serial.limbs[i / 8] |= (uint64_t)octets.data[octets.length - 1 - i] << 8 * (i % 8);
    *ret_serial = serial;
    return true;
}

static inline int serial_compare(const struct serial *a, const struct serial *b)
{
    for (int i = 2; i >= 0; i--)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* a - b; a is not the smaller. */
static inline struct serial serial_minus(const struct serial *a, const struct serial *b)
{
    struct serial d;
    bool borrow = __builtin_sub_overflow(a->limbs[0], b->limbs[0], &d.limbs[0]);
    bool low = __builtin_sub_overflow(a->limbs[1], b->limbs[1], &d.limbs[1]);
    bool high = __builtin_sub_overflow(d.limbs[1], (uint64_t)borrow, &d.limbs[1]);
    d.limbs[2] = a->limbs[2] - b->limbs[2] - (low || high);
    return d;
}

static inline struct serial serial_plus(const struct serial *a, const struct serial *b)
{
    struct serial sum;
    unsigned __int128 carry = 0;
    for (int i = 0; i < 3; i++) {
        unsigned __int128 limb = (unsigned __int128)a->limbs[i] + b->limbs[i] + carry;
        sum.limbs[i] = (uint64_t)limb;
        carry = limb >> 64;
    }
    return sum;
}

/* In octets; at least 1. */
static inline unsigned limb_width(uint64_t limb)
{
    return (71 - (unsigned)__builtin_clzll(limb | 1)) / 8;
}

static inline unsigned serial_width(const struct serial *serial)
{
    for (int i = 2; i >= 0; i--)
        if (serial->limbs[i])
            return (unsigned)i * 8 + limb_width(serial->limbs[i]);
    return 1;
}

#endif

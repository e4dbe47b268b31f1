/* An entry of a revocation list on its way into an index. */
#ifndef UKETSUKE_SIGNATURE_CRL_RECORD_H
#define UKETSUKE_SIGNATURE_CRL_RECORD_H

#include "signature/crl_index_format.h"
#include "signature/crl_stream.h"
#include "signature/serial.h"

struct crl_record {
    struct serial serial;
    int64_t value; /* revocationDate in seconds << INDEX_REASON_BITS | reason */
};

static inline struct crl_record crl_record_of(const struct crl_entry *entry)
{
    int64_t seconds = entry->revoked_at / INSTANT_SECOND;
    return (struct crl_record){entry->serial,
                               seconds * (1 << INDEX_REASON_BITS) + (int64_t)entry->reason};
}

/* By serial number, then date, then reason. */
static inline int crl_record_compare(const struct crl_record *a, const struct crl_record *b)
{
    int order = serial_compare(&a->serial, &b->serial);
    return order ? order : (a->value > b->value) - (a->value < b->value);
}

#endif

/* Sorts entries in memory. Time grows with their number, whatever their serial numbers are like. */
#ifndef UKETSUKE_SIGNATURE_CRL_SORT_H
#define UKETSUKE_SIGNATURE_CRL_SORT_H

#include <stddef.h>

#include "signature/crl_record.h"

/* In the order of crl_record_compare; at most 2^32 - 1. `spare` has room for as many, and is
 * overwritten. */
void crl_records_sort(struct crl_record *records, struct crl_record *spare, size_t count);

#endif

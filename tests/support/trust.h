/* A trust store out of certificates that a test just made. */
#ifndef UKETSUKE_TESTS_SUPPORT_TRUST_H
#define UKETSUKE_TESTS_SUPPORT_TRUST_H

#include "signature/trust.h"

/* Of the sandbox mode, with PKI_POLICY, anchored in (and pinned to) `certificates`. */
struct trust *trust_of(X509 *const *certificates, size_t count);

#endif

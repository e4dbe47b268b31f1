/* Revocation lists put together octet by octet, so that each part can be wrong; then signed. */
#ifndef UKETSUKE_TESTS_SUPPORT_CRL_DER_H
#define UKETSUKE_TESTS_SUPPORT_CRL_DER_H

#include "base/bytes.h"
#include "tests/support/pki.h"

/* The header of an element whose content comes later. */
void der_put_header(struct buffer *out, uint8_t tag, uint64_t length);
/* An element of DER at the end of *out; `hex` versions take octets as text, blanks allowed. */
void der_put(struct buffer *out, uint8_t tag, struct bytes content);
void der_put_hex(struct buffer *out, const char *hex);

/* Each is the whole element, or what is said; NULL data: what a good list has; empty: left out. */
struct crl_der {
    struct bytes version, algorithm, issuer, this_update, next_update;
    struct bytes entries;    /* what stands in revokedCertificates; none: the list is left out */
    struct bytes list;       /* revokedCertificates itself, in place of the one of `entries` */
    struct bytes extensions; /* what stands in crlExtensions' SEQUENCE */
    struct bytes outer_algorithm, signature, behind; /* behind: after the signature */
};
void crl_der_make(const struct pki_ca *ca, const struct crl_der *list, struct buffer *ret_der);

/* An entry; `time` of 15 characters is a GeneralizedTime; `extensions`: hex, what stands in their
 * SEQUENCE; NULL: none. */
void crl_der_entry(struct buffer *out, const char *serial, const char *time,
                   const char *extensions);

/* The index of a list that `ca` signed, as a file. */
void crl_index_write(const struct pki_ca *ca, struct bytes list, const char *path);

#define CRL_NUMBER_1  "30 0a 06 03 55 1d 14 04 03 02 01 01"
#define CRL_REASON(x) "30 0a 06 03 55 1d 15 04 03 0a 01 " x

#endif

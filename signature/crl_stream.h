/* A revocation list (RFC 5280 §5) read as a stream: bytes go in by pieces of any size, entries come
 * out one by one, and memory stays the same whatever the list's size. Nothing that came out may be
 * used before crl_stream_end has found the signature good.
 *
 * Strict: one CertificateList in DER, or in PEM ("X509 CRL"), and nothing behind it; version 2; the
 * algorithms of signature/algorithm.h, the same inside and outside; issued under the name of one of
 * our anchors and signed by the key of one that may sign lists; thisUpdate before nextUpdate;
 * crlNumber; an issuingDistributionPoint only with a directoryName and onlyContainsUserCerts; no
 * delta, no indirect list, no critical extension beyond these. An entry has a serial number, a
 * date that exists, and may have a reasonCode and an invalidityDate. Whoever is not of this form
 * is a failure FAILURE_INPUT that says what is wrong. */
#ifndef UKETSUKE_SIGNATURE_CRL_STREAM_H
#define UKETSUKE_SIGNATURE_CRL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"
#include "signature/serial.h"
#include "signature/trust.h"

#define CRL_ELEMENT_MOST    16384 /* bytes of what must be seen whole: a name, an entry, … */
#define CRL_PARTITION_MOST  1024  /* bytes of the partition's name in DER */
#define CRL_EXTENSIONS_MOST 16    /* of the list, and of an entry */

/* CRLReason (RFC 5280 §5.3.1), as it stands in an entry. */
enum crl_reason {
    CRL_UNSPECIFIED = 0, /* also: no reason given */
    CRL_CERTIFICATE_HOLD = 6,
    CRL_REMOVE_FROM_CRL = 8,
    CRL_REASON_LAST = 10,
};

struct crl_facts {       /* what a list says of itself */
    char partition[512]; /* DN of the issuingDistributionPoint, RFC 2253; "" when it has none */
    uint8_t partition_der[CRL_PARTITION_MOST]; /* the same, as Name */
    size_t partition_length;                   /* 0: none */
    char number[43];                           /* crlNumber, hexadecimal */
    instant this_update, next_update;
    uint64_t entries;
    char issuer_sha256[65]; /* of the anchor whose key signed it */
    char tbs_sha256[65];    /* of tbsCertList in DER: of what the issuer signed */
};

struct crl_entry {
    struct serial serial;
    instant revoked_at; /* whole seconds, years 0 to 9999 */
    enum crl_reason reason;
};

/* Takes one entry; false with a failure ends the stream. */
typedef bool crl_sink(void *context, const struct crl_entry *entry, struct failure *f);

struct crl_stream;

/* `trust` must live as long as the stream; `sink` may be NULL. */
struct crl_stream *crl_stream_new(const struct trust *trust, crl_sink *sink, void *context);
void crl_stream_free(struct crl_stream *stream);
/* After a failure nothing more may be fed. */
bool crl_stream_feed(struct crl_stream *stream, struct bytes piece, struct failure *f);
/* Behind the last piece: whether the list was whole and its signature holds. */
bool crl_stream_end(struct crl_stream *stream, struct crl_facts *ret_facts, struct failure *f);

#endif

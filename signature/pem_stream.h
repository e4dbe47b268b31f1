/* One PEM object (RFC 7468) as a stream: text goes in by pieces, DER comes out. */
#ifndef UKETSUKE_SIGNATURE_PEM_STREAM_H
#define UKETSUKE_SIGNATURE_PEM_STREAM_H

#include <stdbool.h>

#include "base/bytes.h"

#define PEM_LINE_MOST 1024

struct pem_stream {    /* {0} and the label to begin; nothing to free */
    const char *label; /* "X509 CRL": of the lines that begin and end it */
    enum { PEM_BEFORE, PEM_INSIDE, PEM_PADDED, PEM_AFTER } place;
    char line[PEM_LINE_MOST];
    size_t line_length;
    char digits[4];
    size_t digit_count;
};

/* Appends what `text` gives to *ret_der. False when it is not PEM of that label, or when anything
 * but empty lines stands before or behind the object. */
bool pem_stream_feed(struct pem_stream *stream, struct bytes text, struct buffer *ret_der);
/* Whether the object is whole. */
bool pem_stream_end(struct pem_stream *stream);

#endif

/* The bytes of a feed as they stream by: hashed as they are, handed on as UTF-8. */
#ifndef UKETSUKE_INTAKE_REGISTRY_STREAM_H
#define UKETSUKE_INTAKE_REGISTRY_STREAM_H

#include <stdio.h>

#include "base/failure.h"
#include "intake/registry/feed.h"

struct feed_stream;

/* `in` is borrowed. CP932 goes through ICU's ibm-943_P15A-2003 (Windows-31J; 外字 F040…F9FC become
 * U+E000…); what it has no character for becomes U+FFFD, which no item may hold. */
bool feed_stream_open(FILE *in, enum feed_encoding encoding, struct feed_stream **ret_stream,
                      struct failure *f);
/* Reads as UTF-8; owned by the stream. */
FILE *feed_stream_file(struct feed_stream *stream);
/* Did it begin with a byte order mark? A feed has none. */
bool feed_stream_marked(const struct feed_stream *stream);
/* SHA-256 of what was read so far. */
void feed_stream_sha256(struct feed_stream *stream, uint8_t ret_sha256[32]);
void feed_stream_close(struct feed_stream *stream);

#endif

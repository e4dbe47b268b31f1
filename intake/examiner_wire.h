/* What an examiner process and its parent say to each other, over a stream socket pair.
 *
 * A frame is its length (4 bytes, of what follows the 8), its kind (1 byte), three zero bytes, then
 * the fields of that kind in a fixed order: a number is 8 bytes, bytes are 4 bytes of length and
 * the bytes, a text is bytes that end with their only NUL. Little-endian. Both ends are the same
 * program; READY, the first frame, says so.
 *
 *   worker → parent  READY (version), FAILED (kind, text; it could not begin), TAKEN, RESULT
 *   parent → worker  LIST, answered by TAKEN (1: it is a good index); the next comes after that.
 *                    With its bytes comes the descriptor of a revocation index (SCM_RIGHTS)
 *                    LISTS: from now on those that came since the last LISTS are in force
 *                    EXAMINE; each is answered by one RESULT, in order
 *
 * Neither end believes the other: what is not exactly a frame of the kind that is due, with texts
 * of the characters that they are made of, is broken, and ends the worker. */
#ifndef UKETSUKE_INTAKE_EXAMINER_WIRE_H
#define UKETSUKE_INTAKE_EXAMINER_WIRE_H

#include "intake/examine.h"

#define EXAMINER_WIRE_HEAD 8

/* Bytes of a frame's fields: a package of the largest [package] size with its OCSP response; the
 * report of 10,000 members with the record of the largest form. */
#define EXAMINER_REQUEST_MOST (((size_t)2 << 30) + (1 << 20))
#define EXAMINER_RESULT_MOST  ((size_t)64 << 20)

enum examiner_frame_kind {
    EXAMINER_READY = 1,
    EXAMINER_FAILED,
    EXAMINER_EXAMINE,
    EXAMINER_RESULT,
    EXAMINER_LIST,
    EXAMINER_TAKEN,
    EXAMINER_LISTS,
};

struct examiner_frame {
    enum examiner_frame_kind kind;
    struct bytes fields; /* a view into what was read */
    size_t length;       /* of the whole frame */
};

enum examiner_wire { EXAMINER_WIRE_MORE, EXAMINER_WIRE_FRAME, EXAMINER_WIRE_BROKEN };

/* The first frame of what was read so far: MORE when it is not there to its end. *ret_wanted: how
 * many bytes the frame has in all, as far as is known. */
enum examiner_wire examiner_wire_next(struct bytes in, size_t fields_most,
                                      struct examiner_frame *ret_frame, size_t *ret_wanted);

void examiner_wire_put_ready(struct buffer *out);
bool examiner_wire_get_ready(struct bytes fields);
void examiner_wire_put_failure(struct buffer *out, const struct failure *failure);
bool examiner_wire_get_failure(struct bytes fields, struct failure *ret_failure);

void examiner_wire_put_list(struct buffer *out); /* EXAMINER_WIRE_HEAD bytes */
void examiner_wire_put_lists(struct buffer *out);
void examiner_wire_put_taken(struct buffer *out, bool taken);
bool examiner_wire_get_taken(struct bytes fields, bool *ret_taken);

/* What is of the one application: package, promise, now, OCSP. The rest of the input the worker has
 * already. What is got are views into `fields`. */
void examiner_wire_put_request(struct buffer *out, const struct examination_input *input);
bool examiner_wire_get_request(struct bytes fields, struct examination_input *ret_input);

/* What is got is owned (examination_free). */
void examiner_wire_put_result(struct buffer *out, const struct examination *examination);
bool examiner_wire_get_result(struct bytes fields, struct examination *ret_examination);

#endif

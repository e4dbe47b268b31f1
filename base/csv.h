/* CSV by RFC 4180. As it streams in: comma, double quotes, CRLF or LF (one of them throughout),
 * UTF-8 only. As it is written: a field at a time. */
#ifndef UKETSUKE_BASE_CSV_H
#define UKETSUKE_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/failure.h"

#define CSV_FIELDS_MAX 256
#define CSV_LINE_MAX   (64 * 1024) /* bytes of one record */

struct csv_reader;

struct csv_record { /* borrowed: valid until the next csv_next */
    size_t count;
    const char *field[CSV_FIELDS_MAX]; /* NUL-terminated; a NUL in the input is an error */
    int64_t line;                      /* where the record begins, from 1 */
};

struct csv_reader *csv_open(FILE *in); /* does not own `in` */
void csv_close(struct csv_reader *reader);
/* *ret_end at the end of the file. A fault names the line and what is wrong with it, never what
 * stands there. */
bool csv_next(struct csv_reader *reader, struct csv_record *ret_record, bool *ret_end,
              struct failure *f);

/* Appends one field, quoted when it has to be; line ends within it stay as they are. */
void csv_quote(const char *value, struct buffer *out);

#endif

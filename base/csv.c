#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

struct csv_reader {
    FILE *in;
    int64_t line;     /* of the next byte */
    bool broken;      /* behind a fault nobody knows where a record begins */
    int line_feed;    /* how the first line ended: '\n', or '\r' before it; 0 not yet */
    bool begun;       /* a byte order mark can only be the first thing */
    uint8_t ahead[3]; /* read while looking for it, and not it */
    unsigned ahead_at, ahead_count;
    size_t raw;    /* bytes of the record so far, as they stand in the file */
    size_t length; /* bytes of the fields so far, their NULs included */
    size_t count;
    size_t start[CSV_FIELDS_MAX];
    char text[CSV_LINE_MAX + CSV_FIELDS_MAX];
};

/* What came after a field, or in its place. */
enum stop { STOP_COMMA, STOP_LINE, STOP_FILE, STOP_FAULT };

struct csv_reader *csv_open(FILE *in)
{
    struct csv_reader *reader = memory_allocate(sizeof *reader);

    reader->in = in;
    reader->line = 1;
    return reader;
}

void csv_close(struct csv_reader *reader)
{
    free(reader);
}

static enum stop fault(struct csv_reader *reader, struct failure *f, const char *what)
{
    reader->broken = true;
    failure_set(f, FAILURE_INPUT, "line %lld: %s", (long long)reader->line, what);
    return STOP_FAULT;
}

/* Spreadsheet programs put a byte order mark in front. */
static void skip_mark(struct csv_reader *reader)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};

    reader->begun = true;
    while (reader->ahead_count < sizeof mark) {
        int c = getc_unlocked(reader->in);
        if (c == EOF)
            return;
        reader->ahead[reader->ahead_count++] = (uint8_t)c;
        if (c != mark[reader->ahead_count - 1])
            return;
    }
    reader->ahead_count = 0;
}

static int get_byte(struct csv_reader *reader)
{
    if (!reader->begun)
        skip_mark(reader);
    if (reader->ahead_at < reader->ahead_count)
        return reader->ahead[reader->ahead_at++];
    return getc_unlocked(reader->in);
}

static int next_byte(struct csv_reader *reader)
{
    int c = get_byte(reader);

    reader->raw += c != EOF;
    return c;
}

static bool keep(struct csv_reader *reader, int c, struct failure *f)
{
    if (c == 0) {
        fault(reader, f, "a NUL byte stands in the text");
        return false;
    }
    if (reader->raw > CSV_LINE_MAX) {
        fault(reader, f, "the record is longer than 65536 bytes");
        return false;
    }
    reader->text[reader->length++] = (char)c;
    return true;
}

static enum stop line_end(struct csv_reader *reader, int c, struct failure *f)
{
    reader->raw--; /* the line's end is not the record's */
    if (c == '\r') {
        if (get_byte(reader) != '\n')
            return fault(reader, f, "a carriage return without a line feed");
    }
    if (reader->line_feed && reader->line_feed != c)
        return fault(reader, f, "ends otherwise than the lines before, of LF and CRLF");
    reader->line_feed = c;
    return STOP_LINE;
}

/* Behind the closing quote, or the end of an unquoted field. */
static enum stop field_end(struct csv_reader *reader, int c, struct failure *f)
{
    if (c == ',')
        return STOP_COMMA;
    if (c == EOF)
        return STOP_FILE;
    if (c == '\r' || c == '\n')
        return line_end(reader, c, f);
    return fault(reader, f, "text behind the closing quote of a field");
}

static enum stop read_quoted(struct csv_reader *reader, struct failure *f)
{
    int64_t opened = reader->line;

    for (;;) {
        int c = next_byte(reader);
        if (c == EOF) {
            reader->line = opened;
            return fault(reader, f, "a quoted field is not closed");
        }
        if (c == '"') {
            c = next_byte(reader);
            if (c != '"')
                return field_end(reader, c, f);
        }
        if (!keep(reader, c, f))
            return STOP_FAULT;
        reader->line += c == '\n';
    }
}

static enum stop read_field(struct csv_reader *reader, struct failure *f)
{
    int c = next_byte(reader);

    if (c == '"')
        return read_quoted(reader, f);
    for (;; c = next_byte(reader)) {
        if (c == ',' || c == EOF || c == '\r' || c == '\n')
            return field_end(reader, c, f);
        if (c == '"')
            return fault(reader, f, "a quote in the middle of a field");
        if (!keep(reader, c, f))
            return STOP_FAULT;
    }
}

static enum stop read_record(struct csv_reader *reader, struct failure *f)
{
    for (;;) {
        if (reader->count == CSV_FIELDS_MAX)
            return fault(reader, f, "the record has more than 256 fields");
        reader->start[reader->count++] = reader->length;
        enum stop stop = read_field(reader, f);
        if (stop == STOP_FAULT)
            return stop;
        /* The comma and what stands between quotes count too. */
        if (reader->raw > CSV_LINE_MAX)
            return fault(reader, f, "the record is longer than 65536 bytes");
        reader->text[reader->length++] = 0;
        if (stop != STOP_COMMA)
            return stop;
    }
}

static bool utf8_fields(const struct csv_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        if (!utf8_valid(bytes_of_text(reader->text + reader->start[i])))
            return false;
    return true;
}

bool csv_next(struct csv_reader *reader, struct csv_record *ret_record, bool *ret_end,
              struct failure *f)
{
    int64_t line = reader->line;

    if (reader->broken)
        return failure_set(f, FAILURE_INPUT, "line %lld: reading stopped at a fault before",
                           (long long)line);
    reader->raw = reader->length = reader->count = 0;
    enum stop stop = read_record(reader, f);
    if (ferror(reader->in)) {
        reader->broken = true;
        return failure_errno(f, "line %lld: cannot read on", (long long)line);
    }
    if (stop == STOP_FAULT)
        return false;
    if (stop == STOP_FILE && reader->raw == 0) {
        *ret_end = true;
        return true;
    }
    if (!utf8_fields(reader)) {
        reader->line = line;
        fault(reader, f, "the text is not UTF-8");
        return false;
    }
    reader->line += stop == STOP_LINE;
    ret_record->count = reader->count;
    ret_record->line = line;
    for (size_t i = 0; i < reader->count; i++)
        ret_record->field[i] = reader->text + reader->start[i];
    *ret_end = false;
    return true;
}

void csv_quote(const char *value, struct buffer *out)
{
    if (!value[strcspn(value, ",\"\r\n")]) {
        buffer_append_text(out, value);
        return;
    }
    buffer_append_text(out, "\"");
    for (const char *at = value; *at; at++)
        buffer_append(out, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
    buffer_append_text(out, "\"");
}

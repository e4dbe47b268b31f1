/* Results in binary. Asking for a column that is not there, or as what it is not, is a bug. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"
#include "base/text.h"

typedef char uuid_text[37];

struct db_rows {
    PGresult *result;
    size_t count;
    int columns;
    struct db_column {
        enum type_oid type;
        uuid_text *uuids; /* their texts, if it has some, else NULL */
    } column[];
};

static void uuid_write(const uint8_t uuid[16], uuid_text text)
{
    char hex[33];
    hex_encode(uuid, 16, hex);
    snprintf(text, sizeof(uuid_text), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

static uuid_text *uuid_column(const PGresult *result, int column)
{
    int rows = PQntuples(result);
    uuid_text *texts = memory_allocate(sizeof(uuid_text) * (size_t)(rows ? rows : 1));
    for (int row = 0; row < rows; row++)
        if (!PQgetisnull(result, row, column))
            uuid_write((const uint8_t *)PQgetvalue(result, row, column), texts[row]);
    return texts;
}

struct db_rows *db_rows_make(PGresult *stolen)
{
    int columns = PQnfields(stolen);
    struct db_rows *rows =
        memory_allocate(sizeof *rows + (size_t)columns * sizeof(struct db_column));
    rows->result = stolen;
    rows->count = (size_t)PQntuples(stolen);
    rows->columns = columns;
    for (int i = 0; i < columns; i++) {
        rows->column[i].type = (enum type_oid)PQftype(stolen, i);
        if (rows->column[i].type == TYPE_UUID)
            rows->column[i].uuids = uuid_column(stolen, i);
    }
    return rows;
}

void db_rows_free(struct db_rows *rows)
{
    for (int i = 0; i < rows->columns; i++)
        free(rows->column[i].uuids);
    PQclear(rows->result);
    free(rows);
}

size_t db_row_count(const struct db_rows *rows)
{
    return rows->count;
}

_Noreturn static void column_bug(const struct db_rows *rows, size_t row, int column, const char *as)
{
    fprintf(stderr, "bug: column %d (%s) of row %zu is no %s\n", column,
            column < rows->columns ? PQfname(rows->result, column) : "absent", row, as);
    abort();
}

static const uint8_t *column_value(const struct db_rows *rows, size_t row, int column,
                                   const char *as)
{
    if (row >= rows->count || column < 0 || column >= rows->columns)
        column_bug(rows, row, column, as);
    if (PQgetisnull(rows->result, (int)row, column))
        return NULL;
    return (const uint8_t *)PQgetvalue(rows->result, (int)row, column);
}

bool db_is_null(const struct db_rows *rows, size_t row, int column)
{
    return !column_value(rows, row, column, "column");
}

const char *db_get_text(const struct db_rows *rows, size_t row, int column)
{
    const uint8_t *value = column_value(rows, row, column, "text");
    switch (rows->column[column].type) {
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_BPCHAR:
    case TYPE_NAME:
        return (const char *)value; /* libpq puts a NUL behind every value */
    case TYPE_UUID:
        return value ? rows->column[column].uuids[row] : NULL;
    default:
        column_bug(rows, row, column, "text");
    }
}

static int64_t big_endian_64(const uint8_t *value)
{
    uint64_t n;
    memcpy(&n, value, sizeof n);
    return (int64_t)be64toh(n);
}

int64_t db_get_number(const struct db_rows *rows, size_t row, int column)
{
    const uint8_t *value = column_value(rows, row, column, "number");
    uint32_t four;
    switch (rows->column[column].type) {
    case TYPE_INT2:
        return value ? (int16_t)(value[0] << 8 | value[1]) : 0;
    case TYPE_INT4:
        if (!value)
            return 0;
        memcpy(&four, value, sizeof four);
        return (int32_t)be32toh(four);
    case TYPE_INT8:
        return value ? big_endian_64(value) : 0;
    default:
        column_bug(rows, row, column, "number");
    }
}

bool db_get_boolean(const struct db_rows *rows, size_t row, int column)
{
    const uint8_t *value = column_value(rows, row, column, "boolean");
    if (rows->column[column].type != TYPE_BOOL)
        column_bug(rows, row, column, "boolean");
    return value && *value;
}

struct bytes db_get_bytes(const struct db_rows *rows, size_t row, int column)
{
    const uint8_t *value = column_value(rows, row, column, "bytes");
    if (rows->column[column].type != TYPE_BYTEA)
        column_bug(rows, row, column, "bytes");
    return bytes_of(value, value ? (size_t)PQgetlength(rows->result, (int)row, column) : 0);
}

instant db_get_instant(const struct db_rows *rows, size_t row, int column)
{
    const uint8_t *value = column_value(rows, row, column, "instant");
    if (rows->column[column].type != TYPE_TIMESTAMPTZ)
        column_bug(rows, row, column, "instant");
    if (!value)
        return 0;
    int64_t at = big_endian_64(value);
    if (at == INT64_MAX || at == INT64_MIN)
        return at; /* infinity */
    return at + POSTGRES_EPOCH;
}

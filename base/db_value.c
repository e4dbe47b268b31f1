/* Parameters go as text, whose type the server infers, so that a number fits smallint and bigint
 * alike; bytes, and arrays of one type, go in binary. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"

/* PostgreSQL, "Array Value Input": elements in quotes, quotes and backslashes escaped. */
static void array_append(struct buffer *b, const char *text)
{
    if (!text) {
        buffer_append_text(b, "NULL");
        return;
    }
    buffer_append(b, "\"", 1);
    while (*text) {
        size_t plain = strcspn(text, "\"\\");
        buffer_append(b, text, plain);
        text += plain;
        if (*text) {
            buffer_append(b, "\\", 1);
            buffer_append(b, text++, 1);
        }
    }
    buffer_append(b, "\"", 1);
}

static char *array_text(const char *const *texts, size_t count)
{
    struct buffer b = {0};
    buffer_append_text(&b, "{");
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_append_text(&b, ",");
        array_append(&b, texts[i]);
    }
    buffer_append_text(&b, "}");
    char *text = text_copy(buffer_text(&b));
    buffer_free(&b);
    return text;
}

/* --- arrays in binary: array_recv of PostgreSQL's arrayfuncs.c ----------------------------------
 */

static void append_32(struct buffer *b, uint32_t number)
{
    number = htobe32(number);
    buffer_append(b, &number, sizeof number);
}

static void append_64(struct buffer *b, uint64_t number)
{
    number = htobe64(number);
    buffer_append(b, &number, sizeof number);
}

static void array_begin(struct buffer *b, enum type_oid element, size_t count, bool nulls)
{
    append_32(b, count ? 1 : 0); /* dimensions */
    append_32(b, nulls);
    append_32(b, element);
    if (count) {
        append_32(b, (uint32_t)count);
        append_32(b, 1); /* the first index */
    }
}

static void numbers_append(struct buffer *b, const int32_t *numbers, size_t count)
{
    array_begin(b, TYPE_INT4, count, false);
    for (size_t i = 0; i < count; i++) {
        append_32(b, sizeof *numbers);
        append_32(b, (uint32_t)numbers[i]);
    }
}

static void instants_append(struct buffer *b, const instant *instants, size_t count)
{
    array_begin(b, TYPE_TIMESTAMPTZ, count, false);
    for (size_t i = 0; i < count; i++) {
        bool infinite = instants[i] == INT64_MAX || instants[i] == INT64_MIN;
        append_32(b, sizeof *instants);
        append_64(b, (uint64_t)(infinite ? instants[i] : instants[i] - POSTGRES_EPOCH));
    }
}

static void bytes_append(struct buffer *b, const struct bytes *list, size_t count)
{
    array_begin(b, TYPE_BYTEA, count, true);
    for (size_t i = 0; i < count; i++) {
        append_32(b, list[i].data ? (uint32_t)list[i].length : UINT32_MAX); /* -1: NULL */
        buffer_append(b, list[i].data, list[i].data ? list[i].length : 0);
    }
}

static void list_make(struct db_parameters *p, int i, const struct db_value *value)
{
    struct buffer b = {0};
    size_t count = (size_t)value->number;
    if (value->kind == DB_NUMBERS)
        numbers_append(&b, value->list, count);
    else if (value->kind == DB_INSTANTS)
        instants_append(&b, value->list, count);
    else
        bytes_append(&b, value->list, count);
    p->lengths[i] = (int)b.length;
    p->formats[i] = 1;
    p->values[i] = p->owned[i] = (char *)b.data;
}

/* --- one value -------------------------------------------------------------------------------- */

static const char *instant_parameter(instant at, char text[40])
{
    if (at == INT64_MAX)
        return "infinity";
    if (at == INT64_MIN)
        return "-infinity";
    return instant_text_jst(at, text);
}

static void parameter_make(struct db_parameters *p, int i, const struct db_value *value)
{
    switch (value->kind) {
    case DB_NULL:
        break;
    case DB_TEXT:
        p->values[i] = value->text;
        break;
    case DB_TEXTS:
        p->values[i] = p->owned[i] = array_text(value->list, (size_t)value->number);
        break;
    case DB_NUMBERS:
    case DB_BYTES_LIST:
    case DB_INSTANTS:
        list_make(p, i, value);
        break;
    case DB_NUMBER:
        snprintf(p->scratch[i], sizeof p->scratch[i], "%" PRId64, value->number);
        p->values[i] = p->scratch[i];
        break;
    case DB_BOOLEAN:
        p->values[i] = value->number ? "t" : "f";
        break;
    case DB_BYTES:
        p->values[i] = value->bytes.length ? (const char *)value->bytes.data : "";
        p->lengths[i] = (int)value->bytes.length;
        p->formats[i] = 1;
        break;
    case DB_INSTANT:
        p->values[i] = instant_parameter(value->number, p->scratch[i]);
        break;
    }
}

void db_parameters_make(struct db_parameters *ret, const struct db_value *values, size_t count)
{
    if (count > DB_VALUES_MAX) {
        fprintf(stderr, "bug: a statement with %zu parameters\n", count);
        abort();
    }
    memset(ret->values, 0, sizeof ret->values);
    memset(ret->lengths, 0, sizeof ret->lengths);
    memset(ret->formats, 0, sizeof ret->formats);
    memset(ret->owned, 0, sizeof ret->owned);
    ret->count = (int)count;
    for (size_t i = 0; i < count; i++)
        parameter_make(ret, (int)i, &values[i]);
}

void db_parameters_free(struct db_parameters *parameters)
{
    for (int i = 0; i < parameters->count; i++)
        free(parameters->owned[i]);
}

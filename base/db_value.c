/* Parameters go as text, whose type the server infers, so that a number fits smallint and bigint
 * alike; bytes go in binary. */
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
    buffer_append_text(b, "\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            buffer_append_text(b, "\\");
        buffer_append(b, p, 1);
    }
    buffer_append_text(b, "\"");
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
        p->values[i] = p->owned[i] = array_text(value->texts, (size_t)value->number);
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
